import numpy as np
import torch
import trimesh
from scipy.interpolate import CubicHermiteSpline
from scipy.spatial.transform import Rotation
from smplx.lbs import lbs

from mano_assets.skeleton import MANO16
from mano_assets.skinning import blend, bone_heat, segment_distance, smoothstep


def capsule() -> tuple[np.ndarray, np.ndarray]:
    """A finger-like capsule along z from 0 to 6 cm."""
    mesh = trimesh.creation.capsule(height=0.06, radius=0.008, count=(16, 16))
    return np.asarray(mesh.vertices), np.asarray(mesh.faces)


def two_bones(vertices: np.ndarray) -> np.ndarray:
    ends = np.array([[0, 0, 0], [0, 0, 0.03], [0, 0, 0.06]])
    return np.stack([segment_distance(vertices, ends[k], ends[k + 1]) for k in range(2)], 1)


def test_bone_heat_s_rows_sum_to_one_and_fall_off_along_the_bone():
    vertices, triangles = capsule()
    distances = two_bones(vertices)
    weights = bone_heat(vertices, triangles, distances, np.ones_like(distances, bool))
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-12)
    assert weights.min() >= 0
    height = vertices[:, 2]
    assert (weights[height < 0.01, 0] > 0.9).all()
    assert (weights[height > 0.05, 1] > 0.9).all()
    heights = np.unique(height.round(6))
    means = [weights[np.isclose(height, h, atol=1e-6), 0].mean() for h in heights]
    assert (np.diff(means) < 1e-9).all()


def test_a_bone_that_is_not_allowed_warms_nothing():
    vertices, triangles = capsule()
    distances = two_bones(vertices)
    allowed = np.ones_like(distances, bool)
    allowed[:, 1] = False
    weights = bone_heat(vertices, triangles, distances, allowed)
    np.testing.assert_allclose(weights, np.tile([1.0, 0.0], (len(vertices), 1)), atol=1e-9)


def test_segment_distance_in_closed_form():
    start, end = np.array([0.0, 0, 0]), np.array([2.0, 0, 0])
    points = np.array([[1.0, 3, 4], [-3, 0, 4], [5, 4, 0], [0, 0, 0]])
    np.testing.assert_allclose(segment_distance(points, start, end), [5, 5, 5, 0])


def test_smoothstep_is_the_cubic_with_level_ends():
    assert smoothstep(2.0, 4.0, np.array([1.0, 2.0, 3.0, 4.0, 5.0])).tolist() == [0, 0, 0.5, 1, 1]
    values = np.linspace(2, 4, 101)
    expected = CubicHermiteSpline([2, 4], [0, 1], [0, 0])(values)
    np.testing.assert_allclose(smoothstep(2.0, 4.0, values), expected, atol=1e-12)
    # The other way round it falls.
    np.testing.assert_allclose(smoothstep(4.0, 2.0, values), 1 - expected, atol=1e-12)


def random_hand(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    vertices = rng.normal(0, 0.05, (50, 3))
    regressor = rng.dirichlet(np.ones(50), 16)
    return vertices, rng.dirichlet(np.full(16, 0.3), 50), regressor @ vertices


def test_no_rotation_moves_nothing():
    vertices, weights, joints = random_hand(np.random.default_rng(0))
    rotations = np.tile(np.eye(3), (16, 1, 1))
    moved, places = blend(vertices, weights, joints, MANO16.parents, rotations)
    np.testing.assert_allclose(moved, vertices, atol=1e-15)
    np.testing.assert_allclose(places, joints, atol=1e-15)


def test_blending_is_that_of_smplx():
    rng = np.random.default_rng(1)
    batch = 5
    vertices = rng.normal(0, 0.05, (50, 3))
    weights, regressor = rng.dirichlet(np.full(16, 0.3), 50), rng.dirichlet(np.ones(50), 16)
    pose = rng.normal(0, 1, (batch, 16, 3))
    rotations = Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix().reshape(batch, 16, 3, 3)
    batched = np.tile(vertices, (batch, 1, 1))
    moved, places = blend(batched, weights, regressor @ batched, MANO16.parents, rotations)

    def tensor(values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(values, dtype=torch.float64)

    expected_vertices, expected_joints = lbs(
        betas=torch.zeros(batch, 1, dtype=torch.float64),
        pose=tensor(rotations),
        v_template=tensor(vertices),
        shapedirs=torch.zeros(50, 3, 1, dtype=torch.float64),
        posedirs=torch.zeros(135, 150, dtype=torch.float64),
        J_regressor=tensor(regressor),
        parents=torch.tensor(MANO16.parents),
        lbs_weights=tensor(weights),
        pose2rot=False,
    )
    np.testing.assert_allclose(moved, expected_vertices.numpy(), atol=1e-12)
    np.testing.assert_allclose(places, expected_joints.numpy(), atol=1e-12)
