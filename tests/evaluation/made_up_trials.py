"""Results that nobody scored, for the tests of the matrix."""

from __future__ import annotations

import itertools
from typing import Any

from evaluation.matrix.sources import Source
from evaluation.matrix.table import Trial
from evaluation.metrics import METRICS
from evaluation.protocols import PROTOCOLS
from evaluation.results import Evaluation, Provenance, Score
from render.manifest import DatasetInfo
from render.manifest.predictions import PredictionInfo

_number = itertools.count()

EASY: dict[str, Any] = {"poses": {"handshapes": 1.0}, "view": {"prior": "cone", "spread": 30}}
HARD: dict[str, Any] = {"poses": {"hard": 1.0}, "view": {"prior": "cone", "spread": 50}}


def rendered(name: str = "demo", digest: str = "d1", **recipe: Any) -> DatasetInfo:
    """A data set of three splits: two of the same look, one of another."""
    splits = [
        {"name": "train_easy", "count": 100, "even": False, **EASY},
        {"name": "test_easy", "count": 10, "even": False, **EASY},
        {"name": "test_hard", "count": 10, "even": False, **HARD},
    ]
    values = {
        "name": name, "seed": 1, "images_per_part": 9, "camera": {"focal": 1},
        "image": {"size": 128, "label_images": ["mask"]}, "splits": splits, **recipe,
    }  # fmt: skip
    return DatasetInfo(
        name=name, kind="synthetic", state="complete", recipe=values, recipe_digest=digest,
        assets={"hand": "ab"},
    )  # fmt: skip


def real(name: str, digest: str = "r1") -> DatasetInfo:
    """A public data set."""
    return DatasetInfo(name=name, kind="real", state="complete", recipe_digest=digest)


def stand_in(name: str, of: DatasetInfo, split: str) -> DatasetInfo:
    """Renders in a public data set's layout, as importing them describes them."""
    exported = {"format": name, "data_recipe_digest": of.recipe_digest, "data_split": split}
    return DatasetInfo(
        name=f"{name}-stand-in", kind="synthetic", state="complete", stand_in_for=name,
        recipe={"import": name, "split": "test", "export": exported}, recipe_digest=f"in-{split}",
    )  # fmt: skip


def prediction_info(
    system: str = "latent25d", train_data: list[str] | None = None, digests: list[str] | None = None
) -> PredictionInfo:
    """What predictions say of their model."""
    return PredictionInfo(
        system=system, label=system, checkpoint="model.ckpt", checkpoint_sha256="cd",
        train_data=train_data or [], train_recipe_digests=digests or [], data="x", data_name="x",
    )  # fmt: skip


def trial(
    model: str,
    column: str,
    values: dict[str, float],
    *,
    learned: tuple[Source, ...] = (),
    tested: Source | None = None,
    width: float = 0.1,
    n: int = 50,
    system: str = "latent25d",
    split: str | None = "test",
    protocol: str = "handforge-2d3d",
    digest: str | None = None,
    n_scored: int | None = None,
) -> Trial:
    """A model scored on a data set called `column`; intervals are `width` to either side."""
    scores = {
        metric: Score(
            value=value, low=value - width, high=value + width, unit=METRICS[metric].unit, n=n,
            definition=METRICS[metric].definition,
        )
        for metric, value in values.items()
    }  # fmt: skip
    origin = Provenance(
        predictions="p.parquet", predictions_sha256=f"{next(_number)}",
        prediction_info=prediction_info(system), data=column, data_name=column,
        data_recipe_digest=digest or f"digest of {column}",
    )  # fmt: skip
    evaluation = Evaluation(
        protocol=PROTOCOLS[protocol], split=split, n=n_scored or n, metrics=scores, skipped={},
        interval="95% made up", samples_file="s.parquet", provenance=origin,
    )  # fmt: skip
    return Trial(model, learned, tested or Source(column, split), evaluation)
