"""FreiHAND's evaluation against a plain loop over scipy's Procrustes and k-d trees."""

import json
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from evaluation.referees.freihand import score_freihand
from evaluation.referees.freihand_files import referee_freihand
from mano_assets.errors import InputError
from render.manifest.predictions import PredictionInfo, Predictions, write_predictions

THRESHOLDS_M = np.linspace(0, 0.05, 100)


def plain_alignment(truth, predicted):
    """(R, s, norm of truth, norm of prediction, mean of truth, mean of prediction)."""
    mean_true, mean_pred = truth.mean(0), predicted.mean(0)
    norm_true = np.linalg.norm(truth - mean_true) + 1e-8
    norm_pred = np.linalg.norm(predicted - mean_pred) + 1e-8
    rotation, scale = orthogonal_procrustes(
        (truth - mean_true) / norm_true, (predicted - mean_pred) / norm_pred
    )
    return rotation, scale, norm_true, norm_pred, mean_true, mean_pred


def plain_aligned(truth, predicted):
    rotation, scale, norm_true, norm_pred, mean_true, mean_pred = plain_alignment(truth, predicted)
    return ((predicted - mean_pred) / norm_pred) @ rotation.T * scale * norm_true + mean_true


def plain_aligned_by_joints(joints_true, joints_pred, vertices):
    rotation, scale, norm_true, _, mean_true, mean_pred = plain_alignment(joints_true, joints_pred)
    centre = vertices.mean(0)
    return (vertices - centre) @ rotation.T * scale * norm_true + (mean_true - mean_pred) + centre


def plain_measures(truth, predicted):
    """EPE (cm) and AUC: for each point over samples, then over points."""
    means, areas = [], []
    for point in range(truth[0].shape[0]):
        differences = [t[point] - p[point] for t, p in zip(truth, predicted, strict=True)]
        errors = np.sqrt(np.sum(np.square(differences), axis=1))
        means.append(errors.mean())
        shares = (errors[:, None] <= THRESHOLDS_M).mean(0)
        areas.append(np.trapz(shares, THRESHOLDS_M) / 0.05)
    return 100 * np.mean(means), np.mean(areas)


def plain_f(truth, predicted, radius):
    to_predicted = cKDTree(predicted).query(truth)[0]
    to_true = cKDTree(truth).query(predicted)[0]
    recall, precision = np.mean(to_true < radius), np.mean(to_predicted < radius)
    return 2 * recall * precision / (recall + precision) if recall + precision > 0 else 0.0


def plain_scores(joints_true, joints_pred, vertices_true, vertices_pred):
    joints_al = [plain_aligned(t, p) for t, p in zip(joints_true, joints_pred, strict=True)]
    scores = {}
    scores["xyz_mean3d"], scores["xyz_auc3d"] = plain_measures(joints_true, joints_pred)
    scores["xyz_al_mean3d"], scores["xyz_al_auc3d"] = plain_measures(joints_true, joints_al)
    if vertices_pred[0].shape == vertices_true[0].shape:
        vertices_al = [
            plain_aligned(t, p) for t, p in zip(vertices_true, vertices_pred, strict=True)
        ]
        raw, aligned = (
            plain_measures(vertices_true, found) for found in (vertices_pred, vertices_al)
        )
    else:
        vertices_al = [
            plain_aligned_by_joints(*both)
            for both in zip(joints_true, joints_pred, vertices_pred, strict=True)
        ]
        raw = aligned = (-1.0, -1.0)
    scores["mesh_mean3d"], scores["mesh_auc3d"] = raw
    scores["mesh_al_mean3d"], scores["mesh_al_auc3d"] = aligned
    for radius_mm in (5, 15):
        for name, found in (("f_score", vertices_pred), ("f_al_score", vertices_al)):
            values = [
                plain_f(t, p, radius_mm / 1000) for t, p in zip(vertices_true, found, strict=True)
            ]
            scores[f"{name}_{radius_mm}"] = np.mean(values)
    return scores


def surfaces(random, num_samples, num_points):
    """Hand-sized bent sheets away from the camera, metres."""
    flat = random.uniform((-0.05, -0.09), (0.05, 0.09), (num_samples, num_points, 2))
    depth = 0.02 * np.sin(30 * flat[..., :1]) + 0.1 * flat[..., 1:] ** 2
    return np.concatenate([flat, depth], -1) + random.uniform(-0.1, 0.1, (num_samples, 1, 3)) + 0.6


