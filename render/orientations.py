"""How a hand is turned before the camera: uniform over all rotations, or as it is met in practice.

Hands are right hands in MANO's axes (fingers -x, palm -y, thumb +z); the camera's axes are OpenCV's
(x right, y down, z forward) and its z axis goes through the hand. Three angles place a forearm:

- its heading, the direction from elbow to wrist in the image: 0 up, 90 to the right, -90 to the
  left;
- how far it points away from the camera: 90 along the camera's axis, -90 into the camera;
- the side that faces the camera: 0 the thumb's, 90 the back of the hand, 180 the little finger's,
  -90 the palm. For the wearer of a camera this is the pronation (+) of the forearm; for a person
  who faces the camera it is the pronation of the forearm plus 180.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    model_validator,
)
from scipy.spatial.transform import Rotation
from scipy.special import ndtr, ndtri

NUM_UNIFORMS = 4
"""Uniform numbers that an orientation is made of: three for the angles, the last for a choice."""

_CUT = 2.0
"""Standard deviations at which the normal distributions of the priors end."""

_PALM_VIEW = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""Fingers up in the image, palm towards the camera."""

_THUMB_VIEW = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
"""Fingers up in the image, thumb towards the camera."""

_BACK_VIEW = np.diag([-1.0, 1.0, -1.0]) @ _PALM_VIEW


def _within_a_quarter(limits: tuple[float, float]) -> tuple[float, float]:
    if abs(limits[0]) + _CUT * limits[1] > 90:
        raise ValueError(f"expected mean ± {_CUT:g} deviations within 90 degrees, got {limits}")
    return limits


def _ascending(limits: tuple[float, float]) -> tuple[float, float]:
    if not -90 <= limits[0] <= limits[1] <= 90:
        raise ValueError(f"expected two ascending angles within -90 and 90 degrees, got {limits}")
    return limits


Deviation = Annotated[FiniteFloat, Field(ge=0)]
NormalDeg = tuple[FiniteFloat, Deviation]
"""Mean and standard deviation of a normal distribution that ends two deviations from its mean."""

AwayDeg = Annotated[NormalDeg, AfterValidator(_within_a_quarter)]
Share = Annotated[float, Field(ge=0, le=1)]


