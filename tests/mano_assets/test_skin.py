import numpy as np
import pytest
import trimesh

from mano_assets.hand import Hand
from mano_assets.skeleton import FINGERS, MANO16
from mano_assets.skin import MONK_SRGB, skin_zones, tone_colour

TEXTURE_PX = 1024


@pytest.fixture(scope="module")
def mesh(hand: Hand) -> trimesh.Trimesh:
    return trimesh.Trimesh(hand.arrays["v_template"], hand.triangles, process=False)


@pytest.fixture(scope="module")
def zones(hand: Hand) -> dict[str, np.ndarray]:
    found = skin_zones(hand)
    assert found.shape == (len(hand.arrays["v_template"]), 4)
    return dict(zip(("palm", "red", "nail", "crease"), found.T, strict=True))


def on_finger(hand: Hand, finger: str) -> np.ndarray:
    return np.isin(hand.arrays["weights"].argmax(1), MANO16.chain(finger))


def last_phalanx(hand: Hand, finger: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Tip, unit direction from the last joint to it, and length, metres."""
    vertices = hand.arrays["v_template"]
    tip = vertices[hand.tip_vertices[FINGERS.index(finger)]]
    bone = tip - hand.arrays["J"][MANO16.chain(finger)[-1]]
    return tip, bone / np.linalg.norm(bone), float(np.linalg.norm(bone))


def test_zones_are_shares(zones: dict[str, np.ndarray]):
    for name, zone in zones.items():
        assert zone.min() >= 0, name
        assert 0.5 < zone.max() <= 1, name


def test_the_palm_faces_the_palm_s_way(
    hand: Hand, mesh: trimesh.Trimesh, zones: dict[str, np.ndarray]
):
    up = mesh.vertex_normals[:, 1]
    hand_alone = ~on_finger(hand, "thumb") & ~hand.arrays["forearm"]
    assert (up[hand_alone & (zones["palm"] > 0.9)] < 0).all()
    assert (zones["palm"][hand_alone & (up > 0.5)] == 0).all()
    assert (zones["palm"][hand_alone & (up < -0.9) & (mesh.vertices[:, 0] < 0)] > 0.9).all()
    # The thumb is turned: its pad faces the other fingers.
    thumb = on_finger(hand, "thumb")
    towards_fingers = -mesh.vertex_normals[:, 2]
    assert towards_fingers[thumb & (zones["palm"] > 0.9)].mean() > 0.5
    assert towards_fingers[thumb & (zones["palm"] < 0.1)].mean() < -0.3


def test_the_forearm_has_one_colour(hand: Hand, zones: dict[str, np.ndarray]):
    far = hand.arrays["v_template"][:, 0] > 0.06
    assert far.sum() > 50
    for name, zone in zones.items():
        assert zone[far].max() < 0.01, name


def test_nails_lie_on_the_backs_of_the_last_phalanges(
    hand: Hand, mesh: trimesh.Trimesh, zones: dict[str, np.ndarray]
):
    nail = zones["nail"] > 0.5
    assert not (nail & (zones["palm"] > 0.5)).any()
    on_fingers = np.zeros(len(nail), bool)
    for finger in FINGERS:
        own = nail & on_finger(hand, finger)
        on_fingers |= own
        assert (hand.arrays["weights"][own].argmax(1) == MANO16.chain(finger)[-1]).all()
        tip, axis, length_m = last_phalanx(hand, finger)
        behind = (tip - mesh.vertices[own]) @ axis
        assert behind.max() < 0.55 * length_m, finger
        assert behind.mean() > 0.1 * length_m
        normals = mesh.vertex_normals[own]
        if finger != "thumb":
            assert (normals[:, 1] > 0).all(), finger
    assert (on_fingers == nail).all()


def test_nails_are_as_large_as_nails(
    hand: Hand, mesh: trimesh.Trimesh, zones: dict[str, np.ndarray]
):
    areas = np.bincount(mesh.faces.ravel(), np.repeat(mesh.area_faces / 3, 3))
    sizes_mm2 = {
        finger: 1e6 * float((areas * zones["nail"])[on_finger(hand, finger)].sum())
        for finger in FINGERS
    }
    assert min(sizes_mm2, key=sizes_mm2.__getitem__) == "little"
    assert max(sizes_mm2, key=sizes_mm2.__getitem__) == "thumb"
    assert sizes_mm2["little"] > 50
    assert sizes_mm2["thumb"] < 250


def test_creases_are_on_the_palm_s_side(zones: dict[str, np.ndarray]):
    assert (zones["crease"] <= zones["palm"]).all()


@pytest.mark.parametrize("finger", FINGERS)
def test_fingers_have_a_crease_at_each_joint_and_none_between(
    hand: Hand, zones: dict[str, np.ndarray], finger: str
):
    vertices, joints = hand.arrays["v_template"], hand.arrays["J"]
    chain = MANO16.chain(finger)
    own = on_finger(hand, finger)
    tip = vertices[hand.tip_vertices[FINGERS.index(finger)]]
    ends = [*joints[chain], tip]
    places = []
    for position in (1, 2):
        axis = ends[position + 1] - ends[position - 1]
        places.append((ends[position], axis / np.linalg.norm(axis)))
    if finger != "thumb":
        # The fold at the finger's root lies before the middle of the first phalanx.
        bone = ends[1] - ends[0]
        places.append((ends[0] + 0.45 * bone, bone / np.linalg.norm(bone)))
    apart_m = np.array([np.abs((vertices - place) @ axis) for place, axis in places])
    strong = own & (zones["crease"] > 0.3) & (hand.arrays["weights"][:, MANO16.root] < 0.3)
    assert (apart_m[:, strong].min(0) < 0.003).all()
    for distances in apart_m:
        # The thumb's mesh is coarse: no vertex may lie in the middle of its creases.
        near = own & (distances < 0.003) & (zones["palm"] > 0.7)
        assert near.any()
        assert zones["crease"][near].max() > 0.3
        assert zones["crease"][near].min() > 0.1


def test_the_palm_has_lines(hand: Hand, zones: dict[str, np.ndarray]):
    palm = (hand.arrays["weights"][:, MANO16.root] > 0.5) & (zones["palm"] > 0.9)
    share = (zones["crease"][palm] > 0.3).mean()
    assert 0.02 < share < 0.4


def test_tones_run_along_the_monk_scale():
    for number, code in enumerate(MONK_SRGB):
        red, green, blue = (
            (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
            for value in (channel / 255 for channel in bytes.fromhex(code))
        )
        np.testing.assert_allclose(tone_colour(number / 9), [red, green, blue], atol=1e-12)
    # The scale's own three lightest tones differ in hue more than in lightness.
    tones = np.array([tone_colour(tone) for tone in np.linspace(0, 7 / 9, 50)])
    assert (np.diff(tones @ [0.2126, 0.7152, 0.0722]) > 0).all()
    np.testing.assert_array_equal(tone_colour(-1), tone_colour(0))
    np.testing.assert_array_equal(tone_colour(2), tone_colour(1))


def painted(corners_px: np.ndarray, size: int) -> np.ndarray:
    """How many quads [F, 4, 2] cover the centre of each pixel, [size, size]."""
    covered = np.zeros((size, size), int)
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


def test_the_texture_map_is_one_to_one(hand: Hand):
    corners = hand.arrays["uv"]
    assert corners.shape == (*hand.arrays["quads"].shape, 2)
    assert corners.min() >= 0
    assert corners.max() <= 1
    covered = painted(corners * TEXTURE_PX, TEXTURE_PX)
    assert covered.max() == 1
    assert covered.sum() > 10_000
    diagonals = corners[:, [2, 3]] - corners[:, [0, 1]]
    areas = diagonals[:, 0, 0] * diagonals[:, 1, 1] - diagonals[:, 0, 1] * diagonals[:, 1, 0]
    assert (np.sign(areas) == np.sign(areas[0])).all()
