"""The rasteriser against rays cast one by one, drawn polygons, exact areas and Cycles."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy.ndimage import binary_erosion

from mano_assets.hand import Hand
from render.rasters import NEAR_M, Mesh, Raster, blackman_harris, rasterise

CAMERA_K = np.array([[80.0, 0.5, 30.0], [0.0, 75.0, 33.0], [0.0, 0.0, 1.0]])
SIZE = 64
EVERYWHERE = np.array([[-9.0, -9, 1], [9, -9, 1], [9, 9, 1], [-9, 9, 1]])
SQUARE = np.array([[0, 1, 2], [0, 2, 3]])


def cast(mesh: Mesh, camera_k: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Möller and Trumbore's test of every ray with every triangle: nearest z and triangle."""
    rays = np.column_stack([pixels, np.ones(len(pixels))]) @ np.linalg.inv(camera_k).T
    a, b, c = np.moveaxis(mesh.vertices_cam_m[mesh.triangles], 1, 0)
    u, v = b - a, c - a
    q = np.cross(-a, u)
    z_m, triangles = np.empty(len(rays)), np.empty(len(rays), int)
    for start in range(0, len(rays), 256):
        part = slice(start, start + 256)
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1 / (rays[part] @ np.cross(v, u).T)
            first = rays[part] @ np.cross(v, -a).T * inverse
            second = rays[part] @ q.T * inverse
            z = (v * q).sum(-1) * inverse
            hit = (first >= 0) & (second >= 0) & (first + second <= 1) & (z >= NEAR_M)
        z[~hit] = np.inf
        z_m[part], triangles[part] = z.min(1), z.argmin(1)
    return z_m, triangles


def pixel_centres(size: int) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5), -1).reshape(-1, 2)


def posed_hands(hand: Hand, count: int) -> np.ndarray:
    """Hands in the middle of the picture, 35 cm off."""
    rng = np.random.default_rng(5)
    vertices, joints = hand.posed(
        rng.normal(0, 1.5, (count, 3)),
        rng.normal(0, 0.3, (count, 45)),
        np.zeros((count, 10)),
        np.zeros(3),
    )
    return vertices - joints.mean(1, keepdims=True) + np.array([0.0, 0.0, 0.35])


def check_against_rays(raster: Raster, meshes: list[Mesh]) -> None:
    size = len(raster.ids)
    found = [cast(mesh, raster.camera_k, pixel_centres(size)) for mesh in meshes]
    z = np.stack([depth for depth, _ in found])
    nearest = z.argmin(0)
    seen = np.isfinite(z.min(0))
    expected_ids = np.where(seen, np.array([mesh.surface_id for mesh in meshes])[nearest], 0)
    same = raster.ids.ravel() == expected_ids
    # Corners are rounded to 1e-5 px: a ray may pass the other side of an edge, hardly ever.
    assert (~same).sum() <= 2
    both = same & seen
    expected_z = z.min(0)[both]
    close = np.isclose(raster.depth_m.ravel()[both], expected_z, rtol=1e-4)
    assert (~close).sum() <= 2
    assert np.isinf(raster.depth_m.ravel()[same & ~seen]).all()
    assert (raster.triangle.ravel()[same & ~seen] == -1).all()
    triangles = np.stack([face for _, face in found])[nearest, np.arange(len(nearest))]
    # Two triangles may be equally near, where they cross.
    assert (raster.triangle.ravel() != triangles)[both].sum() <= 2 + 0.01 * both.sum()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), near=st.booleans())
def test_random_triangles_are_seen_where_rays_hit_them(seed: int, near: bool):
    rng = np.random.default_rng(seed)
    # Some reach behind the camera.
    low = -0.3 if near else 0.3
    meshes = []
    for surface_id in (3, 700):
        depth_m = rng.uniform(low, 1.0, 24)
        vertices = np.column_stack([rng.uniform(-0.5, 0.5, (24, 2)), depth_m])
        meshes.append(Mesh(vertices, rng.permutation(24).reshape(8, 3), surface_id))
    check_against_rays(rasterise(meshes, CAMERA_K, SIZE), meshes)


def test_a_posed_hand_is_seen_where_rays_hit_it(hand: Hand):
    first, second = posed_hands(hand, 2)
    meshes = [
        Mesh(first, hand.triangles, 1),
        Mesh(second + np.array([0.03, 0, 0.02]), hand.triangles, 2),
    ]
    raster = rasterise(meshes, CAMERA_K, SIZE)
    assert (raster.ids == 1).sum() > 200
    assert (raster.ids == 2).sum() > 100
    check_against_rays(raster, meshes)


def test_samples_are_seen_where_rays_hit(hand: Hand):
    (vertices,) = posed_hands(hand, 1)
    mesh = Mesh(vertices, hand.triangles, 1)
    raster = rasterise([mesh], CAMERA_K, SIZE, supersampling=2)
    # Kensler's arrangement for four samples.
    places = np.array([[0.125, 0.125], [0.625, 0.375], [0.375, 0.625], [0.875, 0.875]])
    corners = pixel_centres(SIZE + 2) - 1.5
    for sample, place in enumerate(places):
        depth_m, _ = cast(mesh, CAMERA_K, corners + place)
        wrong = (raster.sample_mesh[..., sample].ravel() == 1) != np.isfinite(depth_m)
        assert wrong.sum() <= 2


