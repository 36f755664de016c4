import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from mano_assets.geometry.surface import (
    area_vectors,
    cotangent_laplacian,
    enclosed_volume,
    vertex_areas,
    vertex_normals,
)
from mano_assets.hand import Hand


def lump(seed: int) -> trimesh.Trimesh:
    """A dented ball, closed."""
    ball = trimesh.creation.icosphere(subdivisions=2, radius=0.03)
    noise = np.random.default_rng(seed).normal(0, 0.003, ball.vertices.shape)
    return trimesh.Trimesh(ball.vertices + noise, ball.faces, process=False)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_volume_is_that_of_trimesh(seed: int):
    mesh = lump(seed)
    volume = enclosed_volume(mesh.vertices, mesh.faces)
    assert volume == pytest.approx(mesh.volume, rel=1e-9)
    shifted = mesh.vertices + np.array([1.0, -2.0, 3.0])
    assert enclosed_volume(shifted, mesh.faces) == pytest.approx(volume, rel=1e-6)
    assert enclosed_volume(mesh.vertices, mesh.faces[:, ::-1]) == pytest.approx(-volume, rel=1e-9)


def test_volume_of_a_box():
    box = trimesh.creation.box((0.1, 0.2, 0.3))
    assert enclosed_volume(box.vertices, box.faces) == pytest.approx(0.006, rel=1e-12)


def test_area_vectors_are_the_gradient_of_the_volume():
    mesh = lump(0)
    vectors = area_vectors(mesh.vertices, mesh.faces)
    rng = np.random.default_rng(1)
    for _ in range(5):
        direction = rng.normal(0, 1, mesh.vertices.shape)
        step = 1e-6 * direction
        slope = (
            enclosed_volume(mesh.vertices + step, mesh.faces)
            - enclosed_volume(mesh.vertices - step, mesh.faces)
        ) / 2e-6
        assert (vectors * direction).sum() == pytest.approx(slope, rel=1e-6)
    # A shift changes no volume.
    np.testing.assert_allclose(vectors.sum(0), 0, atol=1e-18)


def test_normals_are_the_area_weighted_ones_of_trimesh(hand: Hand):
    mesh = trimesh.Trimesh(hand.arrays["v_template"], hand.triangles, process=False)
    summed = np.zeros_like(mesh.vertices)
    for triangle, normal, area in zip(mesh.faces, mesh.face_normals, mesh.area_faces, strict=True):
        summed[triangle] += area * normal
    expected = summed / np.linalg.norm(summed, axis=1, keepdims=True)
    found = vertex_normals(hand.arrays["v_template"], hand.triangles)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_normals_of_a_ball_point_outwards():
    ball = trimesh.creation.icosphere(subdivisions=3)
    normals = vertex_normals(ball.vertices, ball.faces)
    assert (normals * ball.vertices).sum(1).min() > 0.999


def test_vertex_areas_share_out_the_whole_area():
    mesh = lump(3)
    areas = vertex_areas(mesh.vertices, mesh.faces)
    assert areas.sum() == pytest.approx(mesh.area)
    around = sum(mesh.area_faces[row] / 3 for row in mesh.vertex_faces[0] if row >= 0)
    assert areas[0] == pytest.approx(around)


def test_the_laplacian_measures_the_dirichlet_energy():
    # Equilateral triangles: no cotangent is clipped. A linear function's energy is its squared
    # gradient times the area.
    rows = 8
    vertices = 0.01 * np.array(
        [[x + 0.5 * (y % 2), y * np.sqrt(0.75), 0] for y in range(rows) for x in range(rows)]
    )
    triangles = []
    for y in range(rows - 1):
        for x in range(rows - 1):
            a, b = y * rows + x, y * rows + x + 1
            c, d = a + rows, b + rows
            triangles += [[a, b, d], [a, d, c]] if y % 2 else [[a, b, c], [b, d, c]]
    mesh = trimesh.Trimesh(vertices, triangles, process=False)
    laplacian = cotangent_laplacian(vertices, np.array(triangles))
    np.testing.assert_allclose(laplacian @ np.ones(len(vertices)), 0, atol=1e-9)
    for gradient in ([3.0, 0.0, 0.0], [1.0, -2.0, 0.0]):
        values = vertices @ gradient
        energy = float(values @ (laplacian @ values))
        assert energy == pytest.approx(np.dot(gradient, gradient) * mesh.area, rel=1e-9)
