"""The maps of a hand's skin, baked once and kept beside the built hands.

They tell where skin differs, not which colour it has: tone and strengths are chosen when an image
is rendered.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mano_assets.digests import json_digest
from mano_assets.hand import Hand, cache_root

_BAKE = 2
"""Raised whenever the same hand would get other maps."""

MAP_SIZE = 1024
NUM_VARIANTS = 4
"""Seeded draws of what differs by person."""

ZONE_CHANNELS = ("zone", "redness", "mottling", "veins")
PIGMENT_CHANNELS = ("freckles", "hairs", "creases")
SLOPE_CHANNELS = ("wrinkles_u", "wrinkles_v", "veins_u", "veins_v")

BACK, PALM, NAIL, NAIL_PALE = 0.0, 0.35, 0.7, 1.0
"""Stops of the zone: one number, so that one ramp of colours does for all."""

STEEPEST = 1.0
"""Slope that the relief's map can hold; 0 is stored as 127.5, its ends as 0 and 255."""

CREASE_MM, GRAIN_MM, NAIL_MM = -0.5, 0.05, 0.35
VEIN_MM, TENDON_MM = 0.55, 0.7
"""Heights of the relief at full strength, by eye; wrinkles, grain and nails scale together, as do
veins and tendons."""


@dataclass(frozen=True)
class SkinMaps:
    """Maps over the atlas of one hand, uint8; row 0 is v = 0, as Blender has it.

    Attributes:
        faces: Quads [F, 4] or triangles [F, 3] of the right hand.
        corners_uv: Of the faces' corners, [F, K, 2].
        zones: `ZONE_CHANNELS`, variants side by side, [S, NUM_VARIANTS * S, 4].
        pigment: `PIGMENT_CHANNELS`, likewise, [S, NUM_VARIANTS * S, 3].
        relief: `SLOPE_CHANNELS`, likewise, [S, NUM_VARIANTS * S, 4]: tangent and bitangent parts
            of the normals of two reliefs that are steered apart, before their lengths are made
            one: minus the height's slope along u, and across it towards v.
        texture_uv: Each texel's place in the hand's own UV layout, times 65535; zeros off the
            surface, uint16, [S, S, 2]. None where the hand has no layout.
    """

    faces: np.ndarray
    corners_uv: np.ndarray
    zones: np.ndarray
    pigment: np.ndarray
    relief: np.ndarray
    texture_uv: np.ndarray | None


def skin_maps(hand: Hand, cache: Path | None = None) -> SkinMaps:
    """Bakes the maps of a hand unless the cache has them.

    Args:
        hand: Of any mesh.
        cache: `cache_root()` by default.
    """
    key = json_digest([_BAKE, MAP_SIZE, NUM_VARIANTS, hand.digest])
    path = (cache or cache_root()) / "skin" / f"{key[:16]}.npz"
    if not path.exists():
        _store(path, bake_skin(hand))
    with np.load(path, allow_pickle=False) as stored:
        arrays: dict[str, Any] = {key: stored[key] for key in stored.files}
    arrays.setdefault("texture_uv", None)
    return SkinMaps(**arrays)


def bake_skin(hand: Hand, size: int = MAP_SIZE, num_variants: int = NUM_VARIANTS) -> SkinMaps:
    """Paints the maps of a hand.

    Args:
        hand: At its mean shape.
        size: Width and height of a map, texels.
        num_variants: Draws of what differs by person.
    """
    from mano_assets.skin_baking import pigment, relief, zones
    from mano_assets.skin_baking.atlas import make_atlas, surface_texels
    from mano_assets.skin_baking.slopes import SlopeFinder
    from mano_assets.skin_baking.surface_points import texel_points

    atlas = make_atlas(hand, size)
    texels = surface_texels(atlas)
    points = texel_points(hand, texels)
    nail, pale, fold = zones.nail_zones(points)
    zone = PALM * points.palm * (1 - nail) + (NAIL + (NAIL_PALE - NAIL) * pale) * nail
    before_cut = points.before_cut
    bare, redness = (1 - nail) * before_cut, zones.red_zone(points) * (1 - nail)
    tendons = relief.tendons(points) * before_cut

    def painted(*channels: np.ndarray) -> np.ndarray:
        image = np.zeros((size * size, len(channels)), np.uint8)
        image[texels.texels] = np.round(255 * np.clip(np.stack(channels, 1), 0, 1))
        return image.reshape(size, size, -1)

    slopes = SlopeFinder(texels.texels, size, points.places_m)
    zoned, pigments, reliefs = [], [], []
    for variant in range(num_variants):
        rng = np.random.default_rng([variant, _BAKE])
        creases = relief.creases(points, rng) * bare
        veins = relief.veins(points, rng) * bare
        grain = relief.grain(points, rng) * bare
        mottling = 0.5 + (pigment.mottling(points, rng) - 0.5) * before_cut
        spots = pigment.freckles(points, rng) * bare, pigment.hairs(points, rng) * bare
        zoned.append(painted(zone, redness, mottling, veins))
        pigments.append(painted(*spots, creases))
        fine_mm = CREASE_MM * creases + GRAIN_MM * grain + NAIL_MM * (nail - fold)
        broad_mm = VEIN_MM * veins + TENDON_MM * tendons
        found = [*slopes.of_height(1e-3 * fine_mm), *slopes.of_height(1e-3 * broad_mm)]
        reliefs.append(painted(*(0.5 - 0.5 / STEEPEST * slope for slope in found)))
    texture_uv = None
    if "uv" in hand.arrays:
        corners = hand.arrays["uv"][texels.corners[:, :1], texels.corners[:, 1:]]
        places = np.clip((texels.shares[..., None] * corners).sum(1), 0, 1)
        texture_uv = np.zeros((size * size, 2), np.uint16)
        texture_uv[texels.texels] = np.round(65535 * places)
        texture_uv = texture_uv.reshape(size, size, 2)
    return SkinMaps(
        atlas.faces,
        atlas.corners_uv,
        np.concatenate(zoned, 1),
        np.concatenate(pigments, 1),
        np.concatenate(reliefs, 1),
        texture_uv,
    )


def _store(path: Path, maps: SkinMaps) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, staging = tempfile.mkstemp(dir=path.parent, prefix=".baking-")
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez(stream, **{key: v for key, v in vars(maps).items() if v is not None})
        # The cache may be shared: mkstemp keeps others out.
        os.chmod(staging, 0o644)
        os.replace(staging, path)
    except BaseException:
        os.unlink(staging)
        raise
