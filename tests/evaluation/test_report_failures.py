"""The failure gallery: which samples are chosen, and that what it says of them is true."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from report_runs import Reported

from evaluation.report.failures import choose, failure_gallery, state_shares
from evaluation.report.inputs import read_scored
from evaluation.report.pictures import PictureFolder
from render.manifest import JointState
from render.manifest.reading import column_array

ERRORS = st.lists(st.one_of(st.floats(0, 10), st.just(float("nan"))), max_size=40)


@given(ERRORS, st.integers(1, 30))
def test_the_worst_come_first_and_the_rest_is_spread(errors: list[float], count: int) -> None:
    values = np.array(errors)
    chosen = choose(values, count)
    known = np.flatnonzero(np.isfinite(values))
    assert len(chosen) == min(count, len(known))
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) <= set(known.tolist())
    num_worst = min(-(-2 * count // 3), len(known))
    worst = sorted(values[known], reverse=True)[:num_worst]
    assert values[chosen[:num_worst]].tolist() == worst
    if count - num_worst > 1 and len(known) > count:
        # The spread ends at the best sample.
        assert values[chosen[-1]] == values[known].min()


def test_the_spread_is_even_over_ranks() -> None:
    errors = np.arange(100.0)
    assert choose(errors, 6) == [99, 98, 97, 96, 95, 0]
    assert choose(errors, 9) == [99, 98, 97, 96, 95, 94, 93, 47, 0]


def test_shares_are_of_labelled_joints() -> None:
    states = np.full(21, float(JointState.VISIBLE))
    states[:4] = JointState.MISSING, np.nan, JointState.OCCLUDED, JointState.OUTSIDE
    states[4:9] = JointState.SELF_OCCLUDED
    assert state_shares(states) == pytest.approx(
        {"self-occluded": 5 / 20, "occluded": 1 / 20, "outside": 1 / 20}
    )
    assert set(state_shares(np.full(21, float(JointState.MISSING))).values()) == {0.0}


def test_what_is_said_of_a_sample_is_computed_anew(reported: Reported, tmp_path) -> None:
    """Errors from joints and predictions, not from the table of errors."""
    scored = [found for found in read_scored(reported.inputs) if not found.is_baseline]
    shown = failure_gallery(PictureFolder(tmp_path), scored)
    by_name = {(found.label, found.target): found for found in scored}
    assert {(it.model, it.target) for it in shown} == set(by_name)
    assert [it.error for it in shown] == sorted((it.error for it in shown), reverse=True)
    for it in shown:
        found = by_name[it.model, it.target]
        row = found.rows["sample_id"].to_pylist().index(it.sample)
        truth = column_array(found.rows, "joints_2d", 21, 2)[row]
        predicted = found.predicted[2]
        assert predicted is not None
        distance = np.hypot(*(predicted[row] - truth).T).mean()
        assert it.error == pytest.approx(distance / np.ptp(truth, axis=0).max())
        assert it.hardness == found.rows["hardness"][row].as_py()
        assert it.error_mm == pytest.approx(0, abs=1e-9), "predicted as it is"
        with Image.open(tmp_path / it.picture.source) as image:
            assert image.size == (it.picture.width, it.picture.height)
        assert (tmp_path / it.picture.source).stat().st_size < 40_000


def test_few_pictures_of_each_when_there_are_many_models(
    reported: Reported, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.report.failures.MOST", 3)
    scored = [found for found in read_scored(reported.inputs) if not found.is_baseline]
    shown = failure_gallery(PictureFolder(tmp_path), scored)
    assert len(shown) == len(scored) == 4
    assert len({(it.model, it.target) for it in shown}) == 4
