import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from bent_fingers import hinge, one_joint, posed_rad, without_correctives

from mano_assets.hand import Hand
from mano_assets.measures import PEOPLE_MM, REAL_BONES_MM, described, hand_measures, read_measures
from mano_assets.skeleton import FINGERS, HAND21, MANO16


@pytest.fixture(scope="module")
def measures(hand: Hand) -> dict:
    return hand_measures(hand)


def closed(vertices: np.ndarray, triangles: np.ndarray) -> trimesh.Trimesh:
    """The mesh with its one open rim closed by a fan."""
    mesh = trimesh.Trimesh(vertices, triangles, process=False)
    lonely = trimesh.grouping.group_rows(mesh.edges_sorted, require_count=1)
    rim = mesh.edges[lonely]
    centre = len(vertices)
    fan = np.column_stack([rim[:, ::-1], np.full(len(rim), centre)])
    capped = trimesh.Trimesh(
        np.vstack([vertices, vertices[rim].mean((0, 1))]),
        np.vstack([triangles, fan]),
        process=False,
    )
    assert capped.is_watertight
    assert capped.is_winding_consistent
    return capped


def finger_volume_m3(hand: Hand, finger: str) -> float:
    """Of the flat finger, cut off where half of the skin is the palm's, by trimesh."""
    own = hand.arrays["weights"][:, MANO16.chain(finger)].sum(1) > 0.5
    triangles = hand.triangles[own[hand.triangles].all(1)]
    used, renumbered = np.unique(triangles, return_inverse=True)
    return float(closed(hand.arrays["v_template"][used], renumbered.reshape(-1, 3)).volume)


def volume_lost(hand: Hand, finger: str, bend_deg: float) -> float:
    """Share of the finger's volume that a bent PIP (thumb: IP) joint loses, by trimesh."""
    angles = one_joint(hinge(finger), bend=np.deg2rad(bend_deg))
    flat, bent = (
        closed(vertices, hand.triangles).volume
        for vertices in (hand.arrays["v_template"], posed_rad(hand, angles))
    )
    return float(flat - bent) / finger_volume_m3(hand, finger)


@pytest.mark.parametrize("finger", FINGERS)
def test_bent_fingers_keep_their_volume(hand: Hand, measures: dict, finger: str):
    lost = {bend: volume_lost(hand, finger, bend) for bend in (90, 110)}
    for bend, share in lost.items():
        assert measures["volume_lost"][finger][f"{bend}_deg"] == pytest.approx(share, abs=3e-3)
    # The thumb's IP joint reaches 80 degrees.
    assert abs(lost[90]) < 0.01
    assert abs(lost[110]) < 0.025
    for bend, share in lost.items():
        assert volume_lost(without_correctives(hand), finger, bend) > abs(share) + 0.03


def test_a_finger_s_volume_is_a_finger_s(hand: Hand):
    """Between the cylinders of the radius at its tip and of that at its root."""
    for finger, low_ml, high_ml in (("middle", 12, 30), ("little", 5, 15)):
        assert low_ml < 1e6 * finger_volume_m3(hand, finger) < high_ml


def sizes_mm(hand: Hand, betas: np.ndarray) -> tuple[float, float]:
    """Hand length and breadth of one shape, the breadth by cutting across the knuckles."""
    vertices, joints = hand.shaped(betas)
    tip = vertices[hand.tip_vertices[FINGERS.index("middle")]]
    length = np.linalg.norm(tip - joints[MANO16.root])
    index, little = (joints[MANO16.index(f"{name}_mcp")] for name in ("index", "little"))
    across = (index - little) / np.linalg.norm(index - little)
    own = hand.arrays["weights"][:, MANO16.chain("thumb")].sum(1) <= 0.05
    mesh = trimesh.Trimesh(vertices, hand.triangles[own[hand.triangles].all(1)], process=False)
    to_wrist = joints[MANO16.root] - (index + little) / 2
    to_wrist -= (to_wrist @ across) * across
    to_wrist /= np.linalg.norm(to_wrist)
    widest = 0.0
    for shift_m in np.linspace(-0.008, 0.008, 9):
        cut = mesh.section(to_wrist, (index + little) / 2 + shift_m * to_wrist)
        assert cut is not None
        widest = max(widest, np.ptp(np.asarray(cut.vertices) @ across))
    return 1000 * float(length), 1000 * float(widest)


def test_sizes_are_those_of_cut_meshes(hand: Hand, measures: dict):
    betas = np.random.default_rng(0).normal(size=(1000, 10))[:150]
    lengths, breadths = np.transpose([sizes_mm(hand, each) for each in betas])
    # A sample of those that were measured, a cut instead of a slab.
    assert measures["hand_length_mm"]["p50"] == pytest.approx(np.median(lengths), abs=3)
    assert measures["hand_breadth_mm"]["p50"] == pytest.approx(np.median(breadths), abs=3)
    assert measures["hand_length_mm"]["p95"] == pytest.approx(np.percentile(lengths, 95), abs=8)
    assert measures["hand_breadth_mm"]["p95"] == pytest.approx(np.percentile(breadths, 95), abs=4)


@pytest.mark.parametrize("size", ["hand_length", "hand_breadth"])
def test_sizes_range_as_people_s_do(measures: dict, size: str):
    low, high = PEOPLE_MM[size]
    ours = measures[f"{size}_mm"]
    assert ours["p5"] == pytest.approx(low, abs=0.1 * low)
    assert ours["p95"] == pytest.approx(high, abs=0.1 * high)
    assert low < ours["p50"] < high


def test_bones_are_as_long_as_people_s(hand: Hand, measures: dict):
    zeros = np.zeros(3)
    joints = 1000 * hand.posed(zeros, np.zeros(45), np.zeros(10), zeros)[1]
    for finger, ranges in REAL_BONES_MM.items():
        places = [joints[HAND21.root], *(joints[joint] for joint in HAND21.chain(finger))]
        lengths = [np.linalg.norm(places[k + 1] - places[k]) for k in range(4)]
        np.testing.assert_allclose(measures["bones_mm"][finger], lengths, atol=0.051)
        for length, real in zip(lengths, ranges, strict=True):
            # Six hands do not reach the ends of what there is.
            assert real is None or 0.9 * real[0] < length < 1.1 * real[1], finger


def test_ten_components_span_the_people(measures: dict):
    explained = measures["shape_variance_explained"]
    assert len(explained) == 10
    assert explained[-1] > 0.99
    assert explained[0] > 0.5


def test_every_built_hand_carries_its_measures(hand_folder: Path, measures: dict):
    assert read_measures(hand_folder) == measures
    assert json.loads((hand_folder / "hand.json").read_text())["measures"] == measures


def test_measures_are_told_beside_people_s(measures: dict):
    lines = described(measures)
    assert lines[0].startswith("hand length: 5% ")
    assert lines[0].endswith("people 160 to 205 mm")
    assert all(sum(line.startswith(f"{finger} bones") for line in lines) == 1 for finger in FINGERS)
    assert "(81-92)" in next(line for line in lines if line.startswith("index bones"))
    assert any("volume" in line and "middle" in line for line in lines)
    assert lines[-1].endswith(f"{measures['shape_variance_explained'][-1]:.2%}")
