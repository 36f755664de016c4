"""What a refresh does: which data are on this machine, and which model meets which of them.

A model meets a data set once, wherever copies of it lie. On the data of its own run its predictions
and scores stay in the run's folder, where the run itself has made most of them; all others lie in
the benchmark's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from flows import stamps
from flows.benchmark.registry import Model, RegisteredRun
from flows.folder import RunFolder, sole_user
from flows.recipes import RealData, Recipe, StandIn
from flows.results import Target
from mano_assets.errors import InputError
from render.manifest import Manifest

ImportReal = Callable[[RealData, RunFolder], Target | None]
"""Reads a public data set into the manifest; None when it is not on this machine."""

MakeStandIn = Callable[[Recipe, StandIn, RunFolder], Target]
"""Writes rendered images in a public data set's layout and reads them back."""


@dataclass(frozen=True)
class Source:
    """A split that is on this machine.

    Attributes:
        run: Name of the run whose folder holds it; empty for the benchmark's own.
        target: As the run calls it.
        name: By which its history is told from others: a public data set's own, or NAME-DIGEST8 of
            the recipe that rendered it, because two runs may use one name for different images.
        content: Digest of its rows and images.
    """

    run: str
    target: Target
    name: str
    content: str

    @property
    def split(self) -> str:
        """Its split; all where the data set is taken as a whole."""
        return self.target.split or "all"

    @property
    def key(self) -> tuple[str, str]:
        """What counts as the same data."""
        return self.name, self.split


@dataclass(frozen=True)
class Job:
    """A model to be scored on a target, and the folder that takes predictions and result."""

    model: Model
    source: Source
    target: Target
    folder: RunFolder

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.model.name} on {self.source.name} {self.source.split}"


@dataclass
class Findings:
    """What is there, what is missing (not an error) and what failed, a sentence each."""

    sources: list[Source] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def find_sources(
    runs: Iterable[RegisteredRun],
    also: Sequence[RealData],
    own: RunFolder,
    read: ImportReal,
    make: MakeStandIn,
) -> Findings:
    """The data on this machine: what the runs rendered, stand-ins, and named public data.

    Args:
        runs: Whose data; public data that a run's recipe names are read into the run's folder.
        also: More public data, read into `own` where no recipe names them.
        own: The benchmark's folder.
        read: Reads a public data set in.
        make: Makes a stand-in, where the data set that it is of is rendered.
    """
    found = Findings()
    named: set[RealData] = set()
    for run in runs:
        found.missing += run.untrained
        if not run.rendered:
            found.missing.append(f"{run.name}: its data set is not rendered.")
        with _listed(found.failed, run.name), sole_user(run.folder):
            for target in run.rendered:
                with _listed(found.failed, f"{run.name}: {target.stem}"):
                    found.sources.append(_source(run.name, target))
            for wanted in run.recipe.stand_ins if run.rendered else ():
                with _listed(found.failed, f"{run.name}: {wanted.dataset} {wanted.split}"):
                    target = make(run.recipe, wanted, run.folder)
                    found.sources.append(_source(run.name, target))
            named.update(run.recipe.real)
            _read_reals(found, run.name, run.recipe.real, run.folder, read)
    _read_reals(found, "", [real for real in also if real not in named], own, read)
    found.missing = list(dict.fromkeys(found.missing))
    return found


def _read_reals(
    found: Findings, run: str, reals: Sequence[RealData], folder: RunFolder, read: ImportReal
) -> None:
    for real in reals:
        with _listed(found.failed, f"{real.name} {real.split}"):
            target = read(real, folder)
            if target is None:
                found.missing.append(f"{real.name} {real.split} is not at {real.root}.")
            else:
                found.sources.append(_source(run, target))


@contextmanager
def _listed(failed: list[str], what: str) -> Iterator[None]:
    # One broken folder hides no other: whatever happens there becomes a sentence.
    try:
        yield
    except Exception as error:
        failed.append(f"{what}: {told(error)}")


def told(error: BaseException) -> str:
    """What went wrong; the kind of an error that is not the user's stands before it."""
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"


def _source(run: str, target: Target) -> Source:
    info = Manifest.open(str(target.root)).info
    if info.state != "complete":
        raise InputError(f"state is {info.state!r}, expected a complete data set.")
    name = info.name
    if info.kind == "synthetic" and info.recipe_digest:
        name = f"{info.name}-{info.recipe_digest[:8]}"
    return Source(run, target, name, stamps.dataset_identity(target.root))


def plan(models: Iterable[Model], sources: Sequence[Source], own: RunFolder) -> list[Job]:
    """Every model on all data, each data set once: its own run's copy before any other.

    Args:
        models: The registered ones.
        sources: The data on this machine.
        own: The benchmark's folder.
    """
    jobs = []
    for model in models:
        chosen: dict[tuple[str, str], Source] = {}
        for source in sources:
            if source.key not in chosen or (model.run and source.run == model.run):
                chosen[source.key] = source
        jobs += [_job(model, source, own) for source in chosen.values()]
    return jobs


def _job(model: Model, source: Source, own: RunFolder) -> Job:
    if model.run and source.run == model.run:
        return Job(model, source, source.target, RunFolder(own.root.parent / model.run))
    elsewhere = own.root / "runs" / model.run if model.run else own.root / "registered"
    target = replace(source.target, dataset=source.name)
    return Job(model, source, target, RunFolder(elsewhere))
