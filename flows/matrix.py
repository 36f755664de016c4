"""The matrix: trains what is missing, scores every model on every test set, writes the tables.

OUT/matrix.yaml                                    the configuration
OUT/matrix.md  matrix.csv  matrix.tex  matrix.json the tables
OUT/models  predictions  evaluation  real          as in a run
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from tqdm import tqdm

from flows import stages, stamps
from flows.folder import RunFolder, is_empty, sole_user
from flows.matrix_config import MatrixColumn, MatrixConfig, MatrixRow
from flows.matrix_metrics import rules_of, unruled, unscored, wanted_metrics
from flows.results import Result, Target
from mano_assets.errors import InputError
from render.manifest.writing import write_atomically

if TYPE_CHECKING:
    from evaluation.matrix import MatrixView
    from training.config import TrainConfig


@dataclass(frozen=True)
class _Model:
    """A model of a row: a file, or what it is to be trained by."""

    row: MatrixRow
    label: str
    train: TrainConfig | None


def run_matrix(config: MatrixConfig, out: Path) -> tuple[list[MatrixView], list[str]]:
    """Scores every model on every test set; what is on the disk already is not done again.

    Args:
        config: Models and test sets.
        out: Folder of the matrix, new or an earlier matrix's.

    Returns:
        The matrices, and what could not be scored, a sentence each.

    Raises:
        InputError: A checkpoint, a data set, a split or a protocol does not exist, nothing can be
            scored, or the folder holds something else.
    """
    from evaluation.matrix import write_exports

    models = list(_models(config))
    folder = _claim(config, out)
    with sole_user(folder):
        targets, missing = _targets(config, folder)
        if not targets:
            raise InputError(f"columns: nothing to score on. {' '.join(missing)}")
        missing += unruled(config, [target for _, target in targets])
        results: list[tuple[_Model, MatrixColumn, Result]] = []
        with tqdm(total=len(models) * len(targets), desc="matrix", unit="cell") as bar:
            for model in models:
                checkpoint = _checkpoint(model, folder)
                for column, target in targets:
                    predictions = stages.predict(checkpoint, model.label, target, folder)
                    file = stages.evaluate(predictions, model.label, target, folder)
                    results.append((model, column, Result(model.label, target, file)))
                    bar.update()
        views = _views(config, results)
        lacking = unscored(wanted_metrics(config), views, [result for _, _, result in results])
        if not views:
            raise InputError(f"metrics: nothing is scored. {' '.join(lacking)}")
        missing += lacking if config.metrics else []
        write_atomically(_described(out), _as_yaml(config))
        write_exports(views, out, missing)
    return views, missing


def matrix_of_runs(runs: Sequence[Path], out: Path) -> list[MatrixView]:
    """The matrix of what runs already scored; nothing is trained or predicted.

    Args:
        runs: Folders of runs.
        out: Folder of the tables.

    Raises:
        InputError: A folder is not a run, or nothing was scored on two test sets by one metric.
    """
    from evaluation.matrix import matrix_views, write_exports
    from evaluation.report.inputs import read_scored, read_trainings
    from flows.pages import report_input

    inputs = report_input(runs)
    views = matrix_views(read_scored(inputs), read_trainings(inputs))
    if not views:
        raise InputError(f"{runs[0]}: expected scores on at least two test sets by one metric.")
    write_exports(views, out)
    return views


def print_matrices(views: Sequence[MatrixView]) -> None:
    """Prints to the terminal, intervals below the values."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from evaluation.matrix import LEGEND, cell_text

    console = Console() if sys.stdout.isatty() else Console(width=160)
    for view in views:
        matrix = view.matrix
        unit = f", {matrix.unit}" if matrix.unit else ""
        direction = "higher is better" if matrix.higher_is_better else "lower is better"
        table = Table(
            box=SIMPLE,
            title=escape(f"{matrix.title} ({matrix.metric}{unit}), {direction}"),
            title_justify="left",
            padding=(0, 1, 0, 0),
            pad_edge=False,
        )
        table.add_column("model, learned from")
        for column in view.columns:
            heading = f"{column.title} {column.split}\n{column.protocol}\nn {column.n}"
            table.add_column(escape(heading), justify="right")
        table.add_column("mean rank", justify="right")
        for row in view.rows:
            cells = (escape(cell_text(cell).replace(" [", "\n[", 1)) for cell in row.cells)
            name = f"{row.model}\n  {row.trained_on or 'not known'}"
            table.add_row(escape(name), *cells, row.mean_rank or "–")
        console.print(table)
        for note in view.notes:
            console.print(escape(note), soft_wrap=True)
    console.print(escape(LEGEND), soft_wrap=True)


