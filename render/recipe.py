"""The recipe of a rendered data set: everything that determines its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    PositiveFloat,
    ValidationInfo,
    field_validator,
    model_validator,
)

from mano_assets.errors import InputError
from render.factors.arm import ArmRecipe
from render.factors.camera import CameraRecipe
from render.factors.dress import DressRecipe
from render.factors.second_hand import SecondHandRecipe
from render.factors.sensor import SensorRecipe
from render.factors.setting import SettingRecipe
from render.factors.skin import SkinRecipe
from render.factors.things import ThingsRecipe
from render.factors.vary import Factor, check_value
from render.limits import Share
from render.manifest.schema import LabelImage
from render.orientations import ConeView, ViewRecipe
from render.poses.distributions import (
    Distribution,
    TrajectoryPoses,
    check_distribution,
    distribution_kind,
)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HardnessHistogram(_Part):
    """How hard the samples shall be: poses and views are drawn again until they are as wished."""

    edges: tuple[Share, ...] = Field(
        min_length=2, description="Ends of the bins, ascending, of the total hardness."
    )
    shares: tuple[PositiveFloat, ...] = Field(
        min_length=1, description="Share of the samples in each bin, up to a common factor."
    )

    @model_validator(mode="after")
    def _fits(self) -> HardnessHistogram:
        if any(low >= high for low, high in pairwise(self.edges)):
            raise ValueError(f"edges are {self.edges}, expected them in ascending order")
        if len(self.shares) != len(self.edges) - 1:
            raise ValueError(
                f"shares has {len(self.shares)} numbers, expected {len(self.edges) - 1}, one a bin"
            )
        return self


class SplitRecipe(_Part):
    """A split: how many images of which poses."""

    name: str = Field(pattern=r"^[a-z0-9_]+$", description="Name of the split.")
    count: int = Field(ge=1, description="Images.")
    poses: dict[str, FiniteFloat] = Field(
        description="Pose distribution to weight; a sample draws one by weight."
    )
    view: ViewRecipe = Field(
        default=ConeView(), description="How hands are turned before the camera, by its prior."
    )
    even: bool = Field(
        default=False,
        description="Views, and poses of a range, from a Sobol sequence: evener than chance.",
    )
    clip_frames: int = Field(
        default=1,
        ge=1,
        le=100_000,
        description="Consecutive samples that are frames of one clip: one hand, camera and light, "
        "the wrist standing still; poses all of kind trajectory.",
    )
    hardness: HardnessHistogram | None = Field(
        default=None, description="Wished histogram of hardness; null takes it as it comes."
    )

    @field_validator("poses")
    @classmethod
    def _weighted(cls, poses: dict[str, FiniteFloat]) -> dict[str, float]:
        if not poses or sum(poses.values()) <= 0 or min(poses.values()) < 0:
            raise ValueError("expected at least one distribution with a positive weight")
        return poses

    @model_validator(mode="after")
    def _clips_as_they_come(self) -> SplitRecipe:
        if self.clip_frames > 1 and self.hardness is not None:
            raise ValueError(
                f"hardness is given, expected null with clip_frames {self.clip_frames}: frames of "
                "a clip are not drawn again"
            )
        return self

    def check_poses(self, name: str, own: Mapping[str, Distribution]) -> None:
        """Can this split draw from a distribution?

        Args:
            name: Of the distribution.
            own: The recipe's own distributions.

        Raises:
            InputError: There is no such distribution, or it does not make clips.
        """
        check_distribution(name, own)
        if self.clip_frames > 1 and not isinstance(distribution_kind(name, own), TrajectoryPoses):
            raise InputError(
                f"clip_frames is {self.clip_frames}, expected poses of kind trajectory, "
                f"got {name!r}."
            )


class ImageRecipe(_Part):
    """Size and quality of the images, and what is stored beside them."""

    size: int = Field(default=224, ge=32, le=2048, description="Width and height, px.")
    samples: int = Field(default=2, ge=1, le=4096, description="Path-tracing samples a pixel.")
    denoise: Literal["off", "fast", "balanced", "high"] = Field(
        default="fast", description="Quality of OpenImageDenoise."
    )
    label_images: tuple[LabelImage, ...] = Field(
        default=("mask",),
        description="Stored with each image: mask (of the hand), depth, parts, normals.",
    )


class DatasetRecipe(_Part):
    """A rendered data set."""

    name: str = Field(pattern=r"^[a-z0-9_-]+$", description="Name shown in reports.")
    seed: int = Field(default=0, ge=0, lt=2**63, description="Of all random numbers.")
    distributions: dict[str, Distribution] = Field(
        default_factory=dict, description="Your own pose distributions by name."
    )
    splits: tuple[SplitRecipe, ...] = Field(min_length=1, description="In order of the samples.")
    images_per_part: int = Field(
        default=880, ge=1, le=100_000, description="Images of a part, the unit of work."
    )
    shape_std: float = Field(
        default=0.9, ge=0, le=3, description="Standard deviation of the ten shape coefficients."
    )
    left_share: float = Field(default=0.3, ge=0, le=1, description="Share of left hands.")
    camera: CameraRecipe = Field(default_factory=CameraRecipe, description="Camera and crop.")
    setting: SettingRecipe = Field(
        default_factory=SettingRecipe, description="Light and background."
    )
    skin: SkinRecipe = Field(default_factory=SkinRecipe, description="Skin.")
    arm: ArmRecipe = Field(default_factory=ArmRecipe, description="Forearm and upper arm.")
    dress: DressRecipe = Field(default_factory=DressRecipe, description="Sleeves and jewellery.")
    things: ThingsRecipe = Field(
        default_factory=ThingsRecipe, description="Held and occluding things."
    )
    second_hand: SecondHandRecipe = Field(
        default_factory=SecondHandRecipe, description="Another hand."
    )
    sensor: SensorRecipe = Field(default_factory=SensorRecipe, description="Lens, sensor, file.")
    image: ImageRecipe = Field(default_factory=ImageRecipe, description="Image.")
    vary: dict[Factor, str] = Field(
        default_factory=dict,
        description="Factor to value: the same samples with that changed in each and nothing else.",
    )

    @field_validator("splits")
    @classmethod
    def _known(
        cls, splits: tuple[SplitRecipe, ...], info: ValidationInfo
    ) -> tuple[SplitRecipe, ...]:
        own = info.data.get("distributions")
        if own is None:
            # They are wrong themselves, which is told.
            return splits
        for split in splits:
            for name in split.poses:
                try:
                    split.check_poses(name, own)
                except InputError as error:
                    raise ValueError(f"split {split.name}: {error}") from None
        return splits

    @field_validator("vary")
    @classmethod
    def _variable(cls, vary: dict[Factor, str]) -> dict[Factor, str]:
        for factor, value in vary.items():
            check_value(factor, value)
        return vary

    @field_validator("splits")
    @classmethod
    def _unique(cls, splits: tuple[SplitRecipe, ...]) -> tuple[SplitRecipe, ...]:
        names = [split.name for split in splits]
        if len(set(names)) != len(names):
            raise ValueError(f"expected splits of different names, got {names}")
        return splits

    @property
    def num_images(self) -> int:
        """Images over all splits."""
        return sum(split.count for split in self.splits)

    @property
    def num_parts(self) -> int:
        """Parts the data set is made of."""
        return -(-self.num_images // self.images_per_part)

    def part_range(self, part: int) -> range:
        """Sample numbers of a part."""
        start = part * self.images_per_part
        return range(start, min(start + self.images_per_part, self.num_images))

    def split_of(self, index: int) -> SplitRecipe:
        """The split that a sample belongs to."""
        for split in self.splits:
            if index < split.count:
                return split
            index -= split.count
        raise IndexError(index)

    def index_in_split(self, index: int) -> int:
        """A sample's number in its split."""
        for split in self.splits:
            if index < split.count:
                return index
            index -= split.count
        raise IndexError(index)

    def with_poses(self, distribution: str) -> DatasetRecipe:
        """The same recipe with every split's poses from one distribution.

        Raises:
            InputError: There is no such distribution, or a split of clips cannot use it.
        """
        for split in self.splits:
            split.check_poses(distribution, self.distributions)
        poses = {distribution: 1.0}
        splits = tuple(split.model_copy(update={"poses": poses}) for split in self.splits)
        return self.model_copy(update={"splits": splits})

    def with_num_images(self, num_images: int) -> DatasetRecipe:
        """The same recipe with another number of images, the splits in proportion.

        Raises:
            InputError: There are fewer images than splits.
        """
        if num_images < len(self.splits):
            raise InputError(
                f"num_images: is {num_images}, expected at least one for each of the "
                f"{len(self.splits)} splits."
            )
        counts = [max(1, split.count * num_images // self.num_images) for split in self.splits]
        counts[0] += num_images - sum(counts)
        if counts[0] < 1:
            raise InputError(
                f"num_images: {num_images} is too few to share out over the splits, expected more."
            )
        splits = tuple(
            split.model_copy(update={"count": count})
            for split, count in zip(self.splits, counts, strict=True)
        )
        return self.model_copy(update={"splits": splits})
