"""Published numbers: typed, cited, and never a fact when nobody looked them up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from evaluation.datasets import DATASETS
from evaluation.matrix.anchors import (
    ANCHORS_FILE,
    Anchor,
    anchors_beside,
    published_anchors,
    read_anchors,
)
from evaluation.metrics import METRICS
from evaluation.protocols import PROTOCOLS, find_protocol
from mano_assets.errors import InputError
from render.manifest import DatasetInfo

OTHERS = {"stb", "ganerated", "lsmv", "fpa", "ho3d", "penn-action"}
"""Data sets in the table that are none of ours."""


@pytest.fixture
def document() -> dict[str, Any]:
    """A table of one number."""
    group = {
        "data": "freihand", "split": "evaluation", "protocol": "freihand",
        "their_protocol": "eval.py", "citation": "paper", "place": "table 1",
        "status": "verified", "comparable": "nearly", "reasons": ["same"],
        "measured": {"pa": {"metric": "pa_mpjpe_official_mm", "beside": ["pa_mpjpe_rigid_mm"]}},
        "rows": [{"method": "A", "values": {"pa": 5.5}}],
    }  # fmt: skip
    return {"citations": {"paper": "A paper"}, "reasons": {"same": "Same."}, "groups": [group]}


def read(document: dict[str, Any], folder: Path) -> tuple[Anchor, ...]:
    path = folder / "anchors.yaml"
    path.write_text(yaml.safe_dump(document))
    return read_anchors(path)


def test_shipped_anchors_name_what_they_are() -> None:
    anchors = published_anchors()
    assert len({anchor.identity for anchor in anchors}) == len(anchors)
    for anchor in anchors:
        assert (anchor.metric in METRICS) != bool(anchor.their_metric)
        assert set(anchor.beside) <= set(METRICS)
        assert anchor.protocol is None or anchor.protocol in PROTOCOLS
        assert anchor.their_protocol
        assert anchor.data in set(DATASETS) | OTHERS
        if anchor.data in DATASETS and anchor.split is not None:
            assert anchor.split in DATASETS[anchor.data].splits
        assert all(split in DATASETS[name].splits for name, split in anchor.also.items())
        assert anchor.reasons
        assert ", " in anchor.citation
        # A published number is one of ours only under a protocol that takes the same images.
        if anchor.metric and anchor.protocol:
            assert anchor.metric in PROTOCOLS[anchor.protocol].metrics


@pytest.mark.parametrize("name", ["citations", "reasons"])
def test_shipped_texts_are_all_used(name: str) -> None:
    table = yaml.safe_load(ANCHORS_FILE.read_text())
    shown = " ".join(f"{each.citation} {' '.join(each.reasons)}" for each in published_anchors())
    assert [text for text in table[name].values() if text not in shown] == []


def test_numbers_are_of_their_unit() -> None:
    for anchor in published_anchors():
        if anchor.metric:
            assert anchor.unit == METRICS[anchor.metric].unit
        if anchor.unit == "mm":
            # A hand is some 180 mm long; nothing aligned may be as far as the camera.
            assert 1 < anchor.value < (800 if anchor.metric == "mpjpe_absolute_mm" else 60)
        if anchor.unit == "" and "NME" not in (anchor.their_metric or ""):
            assert 0 < anchor.value <= 1


def test_known_numbers_stand_in_the_table() -> None:
    found = {
        (each.method, each.train_data, each.metric or each.their_metric): each
        for each in published_anchors()
        if each.data == "freihand"
    }
    metric = "pa_mpjpe_official_mm"
    assert found["WiLoR", None, metric].value == 5.5
    assert found["WiLoR", "FreiHAND", metric].value == 6.1
    # In the papers in cm.
    assert found["METRO", "SynFrei", metric].value == 7.8
    assert found["METRO", "SynFrei", metric].synthetic_only
    assert found["CMR", "DARTset", metric].value == 25.6
    assert found["zeros for every joint", "nothing", metric].value == 47.3


def test_hand3ds_numbers_stand_beside_visible_joints_alone() -> None:
    found = [each for each in published_anchors() if "hand3d," in each.citation and each.beside]
    found = [each for each in found if each.data == "rhd"]
    assert len(found) == 4
    for each in found:
        assert each.protocol == "rhd-hand3d"
        assert set(each.beside) <= set(PROTOCOLS["rhd-hand3d"].metrics)


def test_reasons_do_not_contradict_the_rows() -> None:
    for each in published_anchors():
        told = " ".join(each.reasons)
        if "AnyHand" in (each.train_data or ""):
            assert "6.6 million renders" in told
            assert "Trained on photographs." not in each.reasons
        if "RHD" in (each.train_data or ""):
            assert "Trained on photographs." not in each.reasons
        if "Both use the 3,960" in told:
            assert each.same_test_set == ("Both use the 3,960 evaluation images.",)
        # Theirs is the whole image there; only of mmpose's split is ours too.
        if "its image is the crop, for theirs and for ours" in told:
            assert each.data == "mmpose-freihand"


def test_number_that_another_of_its_source_contradicts_is_not_compared() -> None:
    found = [each for each in published_anchors() if each.method == "Boukhayma"]
    odd = next(each for each in found if each.value == 35.0)
    assert odd.comparable == "no"
    assert "Does not agree with the same source's aligned mesh error" in " ".join(odd.reasons)
    assert {each.comparable for each in found if each is not odd} == {"nearly"}


@pytest.mark.parametrize("name", [*DATASETS])
def test_numbers_nearly_ours_are_of_the_protocol_that_scores_the_data_set(name: str) -> None:
    own = find_protocol(name, DatasetInfo(name=name, kind="real", state="complete")).id
    for anchor in published_anchors():
        if anchor.comparable == "nearly" and name in (anchor.data, *anchor.also):
            assert anchor.protocol == own


def test_what_nobody_looked_up_is_called_so_and_left_out() -> None:
    remembered = [each for each in published_anchors() if each.status == "remembered"]
    table_1 = [each for each in published_anchors() if "Zimmermann" in each.citation]
    assert len(table_1) == 63
    others = [(each.method, each.value) for each in remembered if each not in table_1]
    assert others == [("InterNet", 32.57), ("DKD", 0.978), ("UniPose-LSTM", 0.993)]
    assert all(each in remembered for each in table_1)
    auc = "auc3d_0_50mm_trapz100"
    assert anchors_beside(auc, "freihand") == []
    asked_for = anchors_beside(auc, "freihand", remembered=True)
    assert len(asked_for) == 8
    assert {each.status for each in asked_for} == {"remembered"}


def test_anchors_stand_beside_their_data_and_metric() -> None:
    rigid = anchors_beside("pa_mpjpe_rigid_mm", "freihand")
    assert rigid
    assert {each.data for each in rigid} == {"freihand"}
    assert {each.metric for each in rigid} == {"pa_mpjpe_official_mm"}
    assert any("may mirror the hand" in reason for reason in rigid[0].reasons)
    zoo = anchors_beside("pck_0.2", "mmpose-onehand10k")
    assert zoo == anchors_beside("pck_0.2", "onehand10k")
    assert len(zoo) == 6
    # The evaluation images of FreiHAND are not those of mmpose's split.
    assert anchors_beside("pck_0.2", "freihand") == []
    assert len(anchors_beside("pck_0.2", "mmpose-freihand")) == 1
    assert anchors_beside("nme", "drawn") == []


def test_own_table_is_read(document: dict[str, Any], tmp_path: Path) -> None:
    (anchor,) = read(document, tmp_path)
    assert (anchor.value, anchor.unit, anchor.citation) == (5.5, "mm", "A paper, table 1")
    assert anchor.reasons == ("Same.",)


def test_number_that_stands_twice_is_refused(document: dict[str, Any], tmp_path: Path) -> None:
    document["groups"] *= 2
    with pytest.raises(InputError, match=r"A on freihand evaluation by pa_mpjpe_official_mm stan"):
        read(document, tmp_path)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("measured", "pa", "metric"), "pa", "metric is 'pa', expected one of epe_px"),
        (("measured", "pa", "beside"), ["pa"], "beside is 'pa', expected one of epe_px"),
        (("measured", "pa", "metric"), None, r"groups.0.measured.pa: expected unit with their_"),
        (("measured", "pa", "their_metric"), "PA", "expected either metric or their_metric"),
        (("protocol",), "frei", "protocol is 'frei', expected one of "),
        (("citation",), "book", "citations has no 'book', expected one of paper"),
        (("reasons",), ["why"], "reasons has no 'why', expected one of same"),
        (("reasons",), [], "reasons: Tuple should have at least 1 item"),
        (("status",), "sure", r"groups\.0\.status: Input should be 'verified', 'secondary' or"),
        (("sede",), 1, r"groups\.0\.sede: Extra inputs are not permitted"),
        (("rows",), [{"method": "A", "values": {"f": 1}}], "measured has no 'f', expected one of"),
    ],
)
def test_wrong_field_is_named(
    document: dict[str, Any], tmp_path: Path, place: tuple[str, ...], value: Any, message: str
) -> None:
    inside = document["groups"][0]
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = value
    with pytest.raises(InputError, match=message):
        read(document, tmp_path)


@pytest.mark.parametrize("text", ["[", "- 1"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"a\.yaml: "):
        read_anchors(path)
    with pytest.raises(InputError, match="cannot be read, expected YAML"):
        read_anchors(tmp_path / "none.yaml")
