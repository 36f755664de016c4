import numpy as np
import pytest
from test_arm import CAMERA_K, SIZE, edges_of, made_up_hand, posed, volume

from mano_assets.geometry.mesh_crossing import meshes_cross
from mano_assets.hand import MIRROR, Hand
from mano_assets.skeleton import HAND21
from render.dress.finger_ring import slab_points
from render.dress.sections import inside, outline
from render.factors.arm import Arm, ArmMesh, ArmRecipe, draw_arm
from render.factors.dress import (
    Dress,
    DressRecipe,
    RingShares,
    SleeveRecipe,
    Wearer,
    draw_dress,
    dress_solids,
)
from render.posed_hand import PosedHand
from render.solids import Solid

ALL = DressRecipe(
    sleeve=SleeveRecipe(share=1),
    bracelet_share=1,
    rings=RingShares(thumb=1, index=1, middle=1, ring=1, little=1),
)
NO_SLEEVE = ALL.model_copy(update={"sleeve": SleeveRecipe(share=0)})


@pytest.fixture(scope="module", params=["free", "mano"])
def wearer(request: pytest.FixtureRequest, hand: Hand) -> Wearer:
    return Wearer(ArmMesh(hand if request.param == "free" else made_up_hand()))


def dressed(
    wearer: Wearer, seed: int, recipe: DressRecipe, side: str = "right"
) -> tuple[PosedHand, Arm, Dress, list[Solid]]:
    geometry = posed(wearer.arm_mesh.hand, seed, side)
    rng = np.random.default_rng(seed)
    arm = draw_arm(ArmRecipe(), rng, geometry, wearer.arm_mesh, side, CAMERA_K, SIZE)
    dress = draw_dress(recipe, rng, geometry, arm, wearer, side)
    return geometry, arm, dress, dress_solids(dress, geometry, arm, wearer, side)


def skin(wearer: Wearer, geometry: PosedHand, arm: Arm, side: str = "right") -> np.ndarray:
    return wearer.arm_mesh.extended(geometry.vertices_cam_m, geometry.joints_cam_m, arm, side)


def winds_round(solid: Solid, points: np.ndarray) -> np.ndarray:
    """Winding numbers of a surface, its rim closed by a fan (van Oosterom and Strackee 1983)."""
    edges = edges_of(solid.triangles)
    rim = [edge for edge in edges if edge[::-1] not in edges]
    triangles, vertices = solid.triangles, solid.vertices_cam_m
    if rim:
        middle = vertices[[start for start, _ in rim]].mean(0)
        fan = [[end, start, len(vertices)] for start, end in rim]
        triangles, vertices = np.concatenate([triangles, fan]), np.vstack([vertices, middle])
    a, b, c = (vertices[triangles[:, corner]] - points[:, None] for corner in range(3))
    la, lb, lc = (np.linalg.norm(side, axis=-1) for side in (a, b, c))
    solid_angle = np.arctan2(
        (a * np.cross(b, c)).sum(-1),
        la * lb * lc + (a * b).sum(-1) * lc + (b * c).sum(-1) * la + (c * a).sum(-1) * lb,
    )
    return solid_angle.sum(-1) / (2 * np.pi)


@pytest.mark.parametrize("recipe", [ALL, NO_SLEEVE], ids=["sleeve", "bare"])
def test_nothing_worn_passes_through_the_skin(wearer: Wearer, recipe: DressRecipe) -> None:
    names = set()
    for seed in range(50):
        side = "left" if seed % 2 else "right"
        geometry, arm, _, solids = dressed(wearer, seed, recipe, side)
        vertices = skin(wearer, geometry, arm, side)
        for solid in solids:
            names.add(solid.name)
            crossing = meshes_cross(
                vertices, wearer.arm_mesh.triangles, solid.vertices_cam_m, solid.triangles
            )
            assert not crossing, f"{solid.name} of {seed}"
    expected = {"sleeve"} if recipe is ALL else {"bracelet", "watch"}
    assert expected <= names
    assert "ring" in names or wearer.arm_mesh.hand.digest == "made up"


def test_a_sleeve_encloses_the_arm_above_its_cuff(wearer: Wearer) -> None:
    for seed in range(8):
        geometry, arm, dress, solids = dressed(wearer, seed, ALL)
        assert dress.sleeve
        assert solids[0].name == "sleeve"
        straight = wearer.arm_mesh.straight(geometry, "right")
        along = np.concatenate([straight.hand_m, straight.extension_m])[:, 2]
        vertices = skin(wearer, geometry, arm)
        above = along > dress.sleeve.cuff_m + 0.03
        is_arm = np.ones(len(vertices), dtype=bool)
        is_arm[: len(straight.hand_m)] = wearer.arm_mesh.hand.arrays["forearm_weights"] == 1
        chosen = np.flatnonzero(above & is_arm)[::23]
        np.testing.assert_allclose(winds_round(solids[0], vertices[chosen]), 1, atol=1e-6)
        below = np.flatnonzero(along < dress.sleeve.cuff_m - 0.01)[::61]
        np.testing.assert_allclose(winds_round(solids[0], vertices[below]), 0, atol=1e-6)


