"""CMU Panoptic HandDB, against files written by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from layout_round_trips import make_renders, there_and_back
from public_trees_2d import OPEN_HAND, make_panoptic, moved, put

from evaluation.datasets import import_dataset
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import JointState, Manifest, verify
from render.manifest.reading import column_array


@pytest.fixture
def panoptic(tmp_path: Path) -> Path:
    return make_panoptic(tmp_path / "panoptic")


def test_manual_labels_are_read_as_they_were_written(panoptic: Path, tmp_path: Path) -> None:
    import_dataset("panoptic", panoptic, "manual_test", tmp_path / "out")
    assert verify(str(tmp_path / "out")) == []
    table = Manifest.open(str(tmp_path / "out")).table("manual_test")
    # Both hands of the photograph, each with its own copy; no '.' in a sample id.
    assert table["sample_id"].to_pylist() == [
        "manual_test-000648952_02_l",
        "manual_test-000648952_02_r",
        "manual_test-ex2_2_flv_000040_r",
    ]
    assert table["side"].to_pylist() == ["left", "right", "right"]
    assert len(set(table["image_sha256"].to_pylist()[:2])) == 1
    assert table["joints_3d"].null_count == table["head_size_px"].null_count == 3
    joints_px = column_array(table, "joints_2d", 21, 2)
    np.testing.assert_allclose(joints_px[0], np.array(moved(61.0, 10.75)))
    np.testing.assert_allclose(joints_px[1], np.array(OPEN_HAND) + 0.5)
    # 17..76 by 21..90, half a pixel further, 1.2 times about its centre.
    np.testing.assert_allclose(table["box"].to_pylist()[1], [11.6, 14.6, 70.8, 82.8])
    states = column_array(table, "joint_state", 21)
    invalid = HAND21.indices(["thumb_tip", "little_tip"])
    assert np.flatnonzero(states[2] == JointState.MISSING).tolist() == sorted(invalid)
    assert np.isnan(joints_px[2, invalid]).all()
    assert (np.delete(states[2], invalid) == JointState.UNKNOWN).all()


def test_synthetic_files_without_21_points_are_left_out(
    panoptic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    info = import_dataset("panoptic", panoptic, "synth1", tmp_path / "out")
    assert info.counts == {"synth1": 3}
    assert "synth1: 1 hands left out, their files do not hold 21 points" in capsys.readouterr().err
    table = Manifest.open(str(tmp_path / "out")).table()
    assert table["side"].to_pylist() == ["right", "left", "left"]
    for number in (0, 3):
        path = panoptic / f"hand_labels_synth/synth1/{number:04d}.json"
        put(path, {"hand_pts": [[1, 2, 1]], "is_left": 0})
    with pytest.raises(InputError, match=r"synth1: 3 of 4 files looked at do not hold 21 points"):
        import_dataset("panoptic", panoptic, "synth1", tmp_path / "again")


def test_the_studio_has_no_side(panoptic: Path, tmp_path: Path) -> None:
    import_dataset("panoptic", panoptic, "panopticdb", tmp_path / "out")
    assert verify(str(tmp_path / "out")) == []
    row = Manifest.open(str(tmp_path / "out")).table().to_pylist()[0]
    assert (row["sample_id"], row["side"]) == ("panopticdb-00000000", None)
    assert (row["width"], row["height"]) == (192, 108)
    np.testing.assert_allclose(np.reshape(row["joints_2d"], (21, 2)), moved(30.5, 5.5))


def test_wrong_files_are_named(panoptic: Path, tmp_path: Path) -> None:
    path = panoptic / "hand_labels/manual_test/000648952_02_r.json"
    content = json.loads(path.read_text())
    put(path, {"hand_pts": content["hand_pts"]})
    with pytest.raises(InputError, match=r"02_r\.json: is not as .*KeyError\('is_left'\)"):
        import_dataset("panoptic", panoptic, "manual_test", tmp_path / "out")
    put(path, {**content, "is_left": 2})
    with pytest.raises(InputError, match=r"02_r\.json: is not as .*KeyError\(2\)"):
        import_dataset("panoptic", panoptic, "manual_test", tmp_path / "out")
    put(path, {**content, "hand_pts": [point[:2] for point in content["hand_pts"]]})
    with pytest.raises(InputError, match=r"02_r\.json: is not as .*42 numbers, expected 21 joints"):
        import_dataset("panoptic", panoptic, "manual_test", tmp_path / "out")
    put(path, content)
    path.with_suffix(".jpg").unlink()
    with pytest.raises(InputError, match=r"02_r\.jpg: no such file, expected the image of 000648"):
        import_dataset("panoptic", panoptic, "manual_test", tmp_path / "out")
    with pytest.raises(InputError, match=r"manual_train: holds no JSON file, expected the annot"):
        import_dataset("panoptic", panoptic, "manual_train", tmp_path / "out")
    studio = panoptic / "hand143_panopticdb/hands_v143_14817.json"
    put(studio, [])
    with pytest.raises(InputError, match=r"14817\.json: expected a list 'root'"):
        import_dataset("panoptic", panoptic, "panopticdb", tmp_path / "out")
    put(studio, {"root": [{"img_paths": "imgs/00000000.jpg"}]})
    with pytest.raises(InputError, match=r"annotation 0 is not as .*KeyError\('img_width'\)"):
        import_dataset("panoptic", panoptic, "panopticdb", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_change_of_one_file_changes_the_digest(panoptic: Path, tmp_path: Path) -> None:
    first = import_dataset("panoptic", panoptic, "manual_test", tmp_path / "a")
    path = panoptic / "hand_labels/manual_test/000648952_02_r.json"
    put(path, path.read_text() + "\n")
    second = import_dataset("panoptic", panoptic, "manual_test", tmp_path / "b")
    assert first.recipe_digest != second.recipe_digest


@pytest.mark.parametrize("split", ["manual_test", "synth3", "panopticdb"])
def test_renders_go_there_and_back(tmp_path: Path, split: str) -> None:
    renders = make_renders(tmp_path / "renders")
    were, back = there_and_back("panoptic", renders, tmp_path, split)
    # Hand 3 has no label; hand 6 has no side, which only panopticdb can do without.
    assert len(were.ids) == (11 if split == "panopticdb" else 10)
    assert back.sides == ([None] * 11 if split == "panopticdb" else were.sides)
    np.testing.assert_allclose(back.joints_px, were.joints_px, rtol=0, atol=1e-9)
    assert np.isnan(back.joints_cam_m).all()
    kept = (JointState.OUTSIDE, JointState.MISSING)
    expected = np.where(np.isin(were.states, kept), were.states, JointState.UNKNOWN)
    np.testing.assert_array_equal(back.states, expected)
