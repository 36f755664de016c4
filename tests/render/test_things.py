import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import trimesh
from pydantic import ValidationError
from scipy.spatial.transform import Rotation

from mano_assets.anatomy import angles_to_pose, joint_frames
from mano_assets.hand import MIRROR, MIRROR_AXIS_ANGLE, Hand
from mano_assets.skeleton import FINGERS, HAND21, MANO16
from render.factors.things import (
    Flesh,
    MeshLibrary,
    Thing,
    ThingsRecipe,
    draw_things,
    flesh_of,
    library_of,
    thing_solids,
)
from render.posed_hand import PosedHand
from render.randomness import stream
from render.solids import Solid
from render.things.grasps import palm_of
from render.things.hollows import hollows
from render.things.occlusion import hides
from render.things.surfaces import Mesh, joined

SIZE_PX = 128
CAMERA_K = np.array([[190.0, 0, 64], [0, 190, 64], [0, 0, 1]])
BENDS = (0.0, 0.35, 0.7, 1.0, 1.4)
NO_MESHES = MeshLibrary({})


@pytest.fixture(scope="module")
def flesh(hand: Hand) -> Flesh:
    return flesh_of(hand)


def posed(hand: Hand, bend: float, side: str, turn: np.ndarray) -> PosedHand:
    """Fingers bent alike, the thumb half as much, 45 cm before the camera."""
    angles = np.zeros((16, 3))
    for finger in FINGERS:
        angles[MANO16.chain(finger), 0] = bend / 2 if finger == "thumb" else bend
    frames = joint_frames(hand.shaped(np.zeros(10))[1])
    pose = angles_to_pose(angles, frames).reshape(16, 3)
    pose[0] = turn
    if side == "left":
        pose = pose * MIRROR_AXIS_ANGLE
    vertices, joints = hand.posed(
        pose[0], pose[1:].ravel(), np.zeros(10), np.array([0, 0, 0.45]), side, np.zeros(3)
    )
    return PosedHand(vertices, joints)


@pytest.fixture(scope="module")
def hands(hand: Hand) -> list[tuple[PosedHand, str]]:
    rng = np.random.default_rng(1)
    return [
        (posed(hand, bend, side, Rotation.from_quat(rng.normal(size=4)).as_rotvec()), side)
        for bend in BENDS
        for side in ("right", "left")
        for _ in range(2)
    ]


def drawn(
    recipe: ThingsRecipe,
    hands: list[tuple[PosedHand, str]],
    flesh: Flesh,
    library: MeshLibrary = NO_MESHES,
    placed: tuple[Solid, ...] = (),
) -> Iterator[tuple[PosedHand, str, tuple[Thing, ...]]]:
    for number, (geometry, side) in enumerate(hands):
        rng = stream(5, "things", number)
        yield (
            geometry,
            side,
            draw_things(recipe, rng, geometry, flesh, side, CAMERA_K, SIZE_PX, library, placed),
        )


def whole(things: tuple[Thing, ...], library: MeshLibrary = NO_MESHES) -> Mesh:
    solids = thing_solids(things, library)
    return joined([Mesh(solid.vertices_cam_m, solid.triangles) for solid in solids])


def pierces(mesh: Mesh, other: Mesh) -> bool:
    """Whether an edge of a mesh passes through a triangle of another (Möller and Trumbore 1997)."""
    edges = mesh.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    starts, ends = mesh.vertices[edges[:, 0]], mesh.vertices[edges[:, 1]]
    corners = other.vertices[other.triangles]
    low, high = np.minimum(starts, ends), np.maximum(starts, ends)
    for a, b, c in corners:
        triangle = np.stack([a, b, c])
        near = (low <= triangle.max(0)).all(1) & (high >= triangle.min(0)).all(1)
        if not near.any():
            continue
        start, way = starts[near], (ends - starts)[near]
        normal = np.cross(way, c - a)
        scale = normal @ (b - a)
        with np.errstate(divide="ignore", invalid="ignore"):
            u = ((start - a) * normal).sum(1) / scale
            across = np.cross(start - a, b - a)
            v = (way * across).sum(1) / scale
            t = across @ (c - a) / scale
            if ((u > 0) & (v > 0) & (u + v < 1) & (t > 0) & (t < 1)).any():
                return True
    return False


