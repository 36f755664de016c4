from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_mano import random_arrays
from scipy.spatial import ConvexHull, cKDTree
from scipy.spatial.transform import Rotation

from mano_assets.building.smplx_check import check_with_smplx
from mano_assets.errors import InputError
from mano_assets.forearm import join_forearm
from mano_assets.hand import Hand, load_hand, mirrored
from mano_assets.skeleton import MANO16

NUM_HAND = 778


def official(seed: int = 0) -> dict[str, Any]:
    arrays: dict[str, Any] = random_arrays(seed)
    return arrays | {"shapedirs": arrays["shapedirs"][..., :10]}


@pytest.fixture(scope="module")
def arrays() -> dict[str, Any]:
    return official()


@pytest.fixture(scope="module")
def joined(arrays: dict[str, Any]) -> dict[str, Any]:
    return join_forearm(arrays)


def half_edges(triangles: np.ndarray) -> list[tuple[int, int]]:
    return [(int(t[k]), int(t[k - 2])) for t in triangles for k in range(3)]


def boundary(triangles: np.ndarray) -> set[int]:
    edges = set(half_edges(triangles))
    return {start for start, end in edges if (end, start) not in edges}


def bends_deg(vertices: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The edges between two triangles, [E, 2], and how far the surface bends there, [E]."""
    corners = vertices[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    owner = {edge: k // 3 for k, edge in enumerate(half_edges(triangles))}
    inner = [edge for edge in owner if edge[0] < edge[1] and edge[::-1] in owner]
    one, other = normals[np.array([[owner[e], owner[e[::-1]]] for e in inner]).T]
    sine = np.linalg.norm(np.cross(one, other), axis=1)
    return np.array(inner), np.degrees(np.arctan2(sine, (one * other).sum(1)))


def seam_and_hand_bends_deg(
    before: dict[str, Any], after: dict[str, Any], vertices: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Bends along the seam, and across the hand within 5 cm of it."""
    loop = sorted(boundary(before["f"]))
    edges, bends = bends_deg(vertices, after["f"].astype(int))
    on_seam = np.isin(edges, loop).all(1)
    close = np.linalg.norm(vertices[edges[:, 0]] - vertices[loop].mean(0), axis=1) < 0.05
    return bends[on_seam], bends[close & ~on_seam & (edges < len(before["v_template"])).all(1)]


def test_the_hand_itself_stays_bit_for_bit(arrays: dict[str, Any], joined: dict[str, Any]):
    for key in ("v_template", "shapedirs", "posedirs", "weights"):
        np.testing.assert_array_equal(joined[key][:NUM_HAND], arrays[key], err_msg=key)
    np.testing.assert_array_equal(joined["f"][: len(arrays["f"])], arrays["f"])
    assert joined["f"].dtype == arrays["f"].dtype
    np.testing.assert_array_equal(joined["J_regressor"][:, :NUM_HAND], arrays["J_regressor"])
    assert not joined["J_regressor"][:, NUM_HAND:].any()
    assert not joined["forearm"][:NUM_HAND].any()
    assert joined["forearm"][NUM_HAND:].all()
    for key in ("kintree_table", "hands_mean", "hands_components", "J"):
        assert joined[key] is arrays[key]


@pytest.mark.parametrize("seed", range(5))
def test_the_mesh_is_one_sheet_open_at_the_elbow(seed: int):
    joined = join_forearm(official(seed))
    vertices, triangles = joined["v_template"], joined["f"].astype(int)
    counts = Counter(half_edges(triangles))
    assert max(counts.values()) == 1
    loop = boundary(triangles)
    assert len(loop) == 16
    assert min(loop) == len(vertices) - 16
    assert set(triangles.ravel()) == set(range(len(vertices)))
    # Euler's number of a disc.
    num_edges = len({frozenset(edge) for edge in counts})
    assert len(vertices) - num_edges + len(triangles) == 1
    # The end closed by a fan, outward faces enclose a positive volume.
    a, b, c = (vertices[triangles] - vertices[sorted(loop)].mean(0)).transpose(1, 0, 2)
    assert (a * np.cross(b, c)).sum() / 6 > 0.0005
    # And each new one faces away from the line through the rings' centres.
    rings = vertices[NUM_HAND:].reshape(-1, 16, 3).mean(1)
    direction = (rings[-1] - rings[0]) / np.linalg.norm(rings[-1] - rings[0])
    a, b, c = (vertices[triangles[1538:]] - rings[0]).transpose(1, 0, 2)
    middle = (a + b + c) / 3
    middle -= (middle @ direction)[:, None] * direction
    assert (middle * np.cross(b - a, c - a)).sum(1).min() > 0


@pytest.mark.parametrize("seed", range(3))
def test_the_seam_bends_less_than_the_hand_around_it(seed: int):
    before = official(seed)
    after = join_forearm(before)
    for betas in np.random.default_rng(seed).normal(size=(10, 10)):
        vertices = after["v_template"] + after["shapedirs"] @ betas
        seam, hand = seam_and_hand_bends_deg(before, after, vertices)
        assert len(seam) == 16
        assert seam.max() < 12
        assert seam.max() < hand.max()
        assert seam.mean() < hand.mean()


def test_on_real_anatomy_the_seam_is_hidden(hand: Hand):
    """The free hand, cut where its triangles leave a clean edge, 3 cm above the wrist."""
    whole = hand.arrays
    triangles = whole["f"].astype(int)
    triangles = triangles[(whole["v_template"][triangles][..., 0] < 0.033).all(1)]
    while True:
        edges = set(half_edges(triangles))
        lone = np.array([sum(e[::-1] not in edges for e in half_edges([t])) for t in triangles])
        if lone.max() < 2:
            break
        triangles = triangles[lone < 2]
    used, numbered = np.unique(triangles, return_inverse=True)
    cut = {key: whole[key][used] for key in ("v_template", "shapedirs", "posedirs", "weights")}
    cut |= {"f": numbered.reshape(-1, 3), "J_regressor": whole["J_regressor"][:, used]}
    np.testing.assert_allclose(cut["J_regressor"].sum(1), 1, atol=1e-9)
    after = join_forearm(cut)
    for betas in np.concatenate([np.zeros((1, 10)), np.random.default_rng(0).normal(size=(4, 10))]):
        vertices = after["v_template"] + after["shapedirs"] @ betas
        seam, around = seam_and_hand_bends_deg(cut, after, vertices)
        assert seam.max() < 20
        assert seam.max() < around.max() / 2
        assert seam.mean() < around.mean() / 2


def test_rings_carry_on_with_the_spacing_of_the_hand(joined: dict[str, Any]):
    vertices, loop = joined["v_template"], joined["f"][-32:].max() + 1
    rings = vertices[NUM_HAND:loop].reshape(-1, 16, 3)
    # The made-up hand's rings come in order, the boundary first.
    rows = np.concatenate([vertices[:32].reshape(2, 16, 3)[::-1], rings])
    steps = np.linalg.norm(np.diff(rows.mean(1), axis=0), axis=1)
    ratios = steps[1:] / steps[:-1]
    assert 0.8 < ratios[0] < 1.25
    assert (ratios[1:] > 1).all()
    assert (ratios[1:] < 1.2).all()
    radii = np.linalg.norm(rows - rows.mean(1, keepdims=True), axis=-1).mean(1)
    assert np.abs(np.diff(radii) / steps).max() < 0.35


def test_the_forearm_has_a_forearms_measures(joined: dict[str, Any]):
    wrist, middle = joined["J"][MANO16.indices(["wrist", "middle_mcp"])]
    up = (wrist - middle) / np.linalg.norm(wrist - middle)
    vertices = joined["v_template"]
    size = ((wrist - vertices) @ up).max() / 0.187
    rings = vertices[NUM_HAND:].reshape(-1, 16, 3)
    across = np.linalg.svd(up[None])[2][1:]
    girths = np.array([ConvexHull(ring @ across.T).area for ring in rings]) / size
    places = (rings.mean(1) - wrist) @ up / size
    assert 0.15 < girths[(places > 0.02) & (places < 0.06)].min() < 0.19
    # A polygon of 16 sides is a little shorter than its ellipse.
    assert 0.26 < girths.max() < 0.271
    assert abs(places[girths.argmax()] - 0.191) < 0.03
    start = (vertices[sorted(boundary(random_arrays()["f"]))].mean(0) - wrist) @ up / size
    assert places[-1] - start == pytest.approx(0.22, abs=0.003)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 99), factor=st.floats(0.5, 2))
