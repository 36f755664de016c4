"""What an ONNX file says of itself: how to prepare its inputs and how to read its outputs."""

from __future__ import annotations

import json
from importlib.metadata import version

from mano_assets.skeleton import HAND21
from training.checkpoints import TrainedModel
from training.export.agreement import Agreement

CROP_OF_BOX = (
    "Take the square around the centre of the hand's box (x, y, width, height) whose side is "
    "crop_padding * max(width, height)."
)
CROP_OF_IMAGE = (
    "Take the square around the centre of the image whose side is max(width, height) of the image."
)
PREPROCESSING = (
    "{crop} Outside the image it is black. Scale it to input_size_px x input_size_px, bilinear and "
    "antialiased when shrinking (Pillow: Image.crop, then Image.resize with BILINEAR). Mirror it "
    "left to right if it shows a left hand: the network knows right hands only. Turn an image with "
    "an EXIF orientation upright first."
)
CAMERA = (
    "With s = input_size_px / side of the square and (cx, cy) its centre, "
    "A = [[s, 0, input_size_px / 2 - s * cx], [0, s, input_size_px / 2 - s * cy], [0, 0, 1]] and K "
    "the intrinsics of the whole image, camera_k = A K for a right hand. For a left hand negate "
    "the first row of A but for its last entry, which is input_size_px / 2 + s * cx, and "
    "camera_k = A K diag(-1, 1, 1). If K is unknown give any camera and use joints_px only."
)
POSTPROCESSING = (
    "joints_px are px of the crop, continuous: the centre of its top-left pixel is (0.5, 0.5). In "
    "the whole image x = cx + (joints_px.x - input_size_px / 2) / s, for a left hand "
    "x = cx - (joints_px.x - input_size_px / 2) / s, and "
    "y = cy + (joints_px.y - input_size_px / 2) / s."
)
POSTPROCESSING_3D = (
    " joints_cam_m are metres in the camera frame (x right, y down, z forward); for a left hand "
    "negate x."
)


def describe(model: TrainedModel, agreement: Agreement) -> dict[str, str]:
    """The file's metadata; what is not a text or a number is JSON.

    Args:
        model: The checkpoint.
        agreement: With PyTorch.
    """
    config = model.config
    has_3d = agreement.joints_cam_m is not None
    by_box = config.crop == "box"
    data = [each.root if each.split is None else f"{each.root}:{each.split}" for each in model.data]
    description = {
        "system": config.system,
        "label": config.label,
        "skeleton": HAND21.name,
        "joint_names": json.dumps(HAND21.joints),
        "bones": json.dumps(HAND21.bones),
        "images": "float32 [batch, 3, input_size_px, input_size_px], RGB, row 0 on top, 0 to 1 "
        "(bytes / 255); any further normalisation is in the graph",
        "input_size_px": str(config.input_size),
        "crop": config.crop,
        "crop_padding": str(config.crop_padding if by_box else 1.0),
        "preprocessing": PREPROCESSING.format(crop=CROP_OF_BOX if by_box else CROP_OF_IMAGE),
        "joints_px": "float32 [batch, 21, 2], (x, y), px of the crop",
        "postprocessing": POSTPROCESSING + (POSTPROCESSING_3D if has_3d else ""),
        "checkpoint_sha256": model.sha256,
        "recipe": config.model_dump_json(),
        "training_data": json.dumps(data),
        "handforge_version": version("handforge"),
        "difference_from_pytorch": f"{agreement} on {', '.join(agreement.compared_on)}",
    }
    if has_3d:
        description["camera_k"] = f"float32 [batch, 3, 3], intrinsics of the crop, px. {CAMERA}"
        description["joints_cam_m"] = "float32 [batch, 21, 3], (x, y, z), metres, camera frame"
    return description
