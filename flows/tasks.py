"""Prefect tasks: one a stage, nothing in them but the stage.

Nothing is cached by Prefect. A cache answers from what it was once told; the stages look at the
disk, redo what is not there and return at once when it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture, wait
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.tasks import Task

from flows import stages
from mano_assets.errors import InputError

ONE_AT_A_TIME: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=1)
"""For flows that train and predict: each takes the whole machine."""


def _worth_retrying(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    # What the user gave will be as wrong the next time.
    try:
        state.result(raise_on_failure=True)
    except InputError:
        return False
    except Exception:
        return True
    return False


build_hand = Task(stages.build_hand, name="build-hand", cache_policy=NO_CACHE)
plan = Task(stages.plan, name="plan-parts", cache_policy=NO_CACHE)
render_part = Task(
    stages.render_part,
    name="render-part",
    task_run_name="render-part-{part}",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=_worth_retrying,
)
seal = Task(stages.seal, name="seal-dataset", cache_policy=NO_CACHE)
train_model = Task(
    stages.train_model, name="train", task_run_name="train-{config.label}", cache_policy=NO_CACHE
)
import_real = Task(
    stages.import_real, name="import", task_run_name="import-{real.name}", cache_policy=NO_CACHE
)
stand_in = Task(
    stages.stand_in,
    name="stand-in",
    task_run_name="stand-in-{wanted.name}-{wanted.split}",
    cache_policy=NO_CACHE,
)
predict = Task(
    stages.predict,
    name="predict",
    task_run_name="predict-{label}-{target.stem}",
    cache_policy=NO_CACHE,
)
evaluate = Task(
    stages.evaluate,
    name="evaluate",
    task_run_name="evaluate-{label}-{target.stem}",
    cache_policy=NO_CACHE,
)
report = Task(stages.report, name="report", cache_policy=NO_CACHE)


class IncompleteError(RuntimeError):
    """Some mapped task runs failed; the message lists them."""


def settle(futures: Sequence[PrefectFuture[Any]], names: Sequence[str], what: str) -> list[Any]:
    """Waits for all, also when some fail.

    Args:
        futures: Submitted task runs.
        names: What each of them makes, for the message.
        what: What they are, for the message.

    Returns:
        Their results.

    Raises:
        IncompleteError: At least one failed.
    """
    wait(list(futures))
    failed = [
        (name, future.state)
        for name, future in zip(names, futures, strict=True)
        if not future.state.is_completed()
    ]
    if failed:
        missing = ", ".join(name for name, _ in failed)
        raise IncompleteError(
            f"{len(failed)} of {len(futures)} {what} are missing: {missing} "
            f"({failed[0][1].message}); run the same again to make only these."
        )
    return [future.result() for future in futures]