def test_it_grows_turns_and_moves_with_the_hand(seed: int, factor: float):
    before = official()
    turn, shift = Rotation.random(random_state=seed), np.random.default_rng(seed).normal(size=3)
    moved = before | {"v_template": turn.apply(before["v_template"]) * factor + shift}
    expected = turn.apply(join_forearm(before)["v_template"]) * factor + shift
    np.testing.assert_allclose(join_forearm(moved)["v_template"], expected, atol=1e-9)


def test_a_uniformly_larger_shape_has_a_larger_forearm(arrays: dict[str, Any]):
    growing = arrays | {"shapedirs": np.repeat(arrays["v_template"][..., None], 10, 2)}
    joined = join_forearm(growing)
    expected = np.repeat(joined["v_template"][..., None], 10, 2)
    np.testing.assert_allclose(joined["shapedirs"], expected, atol=1e-12)


def test_left_and_right_are_mirrored(arrays: dict[str, Any], joined: dict[str, Any]):
    left = join_forearm(mirrored(arrays))
    expected = mirrored(joined)
    distances, match = cKDTree(left["v_template"]).query(expected["v_template"])
    assert distances.max() < 1e-9
    for key in ("shapedirs", "weights", "forearm_weights"):
        np.testing.assert_allclose(left[key][match], expected[key], atol=1e-9, err_msg=key)


