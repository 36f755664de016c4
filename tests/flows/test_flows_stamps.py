"""Stamps: an output is taken as current only when the disk proves it."""

from __future__ import annotations

from pathlib import Path

import pytest
from stand_ins import write_tiny_dataset

from flows.stamps import content_digest, dataset_identity, make, stamp_path


class Maker:
    """Writes a file, and counts how often."""

    def __init__(self, output: Path, text: str = "made") -> None:
        self.output, self.text, self.times = output, text, 0
        self.found_before: list[bool] = []

    def __call__(self) -> list[Path]:
        self.times += 1
        self.found_before.append(self.output.exists())
        self.output.parent.mkdir(parents=True, exist_ok=True)
        self.output.write_text(self.text)
        return [self.output]


def test_made_once(tmp_path: Path) -> None:
    maker = Maker(tmp_path / "out" / "file")
    for _ in range(3):
        assert make(maker.output, {"a": 1}, maker) == maker.output
    assert maker.times == 1


@pytest.mark.parametrize("damage", ["delete", "edit", "lose stamp", "spoil stamp", "odd stamp"])
def test_made_again_when_the_disk_disagrees(tmp_path: Path, damage: str) -> None:
    maker = Maker(tmp_path / "file")
    make(maker.output, {"a": 1}, maker)
    if damage == "delete":
        maker.output.unlink()
    elif damage == "edit":
        maker.output.write_text("edited")
    elif damage == "lose stamp":
        stamp_path(maker.output).unlink()
    elif damage == "spoil stamp":
        stamp_path(maker.output).write_text('{"inputs')
    else:
        stamp_path(maker.output).write_text("[]")
    make(maker.output, {"a": 1}, maker)
    assert maker.times == 2
    assert maker.output.read_text() == "made"


def test_other_inputs_start_from_nothing(tmp_path: Path) -> None:
    maker = Maker(tmp_path / "file")
    make(maker.output, {"a": 1}, maker)
    make(maker.output, {"a": 2}, maker)
    assert maker.found_before == [False, False]


def test_interrupted_maker_finds_what_it_left(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    left = []

    def interrupted() -> list[Path]:
        folder.mkdir(exist_ok=True)
        (folder / "half").write_text("")
        raise KeyboardInterrupt

    def resumed() -> list[Path]:
        left.extend(path.name for path in folder.iterdir())
        (folder / "whole").write_text("")
        return [folder / "whole"]

    with pytest.raises(KeyboardInterrupt):
        make(folder, {"a": 1}, interrupted)
    assert make(folder, {"a": 1}, resumed) == folder / "whole"
    assert left == ["half"]


def test_folder_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    first = content_digest(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    assert content_digest(tmp_path / "b") == first
    (tmp_path / "b" / "x").rename(tmp_path / "b" / "y")
    assert content_digest(tmp_path / "b") != first


def test_dataset_identity_is_of_the_rows(tmp_path: Path) -> None:
    write_tiny_dataset(tmp_path, {"train": 3})
    first = dataset_identity(tmp_path)
    described = tmp_path / "dataset.json"
    described.write_text(described.read_text() + "\n")
    assert dataset_identity(tmp_path) == first
    write_tiny_dataset(tmp_path, {"train": 3}, seed=1)
    assert dataset_identity(tmp_path) != first


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("stamped", [True, False])
def test_failed_maker_costs_nothing(tmp_path: Path, stamped: bool) -> None:
    maker = Maker(tmp_path / "model" / "file")
    make(tmp_path / "model", {"a": 1}, maker)
    if not stamped:
        stamp_path(tmp_path / "model").unlink()
    before = files_of(tmp_path)

    def fails() -> list[Path]:
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "half").write_text("")
        raise ValueError("damaged input")

    with pytest.raises(ValueError, match="damaged input"):
        make(tmp_path / "model", {"a": 2}, fails)
    assert files_of(tmp_path) == before


def test_interrupted_change_can_be_resumed_or_taken_back(tmp_path: Path) -> None:
    maker = Maker(tmp_path / "model" / "file")
    make(tmp_path / "model", {"a": 1}, maker)
    before = files_of(tmp_path)
    found = []

    def interrupted() -> list[Path]:
        found.append((tmp_path / "model").exists())
        (tmp_path / "model").mkdir(exist_ok=True)
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path / "model", {"a": 2}, interrupted)
    assert found == [False, True]
    make(tmp_path / "model", {"a": 1}, maker)
    assert maker.times == 1
    assert files_of(tmp_path) == before


def test_replaced_output_is_not_kept(tmp_path: Path) -> None:
    maker = Maker(tmp_path / "file")
    for value in (1, 2):
        make(maker.output, {"a": value}, maker)
    assert set(files_of(tmp_path)) == {"file", "file.inputs"}