def crosses(mesh: Mesh, other: Mesh) -> bool:
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    corners = other.vertices[other.triangles]
    near = (corners.min(1) <= high).all(1) & (corners.max(1) >= low).all(1)
    other = Mesh(other.vertices, other.triangles[near])
    return pierces(mesh, other) or pierces(other, mesh)


def any_before(point: np.ndarray, mesh: Mesh) -> bool:
    """Whether the way from the camera to a point meets a surface: all tetrahedra turned alike."""
    a, b, c = (mesh.vertices[mesh.triangles[:, corner]] for corner in range(3))
    turns = np.sign([np.cross(first, second) @ point for first, second in ((a, b), (b, c), (c, a))])
    sides = [(np.cross(b - a, c - a) * (end - a)).sum(1) for end in (np.zeros(3), point)]
    return bool(((np.abs(turns.sum(0)) == 3) & (sides[0] * sides[1] < 0)).any())


def windings(points: np.ndarray, mesh: Mesh) -> np.ndarray:
    """How often a surface winds around points (van Oosterom and Strackee 1983)."""
    a, b, c = (mesh.vertices[mesh.triangles[:, corner]] - points[:, None] for corner in range(3))
    la, lb, lc = (np.linalg.norm(side, axis=-1) for side in (a, b, c))
    volume = (a * np.cross(b, c)).sum(-1)
    cosines = la * lb * lc + (a * b).sum(-1) * lc + (b * c).sum(-1) * la + (c * a).sum(-1) * lb
    return np.arctan2(volume, cosines).sum(-1) / (2 * np.pi)


def skin(geometry: PosedHand, hand: Hand, side: str) -> Mesh:
    return Mesh(
        geometry.vertices_cam_m, hand.triangles if side == "right" else hand.triangles[:, ::-1]
    )


HELD = ThingsRecipe(held_share=1, near_share=0)
NEAR = ThingsRecipe(held_share=0, near_share=1)


@pytest.mark.parametrize("recipe", [HELD, NEAR], ids=["held", "near"])
def test_nothing_passes_through_the_hand(
    recipe: ThingsRecipe, hands: list[tuple[PosedHand, str]], hand: Hand, flesh: Flesh
):
    found = 0
    for geometry, side, things in drawn(recipe, hands[::2], flesh):
        if not things:
            continue
        found += 1
        thing, body = whole(things), skin(geometry, hand, side)
        assert not crosses(thing, body)
        within = windings(thing.vertices[::7], Mesh(body.vertices, flesh.closed))
        assert (np.abs(within) < 0.5).all()
        assert (np.abs(windings(body.vertices[::300], thing)) < 0.5).all()
        assert thing.vertices[:, 2].min() >= 0.05
    assert found >= 0.8 * len(hands[::2])


def test_what_is_held_is_touched(hands: list[tuple[PosedHand, str]], hand: Hand, flesh: Flesh):
    for geometry, side, things in drawn(HELD, hands[::2], flesh):
        body = skin(geometry, hand, side)
        normals = trimesh.Trimesh(body.vertices, body.triangles, process=False).vertex_normals
        thicker = Mesh(body.vertices + 0.001 * normals, body.triangles)
        for thing in things:
            assert crosses(whole((thing,)), thicker)
            assert thing.role == "held"
            assert thing.grasp is not None


