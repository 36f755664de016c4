"""Hard articulations, one file a family.

A family is a module with `draw(rng) -> angles`: bend, splay and twist of MANO's 16 joints, radians,
[16, 3]. Angles outside the active range are clamped, poses that run into themselves drawn again,
and a wrist row of zeros is filled with an unstrained one. `VIEWS`, if the module has it, is the
number of random views of which the one that hides the most joints is taken; `YIELDS` says who gives
way on contact (`render.poses.contact`), the thumb unless it is named. A new file in this folder is
a new family, by its name.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import get_args

from mano_assets.errors import InputError
from render.poses.contact import Yields

FAMILIES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))
"""Names of the families in this folder."""


def load_family(name: str) -> ModuleType:
    """The module of one of `FAMILIES`."""
    return importlib.import_module(f"{__name__}.{name}")


def load_family_file(path: Path) -> ModuleType:
    """The module of a family in a file of the user's.

    Raises:
        InputError: The file is missing, cannot be run or has no `draw`, or its `VIEWS` or `YIELDS`
            is not what is expected.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected a pose family with draw(rng).")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path}: not a .py file, expected a pose family with draw(rng).")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # The file is the user's: anything may happen.
        raise InputError(f"{path}: cannot be run, expected a pose family ({error!r}).") from error
    if not callable(getattr(module, "draw", None)):
        raise InputError(f"{path}: has no function draw, expected draw(rng) -> angles [16, 3].")
    views, yields = getattr(module, "VIEWS", 1), getattr(module, "YIELDS", "thumb")
    if not isinstance(views, int) or views < 1:
        raise InputError(f"{path}: VIEWS is {views!r}, expected a number of views from 1 on.")
    if yields not in get_args(Yields):
        expected = ", ".join(get_args(Yields))
        raise InputError(f"{path}: YIELDS is {yields!r}, expected one of {expected}.")
    return module
