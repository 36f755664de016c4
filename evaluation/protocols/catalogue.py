"""The protocols, by id. Where a rule comes from stands in its text."""

from __future__ import annotations

from typing import Any

from evaluation.protocols.rules import Crop, Protocol
from mano_assets.skeleton import PENN13
from render.manifest import JointState

_MMPOSE = ("pck_0.2", "auc_mmpose_0_30px", "epe_px", "nme")
"""mmpose's hand_2d_keypoint configurations, and the normalised error."""

_PANOPTIC = ("pckh_0.7", "auc_mmpose_0_30px", "epe_px", "nme", "pck_0.2")

_3D = ("mpjpe_mm", "mpjpe_bone_scaled_mm", "pa_mpjpe_rigid_mm", "auc3d_0_50mm_trapz100")

_OTHER_PIXELS = (
    "Errors in pixels are of the original images: they compare only on the same images at the same "
    "resolution."
)

_JOINTS = "1.2 times the joints' own"
_BOX = "the data set's own"


def _protocol(description: str, box: str, **rules: Any) -> Protocol:
    """A protocol; `box` is how the manifest's box, which models crop by, comes about."""
    crop = rules.get("crop")
    oracle = (
        "No hand is detected: a model's crop comes from the ground-truth hand box (an oracle box), "
        f"{box}, unless the model uses the whole image."
    )
    if crop is not None:
        rules["comparable"] += (
            f" Published crops are {crop}; ours have the padding that the model was trained with."
        )
    return Protocol(description=f"{description} {oracle}", **rules)


