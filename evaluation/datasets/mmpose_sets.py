"""What differs between the hand sets that mmpose distributes as COCO-style JSON.

Looked up in mmpose's test data (tests/data/{freihand,onehand10k,panoptic,rhd}, branch 0.x) and its
loaders, unless marked otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Literal

from evaluation.datasets.rhd import JOINTS as RHD_JOINTS
from mano_assets.skeleton import HAND21
from render.manifest.conventions import PIXEL_CENTRE


@dataclass(frozen=True)
class MmposeSet:
    """One of the sets.

    Attributes:
        name: Its name on the command line.
        stem: Of its annotation files: `<stem>_<split>.json`.
        splits: Its splits.
        licence: Of the images and labels.
        source: Where the images can be obtained.
        joints: Order of the keypoints, by hand21's names.
        pixel_offset: Added to keypoints for continuous coordinates, px.
        box: `own` for the annotation's bbox; `image` for the whole image.
        sides: How the side is told: `right` for all, by `hand_type`, by the image's `name`, or not.
        images: Folder of the images of a split, as `file_name` starts, by split.
        image_name: Of an image in it, formatted with a number.
        with_depth: Whether `joint_cam` and `cam_param` are there.
        with_hidden: Whether joints that cannot be seen are labelled.
        image_extension: Suffix of the images, without the dot.
    """

    name: str
    stem: str
    splits: tuple[str, ...]
    licence: str
    source: str
    joints: tuple[str, ...]
    pixel_offset: float
    box: Literal["own", "image"]
    sides: Literal["right", "hand_type", "name", "unknown"]
    images: Mapping[str, str]
    image_name: str
    with_depth: bool = False
    with_hidden: bool = True
    image_extension: Literal["jpg", "png"] = "jpg"

    @cached_property
    def to_hand21(self) -> list[int]:
        """`keypoints[to_hand21]` is hand21's order."""
        return HAND21.order_from(self.joints)

    @cached_property
    def from_hand21(self) -> list[int]:
        """`joints[from_hand21]` is the files' order."""
        return HAND21.indices(self.joints)

    def side(self, annotation: Mapping[str, Any], file_name: str) -> str | None:
        """Whose hand an annotation is of; None where nothing says."""
        if self.sides == "hand_type":
            return annotation["hand_type"]
        if self.sides == "name":
            return {"l": "left", "r": "right"}.get(PurePosixPath(file_name).stem.rpartition("_")[2])
        return "right" if self.sides == "right" else None


MMPOSE_SETS = (
    MmposeSet(
        name="mmpose-freihand",
        stem="freihand",
        # A random 8:1:1 split of FreiHAND's training images; whether the four versions of a scene
        # stay together is not known, so scores on it may leak. The official set is `freihand`.
        splits=("train", "val", "test"),
        licence="research only, no commercial use",
        source="lmb.informatik.uni-freiburg.de/projects/freihand",
        joints=HAND21.joints,
        # The keypoints are K times FreiHAND's joints, whose K has its centre at W / 2.
        pixel_offset=0.0,
        # mmpose's loader ignores the JSON's bbox: the images are crops of the hand already.
        box="image",
        sides="right",
        images=dict.fromkeys(("train", "val", "test"), "training/rgb"),
        image_name="{:08d}",
    ),
    MmposeSet(
        name="mmpose-onehand10k",
        stem="onehand10k",
        splits=("train", "test"),
        licence="non-commercial research (by third parties' word)",
        source="www.yangangwang.com/papers/WANG-MCC-2018-10.html",
        joints=HAND21.joints,
        # Whole numbers, taken for pixel centres counted from 0.
        pixel_offset=PIXEL_CENTRE,
        box="own",
        sides="unknown",
        images={"train": "Train/source", "test": "Test/source"},
        image_name="{}",
        with_hidden=False,
    ),
    MmposeSet(
        name="mmpose-panoptic",
        stem="panoptic",
        # train is panopticdb with manual_train, test is manual_test.
        splits=("train", "test"),
        licence="non-commercial research (as remembered; check it where the data is obtained)",
        source="domedb.perception.cs.cmu.edu/handdb.html",
        joints=HAND21.joints,
        # As in panoptic.py: taken for pixel centres counted from 0, which nobody documents.
        pixel_offset=PIXEL_CENTRE,
        box="own",
        # CMU's names end in _l or _r, the hand's side in all four samples; panopticdb's do not.
        sides="name",
        images={"train": "hand_labels/manual_train", "test": "hand_labels/manual_test"},
        image_name="{:09d}_01",
    ),
    MmposeSet(
        name="mmpose-rhd",
        stem="rhd",
        splits=("train", "test"),
        licence="research only, no commercial use",
        source="lmb.informatik.uni-freiburg.de/resources/datasets/RenderedHandposeDataset.en.html",
        joints=RHD_JOINTS,
        # Rendered images whose principal point is W / 2: continuous coordinates already.
        pixel_offset=0.0,
        box="own",
        sides="hand_type",
        images={"train": "training/color", "test": "evaluation/color"},
        image_name="{:05d}",
        with_depth=True,
        image_extension="png",
    ),
)
