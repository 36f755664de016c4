"""Types of the flows' parameters: their bounds stand in the deployment's schema."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from render.poses.distributions import DISTRIBUTIONS

_POSES: dict[str, Any] = {"enum": sorted(DISTRIBUTIONS)}
PoseDistribution = Annotated[str, Field(json_schema_extra=_POSES)]
NumImages = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0)]
Epochs = Annotated[int, Field(ge=1)]
Workers = Annotated[int, Field(ge=1)]