def disturbed(random, truth, noise_m, shift_m, turn_rad, scale, mirror):
    turn = Rotation.from_rotvec(random.normal(0, turn_rad, (len(truth), 3))).as_matrix()
    centre = truth.mean(1, keepdims=True)
    predicted = scale * (truth - centre) @ turn
    predicted[..., 0] *= -1 if mirror else 1
    predicted += centre + random.normal(0, shift_m, (len(truth), 1, 3))
    return predicted + random.normal(0, noise_m, truth.shape)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    num_samples=st.integers(1, 3),
    noise_m=st.sampled_from([0.0, 0.002, 0.008, 0.05]),
    shift_m=st.sampled_from([0.0, 0.004, 0.02, 0.4]),
    turn_rad=st.sampled_from([0.0, 0.2, 2.0]),
    scale=st.sampled_from([1.0, 0.7, 1.3, 40.0]),
    mirror=st.booleans(),
    num_predicted=st.sampled_from([200, 200, 200, 120, 1]),
)
def test_equals_the_plain_loop(
    seed, num_samples, noise_m, shift_m, turn_rad, scale, mirror, num_predicted
):
    random = np.random.default_rng(seed)
    joints, vertices = surfaces(random, num_samples, 21), surfaces(random, num_samples, 200)
    how = (noise_m, shift_m, turn_rad, scale, mirror)
    joints_pred = disturbed(random, joints, *how)
    vertices_pred = disturbed(random, vertices, *how)[:, :num_predicted]
    found = score_freihand(joints, joints_pred, vertices, vertices_pred)
    expected = plain_scores(joints, joints_pred, vertices, vertices_pred)
    assert list(found) == [
        "xyz_mean3d", "xyz_auc3d", "xyz_al_mean3d", "xyz_al_auc3d",
        "mesh_mean3d", "mesh_auc3d", "mesh_al_mean3d", "mesh_al_auc3d",
        "f_score_5", "f_al_score_5", "f_score_15", "f_al_score_15",
    ]  # fmt: skip
    for name, value in expected.items():
        # A perfect prediction's errors are rounding, and lie about the first threshold, 0.
        slack = 1 / 198 if noise_m == 0 and name.endswith("auc3d") else 0
        assert found[name] == pytest.approx(value, abs=5e-7 + slack), name


@pytest.fixture
def official(tmp_path):
    """FreiHAND's evaluation files with twelve made-up hands, and their arrays."""
    random = np.random.default_rng(5)
    joints, vertices = random.normal(0.6, 0.04, (12, 21, 3)), surfaces(random, 12, 778)
    (tmp_path / "evaluation_xyz.json").write_text(json.dumps(joints.tolist()))
    (tmp_path / "evaluation_verts.json").write_text(json.dumps(vertices.tolist()))
    return tmp_path, joints, vertices


def write_pred(folder, joints, vertices):
    path = folder / "pred.json"
    as_list = [v.tolist() if isinstance(v, np.ndarray) else v for v in (joints, vertices)]
    path.write_text(json.dumps(as_list))
    return path


def test_a_perfect_prediction():
    joints = surfaces(np.random.default_rng(0), 5, 21)
    vertices = surfaces(np.random.default_rng(1), 5, 778)
    scores = score_freihand(joints, joints, vertices, vertices)
    for name in ("xyz", "mesh"):
        assert scores[f"{name}_mean3d"] == 0
        assert scores[f"{name}_auc3d"] == pytest.approx(1, abs=1e-12)
        # The 1e-8 of the alignment leaves nanometres, which the threshold 0 does not reach.
        assert 0 < scores[f"{name}_al_mean3d"] < 1e-5
        assert scores[f"{name}_al_auc3d"] == pytest.approx(1 - 1 / 198, abs=1e-12)
    assert [scores[f"f_{al}score_{mm}"] for al in ("", "al_") for mm in (5, 15)] == [1] * 4


def test_mirrored_hands_are_not_found_out_by_the_alignment():
    joints = surfaces(np.random.default_rng(2), 4, 21)
    mirrored = joints * (-1, 1, 1)
    assert score_freihand(joints, mirrored)["xyz_al_mean3d"] < 1e-5
    assert score_freihand(joints, mirrored)["xyz_mean3d"] > 1


def test_zeros_are_aligned_to_the_mean():
    joints = surfaces(np.random.default_rng(3), 4, 21)
    scores = score_freihand(joints, np.zeros_like(joints))
    spread = np.linalg.norm(joints - joints.mean(1, keepdims=True), axis=-1).mean()
    assert scores["xyz_al_mean3d"] == pytest.approx(100 * spread)
    assert scores["xyz_mean3d"] == pytest.approx(100 * np.linalg.norm(joints, axis=-1).mean())


