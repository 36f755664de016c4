import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mano_assets.anatomy import PALMAR, angles_to_pose, joint_frames
from mano_assets.geometry.surface import vertex_normals
from mano_assets.hand import Hand
from mano_assets.palm_arch import PALM_ARCH_PATTERN, palm_arch, with_palm_arch
from mano_assets.skeleton import FINGERS, HAND21, MANO16

KNUCKLES = MANO16.indices([f"{finger}_mcp" for finger in PALM_ARCH_PATTERN])
SHARES = np.array(list(PALM_ARCH_PATTERN.values()))

angle_arrays = arrays(np.float64, (16, 3), elements=st.floats(-2, 2))


@given(angle_arrays)
def test_the_arch_is_the_least_squares_share_of_the_knuckles_twists(angles: np.ndarray):
    fitted = np.linalg.lstsq(SHARES[:, None], angles[KNUCKLES, 2], rcond=None)[0][0]
    assert palm_arch(angles) == pytest.approx(fitted, abs=1e-12)


@given(angle_arrays, st.floats(-1, 1))
def test_another_arch_leaves_everything_else(angles: np.ndarray, arch: float):
    arched = with_palm_arch(angles, arch)
    assert palm_arch(arched) == pytest.approx(arch, abs=1e-12)
    rest = np.ones((16, 3), bool)
    rest[KNUCKLES, 2] = False
    np.testing.assert_array_equal(arched[rest], angles[rest])
    # What is no arch stays, and the old arch brings the old pose back.
    flat, flat_before = (with_palm_arch(pose, 0.0) for pose in (arched, angles))
    np.testing.assert_allclose(flat, flat_before, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        with_palm_arch(arched, palm_arch(angles)), angles, rtol=0, atol=1e-12
    )


def test_batches_and_tensors():
    angles = np.random.default_rng(0).normal(size=(3, 5, 16, 3))
    arch = np.linspace(0, 0.4, 15).reshape(3, 5)
    arched = with_palm_arch(angles, arch)
    np.testing.assert_allclose(palm_arch(arched), arch, atol=1e-12)
    np.testing.assert_allclose(arched[1, 2], with_palm_arch(angles[1, 2], arch[1, 2]), atol=1e-12)
    given_angles = torch.tensor(angles, requires_grad=True)
    tensor = with_palm_arch(given_angles, torch.tensor(arch))
    np.testing.assert_allclose(tensor.detach().numpy(), arched, atol=1e-12)
    palm_arch(given_angles).sum().backward()
    assert given_angles.grad is not None
    expected = SHARES / (SHARES @ SHARES)
    np.testing.assert_allclose(given_angles.grad[0, 0, KNUCKLES, 2].numpy(), expected)


def posed(hand: Hand, bends_deg: tuple[float, float, float], arch_deg: float):
    """Vertices and hand21 joints of alike bent fingers over an arched palm, metres."""
    angles = np.zeros((16, 3))
    for finger in FINGERS[1:]:
        angles[MANO16.chain(finger), 0] = np.deg2rad(bends_deg)
    angles = with_palm_arch(angles, np.deg2rad(arch_deg))
    pose = angles_to_pose(angles, joint_frames(hand.arrays["J"]))[3:]
    return hand.posed(np.zeros(3), pose, np.zeros(10), np.zeros(3))


def pad_direction(hand: Hand, vertices: np.ndarray, finger: str) -> np.ndarray:
    """Where a finger's pad faces: the mean normal of its last segment's palmar skin, [3]."""
    on_pad = hand.arrays["weights"].argmax(1) == MANO16.chain(finger)[-1]
    on_pad &= vertex_normals(hand.arrays["v_template"], hand.triangles) @ PALMAR > 0.7
    direction = vertex_normals(vertices, hand.triangles)[on_pad].mean(0)
    return direction / np.linalg.norm(direction)


def test_the_ulnar_border_is_the_most_mobile():
    index, middle, ring, little = SHARES
    assert abs(index) < ring < little
    assert middle == 0


def test_cupping_turns_the_ulnar_pads_to_the_thumb(hand: Hand):
    towards_thumb = {}
    for arch in (-5, 0, 12, 25):
        vertices, joints = posed(hand, (0, 0, 0), arch)
        across = joints[HAND21.index("index_mcp")] - joints[HAND21.index("little_mcp")]
        for finger in ("ring", "little"):
            sideways = pad_direction(hand, vertices, finger) @ across / np.linalg.norm(across)
            towards_thumb.setdefault(finger, []).append(sideways)
    for finger, sideways in towards_thumb.items():
        assert (np.diff(sideways) > 0).all(), finger
        turned = np.rad2deg(np.arcsin(sideways[-1]) - np.arcsin(sideways[1]))
        assert turned == pytest.approx(25 * PALM_ARCH_PATTERN[finger], abs=4)


def test_cupping_a_bent_hand_brings_the_ulnar_fingertips_to_the_thumb(hand: Hand):
    distances = {}
    for arch in (-5, 0, 12, 25):
        joints = posed(hand, (45, 45, 30), arch)[1]
        base = joints[HAND21.index("thumb_cmc")]
        for finger in ("ring", "little"):
            tip = joints[HAND21.index(f"{finger}_tip")]
            distances.setdefault(finger, []).append(np.linalg.norm(tip - base))
    for finger, distance in distances.items():
        assert (np.diff(distance) < -5e-4).all(), finger
