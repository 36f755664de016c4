"""One small rendered data set, shared by all tests of labels and files."""

from pathlib import Path

import pytest

from render.dataset import render_dataset
from render.manifest import Manifest
from render.recipe import DatasetRecipe, ImageRecipe, SplitRecipe


@pytest.fixture(scope="session")
def recipe() -> DatasetRecipe:
    return DatasetRecipe(
        name="tiny",
        seed=3,
        splits=(
            SplitRecipe(name="train", count=12, poses={"handshapes": 1.0}),
            SplitRecipe(name="hard", count=12, poses={"hard": 1.0}, view_spread_deg=70.0),
        ),
        images_per_part=8,
        left_share=0.4,
        image=ImageRecipe(size=128),
    )


@pytest.fixture(scope="session")
def rendered(
    recipe: DatasetRecipe, hand_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Manifest:
    root = tmp_path_factory.mktemp("rendered") / "tiny"
    render_dataset(recipe, hand_folder, root)
    return Manifest.open(str(root))