def test_grasps_follow_the_fingers(hands: list[tuple[PosedHand, str]], flesh: Flesh):
    wrapped = [
        (thing, geometry, side)
        for geometry, side, things in drawn(HELD, hands, flesh)
        for thing in things
        if thing.grasp == "wrapped"
    ]
    assert len(wrapped) >= 5
    for thing, geometry, side in wrapped:
        palm = palm_of(geometry.joints_cam_m, side)
        away = np.array(thing.translation_m) - palm.knuckles_m
        # On the palm's side, and no further than a grasp is wide.
        assert 0 < away @ palm.palmar < 0.09
        assert np.linalg.norm(away) < 0.13


def test_a_hollow_is_where_skin_lies_around():
    angles = np.linspace(0, 2 * np.pi, 200)
    middle = np.array([-0.005, 0.035])
    around = middle + 0.02 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    axis, nearest, clearance = hollows(around, 0.008, 0.018)[0]
    assert np.linalg.norm(axis - middle) < 0.006
    assert clearance == pytest.approx(np.linalg.norm(around - axis, axis=1).min(), abs=1e-12)
    assert np.linalg.norm(nearest - axis) == pytest.approx(clearance, abs=1e-12)
    # Too narrow for what shall be held, and a flat hand, which is no hollow.
    assert hollows(around, 0.025, 0.03) == []
    assert hollows(np.stack([np.linspace(-0.1, 0.1, 200), np.zeros(200)], axis=1), 0.01, 0.02) == []


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_palm_faces_where_fingers_bend(hand: Hand, side: str):
    turn = np.array([0.4, -0.3, 0.8])
    straight, bent = posed(hand, 0.0, side, turn), posed(hand, 1.0, side, turn)
    palm = palm_of(straight.joints_cam_m, side)
    tip = HAND21.index("middle_tip")
    moved = bent.joints_cam_m[tip] - straight.joints_cam_m[tip]
    assert moved @ palm.palmar > 0.03
    axes = np.stack([palm.distal, palm.across, palm.palmar])
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    thumb = straight.joints_cam_m[HAND21.index("thumb_mcp")] - palm.middle_m
    assert thumb @ palm.across > 0


def test_palms_of_mirrored_hands_are_mirrored(hand: Hand):
    turn = Rotation.from_rotvec([0.3, 0.4, -0.5])
    right = posed(hand, 1.0, "right", turn.as_rotvec())
    left = PosedHand(right.vertices_cam_m * MIRROR, right.joints_cam_m * MIRROR)
    palms = palm_of(right.joints_cam_m, "right"), palm_of(left.joints_cam_m, "left")
    np.testing.assert_allclose(palms[0].palmar * MIRROR, palms[1].palmar, atol=1e-12)
    np.testing.assert_allclose(palms[0].across * MIRROR, palms[1].across, atol=1e-12)


def test_the_same_stream_draws_the_same_and_takes_as_many_numbers(
    hands: list[tuple[PosedHand, str]], flesh: Flesh
):
    both = ThingsRecipe(held_share=0.6, near_share=0.6)
    states, counts = set(), set()
    for (geometry, side), again in zip(hands, list(drawn(both, hands, flesh)), strict=True):
        number = next(n for n, item in enumerate(hands) if item[0] is geometry)
        rng = stream(5, "things", number)
        things = draw_things(both, rng, geometry, flesh, side, CAMERA_K, SIZE_PX, NO_MESHES)
        assert things == again[2]
        counts.add(len(things))
        state = rng.bit_generator.state["state"]["counter"]
        states.add(tuple(int(word) for word in state))
    assert len(states) == 1
    assert len(counts) > 1


def test_a_description_in_json_makes_the_same_solids(
    hands: list[tuple[PosedHand, str]], flesh: Flesh
):
    both = ThingsRecipe(held_share=1, near_share=1)
    for _, _, things in drawn(both, hands[:8], flesh):
        again = tuple(
            Thing.model_validate(json.loads(json.dumps(thing.model_dump(mode="json"))))
            for thing in things
        )
        assert again == things
        solids, same = thing_solids(things, NO_MESHES), thing_solids(again, NO_MESHES)
        assert len(solids) == len(same) >= len(things)
        for solid, other in zip(solids, same, strict=True):
            np.testing.assert_array_equal(solid.vertices_cam_m, other.vertices_cam_m)
            np.testing.assert_array_equal(solid.triangles, other.triangles)
            assert solid.material == other.material
            assert solid.name in {f"{thing.role}/{thing.kind}" for thing in things}


