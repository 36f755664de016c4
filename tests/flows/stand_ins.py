"""What stands in for the slow rooms in the tests of flows."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from mano_assets.skeleton import HAND21
from render.manifest import DatasetInfo, JointState, project, write_dataset

TINY = Path(__file__).parent / "tiny.yaml"


def write_tiny_dataset(root: Path, counts: dict[str, int], seed: int = 0) -> None:
    """A data set of grey images with labels that project as they should."""
    random = np.random.default_rng(seed)
    camera_k = np.array([[80.0, 0, 32], [0, 80.0, 32], [0, 0, 1]])
    stream = io.BytesIO()
    Image.new("RGB", (64, 64), (128, 128, 128)).save(stream, "JPEG")
    samples = []
    for split, count in counts.items():
        for index in range(count):
            joints_cam_m = random.normal(0, 0.05, (HAND21.num_joints, 3))
            joints_cam_m[:, 2] += 0.5
            joints_px = project(joints_cam_m, camera_k)
            row = {
                "sample_id": f"{split}-{index}", "split": split, "side": "right",
                "width": 64, "height": 64, "camera_k": camera_k.ravel().tolist(),
                "joints_2d": joints_px.ravel().tolist(),
                "joints_3d": joints_cam_m.ravel().tolist(),
                "joint_state": [int(JointState.VISIBLE)] * HAND21.num_joints,
                "box": [0.0, 0.0, 64.0, 64.0],
            }  # fmt: skip
            samples.append((row, stream.getvalue()))
    info = DatasetInfo(name="tiny", kind="synthetic", state="rendering", recipe_digest=f"{seed}")
    write_dataset(root, info, samples)


@dataclass
class Rooms:
    """What the stand-ins were asked to do; the data set that the next rendering gives."""

    calls: list[str]
    seed: int = 0

    def taken(self) -> list[str]:
        """The calls since the last time."""
        calls, self.calls[:] = list(self.calls), []
        return calls


class Told(NamedTuple):
    """How a command ended: exit code and what it printed."""

    code: int
    out: str
    error: str
