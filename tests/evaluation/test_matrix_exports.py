"""The matrix as files: each is read back by something else and says the same."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest
from made_up_trials import real, rendered, stand_in, trial

import evaluation.report
from evaluation.matrix import Anchor, Matrix, MatrixView, views_of, write_exports
from evaluation.matrix.exports import CSV_FIELDS, tex, to_csv, to_latex, to_markdown
from evaluation.matrix.sources import Source, source_of
from evaluation.matrix.table import Trial

PROTOCOLS = {
    "demo": "handforge-2d3d", "freihand-stand-in": "freihand", "coco-wholebody": "coco-wholebody",
}  # fmt: skip


def made_up() -> list[Trial]:
    """Four models, two of them seeds of one, and the baseline on three test sets."""
    demo = rendered()
    easy, hard = source_of(demo, "train_easy"), source_of(demo, "test_hard")
    columns = {
        "demo": source_of(demo, "test_easy"),
        "freihand-stand-in": source_of(stand_in("freihand", demo, "test_hard"), "test", [demo]),
        "coco-wholebody": source_of(real("coco-wholebody"), "test"),
    }
    trials = []
    for place, (name, tested) in enumerate(columns.items()):
        for model, learned, error in (
            ("a_b & c", (easy,), 0.2), ("seeded", (hard,), 0.3), ("seeded", (hard,), 0.5),
            ("far", (), 0.9), ("base", (easy,), 0.95),
        ):  # fmt: skip
            values = {"nme": error + place / 10, "pck_0.2": 1 - error}
            if name != "coco-wholebody" and model != "far":
                values["pa_mpjpe_rigid_mm"] = 40 * error
            trials.append(
                trial(
                    model, name, values, learned=learned, tested=tested, width=0.02,
                    n=49 if name == "demo" else 50, n_scored=50, protocol=PROTOCOLS[name],
                    system="meanpose" if model == "base" else "latent25d",
                )
            )  # fmt: skip
    return trials


@pytest.fixture
def views() -> list[MatrixView]:
    return views_of(made_up())


def test_one_matrix_a_metric(views: list[MatrixView]) -> None:
    assert [view.matrix.metric for view in views] == ["nme", "pck_0.2", "pa_mpjpe_rigid_mm"]
    assert [len(view.columns) for view in views] == [3, 3, 2]
    assert "far" not in [row.model for row in views[2].rows]


def test_csv_holds_every_number(views: list[MatrixView]) -> None:
    lines = list(csv.DictReader(io.StringIO(to_csv(views))))
    assert tuple(lines[0]) == CSV_FIELDS
    ours = [line for line in lines if line["kind"] == "ours"]
    assert len(ours) == sum(len(v.columns) * len(v.rows) for v in views)
    for view in views:
        for row in view.matrix.rows:
            for column, cell in zip(view.matrix.columns, row.cells, strict=True):
                (line,) = (
                    line
                    for line in ours
                    if (line["metric"], line["model"], line["title"])
                    == (view.matrix.metric, row.model, column.title)
                )
                assert cell is not None
                assert float(line["value"]) == cell.value
                assert line["protocol"] == column.protocol
                assert int(line["n"]) == cell.n
                ends = [float(line[name]) if line[name] else None for name in ("low", "high")]
                assert ends == [cell.low, cell.high]
                assert (
                    line["on_diagonal"]
                    == {True: "yes", False: "no", None: "unknown"}[cell.on_diagonal]
                )
                assert line["is_best"] == ("yes" if cell.is_best else "no")
                reaches = {True: "yes", False: "no", None: ""}[cell.reaches_best]
                assert line["reaches_best"] == reaches
                assert line["data"] == column.data
                assert ("say nothing of that" in line["caution"]) == column.is_stand_in
    published = [line for line in lines if line["kind"] == "published"]
    assert {line["status"] for line in published} <= {"verified", "secondary"}
    assert all(line["reasons"] and line["citation"] for line in published)


def test_json_is_the_matrix_again(views: list[MatrixView], tmp_path: Path) -> None:
    files = write_exports(views, tmp_path / "new", ["freihand: missing."])
    assert [file.name for file in files] == ["matrix.md", "matrix.csv", "matrix.tex", "matrix.json"]
    document = json.loads(files[-1].read_text())
    assert document["missing"] == ["freihand: missing."]
    assert files[0].read_text().endswith("## Missing\n\n- freihand: missing.\n")
    for view, each in zip(views, document["matrices"], strict=True):
        assert Matrix.model_validate(each["matrix"]) == view.matrix
        found = [Anchor.model_validate(anchor) for anchor in each["published"]]
        assert found == view.published


def markdown_tables(text: str) -> list[list[list[str]]]:
    """Tables of a Markdown text as rows of cells, without the rules."""
    tables: list[list[list[str]]] = []
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        lines = [
            [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in block.splitlines()
        ]
        assert set(lines[1]) == {"---"}
        tables.append([lines[0], *lines[2:]])
    return tables


def test_markdown_has_protocol_n_interval_and_marks(views: list[MatrixView]) -> None:
    tables = markdown_tables(to_markdown(views))
    matrix = tables[0]
    assert matrix[0] == [
        "trained on", "model", "demo test<br>handforge-2d3d v1, n 50",
        "freihand stand-in test<br>freihand v1, n 50",
        "coco-wholebody test<br>coco-wholebody v1, n 50", "mean rank",
    ]  # fmt: skip
    assert matrix[1:] == [
        [
            "demo: train_easy", "a_b & c", "**0.200** [0.180, 0.220] n 49 ◆",
            "**0.300** [0.280, 0.320]", "**0.400** [0.380, 0.420]", "1.0",
        ],
        [
            "demo: test_hard", "seeded (2 seeds)", "0.400 ± 0.141 n 49", "0.500 ± 0.141 ◆",
            "0.600 ± 0.141", "2.0",
        ],
        [
            "not known", "far", "0.900 [0.880, 0.920] n 49 ?", "1.000 [0.980, 1.020] ?",
            "1.100 [1.080, 1.120] ?", "3.0",
        ],
        [
            "demo: train_easy", "base (baseline, not ranked)", "0.950 [0.930, 0.970] n 49 ◆",
            "1.050 [1.030, 1.070]", "1.150 [1.130, 1.170]", "–",
        ],
    ]  # fmt: skip
    assert all(len(line) == len(table[0]) for table in tables for line in table)


def latex_tables(text: str) -> list[list[list[str]]]:
    """Tabulars as rows of cells; columns are counted against their specification."""
    tables = []
    for columns, body in re.findall(
        r"\\begin\{tabular\}\{([lr]+)\}\n(.*?)\\end\{tabular\}", text, re.DOTALL
    ):
        assert [body.count(rule) for rule in ("\\toprule", "\\midrule", "\\bottomrule")] == [1] * 3
        lines = [
            re.split(r" (?<!\\)& ", line.removesuffix(" \\\\"))
            for line in body.splitlines()
            if line.endswith("\\\\")
        ]
        assert all(len(line) == len(columns) for line in lines)
        tables.append(lines)
    return tables


def test_latex_is_escaped_and_says_the_same(views: list[MatrixView]) -> None:
    text = to_latex(views)
    without_comments = re.sub(r"^%.*$", "", text, flags=re.MULTILINE)
    assert not re.search(r"(?<!\\)[_%#]", without_comments)
    assert without_comments.replace("\\$", "").count("$") % 2 == 0
    matrix = latex_tables(text)[0]
    assert matrix[0] == [
        "trained on", "model", "demo", "freihand stand-in", "coco-wholebody", "mean rank",
    ]  # fmt: skip
    assert matrix[2][2:5] == [
        "handforge-2d3d v1, n 50", "freihand v1, n 50", "coco-wholebody v1, n 50",
    ]  # fmt: skip
    assert matrix[3] == [
        "demo: train\\_easy", "a\\_b \\& c", "\\textbf{0.200} [0.180, 0.220] n 49 $\\diamond$",
        "\\textbf{0.300} [0.280, 0.320]", "\\textbf{0.400} [0.380, 0.420]", "1.0",
    ]  # fmt: skip
    assert matrix[4][2] == "0.400 $\\pm$ 0.141 n 49"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50% of a_b & c#{$}", r"50\% of a\_b \& c\#\{\$\}"),
        ("a\\b~c^d", r"a\textbackslash{}b\textasciitilde{}c\textasciicircum{}d"),
        ("1–2 ± 3 ≈ ◆", r"1--2 $\pm$ 3 $\approx$ $\diamond$"),
    ],
)
def test_tex_escapes(text: str, escaped: str) -> None:
    assert tex(text) == escaped


def test_published_numbers_beside_a_stand_in_are_not_comparable(views: list[MatrixView]) -> None:
    (pck,) = (view for view in views if view.matrix.metric == "pck_0.2")
    coco = [anchor for anchor in pck.anchors if anchor.tested_on.startswith("coco-wholebody")]
    assert len(coco) == 9
    assert {anchor.comparable for anchor in coco} == {"no"}
    assert {anchor.reasons[0] for anchor in coco} == {"Of another split than ours (test)."}
    assert coco[0].value == "0.814"
    (rigid,) = (view for view in views if view.matrix.metric == "pa_mpjpe_rigid_mm")
    assert rigid.anchors
    for anchor in rigid.anchors:
        assert anchor.comparable == "no"
        assert anchor.reasons[0].startswith("Of freihand itself; our column is a stand-in")
        assert not anchor.is_remembered
    values = {(anchor.method, anchor.trained_on): anchor.value for anchor in rigid.anchors}
    assert values["WiLoR", "not noted"] == "5.5 mm"
    assert values["HaMeR", "its own and AnyHand"] == "5.545 mm"


@pytest.mark.parametrize(
    ("n", "comparable", "reason"),
    [(499, "no", "Our column has 499 hands of it, theirs all."), (500, "nearly", "Both crop")],
)
def test_published_numbers_compare_with_the_whole_split_alone(
    n: int, comparable: str, reason: str
) -> None:
    here = trial(
        "a", "coco-wholebody", {"pck_0.2": 0.5}, split="val", n=n, protocol="coco-wholebody"
    )
    (view,) = views_of([here])
    assert {anchor.comparable for anchor in view.anchors} == {comparable}
    for anchor in view.anchors:
        assert any(each.startswith(reason) for each in anchor.reasons)


@pytest.mark.parametrize(
    ("protocols", "reason"),
    [
        (["handforge-2d3d"], "Ours is scored by handforge-2d3d's rules, theirs by freihand's."),
        (["handforge-2d3d", "freihand"], None),
    ],
)
def test_other_rules_compare_with_nothing_published(
    protocols: list[str], reason: str | None
) -> None:
    trials = [
        trial("a", "freihand", {"pa_mpjpe_rigid_mm": 9.0}, split="evaluation", n=3960, protocol=p)
        for p in protocols
    ]
    (view,) = views_of(trials)
    (metro,) = (a for a in view.anchors if a.method == "METRO" and a.trained_on == "not noted")
    assert metro.comparable == ("no" if reason else "nearly")
    assert (metro.reasons[0] == reason) == bool(reason)
    # What holds on the same images by the same rules is not said of others.
    assert ("Both use the 3,960 evaluation images." in metro.reasons) == (reason is None)
    assert "ours crops around the true joints' box, which is easier" in " ".join(metro.reasons)


def test_stand_in_is_called_what_it_is_made_of() -> None:
    for origin, words, at_matrix in (
        (rendered(), "our own renders in its layout", "Renders of our own in the layout of"),
        (real("rhd"), "images of another data set in its layout", "Images of another data set in"),
    ):
        tested = Source("freihand-stand-in", "evaluation", origin.kind)
        values = {"pa_mpjpe_rigid_mm": 9.0}
        (view,) = views_of(
            [trial("a", "freihand-stand-in", values, tested=tested, protocol="freihand")]
        )
        assert {anchor.comparable for anchor in view.anchors} == {"no"}
        for anchor in view.anchors:
            assert anchor.reasons[0] == f"Of freihand itself; our column is a stand-in, {words}."
            assert "Both use the 3,960 evaluation images." not in anchor.reasons
        assert f"freihand stand-in test: {at_matrix}" in view.notes[0]


def test_notes_stand_at_the_matrix_and_in_its_files(views: list[MatrixView]) -> None:
    (few,) = views_of([trial("a", "x", {"nme": 0.1}, n=29)])
    sentences = [
        (views[0], "columns compare models, not test sets."),
        (views[0], "layout of freihand: these numbers say nothing of that data set."),
        (few, "Only 29 hands: this shows that the path works; it does not measure how good"),
    ]
    for view, sentence in sentences:
        assert sentence in " ".join(Cells(partial([view])).text.split())
        assert sentence in to_markdown([view])
        without_comments = re.sub(r"^%.*$", "", to_latex([view]), flags=re.MULTILINE)
        assert sentence in without_comments
    assert "Only 29 hands" in to_csv([few])


class Cells(HTMLParser):
    """The classes of a page's cells and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.classes: list[str] = []
        self.links: list[str | None] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in ("td", "tr", "span"):
            self.classes.append(found.get("class") or "")
        if tag == "a":
            self.links.append(found.get("href"))

    def handle_data(self, data: str) -> None:
        self.text += data


