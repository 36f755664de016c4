"""Protocols: what they count, divide by and stand for."""

import numpy as np
import pytest
from pydantic import ValidationError

from evaluation.datasets import DATASETS
from evaluation.datasets.adapter import BOX_SCALE, box_around
from evaluation.metrics import METRICS
from evaluation.protocols import PROTOCOLS, Crop, Protocol, find_protocol
from mano_assets.errors import InputError
from mano_assets.skeleton import SKELETONS
from render.manifest import DatasetInfo, JointState

OWN = {
    "freihand": "freihand", "interhand26m": "interhand26m", "hiu-dmtl": "hiu-dmtl",
    "coco-wholebody": "coco-wholebody", "panoptic": "panoptic", "onehand10k": "onehand10k",
    "rhd": "rhd", "penn-action": "penn-action", "mmpose-freihand": "freihand-mmpose",
    "mmpose-onehand10k": "onehand10k", "mmpose-panoptic": "panoptic-mmpose",
    "mmpose-rhd": "rhd-mmpose",
}  # fmt: skip


def info(name: str, kind: str = "real", **more: str) -> DatasetInfo:
    return DatasetInfo.model_validate({"name": name, "kind": kind, "state": "complete", **more})


@pytest.mark.parametrize(("dataset", "protocol"), OWN.items())
def test_every_public_data_set_has_its_own(dataset: str, protocol: str) -> None:
    assert find_protocol(None, info(dataset)).id == protocol
    # A stand-in is scored as what it stands in for.
    stand_in = info(f"{dataset}-stand-in", "synthetic", stand_in_for=dataset)
    assert find_protocol(None, stand_in).id == protocol
    assert find_protocol(dataset, info("anything")).id == protocol


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_adapters_and_the_protocols_know_the_same_names(dataset: str) -> None:
    rules = find_protocol(None, info(dataset))
    splits = DATASETS[dataset].splits
    assert not rules.splits or set(rules.splits) & set(splits)


def test_renders_have_one_and_others_must_name_one() -> None:
    assert find_protocol(None, info("any", "synthetic")).id == "handforge-2d3d"
    # Renders that are only called so are no stand-in.
    assert find_protocol(None, info("freihand", "synthetic")).id == "handforge-2d3d"
    assert find_protocol("panoptic-2.2x", info("my-hands")).id == "panoptic-2.2x"
    with pytest.raises(InputError, match="'my-hands' has no protocol of its own, expected"):
        find_protocol(None, info("my-hands"))
    with pytest.raises(InputError, match=r"'stb' has no protocol of its own"):
        find_protocol(None, info("stb-stand-in", "synthetic", stand_in_for="stb"))
    with pytest.raises(InputError, match=r"protocol 'pck' is unknown, expected one of handforge"):
        find_protocol("pck", info("freihand"))


def test_each_protocol_is_whole() -> None:
    for name, rules in PROTOCOLS.items():
        assert rules.id == name
        assert rules.name == f"{name} v{rules.version}"
        assert rules.rules_of
        assert rules.comparable.endswith(".")
        assert rules.averaging == {m: METRICS[m].averaging for m in rules.metrics}
        assert any(rules.root in skeleton.joints for skeleton in SKELETONS.values())
        assert len(set(rules.metrics)) == len(rules.metrics)
        assert Protocol.model_validate_json(rules.model_dump_json()) == rules
        assert "ground-truth hand box (an oracle box)" in rules.description
    defaults = [dataset for rules in PROTOCOLS.values() for dataset in rules.datasets]
    assert len(set(defaults)) == len(defaults)


def test_freihand_puts_the_official_number_first_and_the_rigid_beside_it() -> None:
    rules = PROTOCOLS["freihand"]
    assert rules.metrics[:2] == ("pa_mpjpe_official_mm", "pa_mpjpe_rigid_mm")
    assert rules.main_metric(3) == "pa_mpjpe_official_mm"
    assert rules.main_metric(2) == "epe_px"
    assert PROTOCOLS["coco-wholebody"].main_metric(3) is None