def test_a_cuff_never_reaches_the_knuckles(wearer: Wearer) -> None:
    for seed in range(15):
        geometry, _, dress, solids = dressed(wearer, seed, ALL)
        knuckles = HAND21.indices([f"{finger}_mcp" for finger in ("index", "middle", "ring")])
        winding = winds_round(solids[0], geometry.joints_cam_m[knuckles])
        np.testing.assert_allclose(winding, 0, atol=1e-6)
        assert dress.sleeve
        assert dress.sleeve.cuff_m >= 0.015


def test_a_cuff_has_the_thickness_of_its_cloth(wearer: Wearer) -> None:
    for seed in range(10):
        geometry, _, dress, _ = dressed(wearer, seed, ALL)
        assert dress.sleeve
        # A bent elbow presses cloth flat.
        solids = dress_solids(dress, geometry, Arm(), wearer, "right")
        # Lining and outside are the third and the sixth ring of as many sides.
        rings = solids[0].vertices_cam_m[:-1].reshape(-1, 40, 3)
        gap = np.linalg.norm(rings[5] - rings[2], axis=1)
        assert gap.min() > 0.85 * (dress.sleeve.thickness_m + dress.sleeve.hem_thickness_m)
        assert gap.max() < 0.01


def test_bands_are_closed_and_face_outwards(wearer: Wearer) -> None:
    for seed in range(6):
        for side in ("right", "left"):
            *_, solids = dressed(wearer, seed, NO_SLEEVE, side)
            for solid in solids:
                edges = edges_of(solid.triangles)
                is_dial = solid.name == "watch" and len(edges) < 200
                if not is_dial:
                    assert all(edge[::-1] in edges for edge in edges)
                    assert volume(solid.vertices_cam_m, solid.triangles) > 0
                assert set(edges.values()) == {1}


def test_a_ring_goes_round_its_finger(hand: Hand) -> None:
    wearer, num = Wearer(ArmMesh(hand)), 0
    for seed in range(20):
        geometry, _, dress, solids = dressed(wearer, seed, NO_SLEEVE)
        bands = [s for s in solids if s.name == "ring" and s.smooth]
        assert len(bands) == len(dress.rings)
        for ring, solid in zip(dress.rings, bands, strict=True):
            ends = ["mcp", "ip" if ring.finger == "thumb" else "pip"]
            joints = HAND21.indices([f"{ring.finger}_{end}" for end in ends])
            near, far = geometry.joints_cam_m[joints]
            centre, along = near + ring.place * (far - near), far - near
            along = along / np.linalg.norm(along)
            # The first ring of vertices is the edge of the inner wall.
            inner = solid.vertices_cam_m[:36] - centre
            assert np.ptp(inner @ along) < 1e-9
            flat = inner - (inner @ along)[:, None] * along
            angles = np.arctan2(
                np.cross(flat, np.roll(flat, -1, 0)) @ along, (flat * np.roll(flat, -1, 0)).sum(1)
            )
            assert abs(angles.sum()) == pytest.approx(2 * np.pi)
            # A finger is 5 to 16 mm from its axis to its skin there.
            radii = np.linalg.norm(flat, axis=1)
            assert radii.min() > 0.004
            assert radii.max() < 0.018
            num += 1
    assert num > 20


def test_a_bracelet_goes_round_the_wrist_where_it_says(wearer: Wearer) -> None:
    for seed in range(20):
        geometry, _, dress, _ = dressed(wearer, seed, NO_SLEEVE)
        if dress.bracelet is None:
            continue
        solids = dress_solids(dress, geometry, Arm(), wearer, "right")
        straight = wearer.arm_mesh.straight(geometry, "right")
        band = solids[0].vertices_cam_m
        local = (band - straight.origin_cam_m) @ straight.rotation
        assert local[:, 2].mean() == pytest.approx(dress.bracelet.place_m, abs=1e-3)
        assert np.ptp(local[:, 2]) == pytest.approx(dress.bracelet.width_m, rel=0.02)
        angles = np.unwrap(np.arctan2(*local[[*range(48), 0], 1::-1].T))
        assert angles[-1] - angles[0] == pytest.approx(2 * np.pi)
        assert 0.01 <= dress.bracelet.place_m <= 0.085


