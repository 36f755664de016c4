"""The chain of random changes: who decides, what it needs, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from mano_assets.errors import InputError
from training.augmentation.chain import Augmenter, require_augmentation_inputs
from training.augmentation.config import AugmentConfig
from training.samples.dataset import HandDataset
from training.samples.sources import DataSource


@pytest.fixture
def red(tmp_path: Path) -> Path:
    """A folder of red pictures, one below another."""
    folder = tmp_path / "red"
    (folder / "below").mkdir(parents=True)
    for name in ("a.png", "below/b.jpg"):
        Image.new("RGB", (70, 50), (255, 0, 0)).save(folder / name)
    return folder


def load(root: str, config) -> HandDataset:
    return HandDataset([DataSource.open(root)], config, border=True)


def test_samples_differ_and_the_generator_decides(hands: str, tiny) -> None:
    everything = dict.fromkeys(("blur", "noise", "jpeg", "cutout", "occluder", "fourier"), 0.5) | {
        "hidden_joint_weight": 0.5
    }
    config = tiny("simplebaseline", augment=everything)
    dataset = HandDataset([DataSource.open(hands)], config, border=True)
    loaded = dataset.__getitems__([0] * 16)
    draws = [torch.Generator().manual_seed(seed) for seed in (1, 1, 2)]
    state = torch.random.get_rng_state()
    first, same, other = (Augmenter(config)(loaded, draw) for draw in draws)
    assert torch.equal(state, torch.random.get_rng_state())
    for name in ("images", "weights", "joints_px", "joints_cam_m"):
        assert torch.equal(getattr(first, name), getattr(same, name)), name
        assert not torch.equal(getattr(first, name), getattr(other, name)) or name == "weights"
    for joints in (first.joints_px, first.images.flatten(1)[..., None]):
        assert (joints[0] - joints[1:]).abs().flatten(1).amax(1).min() > 0
    assert first.images.min() >= 0
    assert first.images.max() <= 1
    # The loaded batch, maybe a view of the cache, is as it was.
    assert torch.equal(loaded.images, dataset.__getitems__([0] * 16).images)


def test_switching_a_change_off_leaves_the_others(hands: str, tiny) -> None:
    recipes = [{"occluder": 1.0, "colour": 0.0, "blur": blur} for blur in (0.0, 1.0)]
    sharp, blurred = (
        Augmenter(config)(
            HandDataset([DataSource.open(hands)], config, border=True).__getitems__(range(8)),
            torch.Generator().manual_seed(3),
        )
        for config in (tiny("simplebaseline", augment=augment) for augment in recipes)
    )
    torch.testing.assert_close(sharp.joints_px, blurred.joints_px)
    # A blur by less than a pixel; another occluder would change much more.
    assert 0 < (sharp.images - blurred.images).abs().mean() < 0.03


def test_backgrounds_come_from_the_folder_and_leave_the_hand(hands: str, tiny, red: Path) -> None:
    augment = {"background": 1, "backgrounds": str(red), "colour": 0}
    swapping = tiny("simplebaseline", augment=augment)
    still = tiny("simplebaseline", augment={"colour": 0})
    loaded = load(hands, swapping).__getitems__(range(6))
    masks = torch.zeros_like(loaded.masks)
    middle = masks.shape[-1] // 2
    masks[..., :middle] = 255
    known = torch.tensor([True, True, True, True, False, False])
    loaded = loaded.replace(masks=masks, has_mask=known)
    swapped = Augmenter(swapping)(loaded, torch.Generator().manual_seed(1))
    same = Augmenter(still)(loaded, torch.Generator().manual_seed(1))
    hand = (swapped.masks == 1).expand_as(swapped.images)
    assert torch.equal(swapped.images[hand], same.images[hand])
    assert torch.equal(swapped.images[4:], same.images[4:])
    # A pixel from the edge on it is red.
    far = torch.nn.functional.max_pool2d(swapped.masks[:4], 3, 1, 1)[:, 0] == 0
    assert far.float().mean() > 0.2
    pixels = swapped.images[:4].movedim(1, -1)[far]
    assert (pixels - torch.tensor([1.0, 0, 0])).abs().max() < 0.02


def test_without_a_folder_backgrounds_are_made(hands: str, tiny) -> None:
    config = tiny("simplebaseline", augment={"background": 1, "colour": 0})
    still = tiny("simplebaseline", augment={"colour": 0})
    loaded = load(hands, config).__getitems__(range(12))
    loaded = loaded.replace(has_mask=torch.ones(12, dtype=torch.bool))
    swapped = Augmenter(config)(loaded, torch.Generator().manual_seed(1))
    same = Augmenter(still)(loaded, torch.Generator().manual_seed(1))
    assert ((swapped.images - same.images).abs().flatten(1).mean(1) > 0.05).all()
    # Some show what stands in the next sample.
    others = same.images.roll(-1, 0)
    borrowed = (swapped.images - others).abs().flatten(1).amax(1) < 1e-6
    assert 2 <= borrowed.sum() <= 10


def test_styles_come_from_the_folder(hands: str, tiny, red: Path) -> None:
    augment = {"fourier": 1, "style_images": str(red), "colour": 0, "fourier_band": 0.1}
    config = tiny("simplebaseline", augment=augment)
    still = tiny("simplebaseline", augment={"colour": 0})
    styled, same = (
        Augmenter(recipe)(load(hands, recipe).__getitems__(range(8)), torch.Generator())
        for recipe in (config, still)
    )
    redness = [
        images[:, 0].mean() - images[:, 1:].mean() for images in (styled.images, same.images)
    ]
    assert redness[0] > redness[1] + 0.2


@pytest.mark.parametrize("field", ["backgrounds", "style_images"])
def test_a_folder_without_pictures(hands: str, tiny, tmp_path: Path, field: str) -> None:
    probability = {"backgrounds": "background", "style_images": "fourier"}[field]
    for folder, sentence in ((tmp_path / "none", "no folder"), (tmp_path, "holds no picture")):
        config = tiny("simplebaseline", augment={probability: 0.5, field: str(folder)})
        with pytest.raises(InputError, match=rf"^augment\.{field}: .*{sentence}.*expected.*\.$"):
            require_augmentation_inputs(config, load(hands, config))
        unused = tiny("simplebaseline", augment={field: str(folder)})
        require_augmentation_inputs(unused, load(hands, unused))
        Augmenter(unused)


def test_a_damaged_picture(tiny, red: Path) -> None:
    (red / "c.png").write_bytes(b"not a picture")
    config = tiny("simplebaseline", augment={"fourier": 1, "style_images": str(red)})
    with pytest.raises(InputError, match=r"^augment\.style_images: .*c\.png cannot be decoded"):
        Augmenter(config)


def test_backgrounds_need_masks(hands: str, tiny) -> None:
    config = tiny("simplebaseline", augment={"background": 0.5})
    with pytest.raises(
        InputError, match=r"^augment\.background: needs hand masks and .*hands has none"
    ):
        require_augmentation_inputs(config, load(hands, config))


@pytest.mark.parametrize(
    ("field", "value"),
    [("jpeg_quality", (90, 30)), ("jpeg_quality", (0, 30)), ("occluder_side", (0.2, 1.1))],
)
def test_limits_rise(field: str, value: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=f"{field} is .* expected two rising numbers"):
        AugmentConfig.model_validate({field: value})
