"""Recipes: what is accepted, what is refused and in which words, and what names an output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.recipes import SHIPPED, Recipe, adjusted, load_recipe, recipe_digest
from flows.validation import parse, read_yaml
from mano_assets.errors import InputError
from training.config import TrainConfig
from training.systems.registry import SYSTEMS


def test_shipped_recipes_are_valid() -> None:
    names = [path.stem for path in SHIPPED.glob("*.yaml")]
    assert {"demo", "full"} <= set(names)
    for name in names:
        assert load_recipe(name).name == name


def test_demo_and_full_are_as_large_as_promised() -> None:
    assert load_recipe("demo").dataset.num_images >= 2000
    assert load_recipe("full").dataset.num_images == 880_000
    assert load_recipe("full").dataset.image.size == 224


def test_demo_trains_on_easy_hard_and_both_with_as_many_steps() -> None:
    recipe = load_recipe("demo")
    splits = {split.name: split for split in recipe.dataset.splits}
    for name in ("easy", "hard"):
        learned, tested = splits[f"train_{name}"], splits[f"test_{name}"]
        assert (learned.poses, learned.view) == (tested.poses, tested.view)
    steps = {
        model.label: model.epochs
        * (sum(splits[name].count for name in recipe.sources(model)) // model.batch_size)
        for model in recipe.training
    }
    assert steps == dict.fromkeys(steps, 520)
    learned = {recipe.sources(model) for model in recipe.models}
    assert learned == {("train_easy",), ("train_hard",), ("train_easy", "train_hard")}
    easy, hard, both, *_ = recipe.training
    own = {"label", "train_on", "epochs"}
    assert easy.model_dump(exclude=own) == hard.model_dump(exclude=own)
    assert easy.model_dump(exclude=own) == both.model_dump(exclude=own)
    # The page's matrix has at least four columns without any public data.
    assert len(recipe.score_on) + len(recipe.stand_ins) >= 4
    assert {each.of for each in recipe.stand_ins} == set(recipe.score_on)


def test_systems_recipe_trains_every_system_alike_on_renders_as_the_demos() -> None:
    recipe = load_recipe("systems")
    own = {"name", "splits"}
    assert recipe.dataset.model_dump(exclude=own) == load_recipe("demo").dataset.model_dump(
        exclude=own
    )
    tests = [
        [split for split in load_recipe(name).dataset.splits if split.name in recipe.score_on]
        for name in ("demo", "systems")
    ]
    assert tests[0] == tests[1]
    assert {model.system for model in recipe.models} == set(SYSTEMS)
    own = {"system", "label", "backbone", "system_options"}
    unused = {"momentum", "drop_epochs", "drop_factor"}  # with AdamW and a cosine
    alike = TrainConfig.model_fields.keys() - own - unused
    trained = [model.model_dump(include=set(alike)) for model in recipe.training]
    assert all(fields == trained[0] for fields in trained)


def test_weak_supervision_recipe_differs_in_labels_and_constraints_alone() -> None:
    recipe = load_recipe("weak_supervision")
    images = {split.name: split.count for split in recipe.dataset.splits}
    few, without, constrained, strong = recipe.training
    assert few.train_on == ("few3d",)
    assert without.train_on == constrained.train_on
    assert [model.seeds for model in recipe.training] == [few.seeds] * 4
    assert len(few.seeds) >= 3
    # A weighted epoch has as many images as there are.
    both = images["few3d"] + images["many2d"]
    assert few.epochs * images["few3d"] == without.epochs * both == constrained.epochs * both
    penalties = ("bone_length_weight", "palm_weight", "joint_angle_weight")
    assert all(without.system_options[name] == 0 for name in penalties)
    assert all(constrained.system_options[name] > 0 for name in penalties)
    assert without.system_options == constrained.system_options | dict.fromkeys(penalties, 0.0)
    weights = [
        [model.system_options[name] for name in penalties] for model in (constrained, strong)
    ]
    assert all(weak <= more for weak, more in zip(*weights, strict=True))
    assert weights[0] != weights[1]
    differing = {"label", "system_options"}
    for other in (constrained, strong):
        assert without.model_dump(exclude=differing) == other.model_dump(exclude=differing)


def test_seeds_make_models_of_one_recipe(tiny_values: dict[str, Any]) -> None:
    tiny_values["training"][0] |= {"label": "small", "seeds": [3, 5]}
    recipe = parse(Recipe, tiny_values, "recipe.yaml")
    assert [(model.label, model.seed) for model in recipe.models] == [
        ("meanpose", 0), ("small-s3", 3), ("small-s5", 5),
    ]  # fmt: skip
    first, second = (model.train_config().identity() for model in recipe.models[1:])
    assert {name for name in first if first[name] != second[name]} == {"label", "seed"}
    assert adjusted(recipe, seed=7).training[0].seeds == (7, 8)
    assert adjusted(recipe, epochs=9).training[0].seeds == (3, 5)


def test_what_a_model_learns_from_is_its_own_or_the_recipes(tiny_values: dict[str, Any]) -> None:
    tiny_values["training"].append({**tiny_values["training"][0], "label": "other"})
    tiny_values["training"][1]["train_on"] = ["easy@weight=2", "hard@weight=1@labels=2d"]
    recipe = parse(Recipe, tiny_values, "recipe.yaml")
    assert [recipe.sources(model) for model in recipe.models] == [
        ("train",), ("train",), ("easy@weight=2", "hard@weight=1@labels=2d"),
    ]  # fmt: skip


def test_baseline_is_always_trained(tiny: Recipe) -> None:
    assert [config.system for config in tiny.models] == ["meanpose", "simplebaseline"]


def _set(values: dict[str, Any], path: str, value: Any) -> None:
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = values
    for step in steps:
        place = place[step]
    place[last] = value


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("sede", 1, "sede: unknown field, expected one of name, hand, dataset, "),
        ("dataset.splits.0.cuont", 1, "dataset.splits.0.cuont: unknown field, expected one of "),
        ("dataset.splits.0.count", "many", "dataset.splits.0.count: got 'many', expected a valid"),
        ("dataset.splits.1.count", 0, "dataset.splits.1.count: got 0, expected greater than or"),
        (
            "dataset.splits.0.poses", {"yoga": 1},
            "dataset.splits: split train: pose distribution 'yoga' is unknown, expected one of ",
        ),
        ("dataset.image.denoise", "some", "dataset.image.denoise: got 'some', expected 'off', "),
        ("training.0.system", "vgg", "training.0.system: system: unknown 'vgg', expected one of "),
        ("training.0.epochs", 0, "training.0.epochs: got 0, expected greater than or equal to 1"),
        ("training.0.label", "a/b", "training: label 'a/b' is not a file name"),
        ("training", [], "training: is empty, expected at least one."),
        ("score_on", ["test"], "score_on names the split 'test', expected one of train, easy"),
        ("train_on", "all", "train_on names the split 'all', expected one of train, easy, hard"),
        ("train_on", [], "train_on: is empty, expected at least one."),
        (
            "training.0.train_on", "all@weight=2",
            "training.0.train_on names the split 'all', expected one of train, easy, hard",
        ),
        (
            "training.0.train_on", ["train", "easy@labels=3d"],
            "training.0.train_on: 'easy@labels=3d' has @labels=3d, expected 2d",
        ),
        (
            "train_on", "train@share=2",
            "train_on: 'train@share=2' has the option 'share', expected @weight=NUMBER or",
        ),
        (
            "training.0.train_on", ["train@weight=1", "easy"],
            "training.0.train_on: some have @weight and some have none, expected all or none",
        ),
        ("training.0.seeds", [0, 0], "training: label 'simplebaseline-s0' occurs twice"),
        ("training.0.seeds", [-1], "training.0.seeds.0: got -1, expected greater than or equal"),
        ("real", [{"name": "coco", "root": "x"}], "real.0: name is 'coco', expected one of "),
        (
            "real", [{"name": "coco-wholebody", "root": "x", "split": "test"}],
            "real.0: split is 'test', expected one of train, val",
        ),
        (
            "stand_ins", [{"name": "coco", "split": "x", "of": "easy"}],
            "stand_ins.0: name is 'coco', expected one of freihand, ",
        ),
        (
            "stand_ins", [{"name": "freihand", "split": "test", "of": "easy"}],
            "stand_ins.0: split is 'test', expected one of training, evaluation",
        ),
        (
            "stand_ins", [{"name": "freihand", "split": "evaluation", "of": "test"}],
            "stand_ins.0.of names the split 'test', expected one of train, easy, hard",
        ),
        (
            "stand_ins", [{"name": "freihand", "split": "evaluation", "of": "easy"}] * 2,
            "stand_ins: freihand evaluation occurs twice, expected it once",
        ),
        ("name", "a/b", "name: String should match pattern"),
        ("hand.source", "scan", "hand.source: got 'scan', expected 'free' or 'mano'"),
        (
            "dataset.splits.0.view", {"prior": "cones"},
            "dataset.splits.0.view.prior: got 'cones', expected one of cone, uniform, egocentric",
        ),
        (
            "dataset.splits.0.view", {"view_spread_deg": 30},
            "dataset.splits.0.view.prior: missing, expected one of cone, uniform, egocentric",
        ),
        (
            "dataset.splits.0.view", {"prior": "cone", "view_spred_deg": 30},
            "dataset.splits.0.view.view_spred_deg: unknown field, expected one of prior, view_spr",
        ),
        (
            "dataset.splits.0.view_spread_deg", 30,
            "dataset.splits.0.view_spread_deg: unknown field, expected one of name, count, poses, ",
        ),
        (
            "dataset.distributions", {"mine": {"kind": "yoga"}},
            "dataset.distributions.mine.kind: got 'yoga', expected one of handshape, range, mano_",
        ),
        (
            "dataset.distributions", {"mine": {"file": "mine.py"}},
            "dataset.distributions.mine.kind: missing, expected one of handshape, range, mano_pca",
        ),
        (
            "dataset.distributions", {"mine": {"kind": "family"}},
            "dataset.distributions.mine.file: missing, expected a value.",
        ),
        (
            "dataset.distributions", {"range": {"kind": "range", "rage": "active"}},
            "dataset.distributions.range.rage: unknown field, expected one of kind, range.",
        ),
        (
            "dataset.distributions", {"mine": {"kind": "mano_pca", "components": 46}},
            "dataset.distributions.mine.components: got 46, expected less than or equal to 45",
        ),
        (
            "dataset.splits.0.clip_frames", 5,
            "dataset.splits: split train: clip_frames is 5, expected poses of kind trajectory",
        ),
    ],
)  # fmt: skip
def test_wrong_field_is_named_in_one_sentence(
    tiny_values: dict[str, Any], field: str, value: Any, message: str
) -> None:
    tiny_values["hand"] = {}
    _set(tiny_values, field, value)
    with pytest.raises(InputError) as caught:
        parse(Recipe, tiny_values, "recipe.yaml")
    text = str(caught.value)
    assert text.startswith(f"recipe.yaml: {message}")
    assert text.endswith(".")
    assert "\n" not in text


def test_missing_field_is_named(tiny_values: dict[str, Any]) -> None:
    del tiny_values["score_on"]
    with pytest.raises(InputError, match=r"score_on: missing, expected a value\.$"):
        parse(Recipe, tiny_values, "recipe.yaml")


def test_what_is_wrong_with_a_distribution_is_told_of_it_alone(tiny_values: dict[str, Any]) -> None:
    """And not that the splits which draw from it know no such distribution."""
    tiny_values["dataset"]["distributions"] = {"mine": {"kind": "range", "range": "passive"}}
    tiny_values["dataset"]["splits"][0]["poses"] = {"mine": 1.0}
    with pytest.raises(InputError) as caught:
        parse(Recipe, tiny_values, "recipe.yaml")
    assert str(caught.value) == (
        "recipe.yaml: dataset.distributions.mine.range: got 'passive', expected 'functional' or "
        "'active'."
    )


def test_own_distributions_are_known_and_hide_shipped_ones(tiny_values: dict[str, Any]) -> None:
    tiny_values["dataset"]["distributions"] = {
        "mine": {"kind": "trajectory", "through": ["fist", "mine_too"]},
        "mine_too": {"kind": "mano_pca"},
        "claw": {"kind": "range", "range": "functional"},
    }
    recipe = parse(Recipe, tiny_values, "recipe.yaml")
    changed = adjusted(recipe, pose_distribution="mine")
    assert [split.poses for split in changed.dataset.splits] == [{"mine": 1.0}] * 3
    kind = changed.dataset.distributions["claw"]
    assert kind.model_dump() == {"kind": "range", "range": "functional"}
    with pytest.raises(InputError, match=r"'ours' is unknown, expected .*, mine, mine_too, "):
        adjusted(recipe, pose_distribution="ours")


def test_labels_must_differ(tiny_values: dict[str, Any]) -> None:
    tiny_values["training"] *= 2
    with pytest.raises(InputError, match="label 'simplebaseline' occurs twice"):
        parse(Recipe, tiny_values, "recipe.yaml")


def test_unknown_recipe_lists_the_known() -> None:
    with pytest.raises(InputError, match=r"recipe 'nope' is unknown, expected one of demo, full, "):
        load_recipe("nope")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "not YAML "),
        ("- 1\n- 2", "holds list, expected fields and values"),
        ("", "holds NoneType, expected"),
    ],
)
def test_file_that_holds_no_fields(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_recipe(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read, expected a YAML file"):
        read_yaml(path)


def test_digest_names_what_can_affect_the_output(tiny_values: dict[str, Any]) -> None:
    def digest(path: str, value: Any) -> str:
        changed = yaml.safe_load(yaml.safe_dump(tiny_values))
        _set(changed, path, value)
        return recipe_digest(parse(Recipe, changed, "recipe.yaml"))

    tiny_values["real"] = [{"name": "coco-wholebody", "root": "here", "split": "val"}]
    same = recipe_digest(parse(Recipe, tiny_values, "recipe.yaml"))
    assert digest("real.0.root", "there") == same
    assert digest("training.0.num_loader_workers", 7) == same
    assert digest("training.0.accelerator", "cpu") == same
    assert digest("dataset.seed", 1) != same
    assert digest("training.0.epochs", 2) != same
    assert digest("train_on", ["train"]) == same
    assert digest("train_on", "train@labels=2d") != same
    assert digest("training.0.train_on", "easy") != same
    assert digest("training.0.seeds", [0]) != same
    assert digest("dataset.splits.0.count", 9) != same
    assert digest("real.0.split", "train") != same
    stood_in = [{"name": "freihand", "split": "evaluation", "of": "easy"}]
    assert digest("stand_ins", stood_in) != same
    # A recipe from before there were stand-ins names the same run.
    assert digest("stand_ins", []) == same


def test_written_recipe_is_the_same_recipe(tmp_path: Path, tiny: Recipe) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(tiny.model_dump(mode="json")))
    assert recipe_digest(load_recipe(path)) == recipe_digest(tiny)


def test_adjusting_changes_only_what_was_asked(tiny: Recipe) -> None:
    assert recipe_digest(adjusted(tiny)) == recipe_digest(tiny)
    changed = adjusted(tiny, pose_distribution="claw", num_images=12, seed=5, epochs=3)
    assert [split.poses for split in changed.dataset.splits] == [{"claw": 1.0}] * 3
    assert changed.dataset.num_images == 12
    assert (changed.dataset.seed, changed.training[0].seed) == (5, 5)
    assert changed.training[0].epochs == 3
    assert changed.dataset.camera == tiny.dataset.camera
    assert changed.score_on == tiny.score_on


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"pose_distribution": "yoga"},
            "^pose_distribution: .*'yoga' is unknown, expected ",
        ),
        ({"pose_distribution": ""}, "^pose_distribution: .*'' is unknown, expected one of "),
        ({"num_images": 1}, "num_images: is 1, expected at least one for each"),
        ({"seed": -1}, "seed: got -1, expected greater than or equal to 0"),
        ({"epochs": 0}, "epochs: got 0, expected greater than or equal to 1"),
    ],
)
def test_adjusting_to_the_impossible(tiny: Recipe, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        adjusted(tiny, **change)