PROTOCOLS: dict[str, Protocol] = {
    protocol.id: protocol
    for protocol in (
        _protocol(
            "Rendered hands: every joint counts, seen or not.",
            _JOINTS,
            id="handforge-2d3d",
            rules_of="this project",
            comparable="Only among models scored on the same rendered data set and split.",
            normaliser="joint_box",
            metrics=("epe_px", "nme", "pck_0.2", *_3D, "depth_mm", "pa_mpjpe_official_mm"),
        ),
        _protocol(
            "FreiHAND's evaluation set by the rules of its official script (eval.py), joints only: "
            "aligned errors with reflections allowed first, then with rotations only.",
            _JOINTS,
            id="freihand",
            crop=Crop(source="image", padding=1),
            rules_of="FreiHAND (lmb-freiburg/freihand, eval.py)",
            comparable="pa_mpjpe_official_mm is the PA-MPJPE of papers that quote the official "
            "script; those with their own code mostly forbid reflections, as pa_mpjpe_rigid_mm "
            "does. Absolute errors say nothing of models that do not predict the distance from the "
            "camera. Vertices and F-scores come from the script's port, not from here.",
            datasets=("freihand",),
            splits=("evaluation",),
            normaliser="joint_box",
            metrics=(
                "pa_mpjpe_official_mm", "pa_mpjpe_rigid_mm", "auc3d_pa_official_0_50mm_trapz100",
                "mpjpe_mm", "mpjpe_bone_scaled_mm", "mpjpe_absolute_mm",
                "auc3d_absolute_0_50mm_trapz100", "epe_px", "nme", "pck_0.2",
            ),
        ),
        _protocol(
            "FreiHAND in two dimensions as mmpose's FreiHAND configurations: errors are divided by "
            "the side of the whole image (224 px), so PCK@0.2 means nearer than 44.8 px.",
            "the whole image",
            id="freihand-mmpose",
            crop=Crop(source="image", padding=1.25),
            rules_of="mmpose (configs/hand_2d_keypoint, freihand2d)",
            comparable="mmpose's test split is a random tenth of the training images, not the "
            "evaluation set, and nearly every model reaches PCK 0.99 there. Each scene is in "
            "those images four times, and whether the split keeps them together is not known.",
            datasets=("mmpose-freihand",),
            splits=("test",),
            normaliser="image",
            metrics=_MMPOSE,
        ),
        _protocol(
            "InterHand2.6M, each hand by itself, both sides pooled over the same 21 joints; the "
            "authors average over 42. 2-D as mmpose's InterHand2D, 3-D with the wrist at the "
            "origin.",
            _JOINTS,
            id="interhand26m",
            crop=Crop(source="joint_box", padding=1.25),
            rules_of="InterHand2.6M (facebookresearch/InterHand2.6M, dataset.py), 2-D mmpose",
            comparable="mmpose averages mpjpe over all joints at once (mpjpe_micro_mm) and gives "
            "the true depth of the root.",
            datasets=("interhand26m",),
            splits=("test",),
            normaliser="joint_box",
            metrics=("epe_px", "nme", "pck_0.2", "auc_mmpose_0_30px", *_3D, "mpjpe_micro_mm"),
        ),
        _protocol(
            "HIU-DMTL in two dimensions; which hand it is does not matter.",
            _JOINTS,
            id="hiu-dmtl",
            rules_of="this project: the authors published no evaluation code",
            comparable="Not with the paper: its thresholds and its split are not published, and "
            "the labels' sides and 3-D joints are not documented.",
            datasets=("hiu-dmtl",),
            normaliser="joint_box",
            metrics=("epe_px", "nme", "pck_0.2", "auc2d_0_30px_trapz20"),
        ),
        _protocol(
            "COCO-WholeBody hands as mmpose's COCO-WholeBody-Hand, in two dimensions.",
            _BOX,
            id="coco-wholebody",
            crop=Crop(source="box", padding=1.25),
            rules_of="mmpose (configs/hand_2d_keypoint, coco_wholebody_hand)",
            comparable=f"{_OTHER_PIXELS} The hands are small, so errors in pixels look low.",
            datasets=("coco-wholebody",),
            splits=("val",),
            normaliser="box",
            metrics=("epe_px", "nme", "pck_0.2", "auc_mmpose_0_30px"),
        ),
        _protocol(
            "CMU Panoptic's hands as mmpose's Panoptic2D: PCKh divides by the person's head size.",
            _JOINTS,
            id="panoptic",
            crop=Crop(source="joint_box", padding=1.25),
            rules_of="mmpose (branch 0.x, panoptic_hand2d; PCKh@0.7)",
            comparable=f"PCKh saturates (0.999). {_OTHER_PIXELS}",
            datasets=("panoptic",),
            splits=("manual_test",),
            normaliser="joint_box",
            metrics=_PANOPTIC,
        ),
        _protocol(
            "CMU Panoptic's hands as mmpose's Panoptic2D, of mmpose's files: PCKh divides by the "
            "person's head size, PCK by the boxes in the files, which are 1 px larger than the "
            "joints' own.",
            _BOX,
            id="panoptic-mmpose",
            crop=Crop(source="box", padding=1.25),
            rules_of="mmpose (branch 0.x, panoptic_hand2d; PCKh@0.7)",
            comparable=f"PCKh saturates (0.999). {_OTHER_PIXELS}",
            datasets=("mmpose-panoptic",),
            splits=("test",),
            normaliser="box",
            metrics=_PANOPTIC,
        ),
        _protocol(
            "CMU Panoptic's or OneHand10K's hands as in papers that crop 2.2 times the tight box "
            "of the joints (NSRMhand, Boukhayma): PCK of that box, averaged for each hand.",
            _JOINTS,
            id="panoptic-2.2x",
            crop=Crop(source="joint_box", padding=2.2),
            rules_of="NSRMhand (src/utils.py)",
            comparable="The thresholds at which these papers quote PCK differ.",
            splits=("manual_test", "test"),
            normaliser="joint_box",
            metrics=(
                "pck_sample_0.2", "pck_sample_0.15", "pck_sample_0.1", "pck_sample_0.05", "nme",
            ),
        ),
        _protocol(
            "OneHand10K as mmpose's OneHand10K configurations, in two dimensions; joints that "
            "cannot be seen have no label.",
            "the data set's own or, where there is none, 1.2 times the joints' own",
            id="onehand10k",
            crop=Crop(source="box", padding=1.25),
            rules_of="mmpose (configs/hand_2d_keypoint, onehand10k)",
            comparable="mmpose's boxes are looser than the joints' own, and the original labels "
            f"have none: PCK compares only with its boxes. {_OTHER_PIXELS}",
            datasets=("onehand10k", "mmpose-onehand10k"),
            splits=("test",),
            normaliser="box",
            metrics=_MMPOSE,
        ),
        _protocol(
            "RHD, each hand by itself: 2-D as mmpose's RHD2D, whose boxes are 1.2 times the "
            "joints' own as well; 3-D with the wrist at the origin and the truth's scale given, as "
            "papers on RHD and STB do (from memory).",
            _JOINTS,
            id="rhd",
            version=2,
            crop=Crop(source="box", padding=1.25),
            rules_of="mmpose (configs/hand_2d_keypoint, rhd2d); hand3d (eval3d)",
            comparable="hand3d gives one bone's length as the scale, here it is the mean over all "
            "bones.",
            datasets=("rhd",),
            splits=("evaluation",),
            normaliser="box",
            metrics=(
                *_MMPOSE, "mpjpe_bone_scaled_mm", "auc3d_20_50mm_trapz100", "mpjpe_mm",
                "pa_mpjpe_rigid_mm",
            ),
        ),
        _protocol(
            "RHD in two dimensions as hand3d: only visible joints count.",
            _JOINTS,
            id="rhd-hand3d",
            rules_of="hand3d (eval2d.py, eval2d_gt_cropped.py)",
            comparable="hand3d takes one hand an image, here every hand counts, and some of its "
            f"numbers have the palm's centre for the wrist. {_OTHER_PIXELS}",
            splits=("evaluation",),
            normaliser="joint_box",
            counted=(JointState.VISIBLE,),
            metrics=("epe_macro_px", "auc2d_0_30px_trapz20"),
        ),
        _protocol(
            "RHD as mmpose's RHD2D configurations: PCK of the boxes in mmpose's files.",
            _BOX,
            id="rhd-mmpose",
            rules_of="mmpose (configs/hand_2d_keypoint, rhd2d)",
            comparable=_OTHER_PIXELS,
            crop=Crop(source="box", padding=1.25),
            datasets=("mmpose-rhd",),
            splits=("test",),
            normaliser="box",
            metrics=(*_MMPOSE, *_3D),
        ),
        _protocol(
            "Penn Action's 13 body joints: PCK of the frame's box over all visible joints at once.",
            _BOX,
            id="penn-action",
            rules_of="LSTM Pose Machines (run_benchmark_GPU_PENN.m)",
            comparable="Some papers divide by the torso instead of the box; this one does not.",
            datasets=("penn-action",),
            splits=("test",),
            normaliser="box",
            counted=(JointState.VISIBLE,),
            root=PENN13.joints[PENN13.root],
            metrics=("pck_penn_0.2", "pck_0.2", "nme"),
        ),
    )
}  # fmt: skip
