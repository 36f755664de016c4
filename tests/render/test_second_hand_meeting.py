import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mano_assets.geometry.mesh_crossing import capped, meshes_cross
from mano_assets.hand import Hand
from mano_assets.joint_limits import coupling_violation, violation
from mano_assets.skeleton import FINGERS, MANO16
from render.two_hands.closing_fingers import closed
from render.two_hands.hands import HandAxes, arms_of_one_body, triangles_of
from render.two_hands.meeting import meeting
from render.two_hands.poses import flat_pose, open_pose, pointing_pose

UP = np.array([0.0, 0.0, 1.0])


def box(size: float, centre: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    mesh = trimesh.creation.box((size, size, size))
    return np.array(mesh.vertices) + centre, np.array(mesh.faces, dtype=np.int64)


def test_a_box_comes_down_on_a_box():
    lower, upper = box(0.1, (0, 0, 0)), box(0.04, (0.02, 0.01, 0.5))
    met = meeting(*lower, *upper, UP)
    assert met.travel_m == pytest.approx(0.5 - 0.05 - 0.02)
    assert (lower[0][lower[1][met.face], 2] == 0.05).all()


def test_it_tells_how_far_a_thing_beyond_must_come_back():
    assert meeting(*box(0.1, (0, 0, 0)), *box(0.1, (0, 0, -0.3)), UP).travel_m == pytest.approx(
        -0.4
    )


def test_a_box_passes_by():
    assert np.isinf(meeting(*box(0.1, (0, 0, 0)), *box(0.1, (0.11, 0, 0.5)), UP).travel_m)


def test_crossed_edges_meet():
    # Two square bars, each on its edge, one across the other: neither meets with a corner.
    bar = trimesh.creation.box((0.4, 0.02, 0.02))
    points = np.array(bar.vertices) @ Rotation.from_euler("x", 45, degrees=True).as_matrix().T
    across = points @ Rotation.from_euler("z", 70, degrees=True).as_matrix().T + [0, 0, 0.3]
    triangles = np.array(bar.faces, dtype=np.int64)
    met = meeting(points, triangles, across, triangles, UP)
    assert met.travel_m == pytest.approx(0.3 - 2 * 0.01 * np.sqrt(2))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_hands_touch_where_they_are_said_to_meet(hand: Hand, seed: int):
    rng = np.random.default_rng(seed)
    turn, other_turn = Rotation.random(2, rng).as_matrix()
    points = hand.arrays["v_template"] @ turn.T
    others = hand.arrays["v_template"] * [-1, 1, 1] @ other_turn.T
    away = rng.normal(size=3)
    away /= np.linalg.norm(away)
    closed = capped(hand.triangles)
    triangles, mirrored = triangles_of(closed, "right"), triangles_of(closed, "left")
    met = meeting(points, triangles, others, mirrored, away)
    if np.isinf(met.travel_m):
        return
    before, beyond = (others - (met.travel_m + past) * away for past in (-1e-7, 3e-3))
    assert not meshes_cross(points, triangles, before, mirrored)
    assert meshes_cross(points, triangles, beyond, mirrored)
    # Where they meet, the two triangles do.
    a, b = points[triangles[met.face]], (others - met.travel_m * away)[mirrored[met.coming_face]]
    assert (a.min(0) <= b.max(0) + 1e-7).all()
    assert (b.min(0) <= a.max(0) + 1e-7).all()


def axes(wrist: list[float], arm: list[float], thumb: list[float], side: str) -> HandAxes:
    """A hand in line with its forearm, 0.25 m long."""
    fingers, across = np.array(arm) / np.linalg.norm(arm), np.array(thumb, dtype=float)
    palm = np.cross(across, fingers) * (1 if side == "right" else -1)
    return HandAxes(np.array(wrist), np.array(wrist) - 0.25 * fingers, fingers, across, palm)


def test_arms_that_one_body_has():
    """The body looks along y, its right is x and its up is z."""
    right = axes([0.02, 0, 0], [-0.5, 1, 0], [0, 0, 1], "right")
    left = axes([-0.02, 0, 0], [0.5, 1, 0], [0, 0, 1], "left")
    assert arms_of_one_body(right, left, "right")
    assert arms_of_one_body(left, right, "left")


def test_arms_that_no_body_has():
    right = axes([0.02, 0, 0], [-0.5, 1, 0], [0, 0, 1], "right")
    beside = axes([-0.02, 0, 0], [-0.5, 1, 0], [0, 0, 1], "left")
    assert not arms_of_one_body(right, beside, "right")
    # With the sides exchanged the body's up is down, and so are the thumbs.
    left = axes([-0.02, 0, 0], [0.5, 1, 0], [0, 0, 1], "left")
    assert not arms_of_one_body(left, right, "right")
    # The forearms close towards the elbows.
    wide = axes([0.3, 0, 0], [1, 1, 0], [0, 0, 1], "right")
    assert not arms_of_one_body(wide, axes([-0.3, 0, 0], [-1, 1, 0], [0, 0, 1], "left"), "right")


@pytest.mark.parametrize("stops_deg", [(20, 30, 40, 50, 60), (5, 5, 5, 5, 5), (90,) * 5])
def test_fingers_close_until_they_meet_something(stops_deg: tuple[float, ...]):
    """A thing that stops the first joint's bend of each finger at a known angle."""
    pose = open_pose(np.random.default_rng(0))
    first = np.array([MANO16.chain(finger)[0] for finger in FINGERS])
    last = np.array([MANO16.chain(finger)[2] for finger in FINGERS])
    start, end = pose.open_rad[first, 0], pose.closed_rad[first, 0]
    stops = start + np.deg2rad(stops_deg)

    def crossing(angles_rad: np.ndarray, moving: np.ndarray) -> np.ndarray:
        return moving & (angles_rad[first, 0] > stops)

    angles = closed(pose.open_rad, pose.closed_rad, crossing)
    assert violation(angles).max() == 0
    assert coupling_violation(angles).max() == 0
    # Knuckles that are coupled may give way a little.
    expected = np.minimum(stops, end)
    assert (angles[first, 0] <= expected + 1e-9).all()
    assert (expected - angles[first, 0] <= np.deg2rad(12)).all()
    # The outer joints go on bending.
    assert (angles[last, 0] > pose.open_rad[last, 0] + np.deg2rad(10)).all()


@pytest.mark.parametrize("make", [flat_pose, pointing_pose])
def test_poses_keep_their_limits(make):
    for seed in range(20):
        angles = make(np.random.default_rng(seed))
        assert violation(angles).max() == 0
        assert coupling_violation(angles).max() == 0
