"""Curves and errors of groups on the page: the lines are those of the results."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from report_runs import Page, Reported

from evaluation.report import curve_plots, curves
from evaluation.report.curve_plots import Line, Points
from evaluation.report.curves import target_curves
from evaluation.report.entries import Entry, entries
from evaluation.report.inputs import read_scored, read_trainings
from evaluation.report.pictures import Picture
from evaluation.report.tables import group
from evaluation.report.themes import THEMES, themed


class NoFolder:
    """Draws in the light theme and keeps the figures."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []

    def plot(self, name, draw, alt, caption="") -> Picture:
        with themed(THEMES[0]):
            self.figures.append(draw(THEMES[0]))
        return Picture(name, None, alt, 1, 1, caption)


@pytest.fixture(scope="module")
def rows(reported: Reported) -> list[Entry]:
    trainings = read_trainings(reported.inputs)
    return entries(group(read_scored(reported.inputs))[0], trainings)


def test_pck_lines_hold_the_curves_numbers(rows: list[Entry]) -> None:
    folder = NoFolder()
    drawn = target_curves(folder, rows)  # type: ignore[arg-type]
    assert drawn is not None
    assert (drawn.n, drawn.num_left_out, drawn.repeated) == (9, 0, False)
    for figure, key in zip(folder.figures, ("pck_2d", "pck_3d"), strict=False):
        lines = {line.get_label(): line for line in figure.axes[0].lines}
        assert set(lines) == {row.name for row in rows}
        for row in rows:
            curve = row.results[0].evaluation.curves[key]
            assert np.array_equal(lines[row.name].get_xdata(), curve.thresholds)
            assert np.array_equal(lines[row.name].get_ydata(), curve.shares)


def test_groups_stand_in_a_table_with_intervals(rows: list[Entry]) -> None:
    drawn = target_curves(NoFolder(), rows)  # type: ignore[arg-type]
    assert drawn is not None
    titles = [table.title for table in drawn.tables]
    for start in ("Mean joint error by", "MPJPE by"):
        for end in ("hardness of the pose", "what the camera sees of the joint", "joint"):
            assert f"{start} {end}" in titles
    table = drawn.tables[titles.index("Mean joint error by joint")]
    groups = rows[0].results[0].evaluation.breakdowns["joint"]
    assert [name for name, _, _ in table.rows] == [it.name.replace("_", " ") for it in groups]
    for (_, n, cells), it in zip(table.rows, groups, strict=True):
        score = it.metrics["epe_px"]
        assert n == it.n
        assert cells[0] == f"{score.value:.2f} ({score.low:.2f} – {score.high:.2f})"
    states = drawn.tables[titles.index("MPJPE by what the camera sees of the joint")]
    assert [name for name, _, _ in states.rows] == ["visible"]


def test_the_page_has_the_same_numbers(reported: Reported) -> None:
    page = Page(reported.page.read_text())
    table = next(t for t in page.tables if t[0][:2] == ["group", "hands"] and len(t) == 22)
    result = json.loads(Path(reported.inputs.evaluations[0]).read_text())
    model = table[0].index(result["provenance"]["prediction_info"]["label"])
    for row, it in zip(table[1:], result["breakdowns"]["joint"], strict=True):
        assert row[0] == it["name"].replace("_", " ")
        assert float(row[model].split()[0]) == pytest.approx(
            it["metrics"]["epe_px"]["value"], abs=0.00501
        )


def test_of_many_models_the_best_and_the_baseline_are_drawn(
    rows: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curves, "MOST_LINES", 2)
    folder = NoFolder()
    drawn = target_curves(folder, rows)  # type: ignore[arg-type]
    assert drawn is not None
    assert drawn.num_left_out == 1
    labels = {line.get_label() for line in folder.figures[0].axes[0].lines}
    assert labels == {"the simplebaseline", "the meanpose"}


def test_dots_lie_in_their_group_at_their_value() -> None:
    points = {
        Line("a", False): Points(["x", "y"], *np.array([[1.0, 2.0], [0.5, 1.0], [1.5, 4.0]])),
        Line("mean", True): Points(["y"], *np.array([[3.0], [2.0], [5.0]])),
    }
    with themed(THEMES[0]):
        figure = curve_plots.errors_of_groups(THEMES[0], "title", "px", ["x", "y"], points)
    first, second = figure.axes[0].containers
    data, _, (bars,) = first.lines  # type: ignore[attr-defined]
    assert data.get_xdata().tolist() == [1.0, 2.0]
    assert np.round(data.get_ydata()).tolist() == [0, 1]
    ends = [segment[:, 0].tolist() for segment in bars.get_segments()]
    assert ends == [[0.5, 1.5], [1.0, 4.0]]
    assert np.round(second.lines[0].get_ydata()).tolist() == [1]  # type: ignore[attr-defined]
    low, high = figure.axes[0].get_ylim()
    assert low > high, "the first group is on top"


def test_each_model_has_a_look_of_its_own() -> None:
    curve = ([0.0, 1.0], [0.0, 1.0])
    lines = {Line(f"model {number}", False): curve for number in range(8)}
    with themed(THEMES[0]):
        figure = curve_plots.shares_within(
            THEMES[0], "title", "mm", {**lines, Line("mean", True): curve}
        )
    lines_drawn = figure.axes[0].lines
    looks = {(line.get_color(), str(line._dash_pattern)) for line in lines_drawn}  # type: ignore[attr-defined]
    assert len(looks) == 9
