import numpy as np
import pytest

from mano_assets.anatomy import PALMAR, THUMB_PALMAR
from mano_assets.geometry.surface import vertex_areas
from mano_assets.hand import Hand
from mano_assets.skeleton import FINGERS, HAND21, MANO16
from mano_assets.skin_baking import pigment, relief, zones
from mano_assets.skin_baking.atlas import make_atlas, surface_texels
from mano_assets.skin_baking.random_field import random_field
from mano_assets.skin_baking.surface_points import SkinPoints, texel_points, vertex_points


@pytest.fixture(scope="module")
def vertices(hand: Hand) -> SkinPoints:
    return vertex_points(hand)


@pytest.fixture(scope="module")
def points(hand: Hand) -> SkinPoints:
    """Dense on the skin: the vertices are too far apart for creases."""
    texels = surface_texels(make_atlas(hand, 640))
    found = texel_points(hand, texels)
    inside = (texels.shares >= 0).all(1)
    return SkinPoints(
        found.places_m[inside], found.normals[inside], found.fingers[inside], found.joints_m
    )


@pytest.fixture(scope="module")
def creases(points: SkinPoints) -> np.ndarray:
    return relief.creases(points, np.random.default_rng(0))


def on_finger(points: SkinPoints, finger: str) -> np.ndarray:
    return points.fingers[:, FINGERS.index(finger)] > 0.6


def test_all_maps_are_shares_and_reach_high(points: SkinPoints, creases: np.ndarray):
    rng = np.random.default_rng(1)
    maps = {
        "palm": points.palm,
        "red": zones.red_zone(points),
        "creases": creases,
        "veins": relief.veins(points, rng),
        "tendons": relief.tendons(points),
        "mottling": pigment.mottling(points, rng),
        "freckles": pigment.freckles(points, rng),
        "hairs": pigment.hairs(points, rng),
    }
    maps |= dict(zip(("nail", "pale", "fold"), zones.nail_zones(points), strict=True))
    for name, values in maps.items():
        assert values.shape == (len(points.places_m),), name
        assert values.min() >= 0, name
        assert 0.4 < values.max() <= 1, name


def test_the_palm_faces_the_palm_s_way(vertices: SkinPoints):
    up, palm = vertices.normals[:, 1], vertices.palm
    hand_alone = ~on_finger(vertices, "thumb") & (vertices.places_m[:, 0] < 0)
    assert (up[hand_alone & (palm > 0.9) & (vertices.fingers[:, 0] < 0.05)] < 0).all()
    assert (palm[hand_alone & (up < -0.9) & (vertices.fingers[:, 0] < 0.05)] > 0.9).all()
    # The thumb is turned: its pad faces the other fingers.
    thumb = on_finger(vertices, "thumb")
    towards_fingers = -vertices.normals[:, 2]
    assert towards_fingers[thumb & (palm > 0.9)].mean() > 0.5
    assert towards_fingers[thumb & (palm < 0.1)].mean() < -0.3


def test_the_forearm_has_the_colour_of_the_back(points: SkinPoints):
    far = points.places_m[:, 0] > 0.06
    assert far.sum() > 50
    for values in (points.palm, zones.red_zone(points), *zones.nail_zones(points)):
        assert values[far].max() < 0.01


def test_knuckles_and_fingertips_are_red(points: SkinPoints):
    red = zones.red_zone(points)
    for joint in ("index_pip", "middle_mcp", "little_dip", "ring_tip"):
        apart = np.linalg.norm(points.places_m - points.joint(joint), axis=1)
        assert red[(apart < 0.012) & (points.palm < 0.2)].max() > 0.35, joint
    # Halfway between two knuckles there is less than on either.
    for finger in FINGERS[1:]:
        mcp, pip = points.joint(f"{finger}_mcp"), points.joint(f"{finger}_pip")
        back = on_finger(points, finger) & (points.palm < 0.1)
        between = np.linalg.norm(points.places_m - (0.45 * mcp + 0.55 * pip), axis=1)
        on_joint = np.linalg.norm(points.places_m - pip, axis=1)
        nearest = np.flatnonzero(back)[np.argsort(between[back])[:20]]
        knuckle = np.flatnonzero(back)[np.argsort(on_joint[back])[:20]]
        assert red[nearest].mean() < 0.6 * red[knuckle].mean(), finger


def test_nails_lie_on_the_backs_of_the_last_phalanges(points: SkinPoints):
    nail, pale, _ = zones.nail_zones(points)
    on_any = np.zeros(len(nail), bool)
    for finger in FINGERS:
        own = (nail > 0.5) & on_finger(points, finger)
        on_any |= own
        tip = points.joint(f"{finger}_tip")
        bone = tip - points.joints_m[HAND21.chain(finger)[-2]]
        length_m = np.linalg.norm(bone)
        behind = (tip - points.places_m[own]) @ bone / length_m**2
        assert behind.max() < 0.55, finger
        assert behind.mean() > 0.1, finger
        pad = THUMB_PALMAR if finger == "thumb" else PALMAR
        assert (points.normals[own] @ pad < 0).mean() > 0.98, finger
        # The free edge is the palest and lies at the end.
        assert behind[pale[own] > 0.9].max() < 0.2, finger
    assert (on_any == (nail > 0.5)).all()
    assert points.palm[nail > 0.5].max() < 0.6


