"""Do the labels say what the pictures show?"""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mano_assets.hand import Hand
from mano_assets.skeleton import HAND21
from render.development.label_images import decode_depth, decode_mask, decode_normals, decode_parts
from render.label_images import ARM_PART, FIRST_THING_PART, SECOND_HAND_PART
from render.manifest import JointState, Manifest, backproject, project, verify
from render.manifest.reading import column_array

pytestmark = pytest.mark.blender


def images(manifest: Manifest, name: str) -> list[bytes]:
    """Files of a kind, one a row."""
    columns = ["image_shard", f"{name}_offset", f"{name}_size"]
    rows = manifest.table(columns=columns).to_pylist()
    return [manifest.read_bytes(*row.values()) for row in rows]


def masks(manifest: Manifest) -> list[np.ndarray]:
    return [decode_mask(data) for data in images(manifest, "mask")]


@pytest.fixture(scope="module")
def truth(
    rendered: Manifest, hand_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, np.ndarray]:
    """What Blender itself says, each row built again from its own description."""
    output = tmp_path_factory.mktemp("truth") / "truth.npz"
    script = Path(__file__).with_name("true_labels.py")
    command = [sys.executable, script, rendered.root, hand_folder, "24", output]
    subprocess.run(command, check=True, timeout=600, stdout=subprocess.DEVNULL)
    with np.load(output) as found:
        return dict(found)


def test_a_rendered_data_set_is_whole_and_true(rendered: Manifest):
    assert verify(rendered.root) == []
    assert rendered.info.counts == {"train": 6, "clips": 6, "hard": 12}
    assert set(rendered.table()["side"].to_pylist()) == {"left", "right"}


def test_joints_3d_project_onto_joints_2d(rendered: Manifest):
    table = rendered.table()
    joints_2d = column_array(table, "joints_2d", 21, 2)
    joints_3d = column_array(table, "joints_3d", 21, 3)
    camera_k = column_array(table, "camera_k", 3, 3)
    # By hand, not by the function that made them.
    x = camera_k[:, None, 0, 0] * joints_3d[..., 0] / joints_3d[..., 2] + camera_k[:, None, 0, 2]
    y = camera_k[:, None, 1, 1] * joints_3d[..., 1] / joints_3d[..., 2] + camera_k[:, None, 1, 2]
    np.testing.assert_allclose(np.stack([x, y], -1), joints_2d, atol=1e-3)
    np.testing.assert_allclose(
        backproject(project(joints_3d, camera_k), joints_3d[..., 2], camera_k), joints_3d, atol=1e-9
    )


def test_markers_rendered_at_the_joints_land_on_the_labels(truth: dict[str, np.ndarray]):
    error = np.linalg.norm(truth["seen_px"] - truth["label_px"], axis=-1)
    # Joints outside the picture, and balls that its border cuts, have no place.
    found = ~np.isnan(error)
    assert found.sum() > 0.8 * error.size
    assert error[found].max() < 0.5


def test_masks_are_what_blender_shows_of_the_hand(truth: dict[str, np.ndarray]):
    assert truth["iou"].mean() > 0.99
    assert truth["iou"].min() > 0.97


def test_the_studio_shows_the_labelled_surfaces(truth: dict[str, np.ndarray]):
    """Four samples leave noise of about 0.2 on an edge pixel, and few pixels are edge."""
    assert truth["coverage_error"].max() < 0.03


def test_states_are_those_cast_by_blender(truth: dict[str, np.ndarray]):
    assert (truth["cast"] == truth["stored"]).mean() > 0.99
    assert {JointState.VISIBLE, JointState.SELF_OCCLUDED, JointState.OCCLUDED} <= set(
        truth["stored"].ravel()
    )


