"""The folder of a run: what lies where, which recipe it belongs to, and who is at work in it.

OUT/recipe.yaml  run.json
OUT/dataset/                                    the rendered data set
OUT/real/NAME-SPLIT/                            public data sets read into the manifest, stand-ins
OUT/exported/NAME-SPLIT/                        rendered splits in public layouts, for the stand-ins
OUT/models/LABEL/                               trained models
OUT/predictions/LABEL--DATASET-SPLIT.parquet
OUT/evaluation/LABEL--DATASET-SPLIT.json
OUT/report/index.html
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import yaml

from flows.recipes import Recipe, recipe_digest
from mano_assets.errors import InputError
from render.manifest.writing import write_atomically


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run, all below `root`."""

    root: Path

    @property
    def recipe(self) -> Path:
        """The recipe as a file."""
        return self.root / "recipe.yaml"

    @property
    def dataset(self) -> Path:
        """The rendered data set."""
        return self.root / "dataset"

    @property
    def report(self) -> Path:
        """The page's folder."""
        return self.root / "report"

    def real(self, name: str, split: str) -> Path:
        """A public data set as a manifest."""
        return self.root / "real" / f"{name}-{split}"

    def exported(self, name: str, split: str) -> Path:
        """A rendered split in a public data set's layout."""
        return self.root / "exported" / f"{name}-{split}"

    def model(self, label: str) -> Path:
        """A trained model."""
        return self.root / "models" / label

    def predictions(self, label: str, target: str) -> Path:
        """What a model says of a data set; `target` is DATASET-SPLIT."""
        return self.root / "predictions" / f"{label}--{target}.parquet"

    def evaluation(self, label: str, target: str) -> Path:
        """How right that is."""
        return self.root / "evaluation" / f"{label}--{target}.json"


def default_root(recipe: Recipe) -> Path:
    """runs/NAME-DIGEST8 in the current folder."""
    return Path("runs") / f"{recipe.name}-{recipe_digest(recipe)[:8]}"


def claim(recipe: Recipe, out: Path | None = None) -> RunFolder:
    """Makes a folder this recipe's, or finds that it already is.

    Raises:
        InputError: The folder belongs to another recipe or holds something else.
    """
    folder = RunFolder(out or default_root(recipe))
    described = folder.root / "run.json"
    digest = recipe_digest(recipe)
    if described.exists():
        try:
            found = json.loads(described.read_text())["recipe_digest"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{described}: damaged, expected JSON with recipe_digest ({error})."
            ) from error
        if found != digest:
            raise InputError(
                f"{folder.root}: belongs to the recipe with digest {found[:8]}, "
                f"expected {digest[:8]} ({recipe.name}); give another output folder."
            )
    elif folder.root.exists() and not is_empty(folder.root):
        raise InputError(f"{folder.root}: not a run, expected a new or empty folder.")
    else:
        run = {
            "recipe": recipe.name,
            "recipe_digest": digest,
            "code_version": version("handforge"),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_atomically(described, f"{json.dumps(run, indent=2)}\n".encode())
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    write_atomically(folder.recipe, text.encode())
    return folder


def is_empty(root: Path) -> bool:
    """Whether a folder holds nothing but hidden files, which are what a killed claim leaves."""
    return root.is_dir() and all(path.name.startswith(".") for path in root.iterdir())


@contextmanager
def sole_user(folder: RunFolder) -> Iterator[None]:
    """Keeps a second run out of the folder; the system ends the claim when the process dies.

    Raises:
        InputError: Another process is at work there.
    """
    with (folder.root / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{folder.root}: another run is at work in it, expected to be the only one."
            ) from error
        yield
