"""OneHand10K, against lines written by hand."""

from pathlib import Path

import numpy as np
import pytest
from layout_round_trips import make_renders, there_and_back
from public_trees_2d import ONEHAND10K_LINES, OPEN_HAND, make_onehand10k, picture, put

from evaluation.datasets import import_dataset
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import JointState, Manifest, verify
from render.manifest.reading import column_array


@pytest.fixture
def onehand(tmp_path: Path) -> Path:
    return make_onehand10k(tmp_path / "onehand10k")


def test_hands_are_read_as_they_were_written(
    onehand: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    info = import_dataset("onehand10k", onehand, "test", tmp_path / "out")
    assert info.counts == {"test": 2}
    assert verify(str(tmp_path / "out")) == []
    table = Manifest.open(str(tmp_path / "out")).table("test")
    assert table["sample_id"].to_pylist() == ["test-0", "test-33"]
    assert table["side"].null_count == table["joints_3d"].null_count == 2
    joints_px = column_array(table, "joints_2d", 21, 2)
    # The centre of pixel (50, 90) is at (50.5, 90.5).
    np.testing.assert_array_equal(joints_px[0], np.array(OPEN_HAND) + 0.5)
    states = column_array(table, "joint_state", 21)
    seen = HAND21.indices(["wrist", "index_mcp", "middle_tip"])
    assert (states[0] == JointState.UNKNOWN).all()
    assert np.flatnonzero(states[1] != JointState.MISSING).tolist() == sorted(seen)
    np.testing.assert_array_equal(joints_px[1, seen], [[50.5, 90.5], [40.5, 55.5], [49.5, 21.5]])
    # 40..50 by 21..90, 1.2 times about its centre.
    np.testing.assert_allclose(table["box"].to_pylist()[1], [39.5, 14.6, 12.0, 82.8])
    assert "1 hands left out, their labelled joints span no area" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (ONEHAND10K_LINES[0] + ",1", r"label_joint\.txt: line 2: 47 fields, expected 46"),
        (ONEHAND10K_LINES[0].replace("76,38", "76,x"), "line 2: could not convert string"),
        (ONEHAND10K_LINES[0].replace("76,38", "76,nan"), "line 2: a labelled joint is not finite"),
        (ONEHAND10K_LINES[0].replace("100,110", "x,110"), "line 2: invalid literal for int"),
    ],
)
def test_wrong_lines_are_named(onehand: Path, tmp_path: Path, line: str, message: str) -> None:
    put(onehand / "Test/label_joint.txt", f"{ONEHAND10K_LINES[0]}\n{line}\n")
    with pytest.raises(InputError, match=message):
        import_dataset("onehand10k", onehand, "test", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_coordinates_of_other_images_are_refused(onehand: Path, tmp_path: Path) -> None:
    small = ONEHAND10K_LINES[0].replace("100,110", "30,30")
    put(onehand / "Test/label_joint.txt", small)
    with pytest.raises(InputError, match="of the joints lie outside their images"):
        import_dataset("onehand10k", onehand, "test", tmp_path / "out")


def test_another_joint_order_is_refused(onehand: Path, tmp_path: Path) -> None:
    tip_to_base = [OPEN_HAND[0], *(p for f in range(5) for p in OPEN_HAND[4 * f + 4 : 4 * f : -1])]
    coordinates = ",".join(f"{x},{y}" for x, y in tip_to_base)
    lines = [f"{number}.jpg,100,110,1,{coordinates}" for number in range(60)]
    put(onehand / "Test/label_joint.txt", "\n".join(lines))
    with pytest.raises(InputError, match=r"fit .*order.* tip to base"):
        import_dataset("onehand10k", onehand, "test", tmp_path / "out")


def test_missing_files_are_named(onehand: Path, tmp_path: Path) -> None:
    put(onehand / "Test/source/33.jpg", picture(95, 90))
    with pytest.raises(InputError, match=r"33\.jpg: 95 x 90 px, the annotations expect 90 x 95"):
        import_dataset("onehand10k", onehand, "test", tmp_path / "out")
    (onehand / "Test/source/0.jpg").unlink()
    with pytest.raises(InputError, match=r"0\.jpg: no such file"):
        import_dataset("onehand10k", onehand, "test", tmp_path / "out2")
    with pytest.raises(InputError, match=r"Train/label_joint\.txt: cannot be read"):
        import_dataset("onehand10k", onehand, "train", tmp_path / "out3")


def test_renders_go_there_and_back(tmp_path: Path) -> None:
    renders = make_renders(tmp_path / "renders")
    were, back = there_and_back("onehand10k", renders, tmp_path, "train")
    assert len(back.ids) == len(were.ids) == 11
    assert back.sides == [None] * 11
    # Hidden joints and those outside the image are not labelled, the others to the pixel.
    seen = were.states == JointState.VISIBLE
    assert 0 < (~seen).sum() < seen.sum()
    np.testing.assert_array_equal(back.states == JointState.UNKNOWN, seen)
    np.testing.assert_array_equal(back.states == JointState.MISSING, ~seen)
    assert np.abs(back.joints_px - were.joints_px)[seen].max() <= 0.5
    line = (tmp_path / "layout/Train/label_joint.txt").read_text().splitlines()[0].split(",")
    assert line[:4] == ["0.jpg", "128", "128", "1"]
    assert len(line) == 46
    thumb_tip = HAND21.index("thumb_tip")
    assert line[4 + 2 * thumb_tip : 6 + 2 * thumb_tip] == ["-1", "-1"]
