"""The pictures of scores over time, and the page around them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from matplotlib.dates import date2num

from evaluation.report.themes import THEMES, themed
from flows.benchmark.history import Entry, RefreshEntry, append
from flows.benchmark.page import changes, score_tables, write_page
from flows.benchmark.refresh import Refreshed
from flows.benchmark.telling import sentences, table_rows, to_markdown
from flows.benchmark.trends import ALARM, panels, trend

BEGAN = datetime(2030, 1, 7, 3, tzinfo=UTC)
WEEK = timedelta(weeks=1)
HRNET = Entry(
    BEGAN, "demo", "hrnet", "freihand", "evaluation", "freihand", "mpjpe_mm", "mm", 8.0, 7.8, 8.2,
    4000, "c0", "d0", None, "r0", "0.1.0", "s0",
)  # fmt: skip
WORSE = replace(
    HRNET, time=BEGAN + WEEK, value=9.0, low=8.8, high=9.2, verdict="regression", difference=1.0,
    difference_low=0.9, difference_high=1.1,
)  # fmt: skip
OTHER = replace(
    HRNET,
    time=BEGAN + 2 * WEEK,
    value=20.0,
    low=19,
    high=21,
    data_digest="d1",
    verdict="not comparable",
)
MEANPOSE = replace(HRNET, model="meanpose", value=30.0, low=29.0, high=31.0)
RENDERED = replace(HRNET, data="demo-1a2b3c4d", split="test", protocol="handforge-2d3d", n=500)
GONE = replace(HRNET, model="gone")
HISTORY = [HRNET, MEANPOSE, RENDERED, GONE, WORSE, OTHER]
STANDING = [OTHER, MEANPOSE, RENDERED]
UNTIL = BEGAN + 3 * WEEK


def test_panels_hold_what_was_measured_last_with_its_past() -> None:
    found = panels(HISTORY, STANDING, "mpjpe_mm")
    assert [(panel.title, panel.series) for panel in found] == [
        ("freihand evaluation, protocol freihand, n = 4,000", [[HRNET, WORSE, OTHER], [MEANPOSE]]),
        ("demo-1a2b3c4d test, protocol handforge-2d3d, n = 500", [[RENDERED]]),
    ]
    assert panels(HISTORY, STANDING, "epe_px") == []


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_line_holds_until_the_next_value_and_breaks_at_other_data(theme) -> None:
    with themed(theme):
        figure = trend(theme, "mpjpe_mm", panels(HISTORY, STANDING, "mpjpe_mm"), UNTIL)
    ax = figure.axes[0]
    steps = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    drawn = [(list(line.get_xdata()), list(line.get_ydata())) for line in steps]

    def weeks(*after: int) -> list[float]:
        return [date2num(BEGAN + each * WEEK) for each in after]

    assert drawn == [
        (weeks(0, 1, 2), [8.0, 9.0, 9.0]),
        (weeks(2, 3), [20.0, 20.0]),
        (weeks(0, 3), [30.0, 30.0]),
    ]
    assert steps[0].get_color() == steps[1].get_color() != steps[2].get_color()
    (ring,) = (line for line in ax.lines if line.get_markeredgecolor() == ALARM[theme.name])
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == (weeks(1), [9.0])
    assert ax.get_ylabel() == "MPJPE, mm ↓"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["demo/hrnet", "demo/meanpose", "regression", "not comparable"]


def test_many_models_look_different() -> None:
    rows = [replace(HRNET, model=f"model{number:02d}") for number in range(16)]
    theme = THEMES[0]
    figure = trend(theme, "mpjpe_mm", panels(rows, rows, "mpjpe_mm"), BEGAN)
    # `get_linestyle` calls every pattern of dashes by one name.
    shown = {
        (line.get_color(), str(line._unscaled_dash_pattern))
        for line in figure.legends[0].get_lines()
    }
    assert len(shown) == 16


def test_changes_stand_beside_what_was_before_newest_first() -> None:
    assert [(each.entry, each.before) for each in changes(HISTORY)] == [
        (OTHER, WORSE), (WORSE, HRNET),
    ]  # fmt: skip


def test_table_names_protocol_and_number_of_samples() -> None:
    tables = score_tables([MEANPOSE, OTHER, replace(OTHER, metric="epe_px", unit="px"), RENDERED])
    assert [(table.data, table.protocol, table.n) for table in tables] == [
        ("demo-1a2b3c4d", "handforge-2d3d", 500), ("freihand", "freihand", 4000),
    ]  # fmt: skip
    assert tables[1].rows[1] == ("demo/meanpose", [MEANPOSE, None])


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("benchmark")
    history = out / "history.parquet"
    append(history, [HRNET, WORSE, MEANPOSE], RefreshEntry(BEGAN + WEEK, "0.1.0", 2, 1, 1, 1, 0))
    return write_page(
        out, history, [WORSE, MEANPOSE], [WORSE], ["coco <val> is not at /x."], [], BEGAN + WEEK
    )


def test_page_tells_regressions_scores_and_what_is_missing(page: Path) -> None:
    text = page.read_text()
    (regressions,) = re.findall(r'<section id="regressions">(.*?)</section>', text, re.DOTALL)
    cells = [" ".join(re.sub("<[^>]+>", " ", row).split()) for row in regressions.split("<tr>")]
    assert cells[2].startswith(
        "2030-01-14 03:00 regression demo/hrnet c0 freihand evaluation freihand, n = 4,000 "
        "MPJPE mm 8.0 7.8, 8.2 9.0 8.8, 9.2 +1 +0.9, +1.1"
    )
    assert "coco &lt;val&gt; is not at /x." in text
    assert "4,000 hands · protocol freihand" in " ".join(text.split())
    assert "http" not in text


def test_pages_pictures_lie_beside_it(page: Path) -> None:
    named = re.findall(r'(?:src|srcset)="([^"]+)"', page.read_text())
    assert sorted(Path(name).stem for name in named) == [
        "trend-mpjpe_mm-dark", "trend-mpjpe_mm-light",
    ]  # fmt: skip
    assert all((page.parent / name).stat().st_size > 5000 for name in named)


def test_what_is_told_of_a_refresh() -> None:
    done = Refreshed(
        BEGAN + WEEK, [WORSE, MEANPOSE], [WORSE], ["coco is not at /x."], [], Path("index.html")
    )
    sentence = (
        "demo/hrnet on freihand evaluation: mpjpe_mm is 9.0 mm [8.8, 9.2], changed by +1 "
        "[+0.9, +1.1] (n = 4000, protocol freihand)."
    )
    assert sentences(done) == [
        "2 scores, 1 of them new or changed, 1 regressions.",
        f"regression: {sentence}",
        "missing: coco is not at /x.",
        "page: index.html",
    ]
    markdown = to_markdown(done)
    assert f"### Regressions\n\n- {sentence}\n" in markdown
    assert "| demo/hrnet | 9.0 [8.8, 9.2] regression |" in markdown
    assert "### Missing\n\n- coco is not at /x.\n" in markdown
    assert "### Failed\n\n- None.\n" in markdown
    assert [row["verdict"] for row in table_rows(done)] == ["regression", "first"]
