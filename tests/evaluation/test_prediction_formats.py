"""Prediction files of the public data sets: round trips, and what is wrong with a file is named."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from public_trees import RIGHT_HAND_MM, jpeg, make_coco

from evaluation.datasets import import_dataset
from evaluation.prediction_formats import FORMATS, read_format, write_format
from evaluation.prediction_formats.coco_persons import read_annotations
from evaluation.prediction_formats.coco_wholebody import results_of
from evaluation.referees.coco_wholebody import score_hands
from evaluation.referees.coco_wholebody_files import referee_coco_wholebody
from mano_assets.errors import InputError
from render.manifest import Manifest
from render.manifest.predictions import (
    PredictionInfo,
    Predictions,
    read_predictions,
    write_predictions,
)
from render.manifest.reading import column_array

INFO = PredictionInfo(
    system="s", label="l", checkpoint="c", checkpoint_sha256="0", data="d", data_name="d"
)
NUM_IMAGES = 8


@pytest.fixture(scope="module")
def freihand_data(tmp_path_factory) -> Path:
    """Eight images of FreiHAND's evaluation split, imported."""
    root = tmp_path_factory.mktemp("freihand")
    (root / "evaluation/rgb").mkdir(parents=True)
    random = np.random.default_rng(0)
    joints = RIGHT_HAND_MM / 1000 + random.normal(0, 0.002, (NUM_IMAGES, 21, 3)) + (0, 0.05, 0.6)
    camera = [[480.0, 0, 112.36], [0, 480, 112.36], [0, 0, 1]]
    (root / "evaluation_xyz.json").write_text(json.dumps(joints.tolist()))
    (root / "evaluation_K.json").write_text(json.dumps([camera] * NUM_IMAGES))
    for number in range(NUM_IMAGES):
        (root / f"evaluation/rgb/{number:08d}.jpg").write_bytes(jpeg(224, 224))
    import_dataset("freihand", root, "evaluation", root / "manifest")
    return root / "manifest"


@pytest.fixture(scope="module")
def coco_data(tmp_path_factory) -> tuple[Path, Path]:
    """COCO-WholeBody's files, with boxes and areas, and their manifest."""
    root = make_coco(tmp_path_factory.mktemp("coco") / "files")
    path = root / "annotations/coco_wholebody_val_v1.0.json"
    content = json.loads(path.read_text())
    boxes = [[5, 25, 40, 70], [50, 30, 60, 60], [70, 5, 20, 15], [0, 60, 30, 40]]
    for person, box in zip(content["annotations"], boxes, strict=True):
        person |= {"bbox": box, "area": 0.5 * box[2] * box[3], "keypoints": [0.0] * 51}
    path.write_text(json.dumps(content))
    import_dataset("coco-wholebody", root, "val", root / "manifest")
    return root, root / "manifest"


def truth(data: Path, dimensions: int) -> tuple[list[str], np.ndarray]:
    table = Manifest.open(str(data)).table()
    joints = column_array(table, f"joints_{dimensions}d", 21, dimensions)
    return table["sample_id"].to_pylist(), np.nan_to_num(joints, nan=50.0)


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), mesh=st.booleans(), suffix=st.sampled_from([".json", ".zip"])
)
def test_freihand_comes_back(
    freihand_data: Path, tmp_path_factory, seed: int, mesh: bool, suffix: str
) -> None:
    folder, random = tmp_path_factory.mktemp("round"), np.random.default_rng(seed)
    ids, joints = truth(freihand_data, 3)
    joints = joints + random.normal(0, 0.004, joints.shape)
    vertices = random.normal(0.6, 0.05, (len(ids), 778, 3)) if mesh else None
    order = random.permutation(len(ids))
    shuffled = Predictions(
        INFO,
        [ids[n] for n in order],
        joints_3d=joints[order],
        vertices_3d=None if vertices is None else vertices[order],
    )
    write_predictions(folder / "p.parquet", shuffled)
    file = folder / f"pred{suffix}"
    assert write_format("freihand", folder / "p.parquet", f"{freihand_data}", file) == []
    assert read_format("freihand", file, f"{freihand_data}:evaluation", folder / "q.parquet") == []
    found = read_predictions(folder / "q.parquet")
    assert found.sample_ids == ids
    np.testing.assert_array_equal(found.joints_3d, joints)
    if vertices is None:
        assert found.vertices_3d is None
    else:
        np.testing.assert_array_equal(found.vertices_3d, vertices)
    assert found.joints_2d is found.score is None
    assert found.info.data_recipe_digest == Manifest.open(str(freihand_data)).info.recipe_digest


def test_pred_json_is_what_eval_py_reads(freihand_data: Path, tmp_path: Path) -> None:
    ids, joints = truth(freihand_data, 3)
    write_predictions(tmp_path / "p.parquet", Predictions(INFO, ids, joints_3d=joints))
    write_format("freihand", tmp_path / "p.parquet", str(freihand_data), tmp_path / "pred.zip")
    with zipfile.ZipFile(tmp_path / "pred.zip") as archive:
        assert archive.namelist() == ["pred.json"]
        found = json.loads(archive.read("pred.json"))
    assert np.shape(found[0]) == (NUM_IMAGES, 21, 3)
    # One vertex a sample: zeros for all 778 would be scored as a mesh.
    assert np.shape(found[1]) == (NUM_IMAGES, 1, 3)
    np.testing.assert_array_equal(found[0][int(ids[5][-8:])], joints[5])


