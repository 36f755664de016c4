"""Reading what the user wrote: every mistake becomes one sentence that names the field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from mano_assets.errors import InputError

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads a YAML file of fields and values.

    Raises:
        InputError: The file is missing or something else.
    """
    try:
        values = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read, expected a YAML file.") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML ({' '.join(str(error).split())}).") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: holds {type(values).__name__}, expected fields and values.")
    return values


def parse(model: type[Model], values: dict[str, Any], origin: str) -> Model:
    """Checks values against a model.

    Args:
        model: What they should be.
        values: Fields and values.
        origin: Where they are from, for the message.

    Raises:
        InputError: A field is unknown or wrong.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{origin}: {first_problem(error, model)}") from error


def first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    """The first thing that is wrong, as a sentence that names the field and what was expected.

    Args:
        error: What Pydantic found.
        model: The model that was validated, to name the fields it knows.
    """
    # A misspelt field is also a missing one: the misspelling is what to tell.
    problems = error.errors(include_url=False)
    problem, *others = sorted(
        (found for found in problems if not _follows(found["loc"], found["type"], problems)),
        key=lambda found: found["type"] != "extra_forbidden",
    )
    steps, _ = _written(model, problem["loc"])
    message = problem["msg"].removeprefix("Value error, ").rstrip(".")
    if problem["type"] == "extra_forbidden":
        message = "unknown field" + _known_fields(model, problem["loc"][:-1])
    elif problem["type"] == "missing":
        message = "missing, expected a value"
    elif problem["type"] == "too_short":
        message = _too_short(**problem.get("ctx", {}))
    elif problem["type"].startswith("union_tag"):
        context, known = problem.get("ctx", {}), _tags(model, problem["loc"])
        steps.append(context["discriminator"].strip("'"))
        found = f"got {context['tag']!r}" if "tag" in context else "missing"
        message = f"{found}, expected one of {', '.join(known)}"
    elif message.startswith("Input should be "):
        expected = message.removeprefix("Input should be ")
        message = f"got {_short(problem['input'])}, expected {expected}"
    more = f" (and {len(others)} more)" if others else ""
    location = ".".join(steps)
    return f"{location}: {message}{more}." if location else f"{message}{more}."


def _follows(
    location: tuple[int | str, ...], kind: str, problems: Sequence[Mapping[str, Any]]
) -> bool:
    """Whether a list is only too short because what stands in it is wrong."""
    deeper = (found["loc"] for found in problems if len(found["loc"]) > len(location))
    return kind == "too_short" and any(each[: len(location)] == location for each in deeper)


def _too_short(min_length: int, actual_length: int, **_: Any) -> str:
    least = "one" if min_length == 1 else f"{min_length}"
    found = f"has {actual_length}" if actual_length else "is empty"
    return f"{found}, expected at least {least}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _known_fields(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    _, inside = _written(model, location)
    return f", expected one of {', '.join(inside[0].model_fields)}" if len(inside) == 1 else ""


def _tags(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Values by which the models that may stand at a location are told apart."""
    _, inside = _written(model, location)
    return [tag for each in inside for tag in sorted(_tags_of(each))]


def _tags_of(model: type[BaseModel]) -> set[str]:
    literals = (
        get_args(field.annotation)
        for field in model.model_fields.values()
        if get_origin(field.annotation) is Literal
    )
    return {values[0] for values in literals if len(values) == 1}


def _written(
    model: type[BaseModel], location: tuple[int | str, ...]
) -> tuple[list[str], list[type[BaseModel]]]:
    """A location as the user wrote it, and the models that may stand there.

    Pydantic's has a step more where a field says which of several models follows.
    """
    steps: list[str] = []
    models, is_key = [model], False
    for step in location:
        tagged = [each for each in models if step in _tags_of(each)]
        if not is_key and len(models) > 1 and tagged:
            models = tagged
            continue
        steps.append(str(step))
        fields = [field for each in models if (field := each.model_fields.get(str(step)))]
        if not is_key and fields:
            models = [inside for field in fields for inside in _models_in(field.annotation)]
        is_key = not is_key and any(
            get_origin(field.annotation) in (dict, list, tuple) for field in fields
        )
    return steps, models


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