def test_masks_contain_the_visible_joints(rendered: Manifest):
    table = rendered.table()
    joints_2d = column_array(table, "joints_2d", 21, 2)
    visible = column_array(table, "joint_state", 21) == JointState.VISIBLE
    tips = np.array([joint.endswith("_tip") for joint in HAND21.joints])
    strictly = []
    for mask, joints, seen in zip(masks(rendered), joints_2d, visible, strict=True):
        # Fingertips lie on the skin, so on the mask's very edge: one pixel is for its rounding.
        padded = np.pad(mask, 1)
        shifted = [np.roll(padded, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        wide = np.any(shifted, axis=0)[1:-1, 1:-1]
        columns, rows = joints[seen].astype(int).T
        assert wide[rows, columns].all()
        strictly += list(mask[rows, columns][~tips[seen]])
    assert np.mean(strictly) > 0.99


def test_label_images_agree_with_each_other(rendered: Manifest):
    """Masks are filtered over a pixel and a half, the others are of its centre."""
    seen_parts = set()
    for mask, depth, parts, normals in zip(
        masks(rendered),
        map(decode_depth, images(rendered, "depth")),
        map(decode_parts, images(rendered, "parts")),
        map(decode_normals, images(rendered, "normals")),
        strict=True,
    ):
        hand = (parts > 0) & (parts <= ARM_PART)
        assert (hand == mask).mean() > 0.98
        assert (np.isfinite(depth) == (parts > 0)).all()
        lengths = np.linalg.norm(normals, axis=-1)
        np.testing.assert_array_equal(lengths > 0.5, parts > 0)
        np.testing.assert_allclose(lengths[parts > 0], 1, atol=0.02)
        seen_parts |= set(np.unique(parts).tolist())
    assert set(range(1, ARM_PART + 1)) <= seen_parts
    assert SECOND_HAND_PART in seen_parts
    assert max(seen_parts) >= FIRST_THING_PART


def test_depth_is_that_of_the_visible_fingertips(rendered: Manifest):
    table = rendered.table()
    joints_2d = column_array(table, "joints_2d", 21, 2)
    joints_3d = column_array(table, "joints_3d", 21, 3)
    visible = column_array(table, "joint_state", 21) == JointState.VISIBLE
    tips = np.array([joint.endswith("_tip") for joint in HAND21.joints])
    errors = []
    for row, data in enumerate(images(rendered, "depth")):
        depth = decode_depth(data)
        for joint in np.flatnonzero(tips & visible[row]):
            x, y = joints_2d[row, joint].astype(int)
            # A tip on the outline has a neighbour that shows what is behind it.
            around = depth[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
            errors.append(np.abs(around - joints_3d[row, joint, 2]).min())
    assert len(errors) > 20
    assert np.median(errors) < 0.001
    # On a steep skin a pixel is some millimetres deep.
    assert np.quantile(errors, 0.9) < 0.008


def test_bone_lengths_of_one_shape_are_the_same_in_every_pose(hand: Hand, rendered: Manifest):
    table = rendered.table()
    poses = column_array(table, "mano_pose", 45)
    orients = column_array(table, "mano_global_orient", 3)
    betas = np.tile(np.linspace(-1, 1, 10), (len(poses), 1))
    _, joints = hand.posed(orients, poses, betas, np.zeros((len(poses), 3)))
    parents, children = np.array(HAND21.bones).T
    lengths = np.linalg.norm(joints[:, children] - joints[:, parents], axis=-1)
    np.testing.assert_allclose(lengths, lengths[:1].repeat(len(poses), 0), atol=1e-6)


def test_labels_follow_from_the_mano_parameters(rendered: Manifest, hand: Hand):
    table = rendered.table()
    for row, side in enumerate(table["side"].to_pylist()):
        one = table.slice(row, 1)
        _, joints = hand.posed(
            column_array(one, "mano_global_orient", 3)[0],
            column_array(one, "mano_pose", 45)[0],
            column_array(one, "mano_betas", 10)[0],
            column_array(one, "mano_trans", 3)[0],
            side,
        )
        np.testing.assert_allclose(joints, column_array(one, "joints_3d", 21, 3)[0], atol=1e-9)


def test_images_are_neither_black_nor_burnt_out(rendered: Manifest):
    for data, mask in zip(images(rendered, "image"), masks(rendered), strict=True):
        hand_pixels = np.array(Image.open(io.BytesIO(data)))[mask].astype(float)
        assert 5 < hand_pixels.mean() < 250
        assert hand_pixels.std() > 3
