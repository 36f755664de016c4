from pathlib import Path

import numpy as np
import pytest
import trimesh
from made_up_mano import mano_content, random_arrays, write_mano

from mano_assets.building.official import load_official
from mano_assets.forearm import join_forearm
from mano_assets.hand import Hand
from mano_assets.skin_baking.atlas import (
    MARGIN_TEXELS,
    Atlas,
    SurfaceTexels,
    make_atlas,
    mesh_faces,
    surface_texels,
)
from mano_assets.skin_baking.slopes import SlopeFinder

SIZE = 512
LAYOUT_PX = 1024


@pytest.fixture(scope="module", params=["free", "mano"])
def any_hand(request: pytest.FixtureRequest, hand: Hand, tmp_path_factory) -> Hand:
    if request.param == "free":
        return hand
    file: Path = write_mano(tmp_path_factory.mktemp("mano"), mano_content(random_arrays()))
    arrays = join_forearm(load_official(file))
    assert "uv" not in arrays
    return Hand(arrays, hand.tip_vertices, "made up")


@pytest.fixture(scope="module")
def atlas(any_hand: Hand) -> Atlas:
    return make_atlas(any_hand, SIZE)


@pytest.fixture(scope="module")
def texels(atlas: Atlas) -> SurfaceTexels:
    return surface_texels(atlas)


def on_surface(texels: SurfaceTexels) -> np.ndarray:
    return (texels.shares >= -1e-9).all(1)


def painted(corners_px: np.ndarray, size: int) -> np.ndarray:
    """How many quads [F, 4, 2] or triangles [F, 3, 2] cover the centre of each pixel [x, y]."""
    covered = np.zeros((size, size), int)
    if corners_px.shape[1] == 3:
        corners_px = corners_px[:, [0, 1, 2, 2]]
    for quad in corners_px:
        low, high = np.floor(quad.min(0)).astype(int), np.ceil(quad.max(0)).astype(int)
        pixels = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), -1)
        inside = np.zeros(pixels.shape[:2], bool)
        for a, b, c in (quad[[0, 1, 2]], quad[[0, 2, 3]]):
            sides = []
            for start, end in ((a, b), (b, c), (c, a)):
                (x, y), (ox, oy) = end - start, np.moveaxis(pixels + 0.5 - start, -1, 0)
                sides.append(x * oy - y * ox)
            inside |= (np.min(sides, axis=0) > 1e-9) | (np.max(sides, axis=0) < -1e-9)
        covered[tuple(pixels[inside].T)] += 1
    return covered


def test_overlapping_faces_would_be_noticed():
    square = np.array([[0.0, 0], [8, 0], [8, 8], [0, 8]])
    assert painted(np.stack([square, square + np.array([8, 0])]), 20).max() == 1
    assert painted(np.stack([square, square + np.array([4, 4])]), 20).max() == 2


def test_the_hand_s_own_layout_is_one_to_one(hand: Hand):
    corners = hand.arrays["uv"]
    assert corners.shape == (*hand.arrays["quads"].shape, 2)
    assert corners.min() >= 0
    assert corners.max() <= 1
    covered = painted(corners * LAYOUT_PX, LAYOUT_PX)
    assert covered.max() == 1
    assert covered.sum() > 10_000
    diagonals = corners[:, [2, 3]] - corners[:, [0, 1]]
    areas = diagonals[:, 0, 0] * diagonals[:, 1, 1] - diagonals[:, 0, 1] * diagonals[:, 1, 0]
    assert (np.sign(areas) == np.sign(areas[0])).all()


def test_the_atlas_has_every_face_and_none_twice(any_hand: Hand, atlas: Atlas):
    assert (atlas.faces == mesh_faces(any_hand)).all()
    assert atlas.corners_uv.shape == (*atlas.faces.shape, 2)
    margin = MARGIN_TEXELS / SIZE
    assert atlas.corners_uv.min() >= margin - 1e-9
    assert atlas.corners_uv.max() <= 1 - margin + 1e-9
    covered = painted(atlas.corners_uv * SIZE, SIZE)
    assert covered.max() == 1
    assert (covered > 0).mean() > 0.3


def test_no_face_is_squeezed_far(any_hand: Hand, atlas: Atlas):
    areas = []
    for corners in (any_hand.arrays["v_template"][atlas.faces], atlas.corners_uv):
        flat = np.concatenate([corners, np.zeros((*corners.shape[:2], 3 - corners.shape[2]))], -1)
        sides = np.cross(flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0])
        areas.append(np.linalg.norm(sides, axis=1))
    shown = np.sqrt(areas[1] / areas[0])
    forearm = any_hand.arrays["forearm"][atlas.faces].all(1)
    for part in (forearm, ~forearm):
        # Vertex normals choose the direction, so a face may lie a little beyond 1 / sqrt(3).
        assert np.quantile(shown[part], 0.01) > 0.4 * shown[part].max()
    assert np.median(shown[~forearm]) > 1.5 * np.median(shown[forearm])


def test_texels_show_the_surface_where_the_faces_lie(
    any_hand: Hand, atlas: Atlas, texels: SurfaceTexels
):
    covered = painted(atlas.corners_uv * SIZE, SIZE).T.ravel()[texels.texels] > 0
    assert (on_surface(texels) >= covered).all()
    places = texels.interpolated(any_hand.arrays["v_template"])
    corners = any_hand.arrays["v_template"][any_hand.triangles]
    for place in places[covered][:: covered.sum() // 100]:
        nearest = trimesh.triangles.closest_point(corners, np.tile(place, (len(corners), 1)))
        assert np.linalg.norm(nearest - place, axis=1).min() < 1e-6


def test_margins_go_on_where_the_faces_end(any_hand: Hand, texels: SurfaceTexels):
    image = np.full((SIZE * SIZE, 3), np.nan, np.float32)
    image[texels.texels] = texels.interpolated(any_hand.arrays["v_template"])
    image = image.reshape(SIZE, SIZE, 3)
    inside = np.zeros(SIZE * SIZE, bool)
    inside[texels.texels[on_surface(texels)]] = True
    inside = inside.reshape(SIZE, SIZE)
    steps = np.linalg.norm(np.diff(image, axis=1), axis=-1)
    within, over_the_edge = inside[:, 1:] & inside[:, :-1], inside[:, 1:] ^ inside[:, :-1]
    assert np.isfinite(steps[over_the_edge]).all()
    assert np.quantile(steps[over_the_edge], 0.99) < 2.5 * np.quantile(steps[within], 0.99)


def test_slopes_of_a_height_that_is_linear_in_space(any_hand: Hand, texels: SurfaceTexels):
    """The slope on a plane is the part of the gradient that lies in it."""
    template = any_hand.arrays["v_template"]
    gradient = np.array([0.3, -0.2, 0.5])
    places = texels.interpolated(template)
    along, across = SlopeFinder(texels.texels, SIZE, places).of_height(places @ gradient)
    a, b, c = (template[texels.triangles[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    expected = gradient @ gradient - (normals @ gradient) ** 2
    # Away from the edges, where a step leads to another plane.
    deep = (texels.shares > 0.25).all(1)
    assert deep.sum() > 300
    errors = np.abs((along**2 + across**2)[deep] - expected[deep])
    assert np.median(errors) < 0.01
