from __future__ import annotations

from pathlib import Path

import pytest
from drawn_hands import drawn_samples, write_samples

from mano_assets.errors import InputError
from training.samples.sources import DataSource


def test_options_behind_a_source(hands: str) -> None:
    plain = DataSource.open(f"{hands}:val")
    assert (plain.weight, plain.flat) == (None, False)
    both = DataSource.open(f"{hands}:val@weight=0.3@labels=2d")
    assert both == DataSource.open(f"{hands}:val@labels=2d@weight=0.3")
    assert (both.root, both.split, both.weight, both.flat) == (hands, "val", 0.3, True)
    assert DataSource(**both.to_dict()) == both


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("@wieght=1", r"has the option 'wieght', expected @weight=NUMBER or @labels=2d\.$"),
        ("@weight=0", r"has @weight=0, expected a positive number\.$"),
        ("@weight=inf", r"has @weight=inf, expected a positive number\.$"),
        ("@weight=", r"has @weight=, expected a positive number\.$"),
        ("@weight=1@weight=2", r"has @weight twice, expected it once\.$"),
        ("@labels=3d", r"has @labels=3d, expected 2d\.$"),
    ],
)
def test_wrong_options(hands: str, options: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        DataSource.open(f"{hands}:val{options}")


def test_an_at_sign_in_a_path_is_no_option(tmp_path: Path) -> None:
    for name in ("me@home", "k=v@a=b/hands"):
        root = write_samples(tmp_path / name, drawn_samples(1))
        source = DataSource.open(f"{root}@weight=2")
        assert (source.root, source.weight) == (root, 2)


def test_labels_of_another_skeleton(tmp_path: Path) -> None:
    root = Path(write_samples(tmp_path / "other", drawn_samples(1)))
    info = root / "dataset.json"
    info.write_text(info.read_text().replace('"hand21"', '"mano16"'))
    with pytest.raises(
        InputError, match=r"dataset\.json: skeleton is 'mano16', expected 'hand21'\.$"
    ):
        DataSource.open(str(root))