@pytest.mark.parametrize("vertices", ["zeros", "empty"])
def test_no_vertices_as_others_write_them(
    freihand_data: Path, tmp_path: Path, vertices: str
) -> None:
    _, joints = truth(freihand_data, 3)
    count = {"zeros": 778, "empty": 0}[vertices]
    content = [joints.tolist(), np.zeros((NUM_IMAGES, count, 3)).tolist()]
    (tmp_path / "pred.json").write_text(json.dumps(content))
    out = tmp_path / "p.parquet"
    read_format("freihand", tmp_path / "pred.json", str(freihand_data), out, label="mine")
    found = read_predictions(out)
    assert found.vertices_3d is None
    assert (found.info.label, found.info.system) == ("mine", "imported")


def with_nan(joints: np.ndarray) -> np.ndarray:
    broken = joints.copy()
    broken[3, 4, 1] = np.nan
    return broken


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda joints: joints[:4], "joints of 4 of 8 samples, expected all"),
        (lambda joints: np.repeat(joints, 2, 0), "joints of 16 of 8 samples"),
        (lambda joints: joints * 1000, "joints_3d look like millimetres"),
        (lambda joints: joints * (1, 1, -1), "mirrored"),
        (lambda joints: np.roll(joints, -1, 1), "another joint order"),
        (with_nan, "joints of sample 3 are not all finite"),
        (lambda joints: joints[..., :2], "joints of sample 0 are not 21 points of 3"),
        (lambda joints: joints.astype(str), "joints of sample 0 are not 21 points of 3"),
    ],
)
def test_wrong_pred_json(
    freihand_data: Path, tmp_path: Path, change: Callable, message: str
) -> None:
    joints = change(truth(freihand_data, 3)[1])
    content = [joints.tolist(), np.zeros((len(joints), 1, 3)).tolist()]
    (tmp_path / "pred.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        read_format("freihand", tmp_path / "pred.json", str(freihand_data), tmp_path / "p.parquet")
    assert not (tmp_path / "p.parquet").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ids, joints: (ids[:4], joints[:4]), "4 of the 8 samples .* have no prediction"),
        (lambda ids, joints: ([*ids[:-1], ids[0]], joints), "occurs twice"),
        (lambda ids, joints: ([*ids[:-1], "x"], joints), "have no prediction"),
        (lambda ids, joints: (ids, with_nan(joints)), "not all finite"),
        (lambda ids, joints: (ids, None), "holds no joints_3d"),
    ],
)
def test_wrong_predictions_are_not_written(
    freihand_data: Path, tmp_path: Path, change: Callable, message: str
) -> None:
    ids, joints = change(*truth(freihand_data, 3))
    write_predictions(tmp_path / "p.parquet", Predictions(INFO, ids, joints_3d=joints))
    with pytest.raises(InputError, match=message):
        write_format("freihand", tmp_path / "p.parquet", str(freihand_data), tmp_path / "o.json")
    assert not (tmp_path / "o.json").exists()


def test_other_data_and_formats_are_named(
    freihand_data: Path, coco_data: tuple[Path, Path], tmp_path: Path
) -> None:
    file, out = tmp_path / "pred.json", tmp_path / "p.parquet"
    with pytest.raises(InputError, match="format 'coco' is unknown, expected one of freihand,"):
        read_format("coco", file, str(freihand_data), out)
    with pytest.raises(InputError, match="data set 'coco-wholebody', expected freihand"):
        read_format("freihand", file, str(coco_data[1]), out)
    info = INFO.model_copy(update={"data_recipe_digest": "ab" * 32})
    ids, joints = truth(freihand_data, 3)
    write_predictions(out, Predictions(info, ids, joints_3d=joints))
    with pytest.raises(InputError, match="predicted on a data set with recipe digest abababababab"):
        write_format("freihand", out, str(freihand_data), file)
    assert set(FORMATS) == {"freihand", "coco-wholebody"}


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scored=st.booleans())
def test_coco_comes_back(
    coco_data: tuple[Path, Path], tmp_path_factory, seed: int, scored: bool
) -> None:
    root, data = coco_data
    folder, random = tmp_path_factory.mktemp("round"), np.random.default_rng(seed)
    ids, joints = truth(data, 2)
    joints = joints + random.normal(0, 1, joints.shape)
    score = random.random(len(ids)) if scored else None
    order = random.permutation(len(ids))
    shuffled = Predictions(
        INFO,
        [ids[n] for n in order],
        joints_2d=joints[order],
        score=None if score is None else score[order],
    )
    write_predictions(folder / "p.parquet", shuffled)
    write_format("coco-wholebody", folder / "p.parquet", str(data), folder / "r.json", root)
    results = json.loads((folder / "r.json").read_text())
    # Persons 31, with both hands, and 32; the order of a file means nothing.
    assert len(results) == 2
    (folder / "r.json").write_text(json.dumps([results[n] for n in random.permutation(2)]))
    read_format("coco-wholebody", folder / "r.json", str(data), folder / "q.parquet", root)
    found = read_predictions(folder / "q.parquet")
    assert found.sample_ids == ids
    # Half a pixel there and back.
    np.testing.assert_allclose(found.joints_2d, joints, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found.score, np.ones(len(ids)) if score is None else score)


