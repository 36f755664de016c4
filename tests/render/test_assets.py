"""Files that a recipe names are read before anything is rendered."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from drawn_poses import recipe_of
from PIL import Image

from mano_assets.errors import InputError
from render.assets import Assets, asset_files, check_assets
from render.dataset import dataset_digest, prepare
from render.environments import builtin_folder
from render.recipe import DatasetRecipe


def good_files(folder: Path, kind: str) -> None:
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(40, 200, (32, 48, 3), dtype=np.uint8)
    for name in ("a", "c"):
        match kind:
            case "environments":
                shutil.copy(builtin_folder() / "city.exr", folder / f"{name}.exr")
            case "meshes":
                trimesh.creation.box((0.1, 0.2, 0.3)).export(folder / f"{name}.ply")
            case _:
                Image.fromarray(pixels).save(folder / f"{name}.png")


FACTORS = {
    "environments": "setting", "photographs": "setting", "textures": "skin", "meshes": "things",
}  # fmt: skip
SUFFIXES = {"environments": "exr", "photographs": "png", "textures": "png", "meshes": "ply"}


def with_folder(kind: str, folder: Path) -> DatasetRecipe:
    part: dict[str, Any] = {kind: str(folder)}
    return recipe_of({FACTORS[kind]: part})


@pytest.mark.blender
@pytest.mark.parametrize("kind", FACTORS)
@pytest.mark.parametrize("how", ["text", "truncated"])
def test_a_corrupt_file_among_good_ones_is_named_before_anything_is_rendered(
    kind: str, how: str, tmp_path: Path, hand_folder: Path
):
    folder, suffix = tmp_path / kind, SUFFIXES[kind]
    good_files(folder, kind)
    recipe = with_folder(kind, folder)
    check_assets(recipe)
    whole = (folder / f"a.{suffix}").read_bytes()
    broken = folder / f"b.{suffix}"
    broken.write_bytes(b"neither one nor the other" if how == "text" else whole[: len(whole) // 2])
    with pytest.raises(InputError, match=rf"b\.{suffix}: .*expected"):
        prepare(recipe, hand_folder, tmp_path / "data")
    assert not (tmp_path / "data").exists()
    broken.unlink()
    check_assets(recipe)


@pytest.mark.parametrize("kind", FACTORS)
def test_an_empty_folder_is_named(kind: str, tmp_path: Path):
    with pytest.raises(InputError, match=r"holds no (image|mesh), expected"):
        Assets(with_folder(kind, tmp_path))


def test_an_environment_that_is_not_there_cannot_be_varied_to():
    recipe = recipe_of({"vary": {"environment": "moon.exr"}})
    with pytest.raises(InputError, match=r"no environment 'moon\.exr', expected one of city\.exr"):
        check_assets(recipe)


def test_a_data_set_is_named_by_what_its_files_hold_and_not_where_they_lie(
    tmp_path: Path, hand_folder: Path
):
    for place in ("here", "there"):
        good_files(tmp_path / place, "meshes")
    here, there = (with_folder("meshes", tmp_path / place) for place in ("here", "there"))
    assert dataset_digest(here, hand_folder) == dataset_digest(there, hand_folder)
    trimesh.creation.icosphere().export(tmp_path / "there" / "a.ply")
    assert dataset_digest(here, hand_folder) != dataset_digest(there, hand_folder)
    assert [path.name for path in asset_files(here)["things", "meshes"]] == ["a.ply", "c.ply"]