def test_a_watch_lies_on_the_back_of_the_wrist(hand: Hand) -> None:
    wearer, num = Wearer(ArmMesh(hand)), 0
    for seed in range(30):
        for side in ("right", "left"):
            geometry = PosedHand(*hand.posed(*map(np.zeros, (3, 45, 10, 3)), side))  # type: ignore
            rng = np.random.default_rng(seed)
            dress = draw_dress(NO_SLEEVE, rng, geometry, Arm(), wearer, side)
            if dress.bracelet and dress.bracelet.watch:
                band, case, dial = dress_solids(dress, geometry, Arm(), wearer, side)[:3]
                names = [solid.name for solid in (band, case, dial)]
                assert names == ["watch"] * 3
                # At rest the palm looks down MANO's y axis.
                middle = band.vertices_cam_m.mean(0)
                assert case.vertices_cam_m.mean(0)[1] > middle[1] + 0.015
                assert dial.vertices_cam_m[:, 1].mean() > case.vertices_cam_m[:, 1].mean() + 0.001
                num += 1
    assert num > 4


def test_a_left_hand_wears_the_mirror_image(wearer: Wearer) -> None:
    for seed in range(4):
        right, left = (posed(wearer.arm_mesh.hand, seed, side) for side in ("right", "left"))
        shift = right.vertices_cam_m[0] - left.vertices_cam_m[0] * MIRROR
        _, arm, dress, _ = dressed(wearer, seed, ALL)
        there = dress_solids(dress, right, arm, wearer, "right")
        mirrored = dress_solids(dress, left, arm, wearer, "left")
        for one, other in zip(there, mirrored, strict=True):
            np.testing.assert_allclose(
                other.vertices_cam_m * MIRROR + shift, one.vertices_cam_m, rtol=0, atol=1e-9
            )
            np.testing.assert_array_equal(other.triangles[:, ::-1], one.triangles)


def test_the_description_alone_makes_it_again(wearer: Wearer) -> None:
    for seed in range(3):
        geometry, arm, dress, solids = dressed(wearer, seed, ALL)
        assert dressed(wearer, seed, ALL)[2] == dress
        read = Dress.model_validate_json(dress.model_dump_json())
        assert read == dress
        for one, other in zip(
            solids, dress_solids(read, geometry, arm, wearer, "right"), strict=True
        ):
            np.testing.assert_array_equal(one.vertices_cam_m, other.vertices_cam_m)
            assert one.material == other.material


def test_shares_hold_and_every_draw_takes_as_many_numbers(hand: Hand) -> None:
    wearer, geometry = Wearer(ArmMesh(hand)), posed(hand, 0)
    recipe = DressRecipe(sleeve=SleeveRecipe(share=0.5), bracelet_share=0.25)
    draws = [
        draw_dress(recipe, np.random.default_rng(seed), geometry, Arm(), wearer, "right")
        for seed in range(200)
    ]
    # Five standard deviations.
    assert np.mean([d.sleeve is not None for d in draws]) == pytest.approx(0.5, abs=0.18)
    bare = [d.bracelet is not None for d in draws if d.sleeve is None]
    assert np.mean(bare) == pytest.approx(0.25, abs=0.22)
    after = set()
    for recipe in (ALL, NO_SLEEVE, DressRecipe()):
        for arm in (Arm(), Arm(forearm=False)):
            rng = np.random.default_rng(1)
            draw_dress(recipe, rng, geometry, arm, wearer, "right")
            after.add(rng.random())
    assert len(after) == 1


def test_without_a_forearm_there_are_only_rings(hand: Hand) -> None:
    wearer, geometry = Wearer(ArmMesh(hand)), posed(hand, 0)
    rng = np.random.default_rng(0)
    dress = draw_dress(ALL, rng, geometry, Arm(forearm=False), wearer, "right")
    assert dress.sleeve is None
    assert dress.bracelet is None
    assert dress.rings


def test_an_outline_encloses_what_it_was_measured_from() -> None:
    rng = np.random.default_rng(0)
    normals = np.stack([np.cos(t := 2 * np.pi * np.arange(24) / 24), np.sin(t)], 1)
    for _ in range(50):
        points = rng.normal(size=(30, 2)) * rng.uniform(0.2, 2, 2)
        reach = (points @ normals.T).max(0)
        corners = outline(reach)
        edges = np.roll(corners, -1, 0) - corners
        to_points = points[:, None] - corners
        assert (edges[:, 0] * to_points[..., 1] - edges[:, 1] * to_points[..., 0] > -1e-9).all()
        assert inside(points, reach + 1e-9).all()
        assert not inside(corners * 1.001, reach).any()


def test_a_slab_holds_all_of_a_triangle_between_its_planes() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        triangle = rng.normal(size=(1, 3, 3))
        found = slab_points(triangle, 0.4)
        weights = rng.dirichlet(np.ones(3), 500)
        within = weights @ triangle[0]
        within = within[np.abs(within[:, 2]) <= 0.4]
        assert (np.abs(found[:, 2]) <= 0.4 + 1e-9).all()
        for direction in rng.normal(size=(20, 3)):
            if len(within):
                assert (found @ direction).max() >= (within @ direction).max() - 1e-9
