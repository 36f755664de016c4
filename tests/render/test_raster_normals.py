"""What the rasteriser tells of a surface beside where it is."""

import numpy as np
import trimesh

from render.rasters import rasterise

CAMERA_K = np.array([[120.0, 0.0, 32.0], [0.0, 120.0, 32.0], [0.0, 0.0, 1.0]])
SIZE = 64


def test_normals_of_a_ball_point_from_its_centre():
    ball = trimesh.creation.icosphere(4, radius=0.1)
    centre = np.array([0.02, -0.01, 0.5])
    vertices, triangles = np.asarray(ball.vertices) + centre, np.asarray(ball.faces)
    raster = rasterise([(vertices, triangles, 1)], CAMERA_K, SIZE)
    seen = raster.ids > 0
    centres = np.arange(SIZE) + 0.5
    x, y = np.meshgrid(centres, centres)
    rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(CAMERA_K).T
    points = rays[seen] * raster.depth_m[seen, None]
    outward = (points - centre) / np.linalg.norm(points - centre, axis=1, keepdims=True)
    smooth, flat = raster.normals()[seen], raster.normals([False])[seen]
    np.testing.assert_allclose(np.linalg.norm(smooth, axis=1), 1, atol=1e-6)
    assert (smooth * outward).sum(1).min() > np.cos(np.radians(1))
    assert np.abs(smooth - flat).max() > 1e-3
    assert (flat * outward).sum(1).min() > np.cos(np.radians(5))
    # Inside out: still the side that the camera sees.
    turned = rasterise([(vertices, triangles[:, ::-1], 1)], CAMERA_K, SIZE)
    np.testing.assert_allclose(turned.normals(), raster.normals(), atol=1e-6)
    assert (raster.normals()[~seen] == 0).all()


def test_numbers_of_triangles_are_looked_up():
    wall = np.array([[-9.0, -9, 1], [9, -9, 1], [9, 9, 1], [-9, 9, 1]])
    raster = rasterise([(wall, np.array([[0, 1, 2], [0, 2, 3]]), 5)], CAMERA_K, SIZE)
    values = raster.of_triangles({0: np.array([7, 9])})
    np.testing.assert_array_equal(values, np.array([7, 9])[raster.triangle])
    assert set(np.unique(values)) == {7, 9}
    assert (raster.of_triangles({}) == 0).all()
