"""RHD, against the numbers the fixture started from; the pickle runs nothing."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from public_trees import RhdTree

from evaluation.datasets import import_dataset
from mano_assets.errors import InputError
from mano_assets.inert_pickle import pickled_array, read_pickle
from mano_assets.skeleton import HAND21
from render.manifest import JointState, Manifest, verify
from render.manifest.reading import column_array


def test_hands_are_read_as_they_were_made(rhd: RhdTree, tmp_path: Path) -> None:
    info = import_dataset("rhd", rhd.root, "evaluation", tmp_path / "out")
    assert info.counts == {"evaluation": 3}
    assert verify(str(tmp_path / "out")) == []
    manifest = Manifest.open(str(tmp_path / "out"))
    table = manifest.table()
    # The second image's right hand is outside and not visible.
    assert table["sample_id"].to_pylist() == [
        "evaluation-00000-left", "evaluation-00000-right", "evaluation-00001-left",
    ]  # fmt: skip
    assert table["side"].to_pylist() == ["left", "right", "left"]
    truth_m = rhd.joints_cam_m[[0, 0, 1], [0, 1, 0]]
    np.testing.assert_array_equal(column_array(table, "joints_3d", 21, 3), truth_m)
    joints_px = 280 * truth_m[..., :2] / truth_m[..., 2:] + 160
    np.testing.assert_allclose(column_array(table, "joints_2d", 21, 2), joints_px, atol=1e-9)
    # Not visible: nobody says behind what.
    states = column_array(table, "joint_state", 21)
    assert states[0, HAND21.index("ring_tip")] == JointState.UNKNOWN
    assert (np.delete(states[0], HAND21.index("ring_tip")) == JointState.VISIBLE).all()
    assert (states[1:] == JointState.VISIBLE).all()


def test_images_stay_png(rhd: RhdTree, tmp_path: Path) -> None:
    import_dataset("rhd", rhd.root, "evaluation", tmp_path / "out")
    manifest = Manifest.open(str(tmp_path / "out"))
    row = manifest.table().to_pylist()[2]
    data = manifest.read_bytes(row["image_shard"], row["image_offset"], row["image_size"])
    assert data == (rhd.root / "evaluation/color/00001.png").read_bytes()
    tar = (tmp_path / "out" / row["image_shard"]).read_bytes()
    assert b"evaluation-00001-left.png" in tar
    assert b".jpg" not in tar


def rewrite(tree: RhdTree, change: Callable[[dict[str, Any]], Any]) -> None:
    path = tree.root / "evaluation/anno_evaluation.pickle"
    content = {
        number: {
            "xyz": pickled_array(entry["xyz"], 42, 3), "K": pickled_array(entry["K"], 3, 3),
            "uv_vis": pickled_array(entry["uv_vis"], 42, 3),
        }
        for number, entry in read_pickle(path).items()
    }  # fmt: skip
    path.write_bytes(pickle.dumps(change(content), protocol=2))


def every(key: str, change: Callable[[np.ndarray], Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda content: {
        number: {**entry, key: change(entry[key])} for number, entry in content.items()
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (every("xyz", lambda xyz: xyz * 100), "looks like centimetres"),
        # The right hand first: then both sides bend as the other.
        (lambda content: every("xyz", lambda a: np.roll(a, 21, 0))(
            every("uv_vis", lambda a: np.roll(a, 21, 0))(content)), "hands bend as only"),
        (every("uv_vis", lambda uv: uv + np.array([20, 0, 0])), "project 20 px from the 2-D ones"),
        (every("uv_vis", lambda uv: uv[:21]), r"annotation 0 is not as RHD .*shape \[21, 3\]"),
        (every("K", lambda k: k * np.nan), r"annotation 0 is not as RHD has them .*all finite"),
        (every("K", lambda k: k.astype(object)), "annotation 0 is not as RHD has them .*type is"),
        (every("K", lambda k: "K"), "annotation 0 is not as RHD has them .*str, no array"),
        (lambda content: list(content.values()), "holds a list, expected a dict by image number"),
        (lambda content: {"0": content[0]}, "annotation '0' is not as RHD"),
        (lambda content: {}, "holds no hand"),
    ],
)  # fmt: skip
def test_wrong_annotations_are_named(
    rhd: RhdTree, tmp_path: Path, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    rewrite(rhd, change)
    with pytest.raises(InputError, match=message):
        import_dataset("rhd", rhd.root, "evaluation", tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Trap:
    """Makes a file when it is unpickled freely."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_of_anything_else_runs_nothing(rhd: RhdTree, tmp_path: Path) -> None:
    path = rhd.root / "evaluation/anno_evaluation.pickle"
    path.write_bytes(pickle.dumps({0: Trap(tmp_path / "sprung")}, protocol=2))
    with pytest.raises(InputError, match=r"evaluation\.pickle: holds .*, expected nothing but arr"):
        import_dataset("rhd", rhd.root, "evaluation", tmp_path / "out")
    assert not (tmp_path / "sprung").exists()
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(InputError, match=r"evaluation\.pickle: damaged, expected a pickle"):
        import_dataset("rhd", rhd.root, "evaluation", tmp_path / "out")


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "u1", "i8"])
def test_arrays_come_back_from_any_pickle(tmp_path: Path, protocol: int, dtype: str) -> None:
    path = tmp_path / "a.pickle"
    arrays = np.arange(12).reshape(4, 3).astype(dtype), np.asfortranarray(np.eye(3).astype(dtype))
    path.write_bytes(pickle.dumps(arrays, protocol=protocol))
    one, other = read_pickle(path)
    np.testing.assert_array_equal(pickled_array(one, 4, 3), arrays[0])
    np.testing.assert_array_equal(pickled_array(other, 3, 3), arrays[1])
