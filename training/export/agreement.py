"""Whether ONNX Runtime says of an exported model what PyTorch says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from torch import Tensor

from mano_assets.errors import InputError
from training.checkpoints import TrainedModel
from training.samples.crops import centre_crop
from training.samples.dataset import HandDataset
from training.samples.sources import DataSource
from training.systems.system import Pose

TOLERANCE = 1e-3
"""Of joints_px over the crop's side, and of joints_cam_m in metres."""

BATCH_SIZES = (1, 3)

NUDGE = 1e-5
"""Change of the pixels, in 0..1, of the order that rounding makes of a network's activations."""

NUM_NUDGES = 4


@dataclass(frozen=True)
class Inputs:
    """What is fed to both.

    Attributes:
        images: RGB in 0..1, [B, 3, S, S].
        camera_k: [B, 3, 3].
        what: Where they come from, for messages.
    """

    images: Tensor
    camera_k: Tensor
    what: str


@dataclass(frozen=True)
class Agreement:
    """Largest differences over all decided joints.

    A joint is left undecided where PyTorch's own answer jumps by more than `TOLERANCE` when the
    pixels change at the level of rounding: two cells of a map that are equally high, a bone along
    the line of sight.

    Attributes:
        joints_px: Over the crop's side.
        joints_cam_m: Metres; None for a system without 3D.
        undecided: Share of the joints that are left out.
        compared_on: Where the inputs came from.
    """

    joints_px: float
    joints_cam_m: float | None
    undecided: float
    compared_on: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the differences are within `TOLERANCE`; NaN is not."""
        return self.joints_px <= TOLERANCE and not (self.joints_cam_m or 0.0) > TOLERANCE

    def __str__(self) -> str:
        text = f"{self.joints_px:.1e} of the crop's side"
        return text if self.joints_cam_m is None else f"{text} and {self.joints_cam_m:.1e} m"


def example_inputs(model: TrainedModel, data: str | None) -> list[Inputs]:
    """Batches of 1 and 3, random ones and real ones.

    Args:
        model: Decides size and crop.
        data: `ROOT` or `ROOT:SPLIT`; when not given, the model's first training data that can be
            opened, and only random ones where there is none.

    Raises:
        InputError: The data that was given cannot be used.
    """
    size = model.config.input_size
    random = torch.Generator().manual_seed(0)
    noise = torch.rand(sum(BATCH_SIZES), 3, size, size, generator=random)
    # Half of them smooth, as photographs are.
    coarse = torch.rand(len(noise), 3, 6, 6, generator=random)
    smooth = F.interpolate(coarse, (size, size), mode="bilinear")
    images = torch.where(torch.arange(len(noise))[:, None, None, None] % 2 == 0, smooth, noise)
    focal_px = size * (1.5 + torch.rand(len(noise), generator=random))
    camera_k = torch.eye(3).repeat(len(noise), 1, 1)
    camera_k[:, :2, :2] *= focal_px[:, None, None]
    camera_k[:, :2, 2] = size * (0.4 + 0.2 * torch.rand(len(noise), 2, generator=random))
    inputs = _in_batches(images, camera_k, "random images")
    source = _data_source(model, data)
    if source is not None:
        dataset = HandDataset([source], model.config, border=False)
        rows = np.linspace(0, len(dataset) - 1, sum(BATCH_SIZES)).round().astype(int).tolist()
        batch = centre_crop(dataset.__getitems__(rows), size)
        # Without a camera K is the identity, and joints in it are nowhere: a likely one instead.
        known = batch.has_camera[:, None, None]
        inputs += _in_batches(batch.images, batch.camera_k.where(known, camera_k), source.name)
    return inputs


def _in_batches(images: Tensor, camera_k: Tensor, what: str) -> list[Inputs]:
    return [
        Inputs(some_images, some_k, what)
        for some_images, some_k in zip(
            images.split(list(BATCH_SIZES)), camera_k.split(list(BATCH_SIZES)), strict=True
        )
    ]


def _data_source(model: TrainedModel, data: str | None) -> DataSource | None:
    if data is not None:
        return DataSource.open(data)
    for source in model.data:
        name = source.root if source.split is None else f"{source.root}:{source.split}"
        try:
            return DataSource.open(name)
        except InputError:
            continue
    return None


@torch.inference_mode()
def compare_with_runtime(
    onnx_bytes: bytes, decode: Callable[[Tensor, Tensor], Pose], inputs: Sequence[Inputs]
) -> Agreement:
    """Runs both on the same inputs.

    Args:
        onnx_bytes: The file's content.
        decode: PyTorch's answer to images [B, 3, S, S] and camera_k [B, 3, 3].
        inputs: Batches.
    """
    session = onnxruntime.InferenceSession(onnx_bytes, providers=["CPUExecutionProvider"])
    inputs_of_graph = [each.name for each in session.get_inputs()]
    outputs_of_graph = [each.name for each in session.get_outputs()]
    differences: dict[str, list[np.ndarray]] = {name: [] for name in outputs_of_graph}
    jumps: dict[str, list[np.ndarray]] = {name: [] for name in outputs_of_graph}
    for number, given in enumerate(inputs):
        fed = {"images": given.images.numpy(), "camera_k": given.camera_k.numpy()}
        answers = session.run(None, {name: fed[name] for name in inputs_of_graph})
        pose = decode(given.images, given.camera_k)
        random = torch.Generator().manual_seed(number)
        nudged = [
            decode(given.images + NUDGE * torch.randn(given.images.shape, generator=random),
                   given.camera_k)
            for _ in range(NUM_NUDGES)
        ]  # fmt: skip
        for name, answer in zip(outputs_of_graph, answers, strict=True):
            scale = 1 / given.images.shape[-1] if name == "joints_px" else 1.0
            expected = _array(pose, name)
            differences[name].append(scale * _distance(np.asarray(answer), expected))
            moved = [_distance(_array(each, name), expected) for each in nudged]
            jumps[name].append(scale * np.max(moved, axis=0))
    largest, undecided = {}, []
    for name in outputs_of_graph:
        jumped = np.concatenate(jumps[name]) > TOLERANCE
        largest[name] = float(np.concatenate(differences[name])[~jumped].max(initial=0.0))
        undecided.append(float(jumped.mean()))
    return Agreement(
        joints_px=largest["joints_px"],
        joints_cam_m=largest.get("joints_cam_m"),
        undecided=max(undecided),
        compared_on=tuple(dict.fromkeys(given.what for given in inputs)),
    )


def _array(pose: Pose, name: str) -> np.ndarray:
    return getattr(pose, name).double().numpy()


def _distance(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Largest difference along the axes of each joint, [B, J]; infinite where only one is NaN."""
    both_nan = np.isnan(found) & np.isnan(expected)
    return np.nan_to_num(np.where(both_nan, 0.0, np.abs(found - expected)), nan=np.inf).max(-1)