def test_the_truth_as_results_has_a_precision_of_one(
    coco_data: tuple[Path, Path], tmp_path: Path
) -> None:
    root, data = coco_data
    ids, joints = truth(data, 2)
    path = tmp_path / "p.parquet"
    write_predictions(path, Predictions(INFO, ids, joints_2d=joints))
    sides, warnings = referee_coco_wholebody(root, "val", path)
    # Person 34's right hand has no box, so it is no sample, but it is a hand to the referee.
    assert sides["left"]["ap"] == pytest.approx(1)
    assert sides["right"]["ar"] == 0.5
    assert len(warnings) == 1
    write_format("coco-wholebody", path, str(data), tmp_path / "r.json", root)
    assert referee_coco_wholebody(root, "val", tmp_path / "r.json") == (sides, [])


def test_results_are_in_coco_coordinates(coco_data: tuple[Path, Path]) -> None:
    root, data = coco_data
    ids, joints = truth(data, 2)
    annotations = read_annotations(root / "annotations/coco_wholebody_val_v1.0.json")
    results = results_of(Path("p"), Predictions(INFO, ids, joints_2d=joints), annotations)
    labelled = np.reshape(annotations.persons[31]["righthand_kpts"], (21, 3))[:, :2]
    found = np.reshape(results[0]["righthand_kpts"], (21, 3))
    np.testing.assert_allclose(found[:, :2], labelled)
    assert (found[:, 2] == 1).all()
    assert not np.any(results[1]["righthand_kpts"])
    assert score_hands(list(annotations.persons.values()), results, "left")["ap"] == pytest.approx(
        1
    )


def change_result(**changed: object) -> Callable:
    return lambda results: [results[0] | changed, *results[1:]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda results: results[:1], "1 of the 3 hands .* have no prediction, 'val-32-left'"),
        (lambda results: [*results, results[0]], "image 3 has the same hands twice"),
        (change_result(image_id=4), "person 0 has image_id 4, expected one of the annotation"),
        (change_result(category_id=2), "person 0 has category_id 2, expected 1"),
        (change_result(lefthand_kpts=[1.0] * 62), "person 0 is not as expected"),
        (change_result(lefthand_kpts=["a"] * 63), "person 0 is not as expected"),
        (change_result(lefthand_kpts=[float("nan")] * 63), "person 0 has numbers that are not"),
        (change_result(lefthand_score=None), "person 0 is not as expected"),
        (change_result(lefthand_kpts=[0.0] * 63), "'val-31-left' among them"),
        (lambda results: {"a": results}, "expected a list of persons"),
        (lambda results: [], "expected a list of persons"),
        (lambda results: [3], "person 0 is no object"),
    ],
)
def test_wrong_results(
    coco_data: tuple[Path, Path], tmp_path: Path, change: Callable, message: str
) -> None:
    root, data = coco_data
    ids, joints = truth(data, 2)
    annotations = read_annotations(root / "annotations/coco_wholebody_val_v1.0.json")
    results = results_of(Path("p"), Predictions(INFO, ids, joints_2d=joints), annotations)
    (tmp_path / "r.json").write_text(json.dumps(change(results)))
    with pytest.raises(InputError, match=message):
        read_format("coco-wholebody", tmp_path / "r.json", str(data), tmp_path / "p.parquet", root)


def test_coco_needs_its_annotations(coco_data: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="root: missing, expected the folder of COCO-WholeBody"):
        read_format("coco-wholebody", tmp_path / "r.json", str(coco_data[1]), tmp_path / "p")


def test_half_a_parquet_file_is_refused(coco_data: tuple[Path, Path], tmp_path: Path) -> None:
    root, data = coco_data
    ids, joints = truth(data, 2)
    path = tmp_path / "p.parquet"
    write_predictions(path, Predictions(INFO, ids[:1], joints_2d=joints[:1]))
    with pytest.raises(InputError, match=r"2 of the 3 samples of .*v1\.0\.json have no prediction"):
        referee_coco_wholebody(root, "val", path)


def test_persons_are_given_to_the_official_annotations(samples: Path) -> None:
    from evaluation.prediction_formats.coco_wholebody import _assign

    folder = samples / "coco_wholebody_eval_example"
    annotations = read_annotations(folder / "example_wholebody_val.json")
    results = json.loads((folder / "example_pred_with_part_scores.json").read_text())
    given = _assign(results, annotations.persons)
    assert len(given) == len(results) == len(annotations.persons)
    # The results came from the annotations' boxes, whose centres they tell.
    for number, result in given.items():
        x, y, width, height = annotations.persons[number]["bbox"]
        np.testing.assert_allclose(result["center"], [x + width / 2, y + height / 2], atol=1)
