"""From each number on the page back to the recipes, by links and digests."""

import json
import re

import pytest
import yaml
from report_runs import Reported

from evaluation.report.inputs import read_scored
from evaluation.report.provenance import chain
from render.manifest import DatasetInfo


def test_the_chain_and_the_recipe_are_on_the_page(reported: Reported) -> None:
    text = reported.page.read_text()
    origin = json.loads(reported.inputs.evaluations[0].read_text())["provenance"]
    chain = [origin["predictions_sha256"], origin["data_recipe_digest"]]
    for digest in (*chain, "ab" * 32, "cd" * 32, "ef" * 32):
        assert f'title="{digest}"' in text
    assert "name: tiny\nseed: 7\n" in text
    assert "pencil 1.0" in text


def test_each_number_leads_to_the_recipe_of_its_data(reported: Reported) -> None:
    """Score table -> score -> model -> training data, and score -> data scored on."""
    text = reported.page.read_text()

    def block(anchor: str) -> str:
        """From the element with this id to the next row, heading or end."""
        return re.split(r"</tr>|<h[34]", text.split(f'id="{anchor}"', 1)[1])[0]

    (first,) = set(re.findall(r'href="#(score-simplebaseline-test_easy)"', text))
    score = block(first)
    assert (
        json.loads(reported.inputs.evaluations[0].read_text())["provenance"]["predictions_sha256"]
        in score
    )
    model = block(re.findall(r'href="#(model-[^"]*)"', score)[0])
    assert "ab" * 32 in model
    assert 'href="#training-simplebaseline"' in model
    learned = block(re.findall(r'href="#(data-[^"]*)"', model)[0])
    assert "Not at hand" in learned
    scored_on = block(re.findall(r'href="#(data-[^"]*)"', score)[0])
    assert yaml.safe_load(scored_on.split('tabindex="0">')[1].split("</pre>")[0]) == {"seed": 0}


def test_training_data_is_found_where_the_model_found_it(
    reported: Reported, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only as long as it is the same data set; otherwise it is called by its folder."""
    (found, *_) = read_scored(reported.inputs)
    root, info = found.manifest.root, found.manifest.info
    predicted = found.evaluation.provenance.prediction_info
    other = DatasetInfo(name="other", kind="real", state="complete", recipe_digest="78" * 32)
    for digest, name, known in ((info.recipe_digest, "drawn", True), ("9" * 64, "dataset", False)):
        monkeypatch.setattr(predicted, "train_data", [f"{root}:train"])
        monkeypatch.setattr(predicted, "train_recipe_digests", [digest])
        (model,) = chain([found], [], [other]).models
        (learned,) = model.learned_from
        assert (learned.split, learned.data.name) == ("train", name)
        assert (learned.data.info is not None) == known
        assert bool(learned.data.recipe_yaml) == known
        assert model.checkpoint == "simplebaseline/best.ckpt"
