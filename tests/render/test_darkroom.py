"""Nothing piles up in Blender, and flawed frames are rendered again."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from render.recipe import DatasetRecipe

pytestmark = pytest.mark.blender


@pytest.fixture(scope="module")
def found(
    recipe: DatasetRecipe, hand_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("many")
    small = recipe.model_copy(update={"image": recipe.image.model_copy(update={"size": 48})})
    (folder / "recipe.json").write_text(small.model_dump_json())
    script = Path(__file__).with_name("many_samples.py")
    arguments = [folder / "recipe.json", hand_folder, folder / "found.json"]
    subprocess.run(
        [sys.executable, script, *arguments], check=True, timeout=300, stdout=subprocess.DEVNULL
    )
    return json.loads((folder / "found.json").read_text())


def test_images_leave_nothing_behind_in_blender(found: dict[str, Any]):
    first, second, third = found["counts"]
    assert first == second == third


def test_a_flawed_frame_is_rendered_in_another_light(found: dict[str, Any]):
    sound, third = found["sound"], found["third"]
    assert (sound["attempt"], third["attempt"]) == (0, 2)
    assert sound["setting"] != third["setting"]
    assert sound["sensor"] != third["sensor"]
    anew = {"attempt", "setting", "sensor"}
    for field in sound.keys() - anew:
        assert sound[field] == third[field]


def test_after_many_lights_a_frame_is_kept(found: dict[str, Any]):
    assert found["hopeless"]["attempt"] == found["most_attempts"] - 1


def test_what_hides_a_hand_is_taken_away(found: dict[str, Any]):
    """Nothing else changes: the light is the one of the first attempt."""
    sound, unseen = found["sound"], found["unseen"]
    assert sound["arm"]["forearm"]
    assert not unseen["arm"]["forearm"]
    assert unseen["dress"]["sleeve"] is None
    assert (unseen["second"], unseen["things"]) == (None, [])
    for field in sound.keys() - {"arm", "dress", "second", "things"}:
        assert sound[field] == unseen[field]
