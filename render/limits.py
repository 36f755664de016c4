"""Ranges and shares as fields of a recipe."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, FiniteFloat, PositiveFloat


def _ascending(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] > limits[1]:
        raise ValueError(f"expected the lower end before the upper end, got {limits}")
    return limits


Range = Annotated[tuple[FiniteFloat, FiniteFloat], AfterValidator(_ascending)]
"""Lower and upper end of a uniform distribution."""

PositiveRange = Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(_ascending)]

Share = Annotated[float, Field(ge=0, le=1)]
ShareRange = Annotated[tuple[Share, Share], AfterValidator(_ascending)]
