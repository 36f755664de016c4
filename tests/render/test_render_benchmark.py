"""What the figures of rendering are made of."""

import numpy as np
import pytest

from render.benchmark import WARM_IMAGES, frontier_variants, memory_figures
from render.recipe import ImageRecipe


def test_growth_is_counted_from_a_warm_process():
    warming = np.linspace(300, 800, WARM_IMAGES)
    steady = np.full(300, 800.0)
    assert memory_figures([np.concatenate([warming, steady])])["growth_percent"] == 0
    leaking = 800 * (1 + 0.0005 * np.arange(300))
    found = memory_figures([np.concatenate([warming, leaking]), np.concatenate([warming, steady])])
    assert found["growth_percent"] == pytest.approx(100 * 0.0005 * 299, abs=0.01)
    assert found["peak_rss_mb"] == round(leaking[-1])
    assert found["num_processes"] == 2


def test_a_short_run_tells_no_growth():
    assert memory_figures([np.full(20, 500.0)])["growth_percent"] is None


def test_the_frontier_goes_through_samples_denoisers_sizes_and_processes():
    variants = frontier_variants(224, 2)
    assert len(set(variants)) == len(variants)
    for field in ("samples", "denoise", "size", "workers"):
        assert len({getattr(variant, field) for variant in variants}) > 1
    image = ImageRecipe(label_images=("mask", "depth"))
    for variant in variants:
        changed = variant.image(image)
        assert (changed.samples, changed.denoise, changed.size) == (
            variant.samples, variant.denoise, variant.size,
        )  # fmt: skip
        assert changed.label_images == image.label_images