@given(seed=st.integers(0, 2**32 - 1), halves=st.booleans())
@settings(max_examples=25, deadline=None)
def test_each_sample_belongs_to_exactly_one_of_the_triangles_of_a_plane(seed: int, halves: bool):
    """A net of triangles over the whole picture: the shares of its triangles add up to one."""
    rng = np.random.default_rng(seed)
    steps = np.linspace(-8, 24, 7)
    net = np.stack(np.meshgrid(steps, steps), -1)
    net[1:-1, 1:-1] += rng.uniform(-1, 1, (5, 5, 2))
    if halves:  # Corners and edges on pixel centres and samples.
        net = np.round(net * 2) / 2
    z_m = rng.uniform(0.5, 1.0, net.shape[:2])
    vertices = np.concatenate([(net - 8) / 50, np.ones((7, 7, 1))], -1) * z_m[..., None]
    row, column = np.divmod(np.arange(36), 6)
    corner = row * 7 + column
    triangles = np.concatenate(
        [
            np.stack([corner, corner + 1, corner + 8], -1),
            np.stack([corner, corner + 8, corner + 7], -1),
        ]
    )
    rng.shuffle(triangles)
    camera_k = np.array([[50.0, 0, 8], [0, 50, 8], [0, 0, 1]])
    vertices = vertices.reshape(-1, 3)
    whole = rasterise([(vertices, triangles, 1)], camera_k, 16, 3)
    assert (whole.sample_mesh == 1).all()
    assert (whole.coverage() == 1).all()
    total = np.zeros_like(whole.sample_mesh, dtype=int)
    centres = np.zeros((16, 16), int)
    for triangle in triangles:
        alone = rasterise([(vertices, triangle[None], 1)], camera_k, 16, 3)
        total += alone.sample_mesh
        centres += alone.ids
    assert (total == 1).all()
    assert (centres == 1).all()


def test_a_plane_through_the_camera_is_cut_and_has_the_depth_of_its_rays():
    # The floor 10 cm under a camera that looks along it, from behind the camera to far ahead.
    floor = np.array([[-50.0, 0.1, -50], [50, 0.1, -50], [50, 0.1, 50], [-50, 0.1, 50]])
    camera_k = np.array([[60.0, 0, 32], [0, 60, 32], [0, 0, 1]])
    raster = rasterise([(floor, SQUARE, 9)], camera_k, SIZE)
    depth_m = 0.1 * 60 / (np.arange(32, SIZE) + 0.5 - 32)
    np.testing.assert_array_equal(raster.ids[32:], 9)
    np.testing.assert_array_equal(raster.ids[:32], 0)
    np.testing.assert_allclose(raster.depth_m[32:], depth_m[:, None].repeat(SIZE, 1), rtol=1e-3)
    np.testing.assert_allclose(raster.normals()[32:], [[[0.0, -1.0, 0.0]] * SIZE] * 32, atol=1e-6)


def test_nothing_nearer_than_the_near_plane_is_seen():
    wall = EVERYWHERE * [1, 1, NEAR_M * 0.99]
    assert (rasterise([(wall, SQUARE, 1)], CAMERA_K, SIZE).ids == 0).all()
    assert (rasterise([(wall * 1.02, SQUARE, 1)], CAMERA_K, SIZE).ids == 1).all()


def test_coverage_of_an_edge_is_the_integral_of_the_filter():
    camera_k = np.array([[100.0, 0, 0], [0, 100, 0], [0, 0, 1]])
    offsets = np.linspace(-1.5, 1.5, 3001)
    density = blackman_harris(offsets)
    for edge_px in (7.0, 7.13, 7.4, 7.5, 7.77):
        half_plane = np.array(
            [[edge_px / 100, -9, 1], [9, -9, 1], [9, 9, 1], [edge_px / 100, 9, 1]]
        )
        for vertices, axis in ((half_plane, 1), (half_plane[:, [1, 0, 2]], 0)):
            raster = rasterise([(vertices, SQUARE, 1)], camera_k, 16, 6)
            share = raster.coverage([1]).take(8, axis=1 - axis)
            expected = [
                density[offsets + centre >= edge_px].sum() / density.sum()
                for centre in np.arange(16) + 0.5
            ]
            # 36 levels across the edge.
            np.testing.assert_allclose(share, expected, atol=0.015)


