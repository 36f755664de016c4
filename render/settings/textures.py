"""Pictures of nothing, with the statistics of natural ones, and light for them.

The amplitude spectrum of natural images falls about as 1/f (Field, Relations between the
statistics of natural images and the response properties of cortical cells, J. Opt. Soc. Am. A
4(12), 1987). Noise of that spectrum has it; so do "dead leaves", opaque shapes that hide one
another with radii distributed as r^-3, which have edges as well (Lee, Mumford and Huang, Occlusion
models for natural images, Int. J. Comput. Vis. 41, 2001).
"""

from __future__ import annotations

import colorsys

import numpy as np
from scipy import fft

from mano_assets.geometry.compiled import kernel
from render.factors.setting import Texture
from render.settings.sphere import texel_directions

_LEAVES = 2500
_LEAF_RADIUS = (0.008, 0.45)
"""Of the image's width: from a pixel or two of a small image; so many leaves of that kind cover
it. The smallest leaf of a picture is up to eight times as large, with fewer leaves in all."""
_COARSEST = 8.0
_SHAPES = (4, 40)
_COLOURS = 6
_LIGHTS = (1, 3)
_CONCENTRATION = (4.0, 60.0)
"""Of a lamp's light about its direction: from an overcast window to a lamp."""
_SMALL = 32
"""Width of the image that the mean colour is taken from, px."""


def texture_image(texture: Texture, seed: int, size: int) -> np.ndarray:
    """The picture.

    Args:
        texture: What it is made of.
        seed: Of everything random in it.
        size: Width and height, px. At another size it is the same picture but for its noise.

    Returns:
        Linear RGB, float32 [size, size, 3].
    """
    rng = np.random.Generator(np.random.Philox(key=seed))
    colours = _palette(rng)
    if texture.pattern == "leaves":
        coarse = _COARSEST ** rng.random()
        count = int(_LEAVES * coarse**-1.7)
        image = _leaves(rng, colours, count, _radii(rng, count, coarse), size)
        grain = 0.12
    elif texture.pattern == "shapes":
        count = int(rng.integers(*_SHAPES))
        image = _leaves(rng, colours, count, rng.uniform(0.05, 0.4, count), size)
        grain = 0.1
    else:
        image = _gradient(rng, colours, size)
        grain = rng.uniform(0.03, 0.15) if texture.pattern == "gradient" else 0.55
    # After all that does not depend on the size.
    noise = _coloured_noise(rng, texture.slope, size)
    image *= np.exp(np.float32(grain) * noise)
    return image


def texture_light(texture: Texture, seed: int) -> np.ndarray:
    """Light that fits the picture: its mean colour all around, and a lamp or two.

    Returns:
        Radiance as a light map, float32 [64, 128, 3].
    """
    mean = texture_image(texture, seed, _SMALL).mean((0, 1))
    rng = np.random.Generator(np.random.Philox(key=[seed, 1]))
    directions = texel_directions()
    light = np.broadcast_to(mean, directions.shape).copy()
    level = float(mean.mean())
    for _ in range(int(rng.integers(*_LIGHTS))):
        towards = rng.normal(size=3)
        # Lamps hang more often than they stand.
        towards[2] = abs(towards[2]) if rng.random() < 0.8 else towards[2]
        towards /= np.linalg.norm(towards)
        concentration = np.exp(rng.uniform(*np.log(_CONCENTRATION)))
        # The lamp's share of all light, whatever its size: a lobe's mean is 1 / 2 kappa.
        peak = 2 * concentration * level * rng.uniform(0.3, 1.5)
        warmth = rng.uniform(-0.25, 0.25)
        colour = np.array([1 + warmth, 1.0, 1 - warmth])
        lobe = np.exp(concentration * (directions @ towards.astype(np.float32) - 1))
        light += (peak * lobe)[..., None] * colour.astype(np.float32)
    return light.astype(np.float32)


def _palette(rng: np.random.Generator) -> np.ndarray:
    """Colours that occur together: hues about one or two, any lightness, linear [6, 3]."""
    hue, width = rng.random(), rng.uniform(0.02, 0.3)
    opposite, saturation = rng.random() < 0.4, rng.uniform(0.05, 0.8)
    rows = []
    for number, (a, b, c) in enumerate(rng.random((_COLOURS, 3))):
        turn = 0.5 * (opposite and number % 3 == 0)
        rows.append(
            colorsys.hsv_to_rgb((hue + width * (a - 0.5) + turn) % 1, saturation * b, 0.1 + 0.9 * c)
        )
    return np.array(rows, dtype=np.float32) ** 2.2


