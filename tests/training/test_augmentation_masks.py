"""Masks are read beside the images, cropped and mirrored like them."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from drawn_hands import drawn_samples
from PIL import Image, ImageDraw

from mano_assets.skeleton import HAND21
from render.development.label_images import encode_mask
from render.manifest import DatasetInfo
from render.manifest.writing import PartWriter, seal, write_info
from training.samples.dataset import HandDataset
from training.samples.sources import DataSource


@pytest.fixture(scope="module")
def masked(tmp_path_factory) -> str:
    """Drawn hands whose mask is a disc around the wrist, left and right; the last has none."""
    root = tmp_path_factory.mktemp("masks") / "masked"
    info = DatasetInfo(name="masked", kind="synthetic", state="rendering", recipe_digest="drawn")
    write_info(root, info)
    with PartWriter(root, 0) as writer:
        for index, (row, _) in enumerate(drawn_samples(6, seed=8)):
            wrist = np.reshape(row["joints_2d"], (-1, 2))[HAND21.root]
            picture = Image.new("L", (row["width"], row["height"]))
            # ImageDraw counts from pixel centres.
            ImageDraw.Draw(picture).circle(tuple(wrist - 0.5), 10, fill=255)
            mask = encode_mask(np.array(picture) > 0)
            image = io.BytesIO()
            picture.convert("RGB").save(image, "png")
            labels = {"mask": mask} if index < 5 else {}
            writer.add({**row, "index": index}, image.getvalue(), "png", labels)
        writer.commit()
    seal(root, info)
    return str(root)


@pytest.mark.parametrize("cache_limit_gb", [0.0, 2.0])
def test_masks_are_loaded_with_the_images(masked: str, tiny, cache_limit_gb: float) -> None:
    """The images show the masks, so that both must be cropped and mirrored alike."""
    config = tiny("simplebaseline", augment={"background": 0.5}, cache_limit_gb=cache_limit_gb)
    dataset = HandDataset([DataSource.open(masked)], config, border=True)
    assert dataset.fill_cache() == (cache_limit_gb > 0)
    batch = dataset.__getitems__(range(6))
    assert batch.has_mask.tolist() == [True] * 5 + [False]
    assert batch.masks.shape == (6, 1, *batch.images.shape[-2:])
    assert torch.equal(batch.masks[:5], batch.images[:5, :1])
    assert (batch.masks[:5].flatten(1).amax(1) == 255).all()
    assert not batch.masks[5].any()
    # At the labels' place, mirrored for left hands.
    mean = [
        torch.stack([(mask[0].float() * line).sum() for line in _lines(mask)]) / mask.sum()
        for mask in batch.masks[:5]
    ]
    distance = (torch.stack(mean) - batch.joints_px[:5, HAND21.root]).norm(dim=-1)
    assert distance.max() < 0.5


def _lines(mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    line = torch.arange(mask.shape[-1]) + 0.5
    return line[None, :], line[:, None]


def test_masks_are_not_read_when_nothing_needs_them(masked: str, tiny) -> None:
    for augment, border in (({}, True), ({"background": 0.5}, False)):
        dataset = HandDataset(
            [DataSource.open(masked)], tiny("simplebaseline", augment=augment), border
        )
        batch = dataset.__getitems__([0, 1])
        assert batch.masks.shape[:2] == (2, 0)
        assert not batch.has_mask.any()
