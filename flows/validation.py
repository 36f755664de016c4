"""Reading what the user wrote: every mistake becomes one sentence that names the field."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar, get_args

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
    problem, *others = sorted(
        error.errors(include_url=False), key=lambda found: found["type"] != "extra_forbidden"
    )
    location = ".".join(str(step) for step in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ").rstrip(".")
    if problem["type"] == "extra_forbidden":
        message = "unknown field" + _known_fields(model, problem["loc"][:-1])
    elif problem["type"] == "missing":
        message = "missing, expected a value"
    elif message.startswith("Input should be "):
        expected = message.removeprefix("Input should be ")
        message = f"got {_short(problem['input'])}, expected {expected}"
    more = f" (and {len(others)} more)" if others else ""
    return f"{location}: {message}{more}." if location else f"{message}{more}."


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _known_fields(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    for step in location:
        field = model.model_fields.get(str(step))
        if field is None:
            continue
        inside = _models_in(field.annotation)
        if len(inside) != 1:
            return ""
        model = inside[0]
    return f", expected one of {', '.join(model.model_fields)}"


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