def test_distances_at_the_limits():
    # 5 mm does not count for F, and does for AUC at a threshold that is exactly the distance.
    flat = np.zeros((1, 2, 3))
    flat[0, 1, 0] = 10.0
    up = np.array([0, 0, 1.0])
    shifted = flat + 0.005 * up
    assert score_freihand(flat, flat, flat, shifted)["f_score_5"] == 0
    assert score_freihand(flat, flat, flat, shifted)["f_score_15"] == 1
    shifted = flat + np.nextafter(0.005, 0) * up
    assert score_freihand(flat, flat, flat, shifted)["f_score_5"] == 1
    last_m = THRESHOLDS_M[-1]
    reached = score_freihand(flat, flat + last_m * up)["xyz_auc3d"]
    assert reached == pytest.approx(0.5 / 99)
    beyond = flat + np.nextafter(last_m, 1) * up
    assert score_freihand(flat, beyond)["xyz_auc3d"] == 0


def test_without_vertices_the_mesh_is_as_eval_py_marks_it():
    joints = surfaces(np.random.default_rng(4), 3, 21)
    scores = score_freihand(joints, joints + 0.001)
    assert [scores[name] for name in scores if name.startswith("mesh")] == [-1] * 4
    assert [scores[name] for name in scores if name.startswith("f_")] == [0] * 4


def test_arrays_that_do_not_fit_are_named():
    joints = surfaces(np.random.default_rng(4), 3, 21)
    broken = joints.copy()
    broken[1, 4, 0] = np.nan
    for pair, message in (
        ((joints, broken), "1 of the predicted samples are not all finite, number 1"),
        ((joints, joints[:2]), "2 samples of 3"),
        ((joints, joints[:, :20]), r"shape \(3, 20, 3\), expected \(3, 21, 3\)"),
        ((joints, joints, None, joints), "the true ones are missing"),
        ((joints, joints[..., :2]), "expected samples x points x 3"),
    ):
        with pytest.raises(InputError, match=message):
            score_freihand(*pair)


@pytest.mark.parametrize("kind", ["json", "zip", "parquet"])
def test_files_give_the_arrays_scores(official, kind):
    root, joints, vertices = official
    random = np.random.default_rng(6)
    joints_pred = joints + random.normal(0, 0.01, joints.shape)
    vertices_pred = vertices + random.normal(0, 0.01, vertices.shape)
    if kind == "parquet":
        path, backwards = root / "p.parquet", np.arange(12)[::-1]
        info = PredictionInfo(
            system="s", label="l", checkpoint="c", checkpoint_sha256="0", data="d", data_name="d"
        )
        found = Predictions(
            info, [f"evaluation-{n:08d}" for n in backwards],
            joints_3d=joints_pred[backwards], vertices_3d=vertices_pred[backwards],
        )  # fmt: skip
        write_predictions(path, found)
    else:
        path = write_pred(root, joints_pred, vertices_pred)
        if kind == "zip":
            with zipfile.ZipFile(root / "pred.zip", "w") as archive:
                archive.write(path, "pred.json")
            path = root / "pred.zip"
    scores, warnings = referee_freihand(root, path, root / "out/scores.txt")
    assert warnings == []
    assert scores == score_freihand(joints, joints_pred, vertices, vertices_pred)
    lines = (root / "out/scores.txt").read_text().splitlines()
    assert lines == [f"{name}: {value:f}" for name, value in scores.items()]


def test_a_model_without_vertices_is_told(official):
    root, joints, _ = official
    for vertices in ([[]] * 12, np.zeros((12, 1, 3))):
        scores, warnings = referee_freihand(root, write_pred(root, joints + 0.003, vertices))
        assert scores["mesh_mean3d"] == -1
        assert scores["f_score_15"] == 0
        assert len(warnings) == 1
        assert "mesh is -1" in warnings[0]


def test_wrong_files_are_named(official):
    root, joints, vertices = official
    words = joints.tolist()
    words[3][2] = ["a", "b", "c"]
    ragged = joints.tolist()
    ragged[7] = ragged[7][:20]
    missing = joints.tolist()
    missing[2][0][1] = float("nan")
    for found, message in (
        ((joints[:6], vertices[:6]), "joints of 6 of 12 samples, expected all"),
        ((joints, vertices[:6]), "vertices of 6 of 12 samples, expected all"),
        ((words, vertices), r"joints of sample 3 are not 21 points of 3 numbers \(1 of 12"),
        ((ragged, vertices), "joints of sample 7 are not 21 points"),
        ((missing, vertices), "joints of sample 2 are not all finite"),
        ((joints * 1000, vertices * 1000), "look like millimetres"),
        ((joints[..., ::-1], vertices), "mirrored"),
    ):
        with pytest.raises(InputError, match=message):
            referee_freihand(root, write_pred(root, *found))
    for text, message in (("{", "not JSON"), ("[[]]", "expected a list of two")):
        (root / "pred.json").write_text(text)
        with pytest.raises(InputError, match=message):
            referee_freihand(root, root / "pred.json")
    with pytest.raises(InputError, match=r"absent\.json: no such file"):
        referee_freihand(root, root / "absent.json")