def test_nails_are_as_large_as_nails(hand: Hand, vertices: SkinPoints):
    areas = vertex_areas(hand.arrays["v_template"], hand.triangles)
    nail = zones.nail_zones(vertices)[0]
    sizes_mm2 = {
        finger: 1e6 * float((areas * nail)[on_finger(vertices, finger)].sum()) for finger in FINGERS
    }
    assert min(sizes_mm2, key=sizes_mm2.__getitem__) == "little"
    assert max(sizes_mm2, key=sizes_mm2.__getitem__) == "thumb"
    assert sizes_mm2["little"] > 40
    assert sizes_mm2["thumb"] < 250


@pytest.mark.parametrize("finger", FINGERS)
def test_fingers_have_a_fold_at_each_joint_and_less_between(
    points: SkinPoints, creases: np.ndarray, finger: str
):
    pad = on_finger(points, finger) & (points.palm > 0.9)
    joints = points.joints_m[HAND21.chain(finger)]
    for before, joint, after in zip(joints, joints[1:], joints[2:], strict=False):
        axis = after - before
        apart_m = (points.places_m - joint) @ axis / np.linalg.norm(axis)
        at_joint = creases[pad & (np.abs(apart_m) < 0.003)]
        bone_m = np.linalg.norm(after - joint)
        beyond = creases[pad & (np.abs(apart_m - 0.45 * bone_m) < 0.002)]
        assert at_joint.max() > 0.5
        assert beyond.mean() < 0.5 * at_joint.mean()


def test_the_palm_has_lines(points: SkinPoints, creases: np.ndarray):
    palm = (points.fingers.max(1) < 0.3) & (points.palm > 0.9)
    assert 0.01 < (creases[palm] > 0.4).mean() < 0.15


def test_veins_run_on_the_back_and_spare_the_fingers(points: SkinPoints):
    veins = relief.veins(points, np.random.default_rng(3))
    on_hand = points.places_m[:, 0] < 0
    assert points.normals[(veins > 0.3) & on_hand, 1].min() > 0.2
    assert points.fingers[veins > 0.3].sum(1).max() < 0.6
    # Broader than long along the arm they would not be veins.
    back = on_hand & (points.palm < 0.1) & (points.fingers.max(1) < 0.2)
    assert 0.02 < (veins[back] > 0.3).mean() < 0.35


def test_tendons_lead_to_the_knuckles(points: SkinPoints):
    heights = relief.tendons(points)
    for finger in FINGERS[1:]:
        place = points.joint(f"{finger}_mcp") * [0.8, 0, 0.8] + 0.2 * points.joint("wrist")
        back = np.flatnonzero((points.normals[:, 1] > 0.5) & (points.palm < 0.1))
        flat = (points.places_m[back] - place)[:, [0, 2]]
        assert heights[back[(flat**2).sum(1).argmin()]] > 0.4, finger


def test_people_differ(points: SkinPoints, creases: np.ndarray):
    again = relief.creases(points, np.random.default_rng(0))
    np.testing.assert_array_equal(again, creases)
    other = relief.creases(points, np.random.default_rng(1))
    strong = (creases > 0.3) | (other > 0.3)
    assert np.abs(creases - other)[strong].mean() > 0.05


def test_a_random_field_is_smooth_and_as_broad_as_told():
    rng = np.random.default_rng(0)
    line = np.zeros((20_000, 3), np.float32)
    line[:, 0] = np.linspace(0, 0.1, len(line))
    for blob_m in (0.002, 0.008):
        fields = np.array([random_field(rng, line, blob_m) for _ in range(12)])
        assert abs(fields.mean()) < 0.3
        assert fields.var() == pytest.approx(1, abs=0.4)
        blob = round(blob_m / 0.1 * len(line))
        for apart, lowest, highest in ((blob // 10, 0.9, 1.3), (2 * blob, -0.3, 0.3)):
            alike = np.mean(fields[:, :-apart] * fields[:, apart:]) / fields.var()
            assert lowest < alike < highest, (blob_m, apart)


def test_joints_are_the_skeleton_s(hand: Hand, vertices: SkinPoints):
    np.testing.assert_allclose(
        vertices.joint("index_pip"), hand.arrays["J"][MANO16.index("index_pip")], atol=1e-9
    )
    tip = hand.tip_vertices[FINGERS.index("ring")]
    np.testing.assert_array_equal(vertices.joint("ring_tip"), hand.arrays["v_template"][tip])
