"""The files that a recipe names: which there are, and whether they can be used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from PIL import Image

from mano_assets.errors import InputError
from render.environments import list_environments, list_photographs
from render.factors.skin import list_skin_textures
from render.factors.things import library_of
from render.recipe import DatasetRecipe
from render.settings.library import SettingLibrary
from render.things.library import list_meshes


class Assets:
    """Files of a recipe by name.

    Args:
        recipe: Of a data set.

    Attributes:
        environments, photographs: Of the settings, sorted.
        textures: Of the skin, by name.
        meshes: Things.

    Raises:
        InputError: A folder holds nothing of use, or a mesh cannot be read.
    """

    def __init__(self, recipe: DatasetRecipe) -> None:
        files = asset_files(recipe)
        self.environments = files["setting", "environments"]
        self.photographs = files["setting", "photographs"]
        self.textures = {path.name: path for path in files["skin", "textures"]}
        self.meshes = library_of(recipe.things)
        self.environment_names = [path.name for path in self.environments]
        self.photograph_names = [path.name for path in self.photographs]
        self.texture_names = list(self.textures)


def asset_files(recipe: DatasetRecipe) -> dict[tuple[str, str], list[Path]]:
    """Files by the recipe's fields that name their folders, sorted by name.

    Raises:
        InputError: A folder holds nothing of use.
    """
    return {
        ("setting", "environments"): list_environments(recipe.setting.environments),
        ("setting", "photographs"): list_photographs(recipe.setting.photographs),
        ("skin", "textures"): list_skin_textures(recipe.skin.textures),
        ("things", "meshes"): list_meshes(recipe.things.meshes),
    }


def check_assets(recipe: DatasetRecipe) -> None:
    """Reads every file once, before anything is rendered.

    Environments and photographs are kept decoded in the cache: those it holds are not read again.

    Raises:
        InputError: A file cannot be used; or `vary` names an environment that is not there.
    """
    assets = Assets(recipe)
    for path in assets.textures.values():
        try:
            with Image.open(path) as image:
                image.load()
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(
                f"{path}: unreadable texture, expected a whole PNG or JPEG."
            ) from error
    wanted = recipe.vary.get("environment")
    if wanted is not None and wanted not in assets.environment_names:
        raise InputError(
            f"vary: there is no environment {wanted!r}, expected one of "
            f"{', '.join(assets.environment_names)}."
        )
    try:
        SettingLibrary(assets.environments, assets.photographs, _not_here).prepare()
    except _NeedsBlenderError:
        _decode_all(assets)


class _NeedsBlenderError(Exception):
    """An environment image is not in the cache yet."""


def _not_here(_: Path) -> NoReturn:
    raise _NeedsBlenderError


def _decode_all(assets: Assets) -> None:
    """Fills the cache in a Blender process."""
    files = {
        "environments": [str(path) for path in assets.environments],
        "photographs": [str(path) for path in assets.photographs],
    }
    process = subprocess.run(
        [sys.executable, "-m", "render.blender.decode"],
        input=json.dumps(files),
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode == 2:
        raise InputError(process.stderr.strip().splitlines()[-1])
    if process.returncode != 0:
        raise RuntimeError(f"reading environments failed:\n{process.stderr[-2000:]}")