def test_penn_action_counts_what_is_visible() -> None:
    states = np.array([[JointState.VISIBLE, JointState.OCCLUDED, np.nan, JointState.MISSING]])
    assert PROTOCOLS["penn-action"].counts(states).tolist() == [[True, False, False, False]]
    assert PROTOCOLS["interhand26m"].counts(states).tolist() == [[True, True, True, False]]


def test_mmposes_protocols_divide_by_mmposes_boxes() -> None:
    """Its PCK takes the longer side of the file's bbox; RHD's is 1.2 times the joints' own."""
    assert BOX_SCALE == 1.2
    low, high = np.array([20.0, 30.0]), np.array([120.0, 80.0])
    joints_px = np.stack([low, high, (low + high) / 2])[None]
    counted = np.ones((1, 3), bool)
    box = np.array([box_around(joints_px[0], BOX_SCALE)])
    for name in ("rhd", "rhd-mmpose"):
        assert PROTOCOLS[name].size_px(joints_px, counted, box) == pytest.approx(120)
        assert PROTOCOLS[name].crop == Crop(source="box", padding=1.25)
    assert PROTOCOLS["rhd"].version == 2
    one_more = np.array([[*low, *(high - low + 1)]])
    assert PROTOCOLS["panoptic-mmpose"].size_px(joints_px, counted, one_more) == pytest.approx(101)
    assert PROTOCOLS["panoptic-mmpose"].metrics == PROTOCOLS["panoptic"].metrics


def test_hand3d_counts_what_is_visible() -> None:
    rules = PROTOCOLS["rhd-hand3d"]
    states = np.array([[JointState.VISIBLE, JointState.SELF_OCCLUDED, JointState.OUTSIDE, np.nan]])
    assert rules.counts(states).tolist() == [[True, False, False, False]]
    assert rules.metrics == ("epe_macro_px", "auc2d_0_30px_trapz20")
    assert not set(rules.metrics) & set(PROTOCOLS["rhd"].metrics)


def test_interhand_does_not_claim_the_authors_numbers() -> None:
    description = PROTOCOLS["interhand26m"].description
    assert "both sides pooled over the same 21 joints; the authors average over 42" in description
    assert "as the authors" not in description


@pytest.mark.parametrize(
    ("normaliser", "expected"),
    [
        ("joint_box", [40.0, np.nan]), ("box", [70.0, 90.0]), ("image", [300.0, 224.0]),
        ("head", [55.0, np.nan]), ("fixed", [30.0, 30.0]),
    ],
)  # fmt: skip
def test_what_errors_are_divided_by(normaliser: str, expected: list[float]) -> None:
    fixed = {"fixed_px": 30.0} if normaliser == "fixed" else {}
    rules = Protocol.model_validate(
        {"id": "p", "description": "", "normaliser": normaliser, "metrics": ["nme"], **fixed}
    )
    joints_px = np.array([[[0, 0], [40, 10], [900, 900]], [[5, 5], [6, 6], [7, 7]]], float)
    counted = np.array([[True, True, False], [False] * 3])
    box = np.array([[0, 0, 20, 70], [0, 0, 90, 10.0]])
    images = np.array([[200, 300], [224, 224.0]])
    found = rules.size_px(joints_px, counted, box, images, np.array([55, np.nan]))
    np.testing.assert_array_equal(found, expected)
    assert rules.size == {
        "joint_box": "the longer side of the tight box of its counted joints",
        "box": "the longer side of its box in the data set",
        "image": "the longer side of the image", "head": "the size of the person's head",
        "fixed": "30 px",
    }[normaliser]  # fmt: skip


def test_a_fixed_size_needs_its_pixels_and_metrics_must_be_known() -> None:
    rules = {"id": "p", "description": "", "metrics": ["nme"]}
    for wrong in (
        {"normaliser": "fixed"},
        {"normaliser": "box", "fixed_px": 30},
    ):
        with pytest.raises(ValidationError, match="fixed_px: expected a number if, and only if"):
            Protocol.model_validate({**rules, **wrong})
    with pytest.raises(ValidationError, match="unknown metrics"):
        Protocol.model_validate({**rules, "normaliser": "box", "metrics": ["pck"]})
