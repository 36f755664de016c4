"""Manifests as batches of square hand crops."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import JointState, Manifest
from render.manifest.reading import column_array
from training.config import JointStateName, TrainConfig
from training.samples.crops import Batch, box_squares, crop_from_image, margin_px, shift_labels
from training.samples.sources import DataSource

COLUMNS = (
    "sample_id", "image_shard", "image_offset", "image_size", "width", "height", "camera_k", "side",
    "joints_2d", "joints_3d", "joint_state", "box", "mask_offset", "mask_size",
)  # fmt: skip


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
        self._with_masks = border and config.augment.needs_masks
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
        self._mask_offset = table["mask_offset"].to_numpy()
        self._mask_bytes = table["mask_size"].to_numpy()
        box = self._boxes(table, config)
        self._centre, side = box_squares(box, config.crop_padding if config.crop == "box" else 1)
        self._scale = config.input_size / side
        self._mirrored = torch.tensor([hand == "left" for hand in table["side"].to_pylist()])
        self._state_weights = config.state_weights
        self._labels = self._read_labels(table)
        self._channels = 4 if self._with_masks else 3
        self._fits = len(self) * self._channels * self._size**2 <= config.cache_limit_gb * 1e9
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
        state = torch.from_numpy(column_array(table, "joint_state", joints))
        missing = state == JointState.MISSING
        for name, values in (("joints_2d", image_px), ("joints_3d", joints_cam_m)):
            self._require_numbers(table, name, values, ~(missing | state.isnan()))
        labelled = image_px.isfinite().all(-1) & ~missing
        has_camera = camera_k.isfinite().flatten(1).all(-1)
        labelled_3d = labelled & joints_cam_m.isfinite().all(-1) & has_camera[:, None]
        flat = torch.tensor([source.flat for source in self.sources])[self._source_of]
        labelled_3d &= ~flat[:, None]
        state_weights = _state_weights(state, self._state_weights)

        matrix = crop_from_image(self._centre, self._scale, self._mirrored, self._size)
        identity = torch.eye(3, dtype=torch.float64).repeat(count, 1, 1)
        mirror = identity.clone()
        mirror[self._mirrored, 0, 0] = -1
        camera_k = torch.where(has_camera[:, None, None], matrix @ camera_k @ mirror, identity)
        joints_px = image_px @ matrix[:, :2, :2].mT + matrix[:, None, :2, 2]
        return Batch(
            images=torch.empty(count, 0, dtype=torch.uint8),
            masks=torch.empty(count, 0, dtype=torch.uint8),
            has_mask=torch.from_numpy(np.isfinite(self._mask_offset)) & self._with_masks,
            joints_px=joints_px.where(labelled[..., None], 0.0),
            weights=labelled * state_weights,
            joints_cam_m=(joints_cam_m @ mirror).where(labelled_3d[..., None], 0.0),
            weights_3d=labelled_3d * state_weights,
            camera_k=camera_k,
            has_camera=has_camera,
            image_from_crop=torch.linalg.inv(matrix),
            cam_from_crop=mirror,
        ).map(lambda tensor: tensor.float() if tensor.is_floating_point() else tensor)

    def _require_numbers(
        self, table: pa.Table, name: str, values: Tensor, labelled: Tensor
    ) -> None:
        """Joints with a state other than MISSING have numbers, where the column is not null."""
        given = torch.from_numpy(np.asarray(table[name].is_valid()))
        bad = given[:, None] & labelled & ~values.isfinite().all(-1)
        if bad.any():
            row, joint = bad.nonzero()[0].tolist()
            raise InputError(
                f"{self.sources[self._source_of[row]].root}: sample {self.sample_ids[row]!r} has "
                f"{name} that are not finite at {HAND21.joints[joint]}, expected numbers, null or "
                "the state MISSING."
            )

    def __len__(self) -> int:
        return len(self.sample_ids)

    def __getitem__(self, index: int) -> Batch:
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """A batch at once: the loader's protocol for data sets that can do better than one."""
        chosen = torch.as_tensor(indices)
        if self._cache is None:
            pixels = torch.stack([self._read_crop(index) for index in indices])
        else:
            pixels = self._cache[chosen]
        labels = self._labels.map(lambda tensor: tensor[chosen])
        return labels.replace(images=pixels[:, :3], masks=pixels[:, 3:])

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

    @property
    def source_sizes(self) -> list[int]:
        """Samples of each source."""
        return np.bincount(self._source_of, minlength=len(self.sources)).tolist()

    def reopen(self) -> None:
        """Gives a worker process connections of its own."""
        self._manifests = [Manifest.open(source.root) for source in self.sources]

    def fill_cache(self) -> bool:
        """Decodes every crop into memory when the recipe's limit allows.

        Returns:
            Whether the crops are in memory.
        """
        if self._fits and self._cache is None:
            crops = torch.empty(
                len(self), self._channels, self._size, self._size, dtype=torch.uint8
            )
            for index in tqdm(range(len(self)), desc="decode", unit="img", leave=False):
                crops[index] = self._read_crop(index)
            self._cache = crops
        return self._fits

    def _read_crop(self, index: int) -> Tensor:
        """One crop, [C, P, P] uint8: RGB and, when masks are wanted, the hand's mask."""
        offset, size = int(self._offset[index]), int(self._bytes[index])
        crop = self._square(index, self._decode(index, "image", offset, size).convert("RGB"))
        pixels = torch.from_numpy(np.ascontiguousarray(np.asarray(crop).transpose(2, 0, 1)))
        if not self._with_masks:
            return pixels
        mask = torch.zeros(1, self._size, self._size, dtype=torch.uint8)
        if self._labels.has_mask[index]:
            offset, size = int(self._mask_offset[index]), int(self._mask_bytes[index])
            crop = self._square(index, self._decode(index, "mask", offset, size).convert("L"))
            mask[0] = torch.from_numpy(np.array(crop))
        return torch.cat([pixels, mask])

    def _decode(self, index: int, what: str, offset: int, size: int) -> Image.Image:
        manifest = self._manifests[self._source_of[index]]
        data = manifest.read_bytes(self._shard[index].as_py(), offset, size)
        try:
            image = Image.open(io.BytesIO(data))
            image.load()
        except (UnidentifiedImageError, OSError) as error:
            raise InputError(
                f"{manifest.root}: the {what} of sample {self.sample_ids[index]!r} cannot be "
                f"decoded ({error})."
            ) from error
        return image

    def _square(self, index: int, image: Image.Image) -> Image.Image:
        """The sample's square: black outside the image, downscaled without aliasing, mirrored."""
        half = self._size / self._scale[index].item() / 2
        x, y = self._centre[index].tolist()
        left, top = math.floor(x - half), math.floor(y - half)
        region = image.crop((left, top, math.ceil(x + half), math.ceil(y + half)))
        square = (x - half - left, y - half - top, x + half - left, y + half - top)
        crop = region.resize((self._size, self._size), Image.Resampling.BILINEAR, box=square)
        if self._mirrored[index]:
            return crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return crop


def _state_weights(state: Tensor, weights: Mapping[JointStateName, float]) -> Tensor:
    """Weights of joints by their state, [N, J]; without a state it is unknown."""
    values = torch.ones(len(JointState), dtype=torch.float64)
    for name, weight in weights.items():
        values[JointState[name.upper()]] = weight
    return values[state.nan_to_num(JointState.UNKNOWN).long()]
