import numpy as np
import pytest
from pydantic import ValidationError
from test_arm import CAMERA_K, SIZE, extended, made_up_hand, posed

from mano_assets.hand import Hand
from render.factors.arm import Arm, ArmMesh, ArmRecipe, draw_arm
from render.posed_hand import PosedHand


@pytest.fixture(scope="module", params=["free", "mano"])
def arm_mesh(request: pytest.FixtureRequest, hand: Hand) -> ArmMesh:
    return ArmMesh(hand if request.param == "free" else made_up_hand())


def drawn(arm_mesh: ArmMesh, seed: int, recipe: ArmRecipe | None = None) -> tuple[PosedHand, Arm]:
    geometry = posed(arm_mesh.hand, seed)
    rng = np.random.default_rng(seed)
    return geometry, draw_arm(
        recipe or ArmRecipe(), rng, geometry, arm_mesh, "right", CAMERA_K, SIZE
    )


def test_drawn_arms_stay_clear_of_the_camera(arm_mesh: ArmMesh) -> None:
    nearest = []
    for seed in range(40):
        geometry, arm = drawn(arm_mesh, seed)
        depths = extended(arm_mesh, geometry, arm)[:, 2]
        num = len(geometry.vertices_cam_m)
        nearest.append((depths[:num].min(), depths[num:].min()))
        assert 0.85 <= arm.forearm_length <= 1.15
        assert np.deg2rad(10) <= arm.elbow_flexion_rad <= np.deg2rad(140)
    own, upper = np.array(nearest).T
    # A forearm that comes from beside the lens leaves its elbow no room.
    assert min(own.min(), upper.min()) > 0.05
    assert min((own >= 0.06).mean(), (upper >= 0.08).mean()) > 0.9


def test_drawn_arms_end_out_of_the_picture_or_behind_themselves(arm_mesh: ArmMesh) -> None:
    seen, seen_at_random = [], []
    for seed in range(40):
        geometry, arm = drawn(arm_mesh, seed)
        rng = np.random.default_rng(seed)
        anyhow = arm.model_copy(update={"elbow_azimuth_rad": rng.uniform(-np.pi, np.pi)})
        for ends, choice in ((seen, arm), (seen_at_random, anyhow)):
            vertices = extended(arm_mesh, geometry, choice)
            tip = vertices[-len(arm_mesh.extension.rim) :].mean(0)
            pixel = CAMERA_K @ tip
            pixel = pixel[:2] / pixel[2]
            inside = tip[2] > 0 and (pixel > 0).all() and (pixel < SIZE).all()
            ends.append(bool(inside and not covered(vertices, arm_mesh.triangles, tip)))
    assert np.mean(seen) <= 0.07
    assert np.mean(seen) < np.mean(seen_at_random) or not any(seen_at_random)


def covered(vertices: np.ndarray, triangles: np.ndarray, point: np.ndarray) -> bool:
    """Whether the mesh comes between the camera and a point well before it (Moeller, Trumbore)."""
    start, first, second = (vertices[triangles[:, corner]] for corner in range(3))
    first, second = first - start, second - start
    across = np.cross(point, second)
    scale = (first * across).sum(1)
    scale[np.abs(scale) < 1e-15] = np.inf
    u = (-start * across).sum(1) / scale
    other = np.cross(-start, first)
    v, t = (other @ point) / scale, (other * second).sum(1) / scale
    return bool(((u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0) & (t < 0.9)).any())


def test_the_same_numbers_give_the_same_arm_through_json(arm_mesh: ArmMesh) -> None:
    for seed in range(3):
        geometry, arm = drawn(arm_mesh, seed)
        assert drawn(arm_mesh, seed)[1] == arm
        read = Arm.model_validate_json(arm.model_dump_json())
        np.testing.assert_array_equal(
            extended(arm_mesh, geometry, read), extended(arm_mesh, geometry, arm)
        )
    assert drawn(arm_mesh, 1)[1] != drawn(arm_mesh, 2)[1]


def test_a_draw_without_forearm_takes_as_many_numbers(hand: Hand) -> None:
    arm_mesh, geometry = ArmMesh(hand), posed(hand, 0)
    after = []
    for forearm in (True, False):
        rng = np.random.default_rng(0)
        arm = draw_arm(ArmRecipe(forearm=forearm), rng, geometry, arm_mesh, "right", CAMERA_K, SIZE)
        assert arm.forearm is forearm
        after.append(rng.random())
    assert after[0] == after[1]


def test_a_recipe_names_what_is_wrong() -> None:
    with pytest.raises(ValidationError, match="lower end"):
        ArmRecipe(forearm_length=(1.2, 0.9))
    with pytest.raises(ValidationError, match="elbow"):
        ArmRecipe(elbow=3)  # type: ignore[call-arg]