def test_coverage_of_a_hand_is_its_drawn_silhouette(hand: Hand):
    scale, margin = 12, 2
    # Far enough for all of the forearm.
    for vertices in posed_hands(hand, 3) + np.array([0, 0, 0.3]):
        raster = rasterise([(vertices, hand.triangles, 1)], CAMERA_K, SIZE, 6)
        pixels = vertices @ CAMERA_K.T
        pixels = (pixels[:, :2] / pixels[:, 2:] + margin) * scale
        side = (SIZE + 2 * margin) * scale
        canvas = Image.new("L", (side, side))
        draw = ImageDraw.Draw(canvas)
        for triangle in pixels[hand.triangles]:
            draw.polygon([tuple(corner) for corner in triangle], fill=1)
        # Pillow fills every subpixel that a triangle touches, half a subpixel too much all round.
        drawn = np.array(canvas, dtype=float)
        thin = (drawn + binary_erosion(drawn)) / 2
        places = (np.arange(side) + 0.5) / scale - margin
        weights = blackman_harris(places[None] - (np.arange(SIZE) + 0.5)[:, None])
        weights /= weights.sum(1, keepdims=True)
        expected = weights @ thin @ weights.T
        coverage = raster.coverage([1])
        edge = (expected > 0.01) & (expected < 0.99)
        assert np.abs(coverage - expected)[edge].mean() < 0.02
        assert coverage.sum() == pytest.approx(expected.sum(), rel=0.01)
        assert 0 <= coverage.min() <= coverage.max() <= 1 + 1e-6


def test_coverage_of_ids_adds_up_to_that_of_all(hand: Hand):
    first, second = posed_hands(hand, 2)
    meshes = [(first, hand.triangles, 4), (second, hand.triangles, 2), (first * 1.1, SQUARE, 4)]
    raster = rasterise(meshes, CAMERA_K, SIZE)
    np.testing.assert_allclose(
        raster.coverage([4]) + raster.coverage([2]), raster.coverage(), atol=1e-5
    )
    np.testing.assert_allclose(raster.coverage([2, 4, 99]), raster.coverage(), atol=0)
    assert raster.coverage([99]).max() == 0
    assert (raster.mesh == 1).sum() == (raster.ids == 2).sum()


def test_the_order_of_meshes_does_not_matter_and_both_sides_are_drawn(hand: Hand):
    first, second = posed_hands(hand, 2)
    one = rasterise([(first, hand.triangles, 1), (second, hand.triangles, 2)], CAMERA_K, SIZE)
    two = rasterise(
        [(second, hand.triangles[:, ::-1], 2), (first, hand.triangles, 1)], CAMERA_K, SIZE
    )
    np.testing.assert_array_equal(one.ids, two.ids)
    np.testing.assert_allclose(one.depth_m, two.depth_m, rtol=1e-6)
    np.testing.assert_allclose(one.coverage([1]), two.coverage([1]), atol=1e-6)


def test_corner_weights_find_the_point_in_space(hand: Hand):
    (vertices,) = posed_hands(hand, 1)
    raster = rasterise([(vertices, hand.triangles, 1)], CAMERA_K, SIZE)
    seen = raster.ids > 0
    weights = raster.corner_weights()
    assert (weights[~seen] == 0).all()
    corners = vertices[hand.triangles[raster.triangle[seen]]]
    points = (corners * weights[seen][..., None]).sum(1)
    pixels = points @ CAMERA_K.T
    centres = pixel_centres(SIZE)[seen.ravel()]
    np.testing.assert_allclose(pixels[:, :2] / pixels[:, 2:], centres, atol=1e-6)
    assert np.quantile(np.abs(points[:, 2] - raster.depth_m[seen]), 0.99) < 1e-6


def test_too_many_meshes_and_wrong_ids_are_refused():
    mesh = (EVERYWHERE, SQUARE, 1)
    rasterise([mesh] * 255, CAMERA_K, 4, 1)
    with pytest.raises(ValueError, match="at most 255 meshes"):
        rasterise([mesh] * 256, CAMERA_K, 4, 1)
    with pytest.raises(ValueError, match="surface ids"):
        rasterise([(EVERYWHERE, SQUARE, 0)], CAMERA_K, 4, 1)
    assert rasterise([], CAMERA_K, 4).coverage().max() == 0


@pytest.mark.blender
def test_coverage_is_the_alpha_of_cycles(hand: Hand, tmp_path: Path):
    camera_k = np.array([[170.0, 0, 62.0], [0, 170, 66.5], [0, 0, 1]])
    hands = posed_hands(hand, 3) * 1.2
    given_file, output = tmp_path / "hands.npz", tmp_path / "alpha.npy"
    np.savez(
        given_file,
        vertices_cam_m=hands,
        triangles=hand.triangles.astype(int),
        camera_k=camera_k,
        size=128,
    )
    script = Path(__file__).with_name("render_alpha.py")
    subprocess.run([sys.executable, script, given_file, output], check=True, timeout=300)
    for vertices, alpha in zip(hands, np.load(output), strict=True):
        coverage = rasterise([(vertices, hand.triangles, 1)], camera_k, 128).coverage()
        ours, theirs = coverage >= 0.5, alpha >= 0.5
        assert (ours & theirs).sum() / (ours | theirs).sum() > 0.99
        edge = (alpha > 0.002) & (alpha < 0.998)
        # 256 samples leave 0.005; the rest is of 16 samples a pixel.
        assert np.abs(coverage - alpha)[edge].mean() < 0.015
        assert np.abs(coverage - alpha).mean() < 0.001
