"""The whole way from layers of light to an image file, as one camera takes it."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from render.development.compositing import over, with_exact_coverage
from render.development.exposure import exposed, metered_ev, white_balance_gains
from render.development.foreground_blur import defocus_foreground
from render.development.point_spread import circle_of_confusion, combined, convolve, disc, line
from render.development.tone import add_noise, sharpen, srgb, to_bytes, tone_curve
from render.factors.sensor import Sensor


@dataclass(frozen=True)
class Layers:
    """The light of a scene.

    Attributes:
        foreground: Linear radiance with premultiplied alpha, as Cycles renders it, [S, S, 4].
        coverage: Exact share of each pixel that the foreground covers, [S, S].
        depth_m: z of the foreground at pixel centres, inf where there is none, [S, S].
        background: Linear radiance, [S, S, 3].
        background_distance_m: Of the background; infinity for environments.
        background_blur_px: Radius by which it is blurred at least: what was looked up at pixel
            centres alone has jagged edges.
        focal_px: Focal length.
    """

    foreground: np.ndarray
    coverage: np.ndarray
    depth_m: np.ndarray
    background: np.ndarray
    background_distance_m: float
    background_blur_px: float
    focal_px: float


@dataclass(frozen=True)
class Photograph:
    """A developed image.

    Attributes:
        rgb: uint8, [S, S, 3].
        linear: What reached the sensor, before vignetting and exposure, float32, [S, S, 3].
        exposure_ev: Stops of metering and error together.
    """

    rgb: np.ndarray
    linear: np.ndarray
    exposure_ev: float


def develop(layers: Layers, sensor: Sensor) -> Photograph:
    """Takes the photograph.

    Args:
        layers: Light of the scene.
        sensor: Camera.
    """
    linear = _through_the_lens(layers, sensor)
    exposure_ev = sensor.exposure_ev
    if sensor.metered:
        exposure_ev += metered_ev(linear, sensor.metering_limit_ev)
    gains = white_balance_gains(sensor.white_balance_mired, sensor.tint_duv)
    light = exposed(linear, gains * 2.0**exposure_ev, sensor.vignetting)
    if sensor.electrons_at_white is not None:
        light = add_noise(
            light, sensor.electrons_at_white, sensor.read_noise_electrons, sensor.noise_seed
        )
    encoded = sharpen(srgb(tone_curve(light, sensor.contrast)), sensor.sharpening)
    return Photograph(to_bytes(encoded), linear, exposure_ev)


def _through_the_lens(layers: Layers, sensor: Sensor) -> np.ndarray:
    """Defocus, motion, and the foreground over the background, float32, [S, S, 3]."""
    foreground = with_exact_coverage(layers.foreground, layers.coverage)
    confusion_px = circle_of_confusion(
        layers.background_distance_m, sensor.focus_m, sensor.aperture_mm, layers.focal_px
    )
    behind = disc(max(0.5 * float(confusion_px), layers.background_blur_px))
    if sensor.aperture_mm > 0:
        depth_m = np.where(np.isfinite(layers.depth_m), layers.depth_m, np.nan)
        foreground = defocus_foreground(
            foreground,
            circle_of_confusion(depth_m, sensor.focus_m, sensor.aperture_mm, layers.focal_px),
        )
    if sensor.moving != "nothing":
        way = line(sensor.motion_px, sensor.motion_direction_rad)
        foreground = convolve(foreground, way)
        if sensor.moving == "camera":
            behind = combined(behind, way)
    background = convolve(layers.background, behind)
    return over(foreground, background)


def encode_jpeg(rgb: np.ndarray, sensor: Sensor) -> bytes:
    """JPEG file of an image, with the camera's quality and chroma."""
    stream = io.BytesIO()
    Image.fromarray(rgb).save(
        stream,
        "JPEG",
        quality=sensor.jpeg_quality,
        subsampling="4:2:0" if sensor.jpeg_half_chroma else "4:4:4",
    )
    return stream.getvalue()