class _View(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConeView(_View):
    """The palm or the back of the hand towards the camera, fingers up, with a spread.

    The side that faces the camera is uniform over the cap of `view_spread_deg`; with both spreads
    180 every rotation is equally likely.
    """

    prior: Literal["cone"] = Field(default="cone", description="Hands shown to the camera.")
    view_spread_deg: float = Field(
        default=35.0,
        ge=0,
        le=180,
        description="Largest tilt of the hand away from the palm's frontal view; 180 is every "
        "direction, uniform on the sphere.",
    )
    roll_spread_deg: float = Field(
        default=30.0, ge=0, le=180, description="Largest turn in the image plane from fingers up."
    )
    back_share: Share = Field(default=0.0, description="Share of hands seen from the back.")


class UniformView(_View):
    """Every rotation equally likely: the Haar measure on SO(3)."""

    prior: Literal["uniform"] = Field(default="uniform", description="Haar measure on SO(3).")


class EgocentricView(_View):
    """The wearer's own hand before a camera on the head, the right hand from the lower right.

    Heading and depth are those of an average man's arm (Pheasant, Bodyspace, 1996: shoulders
    205 mm below the eyes and 200 mm aside, upper arm 335 mm, forearm 285 mm) that works in front of
    the trunk while the eyes look at the hand; the tests work that out. The side seen is a stated
    choice: manual work asks for 50 degrees of supination to 50 of pronation (Morrey et al., J. Bone
    Joint Surg. 63-A, 1981), and an elbow held away from the trunk pronates the hand further.
    """

    prior: Literal["egocentric"] = Field(default="egocentric", description="The wearer's hand.")
    heading_deg: NormalDeg = Field(
        default=(-35.0, 14.0), description="Direction of the forearm in the image: 0 up, -90 left."
    )
    away_deg: AwayDeg = Field(
        default=(24.0, 12.0), description="How far the forearm points away from the camera."
    )
    facing_deg: NormalDeg = Field(
        default=(50.0, 28.0), description="Side seen: 0 the thumb's, 90 the back, -90 the palm."
    )


class ThirdPersonView(_View):
    """The hand of an upright person before or beside the camera. All numbers are stated choices.

    Most forearms are raised and come from the lower half of the image or from the side, the others
    hang. Every side of the hand is equally likely to be seen.
    """

    prior: Literal["third_person"] = Field(default="third_person", description="Another's hand.")
    raised_share: Share = Field(
        default=0.75, description="Share of forearms that are raised; the others hang."
    )
    raised_spread_deg: float = Field(
        default=100.0, ge=0, le=180, description="Largest heading of a raised forearm, uniform."
    )
    hanging_heading_deg: NormalDeg = Field(
        default=(180.0, 25.0), description="Heading of a hanging forearm: 180 down."
    )
    away_range_deg: Annotated[tuple[FiniteFloat, FiniteFloat], AfterValidator(_ascending)] = Field(
        default=(-60.0, 40.0),
        description="Range of how far the forearm points away from the camera, uniform in area.",
    )


class SignerView(_View):
    """The right hand of a signer who faces the camera. All numbers are stated choices.

    The elbow hangs to the lower left in the image. The forearm points up, towards the camera or
    across the chest; the palm faces the camera, the signer or the side, independently (finger
    direction and palm orientation in the notation of Hanke, HamNoSys, LREC 2004). "Out" and "in"
    are the forearm's pronation and supination: when it points forward, towards floor and ceiling.
    """

    prior: Literal["signer"] = Field(default="signer", description="A signer's hand.")
    palm_out_share: Share = Field(default=0.4, description="Share of palms towards the camera.")
    palm_in_share: Share = Field(
        default=0.3, description="Share of palms towards the signer; the others face the side."
    )
    up_share: Share = Field(default=0.5, description="Share of forearms that point up.")
    forward_share: Share = Field(
        default=0.25, description="Share that points to the camera; the others point across."
    )
    facing_deviation_deg: Deviation = Field(
        default=18.0, description="Standard deviation of the side seen, in each share."
    )

    @model_validator(mode="after")
    def _leaves_a_rest(self) -> SignerView:
        for first, second in (("palm_out", "palm_in"), ("up", "forward")):
            if getattr(self, f"{first}_share") + getattr(self, f"{second}_share") > 1:
                raise ValueError(f"expected {first}_share + {second}_share of at most 1")
        return self


ViewRecipe = Annotated[
    ConeView | UniformView | EgocentricView | ThirdPersonView | SignerView,
    Field(discriminator="prior"),
]
"""How hands are turned before the camera."""

_SIGNER_PALMS_DEG = np.array([-90.0, 90.0, 180.0])
"""Side seen for palms out, in and to the side."""

_SIGNER_HEADINGS_DEG = np.array([[20.0, 14.0], [25.0, 18.0], [65.0, 14.0]])
_SIGNER_AWAY_DEG = np.array([[-20.0, 11.0], [-55.0, 10.0], [-22.0, 12.0]])
"""Mean and deviation for forearms up, forward and across."""


def orientation(
    view: ViewRecipe, uniforms: np.ndarray, wrist: np.ndarray | None = None
) -> np.ndarray:
    """The rotation of a right hand into the camera frame.

    Args:
        view: How hands are turned.
        uniforms: In [0, 1), pseudo-random or of a Sobol sequence, [..., NUM_UNIFORMS].
        wrist: Rotation of the hand against the forearm in MANO's axes, [..., 3, 3]; none for a
            straight wrist. The egocentric, third-person and signer priors turn the forearm and
            apply it; the cone and the uniform prior turn the hand itself.

    Returns:
        [..., 3, 3]. For a left hand, mirror it in the camera's x.

    Raises:
        ValueError: There is another number of uniforms.
    """
    uniforms = np.asarray(uniforms, dtype=float)
    if uniforms.shape[-1] != NUM_UNIFORMS:
        raise ValueError(f"expected {NUM_UNIFORMS} uniforms, got {uniforms.shape[-1]}")
    first, second, third, choice = np.moveaxis(uniforms, -1, 0)
    match view:
        case ConeView():
            return _cone(view, uniforms)
        case UniformView():
            return haar_rotation(uniforms[..., :3])
        case EgocentricView():
            forearm = forearm_rotation(
                _normal(view.heading_deg, first),
                _normal(view.away_deg, second),
                _normal(view.facing_deg, third),
            )
        case ThirdPersonView():
            raised = (2 * first - 1) * view.raised_spread_deg
            hanging = _normal(view.hanging_heading_deg, first)
            low, high = np.sin(np.deg2rad(view.away_range_deg))
            forearm = forearm_rotation(
                np.where(choice < view.raised_share, raised, hanging),
                np.rad2deg(np.arcsin(low + second * (high - low))),
                360 * third,
            )
        case SignerView():
            palm, rest = _choose((view.palm_out_share, view.palm_in_share), choice)
            pointing, _ = _choose((view.up_share, view.forward_share), rest)
            forearm = forearm_rotation(
                _normal(_SIGNER_HEADINGS_DEG[pointing], first),
                _normal(_SIGNER_AWAY_DEG[pointing], second),
                _SIGNER_PALMS_DEG[palm] + _normal((0.0, view.facing_deviation_deg), third),
            )
    return forearm if wrist is None else forearm @ wrist


def haar_rotation(uniforms: np.ndarray) -> np.ndarray:
    """Rotations uniform on SO(3) by the subgroup algorithm (Shoemake, Graphics Gems III, 1992).

    Args:
        uniforms: In [0, 1), [..., 3].

    Returns:
        [..., 3, 3].
    """
    share, first, second = np.moveaxis(uniforms, -1, 0)
    near, far = np.sqrt(1 - share), np.sqrt(share)
    first, second = 2 * np.pi * first, 2 * np.pi * second
    quaternions = np.stack(
        [near * np.sin(first), near * np.cos(first), far * np.sin(second), far * np.cos(second)], -1
    )
    matrices = Rotation.from_quat(quaternions.reshape(-1, 4)).as_matrix()
    return matrices.reshape(*share.shape, 3, 3)


def forearm_rotation(
    heading_deg: np.ndarray, away_deg: np.ndarray, facing_deg: np.ndarray
) -> np.ndarray:
    """The rotation of a right forearm into the camera frame from the module's three angles.

    Args:
        heading_deg: Direction from elbow to wrist in the image, [...].
        away_deg: How far it points away from the camera, [...].
        facing_deg: Side that faces the camera, [...].

    Returns:
        [..., 3, 3].
    """
    angles = np.stack(np.broadcast_arrays(facing_deg, -np.asarray(away_deg), heading_deg), -1)
    # Of a forearm that points up in the image: its turn about itself, its tilt, its heading.
    turns = Rotation.from_euler("yxz", angles.reshape(-1, 3), degrees=True).as_matrix()
    return turns.reshape(*angles.shape[:-1], 3, 3) @ _THUMB_VIEW


def _cone(view: ConeView, uniforms: np.ndarray) -> np.ndarray:
    height, around, roll, choice = uniforms.reshape(-1, NUM_UNIFORMS).T
    lowest, zero = np.cos(np.deg2rad(view.view_spread_deg)), 0 * height
    tilt, around = np.arccos(lowest + height * (1 - lowest)), 2 * np.pi * around
    roll = np.deg2rad((2 * roll - 1) * view.roll_spread_deg)
    tilts = np.stack([tilt * np.cos(around), tilt * np.sin(around), zero], -1)
    turns = Rotation.from_rotvec(np.stack([zero, zero, roll], -1)) * Rotation.from_rotvec(tilts)
    frontal = np.where((choice < view.back_share)[:, None, None], _BACK_VIEW, _PALM_VIEW)
    matrices = turns.as_matrix() @ frontal
    return matrices.reshape(*uniforms.shape[:-1], 3, 3)


def _normal(mean_and_deviation: np.ndarray | NormalDeg, uniform: np.ndarray) -> np.ndarray:
    """Quantiles of normal distributions cut at `_CUT` deviations; parameters [..., 2]."""
    mean, deviation = np.moveaxis(np.asarray(mean_and_deviation), -1, 0)
    lowest = ndtr(-_CUT)
    return mean + deviation * ndtri(lowest + uniform * (1 - 2 * lowest))


def _choose(shares: tuple[float, float], uniform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the share (0, 1 or 2 for the rest) and a uniform number made of what is left."""
    edges = np.array([0.0, shares[0], shares[0] + shares[1], 1.0])
    number = np.minimum(np.searchsorted(edges[1:-1], uniform, side="right"), 2)
    width = np.diff(edges)[number]
    return number, (uniform - edges[number]) / np.where(width > 0, width, 1.0)
