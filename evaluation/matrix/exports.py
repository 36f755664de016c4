"""The matrices as files: Markdown to paste, LaTeX for a paper, CSV and JSON for a program."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from evaluation.matrix.anchors import Anchor
from evaluation.matrix.matrix import FEW, Cell, Column, Matrix, Row
from evaluation.matrix.published import AnchorView
from evaluation.matrix.sources import title_of
from evaluation.matrix.views import DIAGONAL, CellView, MatrixView, RowView
from render.manifest.writing import write_atomically

STEM = "matrix"

CSV_FIELDS: tuple[str, ...] = (
    "kind", "metric", "unit", "model", "system", "trained_on", "data", "title", "split",
    "protocol", "n", "value", "low", "high", "deviation", "num_seeds", "on_diagonal", "is_best",
    "reaches_best", "is_baseline", "mean_rank", "num_ranked", "data_recipe_digest", "caution",
    "comparable", "status", "citation", "reasons",
)  # fmt: skip
"""One line a cell: kind is ours or published; what does not apply is empty."""

_SAID = {True: "yes", False: "no", None: ""}

LEGEND = (
    "Bold: best of its column. ≈: its interval reaches that of the best. ◆: on the diagonal, the "
    "model learned from the source that it is tested on; ?: not known. Mean rank: over the columns "
    f"that score several models, are no stand-ins and have at least {FEW} hands."
)

_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "≈": r"$\approx$", "◆": r"$\diamond$", "–": "--", "≤": r"$\leq$",
    "×": r"$\times$", "·": r"$\cdot$", "<": r"$<$", ">": r"$>$", "|": r"$|$",
}  # fmt: skip


def write_exports(
    matrices: Sequence[MatrixView], out: Path, missing: Sequence[str] = ()
) -> list[Path]:
    """Writes matrix.md, matrix.csv, matrix.tex and matrix.json.

    Args:
        matrices: What to write; all metrics share a file.
        out: Folder.
        missing: What could not be scored, a sentence each; for the files that people read and JSON.

    Returns:
        The files.
    """
    texts = {
        "md": to_markdown(matrices, missing),
        "csv": to_csv(matrices),
        "tex": to_latex(matrices),
        "json": to_json(matrices, missing),
    }
    files = [out / f"{STEM}.{suffix}" for suffix in texts]
    out.mkdir(parents=True, exist_ok=True)
    for file, text in zip(files, texts.values(), strict=True):
        write_atomically(file, text.encode())
    return files


def to_markdown(matrices: Sequence[MatrixView], missing: Sequence[str] = ()) -> str:
    """A heading, a table and its published numbers for each metric; what is missing last."""
    parts = []
    for view in matrices:
        matrix = view.matrix
        heads = [f"{c.title} {c.split}<br>{c.protocol}, n {c.n}" for c in view.columns]
        lines = [["trained on", "model", *heads, "mean rank"]]
        lines += [
            [
                row.trained_on or "not known",
                _model(row),
                *(cell_text(cell, "**{}**") for cell in row.cells),
                _rank(row),
            ]
            for row in view.rows
        ]
        parts.append(f"## {_title(matrix)}\n\n{matrix.definition}\n\n{_markdown_table(lines)}")
        parts.append(f"{LEGEND} Intervals: {matrix.interval}.\n")
        parts += ["".join(f"- {note}\n" for note in view.notes)] if view.notes else []
        if view.anchors:
            parts.append(f"### Published\n\n{_markdown_table(_published(view.anchors))}")
    if missing:
        parts.append("## Missing\n\n" + "".join(f"- {sentence}\n" for sentence in missing))
    return "\n".join(parts)


def to_latex(matrices: Sequence[MatrixView]) -> str:
    """Tables for the package booktabs: one a metric, and one of the published numbers."""
    parts = ["% needs \\usepackage{booktabs}"]
    for view in matrices:
        heads = [
            [tex(column.title) for column in view.columns],
            [tex(column.split) for column in view.columns],
            [tex(f"{column.protocol}, n {column.n}") for column in view.columns],
        ]
        body = [
            [
                tex(row.trained_on or "not known"),
                tex(_model(row)),
                *map(_tex_cell, row.cells),
                tex(_rank(row)),
            ]
            for row in view.rows
        ]
        lines = [
            f"% {' '.join(_title(view.matrix).split())}: {view.matrix.definition}",
            f"% {LEGEND} Intervals: {view.matrix.interval}.",
            f"\\begin{{tabular}}{{ll{'r' * len(view.columns)}r}}",
            "\\toprule",
            _tex_line(["trained on", "model", *heads[0], "mean rank"]),
            *(_tex_line(["", "", *head, ""]) for head in heads[1:]),
            "\\midrule",
            *map(_tex_line, body),
            "\\bottomrule",
            "\\end{tabular}",
            *(f"\\par{{\\footnotesize {tex(note)}}}" for note in view.notes),
        ]
        if view.anchors:
            head, *rows = _published(view.anchors)
            lines += [
                "",
                f"\\begin{{tabular}}{{{'l' * len(head)}}}",
                "\\toprule",
                _tex_line(map(tex, head)),
                "\\midrule",
                *(_tex_line(map(tex, row)) for row in rows),
                "\\bottomrule",
                "\\end{tabular}",
            ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def to_csv(matrices: Sequence[MatrixView]) -> str:
    """A line a cell and a line a published number, with `CSV_FIELDS`."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, CSV_FIELDS, lineterminator="\n", restval="")
    writer.writeheader()
    for view in matrices:
        for row in view.matrix.rows:
            for column, cell in zip(view.matrix.columns, row.cells, strict=True):
                if cell is not None:
                    writer.writerow(_csv_cell(view.matrix, row, column, cell))
        for anchor, shown in zip(view.published, view.anchors, strict=True):
            writer.writerow(_csv_anchor(anchor, shown))
    return stream.getvalue()


