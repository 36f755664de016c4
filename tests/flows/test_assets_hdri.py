"""`handforge assets --hdri`: the verb alone; what it fetches is tested with the client."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from mano_assets.hand import cache_root
from render.settings import poly_haven


def test_hdri_goes_to_the_cache_or_the_folder_given(
    monkeypatch: pytest.MonkeyPatch, hand_folder: Path, tmp_path: Path
):
    calls: list[tuple[Any, ...]] = []

    def fetch(count: int, folder: Path, resolution: str, url: str) -> list[Path]:
        calls.append((count, folder, resolution, url))
        return [folder / f"{number}.exr" for number in range(count)]

    monkeypatch.setattr(poly_haven, "fetch_environments", fetch)
    for options in ([], ["--hdri", "3"], ["--hdri", "2", "--hdri-dir", str(tmp_path)]):
        result = CliRunner().invoke(app, ["assets", *options])
        assert result.exit_code == 0
        assert str(hand_folder) in result.stdout
    assert calls == [
        (3, cache_root() / "hdri", "1k", poly_haven.API_URL),
        (2, tmp_path, "1k", poly_haven.API_URL),
    ]
    assert f"{tmp_path}: 2 environments, CC0" in result.stdout.replace("\n", "")


def test_without_a_network_it_ends_in_one_sentence(hand_folder: Path, tmp_path: Path):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from flows.cli import main; main()",
            *("assets", "--hdri", "1", "--hdri-dir", str(tmp_path)),
            *("--hdri-url", "http://127.0.0.1:9"),
        ],
        capture_output=True,
        text=True,
        env=os.environ | {"no_proxy": "127.0.0.1"},
    )
    assert done.returncode == 2
    assert done.stderr.startswith("handforge: 127.0.0.1:9: cannot be reached")
    assert "expected a network" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