def partial(views: list[MatrixView]) -> str:
    folder = Path(evaluation.report.__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("matrix.html.j2").render(matrices=views)


def test_partial_shows_the_matrix() -> None:
    views = views_of(made_up(), remembered=True)
    html = partial(views)
    page = Cells(html)
    words = " ".join(page.text.split())
    assert page.links == ["matrix.csv", "matrix.md", "matrix.tex"]
    assert "a_b &amp; c" in html
    marked = sum(c == "diagonal" for c in page.classes)
    on = [cell for view in views for row in view.rows for cell in row.cells if cell]
    assert marked == sum(cell.diagonal == "yes" for cell in on) > 0
    assert page.classes.count("best") == sum(cell.is_best for cell in on)
    assert page.classes.count("stand-in") == 3
    assert "learned from demo: train_easy" in words
    assert "learned from data that is not known" in words
    assert "freihand stand-in test freihand v1 n 50" in words
    assert "0.200 ◆ [0.180, 0.220] n 49" in words
    assert "seeded 2 seeds" in words
    assert "base (baseline)" in words
    assert "The hand's size, by which errors are divided, is defined by" in words


def test_matrices_of_a_few_columns_say_what_is_missing() -> None:
    trials = [
        trial("a", "x", {"nme": 0.1}), trial("a", "y", {"nme": 0.1}),
        trial("b", "x", {"nme": 0.2}), trial("b", "y", {"nme": 0.2}),
        trial("b", "z", {"nme": 0.2}), trial("c", "x", {"nme": 0.3}),
    ]  # fmt: skip
    (view,) = views_of(trials)
    notes = {row.model: (row.mean_rank, row.rank_note) for row in view.rows}
    assert notes == {
        "a": ("1.0", "not scored: z test (handforge-2d3d v1)"),
        "b": ("2.0", ""),
        "c": (
            "3.0",
            "over 1 of 2; not scored: y test (handforge-2d3d v1), z test (handforge-2d3d v1)",
        ),
    }
    assert view.unknown_diagonal
    assert "? marks cells of which it is not known" in " ".join(Cells(partial([view])).text.split())