def test_skin_goes_over_to_the_wrist_alone(arrays: dict[str, Any], joined: dict[str, Any]):
    weights = joined["weights"]
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-12)
    assert weights.min() >= 0
    rings = weights[NUM_HAND:].reshape(-1, 16, 16)
    root = MANO16.root
    assert (rings[-1, :, root] == 1).all()
    assert (np.diff(rings[..., root], axis=0) >= 0).all()
    seam = weights[sorted(boundary(arrays["f"]))]
    assert np.abs(rings[0].sum(0) - seam.sum(0)).max() < 0.3 * np.abs(16 - seam[:, root].sum())
    assert not joined["posedirs"][-16:].any()


def test_smplx_poses_the_joined_hand(joined: dict[str, Any], tmp_path: Path):
    for name, side in (("RIGHT", joined), ("LEFT", mirrored(joined))):
        np.savez(tmp_path / f"MANO_{name}.npz", **side)
    check_with_smplx(tmp_path, load_hand(tmp_path))


REFUSED = {
    "closed": (
        lambda f: np.concatenate([f, [[0, k + 1, k] for k in range(1, 15)]]),
        "f: its mesh has no open boundaries, expected one open boundary at the wrist",
    ),
    "a hole": (lambda f: np.delete(f, 700, 0), "f: its mesh has 2 open boundaries, expected one"),
    "turned over": (
        lambda f: np.concatenate([f[:700], f[700:701, ::-1], f[701:]]),
        "f: its triangles are no surface that faces outwards, expected one open boundary",
    ),
    "random": (
        lambda f: np.random.default_rng(0).integers(0, NUM_HAND, f.shape),
        "f: .* expected one open boundary at the wrist",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_mesh_without_one_open_end_is_refused(arrays: dict[str, Any], case: str):
    changed, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        join_forearm(arrays | {"f": changed(arrays["f"].astype(int))})


def test_an_opening_at_the_fingertips_is_refused(arrays: dict[str, Any]):
    tips = arrays["J_regressor"].copy()
    tips[MANO16.root] = np.eye(NUM_HAND)[777]
    with pytest.raises(InputError, match=r"f: its boundary lies 1\d cm from the wrist joint"):
        join_forearm(arrays | {"J_regressor": tips})
