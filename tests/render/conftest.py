"""What the tests of poses, plans and rendered files share: each made once."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_poses import Draw, Drawing, Planning, recipe_of

from mano_assets.geometry.self_intersection import SelfIntersection, self_intersection_test
from mano_assets.hand import Hand
from render.assets import Assets
from render.dataset import render_dataset
from render.factors.second_hand import SecondHandRecipe
from render.factors.things import ThingsRecipe
from render.manifest import Manifest
from render.planning import ScenePlanner
from render.poses import sampler as sampler_module
from render.poses.sampler import PoseSampler
from render.randomness import stream
from render.recipe import DatasetRecipe, ImageRecipe, SplitRecipe


@pytest.fixture(scope="session")
def intersection(hand: Hand) -> SelfIntersection:
    return self_intersection_test(hand)


@pytest.fixture(scope="session")
def prepared(intersection: SelfIntersection) -> Iterator[None]:
    """Samplers take the prepared test instead of preparing one each, which takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampler_module, "self_intersection_test", lambda _: intersection)
        yield


@pytest.fixture(scope="session")
def sampler(hand: Hand, prepared: None) -> PoseSampler:
    return PoseSampler(hand, {}, 0)


@pytest.fixture(scope="session")
def draws(sampler: PoseSampler) -> Drawing:
    """Draws of a shipped distribution; the same ones for all tests."""

    @cache
    def one(name: str, index: int) -> Draw:
        betas = np.clip(stream(0, "shape", index).normal(0, 0.9, 10), -2.5, 2.5)
        return Draw(sampler.draw({name: 1.0}, stream(0, name, index), betas), betas)

    return lambda name, count: [one(name, index) for index in range(count)]


@pytest.fixture(scope="session")
def planning(hand: Hand, prepared: None) -> Planning:
    def planner(dataset: dict[str, Any] | None = None, **split: Any) -> ScenePlanner:
        recipe = recipe_of(dataset, **split)
        return ScenePlanner(recipe, hand, Assets(recipe))

    return planner


@pytest.fixture(scope="session")
def recipe() -> DatasetRecipe:
    return DatasetRecipe(
        name="tiny",
        seed=3,
        splits=(
            SplitRecipe(name="train", count=6, poses={"handshapes": 1.0}),
            # The first clip is in two parts.
            SplitRecipe(name="clips", count=6, poses={"clips": 1.0}, clip_frames=3),
            SplitRecipe.model_validate(
                {
                    "name": "hard",
                    "count": 12,
                    "poses": {"hard": 1.0},
                    "view": {"prior": "cone", "view_spread_deg": 70.0},
                }
            ),
        ),
        images_per_part=8,
        left_share=0.4,
        second_hand=SecondHandRecipe(share=0.3),
        things=ThingsRecipe(held_share=0.5, near_share=0.3),
        image=ImageRecipe(size=128, label_images=("mask", "depth", "parts", "normals")),
    )


@pytest.fixture(scope="session")
def rendered(
    recipe: DatasetRecipe, hand_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Manifest:
    root = tmp_path_factory.mktemp("rendered") / "tiny"
    render_dataset(recipe, hand_folder, root)
    return Manifest.open(str(root))
