"""The coverage page: one HTML file that holds everything, and its numbers as JSON beside it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import jinja2
import numpy as np
from tqdm import tqdm

from mano_assets.hand import Hand
from mano_assets.joint_limits import Range
from render.manifest.writing import write_atomically
from render.poses.coverage import (
    Compared,
    Coverage,
    Map,
    Uncovered,
    furthest,
    histogram,
    left_out_rad,
    outside,
    project,
)
from render.poses.pose_space import share_within

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from render.poses.coverage_figures import Theme

PAGE, NUMBERS = "index.html", "coverage.json"

MOST_HANDS = 12
CURVE_DEG = np.arange(0.0, 60.5, 0.5)
"""Radii of the curve in the JSON."""
PERCENTILES = (5, 25, 50, 75, 95, 100)

_FIGURE_DPI = 160
_CSS_PX_PER_INCH = 96


@dataclass(frozen=True)
class Picture:
    """An image inside the page.

    Attributes:
        light: As a data URI.
        dark: The same for dark pages, where it differs.
        alt: What it shows, for those who do not see it.
        width: CSS pixels.
        height: CSS pixels.
    """

    light: str
    dark: str | None
    alt: str
    width: int
    height: int


def write_coverage(coverage: Coverage, hand: Hand, out: Path) -> Path:
    """Writes the page and its numbers.

    Args:
        coverage: Of the two sets.
        hand: To draw the uncovered poses with, and that the angles were measured on.
        out: Folder to write.

    Returns:
        Path of the page.
    """
    from render.poses import coverage_figures as figures

    found, far = project(coverage), furthest(coverage, MOST_HANDS)
    numbers = summarise(coverage, found, far) | {"hand_digest": hand.digest}
    with tqdm(total=3 + len(far), desc="page", unit="figure", leave=False) as bar:

        def drawn(draw: Callable[[Theme], Figure], alt: str) -> Picture:
            picture = _themed_picture(draw, alt)
            bar.update()
            return picture

        pictures = {
            "curves": drawn(
                lambda theme: figures.curves(theme, coverage),
                "Share of poses covered over the radius, and over the number of poses of A",
            ),
            "map": drawn(
                lambda theme: figures.pose_map(theme, coverage, found, far),
                "Poses of A and of B on the two directions in which they differ most",
            ),
            "histograms": drawn(
                lambda theme: figures.histograms(theme, coverage),
                "Histograms of every joint angle in A and in B over its limits",
            ),
        }
        hands = []
        for one in far:
            figure = figures.hands(hand, coverage, one)
            hands.append(_picture(_png(figure), None, "A pose of B and the nearest of A", figure))
            bar.update()
    page = _template().render(coverage=numbers, pictures=pictures, hands=hands)
    write_atomically(out / NUMBERS, (json.dumps(numbers, indent=1) + "\n").encode())
    write_atomically(out / PAGE, page.encode())
    return out / PAGE


def summarise(coverage: Coverage, found: Map, far: list[Uncovered]) -> dict[str, Any]:
    """The numbers of the page, as JSON has them: angles in degrees, shares 0 to 1.

    Args:
        coverage: Of the two sets.
        found: Its map.
        far: The poses of B that are listed.
    """
    sets = {"a": coverage.a, "b": coverage.b}
    beyond = {
        name: {which: outside(part, coverage.angles, which) for which in get_args(Range)}
        for name, part in sets.items()
    }
    distances = {
        "b_to_a": coverage.b_to_a_rad,
        "a_to_b": coverage.a_to_b_rad,
        "within_a": coverage.within_a_rad,
        "within_b": coverage.within_b_rad,
    }
    return {
        "radius_deg": _degrees(coverage.radius_rad),
        "share_of_b_covered_by_a": coverage.share_of_b,
        "share_of_a_covered_by_b": coverage.share_of_a,
        "share_of_b_by_size_of_a": [
            {"num_poses": size, "share": share} for size, share in coverage.share_by_size
        ],
        "sets": {
            name: _about(part)
            | {
                "share_outside": {
                    which: float(marks.any(1).mean()) for which, marks in beyond[name].items()
                },
                "left_out_angles_rms_deg": _degrees(left_out_rad(part, coverage.angles)),
            }
            for name, part in sets.items()
        },
        "distances_deg": {name: _distribution(values) for name, values in distances.items()},
        "curve": {
            "radius_deg": CURVE_DEG.tolist(),
            **{
                name: share_within(values, np.deg2rad(CURVE_DEG)).tolist()
                for name, values in distances.items()
            },
        },
        "angles": [
            _about_angle(coverage, number, beyond) for number in range(len(coverage.angles))
        ],
        "map": {
            "explained": found.explained,
            "axes": [
                {
                    angle.label: float(part)
                    for angle, part in zip(coverage.angles, axis, strict=True)
                }
                for axis in found.axes
            ],
        },
        "furthest": [_about_pose(coverage, one) for one in far],
    }


def _degrees(radians: float) -> float | None:
    return float(np.rad2deg(radians)) if np.isfinite(radians) else None


def _distribution(distances_rad: np.ndarray) -> dict[str, float | None]:
    finite = np.isfinite(distances_rad).all()
    values = np.percentile(distances_rad, PERCENTILES) if finite else [np.inf] * len(PERCENTILES)
    return {
        "mean": _degrees(float(distances_rad.mean())),
        **{f"p{rank}": _degrees(value) for rank, value in zip(PERCENTILES, values, strict=True)},
    }


def _about(part: Compared) -> dict[str, Any]:
    return {
        "name": part.poses.name,
        "source": part.poses.source,
        "num_poses": len(part.poses.angles_rad),
        "num_compared": len(part.rows),
        "num_left_out": part.poses.num_left_out,
        "has_wrist": part.poses.has_wrist,
    }


def _about_angle(
    coverage: Coverage, number: int, beyond: dict[str, dict[str, np.ndarray]]
) -> dict[str, Any]:
    angle = coverage.angles[number]
    edges, of_a, of_b = histogram(coverage, number)
    return {
        "label": angle.label,
        "joint": angle.joint,
        "motion": angle.motion,
        "limits_deg": {
            which: np.rad2deg(getattr(angle, f"{which}_rad")).tolist() for which in get_args(Range)
        },
        "share_outside": {
            name: {which: float(marks[:, number].mean()) for which, marks in ranges.items()}
            for name, ranges in beyond.items()
        },
        "histogram": {"edges_deg": edges.tolist(), "a": of_a.tolist(), "b": of_b.tolist()},
    }


def _about_pose(coverage: Coverage, one: Uncovered) -> dict[str, Any]:
    mine = coverage.b.features_rad[one.row]
    nearest = coverage.a.features_rad[one.nearest_row]
    worst = int(np.abs(mine - nearest).argmax())
    return {
        "row_of_b": _file_row(coverage.b, one.row),
        "nearest_row_of_a": _file_row(coverage.a, one.nearest_row),
        "distance_deg": _degrees(one.distance_rad),
        "num_alike": one.num_alike,
        "largest_difference": {
            "angle": coverage.angles[worst].label,
            "b_deg": _degrees(mine[worst]),
            "a_deg": _degrees(nearest[worst]),
        },
        "angles_deg": {
            angle.label: _degrees(value) for angle, value in zip(coverage.angles, mine, strict=True)
        },
    }


def _file_row(part: Compared, row: int) -> int:
    of_set = part.rows[row]
    return int(of_set if part.poses.rows is None else part.poses.rows[of_set])


def _percent(share: float) -> str:
    """In whole per cent, but never all or none where it is only nearly so."""
    if share in (0, 1) or 0.0995 <= share < 0.995:
        return f"{share:.0%}"
    return f"{min(max(share, 0.001), 0.999):.1%}"


def _themed_picture(draw: Callable[[Theme], Figure], alt: str) -> Picture:
    from render.poses.coverage_figures import THEMES, themed

    images = {}
    for theme in THEMES:
        with themed(theme):
            figure = draw(theme)
            images[theme.name] = _png(figure), figure
    return _picture(images["light"][0], images["dark"][0], alt, images["light"][1])


def _png(figure: Figure) -> str:
    """A figure as a data URI."""
    stream = io.BytesIO()
    # Without the date and version that Matplotlib would add: the same sets make the same page.
    figure.savefig(stream, format="png", dpi=_FIGURE_DPI, metadata={"Software": None})
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _picture(light: str, dark: str | None, alt: str, figure: Figure) -> Picture:
    width, height = (round(_CSS_PX_PER_INCH * inches) for inches in figure.get_size_inches())
    return Picture(light, dark, alt, width, height)


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    environment.filters["degrees"] = lambda angle: "–" if angle is None else f"{angle:.1f}°"
    environment.filters["largest"] = lambda parts: sorted(
        parts.items(), key=lambda item: -abs(item[1])
    )
    return environment.get_template("coverage_page.html.j2")
