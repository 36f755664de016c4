"""HIU-DMTL, against files written by hand."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from layout_round_trips import make_renders, there_and_back
from public_trees_2d import JUNK, OPEN_HAND, make_hiu, moved, picture, put

from evaluation.datasets import import_dataset
from evaluation.exporting import export_dataset
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import DatasetInfo, JointState, Manifest, verify, write_dataset
from render.manifest.reading import column_array


@pytest.fixture
def hiu(tmp_path: Path) -> Path:
    return make_hiu(tmp_path / "hiu")


def test_hands_are_read_as_they_were_written(hiu: Path, tmp_path: Path) -> None:
    import_dataset("hiu-dmtl", hiu, "all", tmp_path / "out")
    assert verify(str(tmp_path / "out")) == []
    table = Manifest.open(str(tmp_path / "out")).table("all")
    assert table["sample_id"].to_pylist()[:6] == [
        "all-aaaaaaaaaa-right",
        "all-bbbbbbbbbb-left",
        "all-cccccccccc-right",
        "all-cccccccccc-left",
        "all-dddddddddd-left",
        "all-eeeeeeeeee-right",
    ]
    # No word on the side where the file says that its flags cannot be relied on.
    sides = ["right", "left", "right", "left", None, "right"]
    assert table["side"].to_pylist()[:6] == sides
    # The 3-D numbers have no documented unit, frame or origin.
    assert table["joints_3d"].null_count == table.num_rows == 12
    joints_px = column_array(table, "joints_2d", 21, 2)
    np.testing.assert_allclose(joints_px[0], moved(0.5, 0.5))
    np.testing.assert_allclose(joints_px[1], moved(70.5, 4.5))
    np.testing.assert_allclose(joints_px[2:4], [moved(0.5, 0.5), moved(70.5, 4.5)])
    states = column_array(table, "joint_state", 21)
    hidden = HAND21.indices(["middle_tip", "ring_tip"])
    assert np.flatnonzero(states[5] == JointState.MISSING).tolist() == sorted(hidden)
    assert np.isnan(joints_px[5, hidden]).all()
    assert (np.delete(states[5], hidden) == JointState.UNKNOWN).all()


def test_every_tenth_file_by_name_is_test(hiu: Path, tmp_path: Path) -> None:
    ids = {}
    for split in ("train", "test"):
        import_dataset("hiu-dmtl", hiu, split, tmp_path / split)
        ids[split] = Manifest.open(str(tmp_path / split)).table()["sample_id"].to_pylist()
    # Twelve files: a, b, c, d, e, f and g00 to g05; the first and the eleventh are test's.
    assert ids["test"] == ["test-aaaaaaaaaa-right", "test-gggggggg04-right"]
    assert len(ids["train"]) == 10
    assert not {key.split("-")[1] for key in ids["train"]} & {"aaaaaaaaaa", "gggggggg04"}


def test_png_images_keep_their_bytes(hiu: Path, tmp_path: Path) -> None:
    import_dataset("hiu-dmtl", hiu, "all", tmp_path / "out")
    with tarfile.open(tmp_path / "out/images/part-00000.tar") as shard:
        names = shard.getnames()
    assert names[:2] == ["all-aaaaaaaaaa-right.jpg", "all-bbbbbbbbbb-left.png"]
    manifest = Manifest.open(str(tmp_path / "out"))
    row = manifest.table().to_pylist()[1]
    data = manifest.read_bytes(row["image_shard"], row["image_offset"], row["image_size"])
    assert data == (hiu / "to_cv_community/bbbbbbbbbb.png").read_bytes()


def test_wrong_files_are_named(hiu: Path, tmp_path: Path) -> None:
    path = hiu / "to_cv_community/bbbbbbbbbb.json"
    content = json.loads(path.read_text())
    for change, message in (
        ({"pts2d_2hand": content["pts2d_2hand"][:21]}, "42 numbers, expected 42 joints x 2"),
        ({"pts2d_w_2hand": [1.0] * 21}, "21 numbers, expected 42 joints x 1"),
        ({"hand_type": [1, 0, 0]}, "3 flags, expected 2"),
    ):
        put(path, {**content, **change})
        with pytest.raises(InputError, match=rf"bbbbbbbbbb\.json: is not as HIU-DMTL.*{message}"):
            import_dataset("hiu-dmtl", hiu, "all", tmp_path / "out")
    put(path, {key: value for key, value in content.items() if key != "hand_type"})
    with pytest.raises(InputError, match=r"bbbbbbbbbb\.json: .*KeyError\('hand_type'\)"):
        import_dataset("hiu-dmtl", hiu, "all", tmp_path / "out")
    with pytest.raises(InputError, match=r"to_cv_community: holds no JSON file, expected the ann"):
        import_dataset("hiu-dmtl", tmp_path / "nowhere", "all", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_renders_go_there_and_back(tmp_path: Path) -> None:
    renders = make_renders(tmp_path / "renders")
    were, back = there_and_back("hiu-dmtl", renders, tmp_path, "all")
    assert len(back.ids) == len(were.ids) == 11
    assert back.sides == were.sides
    assert None in back.sides
    np.testing.assert_allclose(back.joints_px, were.joints_px, rtol=0, atol=1e-9)
    kept = (JointState.OUTSIDE, JointState.MISSING)
    expected = np.where(np.isin(were.states, kept), were.states, JointState.UNKNOWN)
    np.testing.assert_array_equal(back.states, expected)
    # The left hand in PNG fills the second half; it keeps its bytes.
    content = json.loads((tmp_path / "layout/to_cv_community/0000000003.json").read_text())
    assert (tmp_path / "layout/to_cv_community/0000000003.png").exists()
    assert content["hand_type"] == [0, 1]
    assert content["pts2d_2hand"][:21] == [JUNK] * 21
    import_dataset("hiu-dmtl", tmp_path / "layout", "test", tmp_path / "test")
    assert Manifest.open(str(tmp_path / "test")).info.counts == {"test": 2}
    with pytest.raises(InputError, match="split 'test' of hiu-dmtl cannot be written by itself"):
        export_dataset("hiu-dmtl", str(renders), tmp_path / "other", "test")


def test_a_label_that_looks_like_junk_is_kept(tmp_path: Path) -> None:
    joints_px = np.array(OPEN_HAND, dtype=float)
    # Counted from 0 its x is 2, as that of joints that are not there.
    joints_px[HAND21.index("thumb_tip"), 0] = 2.5
    row = {"sample_id": "a", "split": "val", "width": 100, "height": 110, "side": "right",
           "joints_2d": joints_px.ravel().tolist()}  # fmt: skip
    info = DatasetInfo(name="made-up", kind="synthetic", state="rendering")
    write_dataset(tmp_path / "data", info, [(row, picture(100, 110))])
    _, back = there_and_back("hiu-dmtl", tmp_path / "data", tmp_path, "all")
    assert (back.states == JointState.UNKNOWN).all()
    np.testing.assert_allclose(back.joints_px[0], joints_px, rtol=0, atol=1e-12)
