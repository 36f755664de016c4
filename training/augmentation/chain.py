"""All random changes of a batch, in the order in which light meets them: scene, lens, sensor, file.

Every number is drawn on the CPU from the given generator, one row a sample whatever is switched on:
the same generator gives the same batch on any device, and switching one change off leaves the
others as they were.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from mano_assets.errors import InputError
from training.augmentation import background, fourier, geometry, occlusion, photometric
from training.augmentation.config import AugmentConfig
from training.augmentation.pictures import CUT_DRAWS, Pictures, load_pictures, picture_paths
from training.config import TrainConfig
from training.samples.crops import Batch
from training.samples.dataset import HandDataset

NUM_DRAWS = {
    "geometry": geometry.NUM_DRAWS,
    "background": background.NUM_DRAWS,
    "occluder": occlusion.OCCLUDER_DRAWS,
    "cutout": occlusion.CUTOUT_DRAWS,
    "fourier": fourier.NUM_DRAWS + CUT_DRAWS,
    "colour": photometric.COLOUR_DRAWS,
    "blur": photometric.BLUR_DRAWS,
    "noise": photometric.NOISE_DRAWS,
    "jpeg": photometric.JPEG_DRAWS,
}
"""Numbers a sample that each change uses, beside the one that decides whether it happens."""

FOLDERS = {"backgrounds": "background", "style_images": "fourier"}
"""Fields that name a folder, and the probability without which it is not read."""


class Augmenter:
    """Changes batches at random as a recipe says."""

    def __init__(self, config: TrainConfig) -> None:
        """Reads the folders that the recipe names.

        Raises:
            InputError: A folder is missing, holds no picture or a damaged one.
        """
        self.config: AugmentConfig = config.augment
        self._size = config.input_size
        self._pictures: dict[str, Pictures] = {
            field: load_pictures(
                folder, f"augment.{field}", config.input_size, config.augment.folder_images
            )
            for field, folder in _folders(config.augment).items()
        }

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Cuts crops and changes them.

        Args:
            batch: As loaded with the border of `margin_px`, uint8.
            generator: On the CPU.

        Returns:
            Crops of the recipe's size, 0..1.
        """
        widths = [1 + count for count in NUM_DRAWS.values()]
        columns = torch.rand(len(batch), sum(widths), generator=generator).split(widths, 1)
        draws = dict(zip(NUM_DRAWS, columns, strict=True))
        # Pixels and labels need all their digits, whatever the network computes in.
        with torch.no_grad(), torch.autocast(batch.images.device.type, enabled=False):
            moved = draws["geometry"][:, 1:]
            batch = geometry.jitter_geometry(batch, self.config, self._size, moved)
            self._swap_backgrounds(batch, draws["background"])
            batch = self._cover(batch, draws)
            self._mix_spectra(batch.images, draws["fourier"])
            return batch.replace(images=self._photograph(batch.images, draws))

    def _swap_backgrounds(self, batch: Batch, draws: Tensor) -> None:
        if not batch.masks.shape[1]:
            return
        device = batch.images.device
        chosen, numbers = _chosen(draws, self.config.background, device)
        if not len(chosen):
            return
        pictures = self._on("backgrounds", device)
        if pictures is None:
            other = (chosen + 1) % len(batch)
            behind = background.made_backgrounds(
                batch.images[other], batch.masks[other], batch.has_mask[other], numbers
            )
        else:
            behind = background.picture_backgrounds(pictures, numbers, self._size)
        images, known = batch.images[chosen], batch.has_mask[chosen]
        swapped = background.swap_background(images, batch.masks[chosen], behind)
        batch.images[chosen] = torch.where(known[:, None, None, None], swapped, images)

    def _cover(self, batch: Batch, draws: dict[str, Tensor]) -> Batch:
        config = self.config
        for name, probability, make in (
            ("occluder", config.occluder, occlusion.occluders),
            ("cutout", config.cutout, occlusion.cutouts),
        ):
            chosen, numbers = _chosen(draws[name], probability, batch.images.device)
            if len(chosen):
                things = make(numbers, self._size, config)
                batch = occlusion.cover(batch, chosen, things, config.hidden_joint_weight)
        return batch

    def _mix_spectra(self, images: Tensor, draws: Tensor) -> None:
        chosen, numbers = _chosen(draws, self.config.fourier, images.device)
        if not len(chosen):
            return
        pictures = self._on("style_images", images.device)
        styles = (
            images[(chosen + 1) % len(images)]
            if pictures is None
            else pictures.cut(numbers[:, 1:], self._size)
        )
        share = numbers[:, 0] * self.config.fourier_mix
        mixed = fourier.mix_amplitudes(images[chosen], styles, share, self.config.fourier_band)
        images[chosen] = mixed.clamp(0, 1)

    def _photograph(self, images: Tensor, draws: dict[str, Tensor]) -> Tensor:
        config = self.config
        # Colour is a range and no probability: it changes every sample.
        for name, probability, change in (
            ("colour", 1.0 if config.colour else 0.0, photometric.jitter_colour),
            ("blur", config.blur, photometric.blur),
            ("noise", config.noise, photometric.add_noise),
            ("jpeg", config.jpeg, photometric.lose_to_jpeg),
        ):
            chosen, numbers = _chosen(draws[name], probability, images.device)
            if len(chosen) == len(images):
                images = change(images, numbers, config)
            elif len(chosen):
                images[chosen] = change(images[chosen], numbers, config)
        return images

    def _on(self, field: str, device: torch.device) -> Pictures | None:
        """A folder's pictures, moved to the device the first time they are asked for."""
        if field in self._pictures and self._pictures[field].pixels.device != device:
            self._pictures[field] = self._pictures[field].to(device)
        return self._pictures.get(field)


def require_augmentation_inputs(config: TrainConfig, dataset: HandDataset) -> None:
    """Looks at what the recipe's changes need, before anything is trained.

    Args:
        config: The recipe.
        dataset: What is learned from, with a border.

    Raises:
        InputError: A folder is missing or holds no picture, or backgrounds are to be swapped and no
            sample has a mask.
    """
    for field, folder in _folders(config.augment).items():
        picture_paths(folder, f"augment.{field}")
    if config.augment.needs_masks and not dataset.labels().has_mask.any():
        roots = ", ".join(source.root for source in dataset.sources)
        raise InputError(
            f"augment.background: needs hand masks and {roots} has none, expected a data set with "
            "masks or background: 0."
        )


def _folders(config: AugmentConfig) -> dict[str, Path]:
    named = {field: getattr(config, field) for field in FOLDERS}
    return {
        field: folder
        for field, folder in named.items()
        if folder is not None and getattr(config, FOLDERS[field]) > 0
    }


def _chosen(draws: Tensor, probability: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Samples that are changed, and their numbers, on the device.

    They are chosen on the CPU: choosing on a GPU would wait for it.
    """
    chosen = (draws[:, 0] < probability).nonzero()[:, 0]
    return chosen.to(device), draws[chosen, 1:].to(device)
