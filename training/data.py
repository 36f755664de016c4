"""Manifests as batches of square hand crops."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, get_worker_info
from tqdm import tqdm

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import JointState, Manifest, parse_data_source
from render.manifest.reading import column_array
from training.config import TrainConfig
from training.crops import Batch, box_squares, crop_from_image, margin_px, shift_labels
from training.randomness import generator

COLUMNS = (
    "sample_id", "image_shard", "image_offset", "image_size", "width", "height", "camera_k", "side",
    "joints_2d", "joints_3d", "joint_state", "box",
)  # fmt: skip


@dataclass(frozen=True)
class DataSource:
    """A data set or one split of it, as it is told in provenance."""

    root: str
    split: str | None
    name: str
    recipe_digest: str | None
    num_samples: int

    @classmethod
    def open(cls, text: str) -> DataSource:
        """Looks at `dataset.json` only.

        Raises:
            InputError: There is no such data set or split, or it is not complete.
        """
        root, split = parse_data_source(text)
        info = Manifest.open(root).info
        if info.state != "complete":
            raise InputError(f"{root}: state is {info.state!r}, expected a complete data set.")
        if split is not None and split not in info.counts:
            known = ", ".join(info.counts)
            raise InputError(f"{root}: no split {split!r}, expected one of {known}.")
        count = info.num_samples if split is None else info.counts[split]
        return cls(root, split, info.name, info.recipe_digest, count)

    def to_dict(self) -> dict[str, Any]:
        """For JSON and checkpoints."""
        return asdict(self)


class HandDataset(Dataset[Batch]):
    """Square crops of hands from one or several data sets, in the manifests' order.

    Every image is cut once, at the network's resolution and with a border for jitter; the crops are
    kept in memory as long as the recipe allows.

    Attributes:
        sample_ids: Keys, [N].
    """

    def __init__(self, sources: Sequence[DataSource], config: TrainConfig, border: bool) -> None:
        """Reads the labels.

        Args:
            sources: What to read.
            config: Decides crop, size and cache.
            border: Whether crops are jittered later and need the border of `margin_px`.

        Raises:
            InputError: A manifest is damaged or a sample lacks the box the crop needs.
        """
        self.sources = tuple(sources)
        self._margin = margin_px(config) if border else 0
        self._size = config.input_size + 2 * self._margin
        self._manifests = [Manifest.open(source.root) for source in self.sources]
        tables = [
            manifest.table(source.split, COLUMNS)
            for manifest, source in zip(self._manifests, self.sources, strict=True)
        ]
        self._source_of = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
        table = pa.concat_tables(tables)
        self.sample_ids: list[str] = table["sample_id"].to_pylist()
        self._shard = table["image_shard"].combine_chunks().dictionary_encode()
        self._offset = table["image_offset"].to_numpy()
        self._bytes = table["image_size"].to_numpy()
        box = self._boxes(table, config)
        self._centre, side = box_squares(box, config.crop_padding if config.crop == "box" else 1)
        self._scale = config.input_size / side
        self._mirrored = torch.tensor([hand == "left" for hand in table["side"].to_pylist()])
        self._labels = self._read_labels(table)
        self._fits = len(self) * 3 * self._size**2 <= config.cache_limit_gb * 1e9
        self._cache: Tensor | None = None

    def _boxes(self, table: pa.Table, config: TrainConfig) -> Tensor:
        if config.crop == "image":
            size = np.stack([table["width"].to_numpy(), table["height"].to_numpy()], -1)
            # The square around this box shares the image's centre and its longer side.
            return torch.from_numpy(np.concatenate([np.zeros_like(size), size], -1)).double()
        box = torch.from_numpy(column_array(table, "box", 4))
        bad = ~(box[:, 2:] > 0).all(-1) | ~box.isfinite().all(-1)
        if bad.any():
            row = int(bad.nonzero()[0])
            raise InputError(
                f"{self.sources[self._source_of[row]].root}: sample {self.sample_ids[row]!r} has "
                "no box, expected one for every sample with crop: box (crop: image needs none)."
            )
        return box

    def _read_labels(self, table: pa.Table) -> Batch:
        """All labels, mirrored, in px of the loaded crops."""
        count = len(self.sample_ids)
        joints = HAND21.num_joints
        image_px = torch.from_numpy(column_array(table, "joints_2d", joints, 2))
        joints_cam_m = torch.from_numpy(column_array(table, "joints_3d", joints, 3))
        camera_k = torch.from_numpy(column_array(table, "camera_k", 3, 3))
        missing = torch.from_numpy(column_array(table, "joint_state", joints)) == JointState.MISSING
        labelled = image_px.isfinite().all(-1) & ~missing
        has_camera = camera_k.isfinite().flatten(1).all(-1)
        labelled_3d = labelled & joints_cam_m.isfinite().all(-1) & has_camera[:, None]

        matrix = crop_from_image(self._centre, self._scale, self._mirrored, self._size)
        identity = torch.eye(3, dtype=torch.float64).repeat(count, 1, 1)
        mirror = identity.clone()
        mirror[self._mirrored, 0, 0] = -1
        camera_k = torch.where(has_camera[:, None, None], matrix @ camera_k @ mirror, identity)
        joints_px = image_px @ matrix[:, :2, :2].mT + matrix[:, None, :2, 2]
        return Batch(
            images=torch.empty(count, 0, dtype=torch.uint8),
            joints_px=joints_px.where(labelled[..., None], 0.0),
            weights=labelled.float(),
            joints_cam_m=(joints_cam_m @ mirror).where(labelled_3d[..., None], 0.0),
            weights_3d=labelled_3d.float(),
            camera_k=camera_k,
            has_camera=has_camera,
            image_from_crop=torch.linalg.inv(matrix),
            cam_from_crop=mirror,
        ).map(lambda tensor: tensor.float() if tensor.is_floating_point() else tensor)

    def __len__(self) -> int:
        return len(self.sample_ids)

    def __getitem__(self, index: int) -> Batch:
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """A batch at once: the loader's protocol for data sets that can do better than one."""
        chosen = torch.as_tensor(indices)
        if self._cache is None:
            images = torch.stack([self._read_crop(index) for index in indices])
        else:
            images = self._cache[chosen]
        return self._labels.map(lambda tensor: tensor[chosen]).replace(images=images)

    def labels(self) -> Batch:
        """All labels in px of the unjittered network input; `images` is empty."""
        return shift_labels(self._labels, -self._margin)

    def labelled(self, source: DataSource) -> tuple[int, int]:
        """How many samples of a source have a joint with a 2D label, and with a 3D label."""
        rows = torch.from_numpy(self._source_of == self.sources.index(source))
        labels = self._labels
        return (
            int(labels.weights[rows].any(-1).sum()),
            int(labels.weights_3d[rows].any(-1).sum()),
        )

    def reopen(self) -> None:
        """Gives a worker process connections of its own."""
        self._manifests = [Manifest.open(source.root) for source in self.sources]

    def fill_cache(self) -> bool:
        """Decodes every crop into memory when the recipe's limit allows.

        Returns:
            Whether the crops are in memory.
        """
        if self._fits and self._cache is None:
            crops = torch.empty(len(self), 3, self._size, self._size, dtype=torch.uint8)
            for index in tqdm(range(len(self)), desc="decode", unit="img", leave=False):
                crops[index] = self._read_crop(index)
            self._cache = crops
        return self._fits

    def _read_crop(self, index: int) -> Tensor:
        """One crop, [3, P, P] uint8: black outside the image, downscaled without aliasing."""
        manifest = self._manifests[self._source_of[index]]
        data = manifest.read_bytes(
            self._shard[index].as_py(), int(self._offset[index]), int(self._bytes[index])
        )
        try:
            with Image.open(io.BytesIO(data)) as image:
                rgb = image.convert("RGB")
        except (UnidentifiedImageError, OSError) as error:
            raise InputError(
                f"{manifest.root}: the image of sample {self.sample_ids[index]!r} cannot be "
                f"decoded ({error})."
            ) from error
        half = self._size / self._scale[index].item() / 2
        x, y = self._centre[index].tolist()
        left, top = math.floor(x - half), math.floor(y - half)
        region = rgb.crop((left, top, math.ceil(x + half), math.ceil(y + half)))
        square = (x - half - left, y - half - top, x + half - left, y + half - top)
        crop = region.resize((self._size, self._size), Image.Resampling.BILINEAR, box=square)
        pixels = np.asarray(crop)
        if self._mirrored[index]:
            pixels = pixels[:, ::-1]
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


class EpochShuffle(Sampler[int]):
    """An order for each epoch that depends only on seed and epoch."""

    def __init__(self, length: int, seed: int) -> None:
        self._length, self._seed, self._epoch = length, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[int]:
        order = torch.randperm(self._length, generator=generator(self._seed, "order", self._epoch))
        return iter(order.tolist())


def _as_is(batch: Any) -> Batch:
    return batch


def _start_worker(_: int) -> None:
    info = get_worker_info()
    assert info is not None
    assert isinstance(info.dataset, HandDataset)
    info.dataset.reopen()


def batch_loader(
    dataset: HandDataset, config: TrainConfig, batch_size: int, shuffle: bool
) -> DataLoader[Batch]:
    """Batches in a fixed or a seeded order; a last incomplete one is dropped when shuffling."""
    workers = 0 if dataset.fill_cache() else config.num_loader_workers
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=EpochShuffle(len(dataset), config.seed) if shuffle else None,
        drop_last=shuffle and len(dataset) > batch_size,
        num_workers=workers,
        persistent_workers=workers > 0,
        worker_init_fn=_start_worker,
        collate_fn=_as_is,
    )