def _models(config: MatrixConfig) -> Iterator[_Model]:
    """The models of all rows, whose files and data are there."""
    from training.samples.sources import DataSource

    for number, row in enumerate(config.rows):
        if row.checkpoint is not None:
            if not row.checkpoint.is_file():
                raise InputError(
                    f"rows.{number}.checkpoint: {row.checkpoint}: no such file, expected a model "
                    "written by train."
                )
            yield _Model(row, row.name, None)
        with _field(f"rows.{number}.data"):
            for source in (*(row.data or ()), *(row.validation or ())):
                DataSource.open(source)
        for label, train in row.trainings().items():
            yield _Model(row, label, train)


def _targets(
    config: MatrixConfig, folder: RunFolder
) -> tuple[list[tuple[MatrixColumn, Target]], list[str]]:
    """The test sets that are here, and a sentence for each that is not."""
    found: list[tuple[MatrixColumn, Target]] = []
    missing = []
    for number, column in enumerate(config.columns):
        with _field(f"columns.{number}"):
            target = _target(column, folder)
            if target is None:
                assert column.real is not None
                place = f"{column.real.root} is no folder or is empty"
                missing.append(f"{column.real.name} {column.real.split}: missing, {place}.")
                continue
            found.append((column, _told_apart(target, [other for _, other in found])))
    return found, missing


def _told_apart(target: Target, others: Sequence[Target]) -> Target:
    """A target whose files have other names than those of data sets that are called the same."""
    same = [other for other in others if other.stem == target.stem]
    if any(other.identity == target.identity for other in same):
        raise InputError(f"{target.data}: stands there twice, expected it once.")
    if not same:
        return target
    name = f"{target.dataset}-{stamps.dataset_identity(target.root)[:8]}"
    return replace(target, dataset=name)


def _target(column: MatrixColumn, folder: RunFolder) -> Target | None:
    from evaluation.scoring import only_split
    from render.manifest import Manifest, parse_data_source

    if column.real is not None:
        imported = stages.import_real(column.real, folder)
        if imported is None:
            return None
        root, split = str(imported.root), imported.split
    else:
        root, split = parse_data_source(f"{column.data}")
    info = Manifest.open(root).info
    if split is not None and split not in info.counts:
        raise InputError(f"{root}: no split {split!r}, expected one of {', '.join(info.counts)}.")
    target = Target(info.name, split or only_split(info), Path(root), column.protocol)
    rules_of(target)
    return target


def _checkpoint(model: _Model, folder: RunFolder) -> Path:
    """The model's file; it is trained where it is not there."""
    if model.train is None:
        assert model.row.checkpoint is not None
        return model.row.checkpoint
    from training.samples.sources import DataSource

    train_config, out = model.train, folder.model(model.label)
    data, validation = list(model.row.data or ()), list(model.row.validation or ())

    def identity(text: str) -> dict[str, Any]:
        source = DataSource.open(text)
        content = stamps.dataset_identity(Path(source.root))
        return {
            "data": content,
            "split": source.split,
            "weight": source.weight,
            "flat": source.flat,
        }

    inputs = {
        "config": train_config.identity(),
        "data": list(map(identity, data)),
        "validation": list(map(identity, validation)),
    }

    def maker() -> list[Path]:
        from training.fitting.trainer import train

        return [train(train_config, data, out, validation)]

    return stamps.make(out, inputs, maker)


def _views(
    config: MatrixConfig, results: Sequence[tuple[_Model, MatrixColumn, Result]]
) -> list[MatrixView]:
    from evaluation.matrix import Trial, views_of
    from evaluation.matrix.sources import learned_from, source_of
    from render.manifest import Manifest

    infos = {
        result.target.root: Manifest.open(str(result.target.root)).info for _, _, result in results
    }
    trials = []
    for model, column, result in results:
        evaluation = result.read()
        info = infos[result.target.root]
        trials.append(
            Trial(
                model.row.name,
                learned_from(evaluation.provenance.prediction_info, infos.values()),
                source_of(info, result.target.split, infos.values()),
                evaluation,
                column.label,
            )
        )
    return views_of(trials, wanted_metrics(config), remembered=config.remembered)


def _claim(config: MatrixConfig, out: Path) -> RunFolder:
    """Makes a folder a matrix's, or finds that it already is."""
    folder = RunFolder(out)
    described = _described(out)
    if out.exists() and not described.exists() and not is_empty(out):
        raise InputError(f"{out}: not a matrix, expected a new or empty folder.")
    out.mkdir(parents=True, exist_ok=True)
    if not described.exists():
        # An earlier one stays until its tables are replaced: it says what they are of.
        write_atomically(described, _as_yaml(config))
    return folder


def _described(out: Path) -> Path:
    return out / "matrix.yaml"


def _as_yaml(config: MatrixConfig) -> bytes:
    text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return text.encode()


@contextmanager
def _field(name: str) -> Iterator[None]:
    """Names the field of the configuration that an error is about."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
