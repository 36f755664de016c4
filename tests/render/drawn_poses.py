"""What the tests of poses and plans speak of: draws, planners, recipes of one split."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mano_assets.skeleton import FINGERS, MANO16
from render.planning import ScenePlanner
from render.poses.sampler import DrawnPose
from render.recipe import DatasetRecipe


class Draw(NamedTuple):
    """A drawn pose and the shape that it was drawn for."""

    pose: DrawnPose
    betas: np.ndarray


Drawing = Callable[[str, int], list[Draw]]
"""From a shipped distribution and a number to so many draws."""

Planning = Callable[..., ScenePlanner]
"""From the arguments of `recipe_of` to a planner."""


def recipe_of(dataset: dict[str, Any] | None = None, **split: Any) -> DatasetRecipe:
    """A recipe of one split; `dataset` are fields of the recipe."""
    one = {"name": "train", "count": 4096, "poses": {"handshapes": 1.0}, **split}
    whole = {"name": "test", "seed": 5, "splits": [one], **(dataset or {})}
    return DatasetRecipe.model_validate(whole)


def bends_deg(angles_rad: np.ndarray, joint: str) -> np.ndarray:
    """Bend of a joint such as "thumb_cmc", or of the four long fingers' such as "pip", degrees."""
    names = [joint] if joint in MANO16.joints else [f"{f}_{joint}" for f in FINGERS[1:]]
    return np.rad2deg(angles_rad[..., MANO16.indices(names), 0])
