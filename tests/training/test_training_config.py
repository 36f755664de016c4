from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest
from pydantic import ValidationError

from mano_assets.errors import InputError
from render.manifest import JointState
from training.config import JointStateName, TrainConfig
from training.systems.registry import SYSTEMS, SystemOptions, system_spec
from training.systems.system import build_system


def test_defaults_come_from_the_system() -> None:
    config = TrainConfig(system="latent25d")
    assert config.label == "latent25d"
    assert config.system_options["depth_weight"] == 20.0
    assert TrainConfig(system="simplebaseline").backbone == "resnet50"
    assert TrainConfig(system="meanpose").backbone is None


@pytest.mark.parametrize("system", SYSTEMS)
def test_round_trip_through_json(system: str) -> None:
    config = TrainConfig(system=system, label="mine", seed=3)
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"system": "nothing"}, "unknown 'nothing', expected one of deeppose, cpm, "),
        ({"system": "meanpose", "epoch": 3}, "epoch\n"),
        ({"system": "meanpose", "input_size": 102}, "input_size\n.*multiple of 4"),
        (
            {"system": "hourglass", "input_size": 96},
            "input_size is 96, expected a multiple of 64 for hourglass",
        ),
        (
            {"system": "meanpose", "state_weights": {"missing": 1}},
            r"state_weights\.missing.*\n.*'visible', 'self_occluded', 'occluded', 'outside'",
        ),
        (
            {"system": "meanpose", "state_weights": {"outside": -1}},
            r"state_weights\.outside\n.*greater than or equal to 0",
        ),
        (
            {"system": "meanpose", "batch_size": 16, "devices": 3},
            r"batch_size is 16, expected a multiple of devices \(3\)",
        ),
        (
            {"system": "cpm", "backbone": "resnet18"},
            "backbone is 'resnet18', expected none for cpm",
        ),
        ({"system": "meanpose", "schedule": "steps"}, "drop_epochs: is empty, expected some"),
        ({"system": "meanpose", "drop_epochs": [4, 2]}, "drop_epochs\n.*expected ascending"),
        (
            {"system": "simplebaseline", "system_options": {"sigma": 1}},
            r"system_options\n.*sigma: Extra inputs are not permitted",
        ),
        (
            {"system": "latent25d", "system_options": {"reference_bone": ["wrist", "elbow"]}},
            r"reference_bone: .*expected two different joints",
        ),
        (
            {"system": "latent25d", "system_options": {"root_depth_limits": [5, 4]}},
            r"root_depth_limits: .*the smaller one first",
        ),
        (
            {"system": "simplebaseline", "system_options": {"deconv_channels": [0]}},
            r"deconv_channels: .*expected positive numbers",
        ),
    ],
)
def test_wrong_fields_are_named(fields: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TrainConfig(**fields)


def test_drops_of_the_rate_stretch_with_the_epochs() -> None:
    assert TrainConfig(system="simplebaseline").drop_epochs == (90, 120)
    assert TrainConfig(system="simplebaseline", epochs=14).drop_epochs == (9, 12)
    assert TrainConfig(system="simplebaseline", epochs=1).drop_epochs == (1, 1)
    given = TrainConfig(system="simplebaseline", epochs=14, drop_epochs=[3])
    assert given.drop_epochs == (3,)


def test_state_weights_are_of_the_states_of_labelled_joints() -> None:
    labelled = {state.name.lower() for state in JointState if state is not JointState.MISSING}
    assert set(get_args(JointStateName)) == labelled


def test_every_field_is_described() -> None:
    models = [TrainConfig, *(spec.options for spec in SYSTEMS.values())]
    for model in models:
        assert issubclass(model, TrainConfig | SystemOptions)
        assert all(field.description for field in model.model_fields.values())


def test_unknown_names() -> None:
    with pytest.raises(InputError, match=r"system: unknown 'x', expected one of deeppose, cpm,"):
        system_spec("x")
    with pytest.raises(InputError, match=r"backbone: timm has no model 'resnet1818'"):
        build_system(TrainConfig(system="simplebaseline", backbone="resnet1818"))


def test_listing_systems_loads_no_network() -> None:
    code = "import sys, training.config; print('torch' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"