def test_a_thing_near_the_hand_covers_some_of_it_but_not_too_much(
    hands: list[tuple[PosedHand, str]], flesh: Flesh
):
    hidden = []
    for geometry, _, things in drawn(
        NEAR.model_copy(update={"near_cover": (0.1, 0.9), "most_hidden": 0.4}), hands[::2], flesh
    ):
        if things:
            mesh = whole(things)
            hidden.append(hides(mesh, geometry.joints_cam_m).mean())
            covering = [any_before(joint, mesh) for joint in geometry.joints_cam_m]
            np.testing.assert_array_equal(hides(mesh, geometry.joints_cam_m), covering)
    assert max(hidden) <= 0.4
    assert max(hidden) > 0.1


def test_a_thing_near_the_hand_keeps_clear_of_what_is_there(
    hands: list[tuple[PosedHand, str]], flesh: Flesh
):
    def ball(geometry: PosedHand) -> Solid:
        sphere = trimesh.creation.icosphere(subdivisions=2, radius=0.11)
        middle = geometry.joints_cam_m.mean(0) - [0, 0, 0.05]
        material = thing_solids(example, NO_MESHES)[0].material
        return Solid("sleeve", np.asarray(sphere.vertices) + middle, sphere.faces, material)

    example = next(things for _, _, things in drawn(NEAR, hands, flesh) if things)
    differs = False
    for number, (geometry, side) in enumerate(hands):
        there = ball(geometry)
        given = (geometry, flesh, side, CAMERA_K, SIZE_PX, NO_MESHES)
        alone = draw_things(NEAR, stream(5, "things", number), *given)
        beside = draw_things(NEAR, stream(5, "things", number), *given, placed=[there])
        differs |= alone != beside
        if beside:
            assert not crosses(whole(beside), Mesh(there.vertices_cam_m, there.triangles))
    assert differs


def test_meshes_of_a_folder_are_held_open_ones_too(
    tmp_path: Path, hands: list[tuple[PosedHand, str]], hand: Hand, flesh: Flesh
):
    bowl = trimesh.creation.icosphere(subdivisions=2)
    bowl.update_faces(bowl.triangles_center[:, 2] < 0.2)
    bowl.export(tmp_path / "bowl.ply")
    trimesh.creation.cylinder(0.1, 1.0).export(tmp_path / "stick.obj")
    recipe = ThingsRecipe(
        held_share=1, near_share=1, meshes=tmp_path, mesh_share=1, mesh_size_m=(0.05, 0.1)
    )
    library = library_of(recipe)
    names = set()
    for geometry, side, things in drawn(recipe, hands[::2], flesh, library):
        for thing in things:
            names.add(thing.mesh)
            assert thing.kind == "mesh"
            assert not crosses(whole((thing,), library), skin(geometry, hand, side))
            assert max(thing.scale) * thing.dimensions["size_m"] < 0.15
    assert names == {"bowl.ply", "stick.obj"}


def test_shares_and_weights_are_kept(hands: list[tuple[PosedHand, str]], flesh: Flesh):
    nothing = ThingsRecipe(held_share=0, near_share=0)
    assert all(things == () for _, _, things in drawn(nothing, hands, flesh))
    pens = ThingsRecipe(held_share=1, near_share=1, kinds={"pen": 1.0, "ball": 0.0})
    kinds = {thing.kind for _, _, things in drawn(pens, hands, flesh) for thing in things}
    assert kinds == {"pen"}
    with pytest.raises(ValidationError, match="positive weight"):
        ThingsRecipe(kinds={"pen": 0.0})
    with pytest.raises(ValidationError, match="kinds"):
        ThingsRecipe.model_validate({"kinds": {"sword": 1.0}})
