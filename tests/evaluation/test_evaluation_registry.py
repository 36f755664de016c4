"""Import by name: what is refused, what is recorded, what is kept."""

import hashlib
from pathlib import Path

import pytest
from public_trees import InterHandTree
from sketched_hands import Drawn

from evaluation.datasets import DATASETS, import_dataset
from mano_assets.errors import InputError
from render.manifest import Manifest


def test_names_are_the_command_lines() -> None:
    assert {
        "freihand", "interhand26m", "hiu-dmtl", "coco-wholebody", "panoptic", "onehand10k", "rhd",
    } <= set(DATASETS)  # fmt: skip
    assert all(name == adapter.name for name, adapter in DATASETS.items())


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="data set 'freihands' is unknown, expected one of freih"):
        import_dataset("freihands", tmp_path, "test", tmp_path / "out")
    with pytest.raises(InputError, match="split 'tests' is not in interhand26m, expected one"):
        import_dataset("interhand26m", tmp_path, "tests", tmp_path / "out")
    with pytest.raises(InputError, match=r"wholebody_val_v1\.0\.json: .* under .*nowhere"):
        import_dataset("coco-wholebody", tmp_path / "nowhere", "val", tmp_path / "out")


def test_another_data_set_is_not_overwritten(interhand: InterHandTree, drawn: Drawn) -> None:
    before = (drawn.root / "dataset.json").read_bytes()
    with pytest.raises(InputError, match="holds data set 'drawn', expected an empty folder"):
        import_dataset("interhand26m", interhand.root, "test", drawn.root)
    assert (drawn.root / "dataset.json").read_bytes() == before


def test_a_folder_of_other_things_is_left_alone(interhand: InterHandTree, tmp_path: Path) -> None:
    out = tmp_path / "out"
    kept = [out / "images/mine.tar", out / "manifest/mine.parquet"]
    for path in kept:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"precious")
    for where in (out, kept[0]):
        with pytest.raises(
            InputError, match="is not empty and not a data set, expected a new folder"
        ):
            import_dataset("interhand26m", interhand.root, "test", where)
    assert [path.read_bytes() for path in kept] == [b"precious"] * 2
    assert not (out / "dataset.json").exists()


def test_an_empty_folder_is_taken(interhand: InterHandTree, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert import_dataset("interhand26m", interhand.root, "test", out).num_samples == 3


@pytest.mark.parametrize("what", ["data", "camera", "joint_3d"])
def test_a_missing_annotation_file_touches_nothing(
    interhand: InterHandTree, tmp_path: Path, what: str
) -> None:
    out = tmp_path / "out"
    import_dataset("interhand26m", interhand.root, "test", out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (interhand.root / f"annotations/test/InterHand2.6M_test_{what}.json").unlink()
    with pytest.raises(InputError, match=rf"test_{what}\.json: cannot be read"):
        import_dataset("interhand26m", interhand.root, "test", out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_importing_again_gives_the_same_and_failing_loses_nothing(
    interhand: InterHandTree, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = import_dataset("interhand26m", interhand.root, "test", out)
    part = (out / "manifest/part-00000.parquet").read_bytes()
    assert import_dataset("interhand26m", interhand.root, "test", out) == first
    assert (out / "manifest/part-00000.parquet").read_bytes() == part
    (interhand.root / "annotations/test/InterHand2.6M_test_camera.json").write_text("{}")
    with pytest.raises(InputError, match="KeyError"):
        import_dataset("interhand26m", interhand.root, "test", out)
    assert Manifest.open(str(out)).info == first
    assert (out / "manifest/part-00000.parquet").read_bytes() == part


def test_the_digest_follows_the_annotations(interhand: InterHandTree, tmp_path: Path) -> None:
    first = import_dataset("interhand26m", interhand.root, "test", tmp_path / "a")
    camera = interhand.root / "annotations/test/InterHand2.6M_test_camera.json"
    assert (
        first.assets["InterHand2.6M_test_camera.json"]
        == hashlib.sha256(camera.read_bytes()).hexdigest()
    )
    camera.write_text(camera.read_text() + "\n")
    second = import_dataset("interhand26m", interhand.root, "test", tmp_path / "b")
    assert first.recipe_digest != second.recipe_digest
