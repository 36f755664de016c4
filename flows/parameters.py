"""Types of the flows' parameters: their bounds stand in the deployment's schema."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from render.poses.distributions import DISTRIBUTIONS

# Not an enum: a recipe's own distributions count too. In the schema's own words, because
# Prefect puts the docstring's in place of a field's description.
_POSES: dict[str, Any] = {
    "description": "Pose distribution of every split, instead of the recipe's: one of "
    f"{', '.join(sorted(DISTRIBUTIONS))}, or one of the recipe's own."
}
PoseDistribution = Annotated[str, Field(min_length=1, json_schema_extra=_POSES)]
NumImages = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0)]
Epochs = Annotated[int, Field(ge=1)]
Workers = Annotated[int, Field(ge=1)]