def to_json(matrices: Sequence[MatrixView], missing: Sequence[str] = ()) -> str:
    """`{"matrices": [{"matrix": Matrix, "published": [Anchor]}], "missing": [sentence]}`."""
    document = {
        "matrices": [
            {
                "matrix": view.matrix.model_dump(mode="json"),
                "published": [anchor.model_dump(mode="json") for anchor in view.published],
            }
            for view in matrices
        ],
        "missing": list(missing),
    }
    return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n"


def tex(text: str) -> str:
    """Text as LaTeX prints it."""
    return "".join(_TEX.get(character, character) for character in text)


def _title(matrix: Matrix) -> str:
    direction = "higher is better" if matrix.higher_is_better else "lower is better"
    unit = f", {matrix.unit}" if matrix.unit else ""
    return f"{matrix.title} ({matrix.metric}{unit}; {direction})"


def _model(row: RowView) -> str:
    notes = [f"{row.num_seeds} seeds"] if row.num_seeds > 1 else []
    notes += ["baseline, not ranked"] if row.is_baseline else []
    return f"{row.model} ({', '.join(notes)})" if notes else row.model


def _rank(row: RowView) -> str:
    rank = row.mean_rank or "–"
    return f"{rank} ({row.rank_note})" if row.rank_note else rank


def _marks(cell: CellView) -> str:
    marks = ["≈"] if cell.reaches_best else []
    marks += {"yes": ["◆"], "unknown": ["?"], "no": []}[cell.diagonal]
    return "".join(marks)


def _behind(cell: CellView) -> str:
    """What stands behind the value: interval, n where it is another, marks."""
    n = f"n {cell.n}" if cell.n else ""
    return " ".join(filter(None, [cell.interval, n, _marks(cell)]))


def cell_text(cell: CellView | None, best: str = "*{}*") -> str:
    """A cell in a line, the best value of its column as `best` has it."""
    if cell is None:
        return "–"
    value = best.format(cell.value) if cell.is_best else cell.value
    return f"{value} {_behind(cell)}".strip()


def _tex_cell(cell: CellView | None) -> str:
    if cell is None:
        return "--"
    value = f"\\textbf{{{cell.value}}}" if cell.is_best else cell.value
    return f"{value} {tex(_behind(cell))}".strip()


def _tex_line(cells: Sequence[str] | map[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _markdown_table(lines: Sequence[Sequence[str]]) -> str:
    head, *rows = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    rule = ["---"] * len(head)
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *rows))


def _published(anchors: Sequence[AnchorView]) -> list[list[str]]:
    head = ["method", "trained on", "tested on", "metric", "value", "comparable", "why", "from"]
    return [
        head,
        *(
            [
                anchor.method,
                anchor.trained_on,
                anchor.tested_on,
                anchor.metric,
                anchor.value,
                anchor.comparable,
                " ".join(anchor.reasons),
                f"{anchor.citation} ({anchor.status})",
            ]
            for anchor in anchors
        ),
    ]


def _csv_cell(matrix: Matrix, row: Row, column: Column, cell: Cell) -> dict[str, object]:
    return {
        "kind": "ours",
        "metric": matrix.metric,
        "unit": matrix.unit,
        "model": row.model,
        "system": row.system,
        "trained_on": row.trained_on,
        "data": column.data,
        "title": column.title,
        "split": column.split or "",
        "protocol": column.protocol,
        "n": cell.n,
        "value": cell.value,
        "low": cell.low,
        "high": cell.high,
        "deviation": cell.deviation,
        "num_seeds": row.num_seeds,
        "on_diagonal": DIAGONAL[cell.on_diagonal],
        "is_best": _SAID[cell.is_best],
        "reaches_best": _SAID[cell.reaches_best],
        "is_baseline": _SAID[row.is_baseline],
        "mean_rank": row.mean_rank,
        "num_ranked": row.num_ranked,
        "data_recipe_digest": column.data_recipe_digest,
        "caution": " ".join(column.cautions),
    }


def _csv_anchor(anchor: Anchor, shown: AnchorView) -> dict[str, object]:
    return {
        "kind": "published",
        "metric": shown.metric,
        "unit": anchor.unit,
        "model": anchor.method,
        "trained_on": anchor.train_data,
        "data": anchor.data,
        "title": title_of(anchor.data),
        "split": anchor.split,
        "protocol": anchor.their_protocol,
        "value": anchor.value,
        "comparable": shown.comparable,
        "status": anchor.status,
        "citation": anchor.citation,
        "reasons": " ".join(shown.reasons),
    }