def _radii(rng: np.random.Generator, count: int, coarse: float) -> np.ndarray:
    """Distributed as r^-3 between the ends, the lower one times a factor, image widths."""
    low, high = (coarse * _LEAF_RADIUS[0]) ** -2.0, _LEAF_RADIUS[1] ** -2.0
    return (low - rng.random(count) * (low - high)) ** -0.5


def _gradient(rng: np.random.Generator, colours: np.ndarray, size: int) -> np.ndarray:
    """Four corners' colours, smooth between."""
    corners = colours[rng.permutation(_COLOURS)[:4]].reshape(2, 2, 3)
    share = ((np.arange(size) + 0.5) / size).astype(np.float32)
    sides = corners[:, None, 0] + share[None, :, None] * (corners[:, None, 1] - corners[:, None, 0])
    return sides[0] + share[:, None, None] * (sides[1] - sides[0])


def _coloured_noise(rng: np.random.Generator, slope: float, size: int) -> np.ndarray:
    """Noise of deviation 1 whose amplitude is 1 / frequency^slope, grey with a little colour."""
    white = rng.standard_normal((size, size, 2), dtype=np.float32).view(np.complex64)[..., 0]
    places = fft.fftfreq(size)
    square = (places[None] ** 2 + places[:, None] ** 2).astype(np.float32)
    square[0, 0] = np.inf
    # Real and imaginary part are two noises, independent of one another.
    both = np.asarray(fft.ifft2(white * square ** np.float32(-slope / 2), overwrite_x=True))
    grey, tint = both.real / both.real.std(), both.imag / both.imag.std()
    warm = rng.normal(0, 0.35, 3).astype(np.float32)
    return grey[..., None] + tint[..., None] * warm


def _leaves(
    rng: np.random.Generator, colours: np.ndarray, count: int, radii: np.ndarray, size: int
) -> np.ndarray:
    """Opaque shapes over one another and over a gradient."""
    image = np.ascontiguousarray(_gradient(rng, colours, size))
    centres = rng.uniform(-0.1, 1.1, (count, 2))
    shapes = rng.random((count, 4))
    chosen = colours[rng.integers(_COLOURS, size=count)]
    chosen = chosen * rng.uniform(0.5, 1.2, (count, 1)).astype(np.float32)
    _lay(image, centres * size, radii * size, shapes, chosen)
    return image


@kernel
def _lay(image, centres_px, radii_px, shapes, colours):
    """Lays leaves onto an image in place, the last one on top.

    Args:
        image: [size, size, 3].
        centres_px: [N, 2].
        radii_px: [N].
        shapes: Round or not, turn, flatness and shade across, 0 to 1, [N, 4].
        colours: [N, 3].
    """
    size = len(image)
    for n in range(len(radii_px)):
        radius = radii_px[n]
        turn = 2 * np.pi * shapes[n, 1]
        cosine, sine = np.cos(turn) / radius, np.sin(turn) / radius
        flat = 1.0 + 2.0 * shapes[n, 2] * shapes[n, 2]
        boxy = shapes[n, 0] < 0.35
        slope = 0.5 * (shapes[n, 3] - 0.5)
        reach = radius * 1.4143 if boxy else radius
        top = max(int(np.ceil(centres_px[n, 1] - reach - 0.5)), 0)
        bottom = min(int(np.floor(centres_px[n, 1] + reach - 0.5)), size - 1)
        left = max(int(np.ceil(centres_px[n, 0] - reach - 0.5)), 0)
        right = min(int(np.floor(centres_px[n, 0] + reach - 0.5)), size - 1)
        for row in range(top, bottom + 1):
            y = row + 0.5 - centres_px[n, 1]
            for column in range(left, right + 1):
                x = column + 0.5 - centres_px[n, 0]
                along = cosine * x + sine * y
                across = (cosine * y - sine * x) * flat
                away = max(abs(along), abs(across)) if boxy else along * along + across * across
                if away < 1.0:
                    shade = 1.0 + slope * along
                    for c in range(3):
                        image[row, column, c] = colours[n, c] * shade
