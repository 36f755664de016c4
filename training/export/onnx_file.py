"""Trained models as ONNX files that are used without this project, or PyTorch.

The graph holds the decoding too: crops go in, joints come out. How to cut a crop and how to get
from its joints to the image's stands in the file, see `training.export.description`.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest.writing import write_atomically
from training.checkpoints import load_checkpoint
from training.export.agreement import TOLERANCE, Agreement, compare_with_runtime, example_inputs
from training.export.description import describe
from training.samples.crops import Batch
from training.systems.system import Pose, System

OPSETS = range(18, 24)
"""What PyTorch's exporter writes and ONNX Runtime reads."""


@dataclass(frozen=True)
class ExportedModel:
    """What was written.

    Attributes:
        path: The file.
        agreement: How far ONNX Runtime is from PyTorch.
    """

    path: Path
    agreement: Agreement


def export_model(
    checkpoint: Path, out: Path, opset: int = OPSETS[0], data: str | None = None
) -> ExportedModel:
    """Writes a checkpoint as an ONNX file, after it gave PyTorch's results in ONNX Runtime.

    Inputs are `images` [B, 3, S, S], RGB in 0..1, and for a system with 3D `camera_k` [B, 3, 3],
    the crop's intrinsics; outputs are `joints_px` [B, 21, 2] in px of the crop and `joints_cam_m`
    [B, 21, 3] in the crop's camera frame.

    Args:
        checkpoint: Written by `train`.
        out: File to write.
        opset: Version of ONNX's operators.
        data: `ROOT` or `ROOT:SPLIT` whose crops are compared beside random ones; the model's own
            training data, where it is still there, when not given.

    Raises:
        InputError: The checkpoint or the data cannot be used, or the results differ by more than
            `TOLERANCE`; then nothing is written.
    """
    if opset not in OPSETS:
        raise InputError(f"opset: is {opset}, expected a number from {OPSETS[0]} to {OPSETS[-1]}.")
    model = load_checkpoint(checkpoint)
    inputs = example_inputs(model, data)
    proto = to_onnx(model.system, opset)
    agreement = compare_with_runtime(
        proto.SerializeToString(), lambda *given: decoded(model.system, *given), inputs
    )
    if not agreement.holds:
        raise InputError(
            f"{out}: not written, since ONNX Runtime is {agreement} away from PyTorch, expected at "
            f"most {TOLERANCE:g}; another opset may help."
        )
    onnx.helper.set_model_props(proto, describe(model, agreement))
    write_atomically(Path(out), proto.SerializeToString())
    return ExportedModel(Path(out), agreement)


def decoded(system: System, images: Tensor, camera_k: Tensor) -> Pose:
    """What a system says of crops.

    Args:
        system: In evaluation mode.
        images: RGB in 0..1, [B, 3, S, S].
        camera_k: The crops' intrinsics, [B, 3, 3].
    """
    return system.decode(system(images), _unlabelled(images, camera_k))


def to_onnx(system: System, opset: int) -> onnx.ModelProto:
    """A system and its decoding as a graph, with any number of images a batch."""
    size = system.config.input_size
    # Two images: torch.export takes a size of one for a constant.
    images = torch.rand(2, 3, size, size)
    camera_k = torch.eye(3).repeat(2, 1, 1)
    with torch.inference_mode():
        has_3d = decoded(system, images, camera_k).joints_cam_m is not None
    names = ["images", "camera_k"] if has_3d else ["images"]
    batch = torch.export.Dim("batch")
    with _quiet():
        program = torch.onnx.export(
            _Graph(system, has_3d).eval(),
            (images, camera_k)[: len(names)],
            dynamo=True,
            verbose=False,
            external_data=False,
            opset_version=opset,
            input_names=names,
            output_names=["joints_px", "joints_cam_m"] if has_3d else ["joints_px"],
            dynamic_shapes=tuple({0: batch} for _ in names),
        )
    assert program is not None
    proto = program.model_proto
    proto.producer_name, proto.producer_version = "handforge", version("handforge")
    graph = proto.graph
    # The exporter's notes hold paths of this machine, and a trace for every node.
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        del part.metadata_props[:]
    onnx.checker.check_model(proto, full_check=True)
    return proto


class _Graph(nn.Module):
    """Network and decoding as one function of tensors."""

    def __init__(self, system: System, has_3d: bool) -> None:
        super().__init__()
        self.system = system
        self.has_3d = has_3d

    def forward(self, images: Tensor, camera_k: Tensor | None = None) -> tuple[Tensor, ...]:
        if camera_k is None:
            camera_k = torch.eye(3).expand(images.shape[0], 3, 3)
        with _ClosedForms():
            pose = decoded(self.system, images, camera_k)
        if not self.has_3d:
            return (pose.joints_px.float(),)
        assert pose.joints_cam_m is not None
        return pose.joints_px.float(), pose.joints_cam_m.float()


def _unlabelled(images: Tensor, camera_k: Tensor) -> Batch:
    """A batch of which nothing is known but pixels and camera."""
    count, joints = images.shape[0], HAND21.num_joints
    identity = torch.eye(3).expand(count, 3, 3)
    return Batch(
        images=images,
        masks=images.new_zeros(count, 0, *images.shape[-2:]),
        has_mask=torch.zeros(count, dtype=torch.bool),
        joints_px=images.new_zeros(count, joints, 2),
        weights=images.new_zeros(count, joints),
        joints_cam_m=images.new_zeros(count, joints, 3),
        weights_3d=images.new_zeros(count, joints),
        camera_k=camera_k,
        has_camera=torch.ones(count, dtype=torch.bool),
        image_from_crop=identity,
        cam_from_crop=identity,
    )


class _ClosedForms(TorchFunctionMode):
    """Inverses of 3x3 matrices by cross products: ONNX has no operator for them."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if func in (torch.linalg.inv, torch.inverse, Tensor.inverse):
            return _inverse(args[0])
        if func is torch.linalg.solve:
            matrix, right = args
            is_vector = right.ndim == matrix.ndim - 1
            solution = _inverse(matrix) @ (right[..., None] if is_vector else right)
            return solution[..., 0] if is_vector else solution
        return func(*args, **(kwargs or {}))


def _inverse(matrix: Tensor) -> Tensor:
    """Of [..., 3, 3]: the columns of the adjugate are cross products of rows."""
    first, second, third = matrix.unbind(-2)
    columns = [
        torch.linalg.cross(second, third),
        torch.linalg.cross(third, first),
        torch.linalg.cross(first, second),
    ]
    determinant = (first * columns[0]).sum(-1)
    return torch.stack(columns, -1) / determinant[..., None, None]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks on its own workings."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
