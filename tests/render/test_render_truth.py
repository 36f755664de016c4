"""Do the labels say what the pictures show?"""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mano_assets.hand import Hand
from mano_assets.skeleton import HAND21
from render.manifest import JointState, Manifest, backproject, project, verify
from render.manifest.reading import column_array
from render.scene import Scene, pose_scene

pytestmark = pytest.mark.blender
TIPS = [joint.endswith("_tip") for joint in HAND21.joints]


def masks(manifest: Manifest) -> list[np.ndarray]:
    rows = manifest.table(columns=["image_shard", "mask_offset", "mask_size"]).to_pylist()
    return [
        np.array(Image.open(io.BytesIO(manifest.read_bytes(*row.values())))) > 127 for row in rows
    ]


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


def test_markers_rendered_at_the_joints_land_on_the_labels(rendered: Manifest, tmp_path: Path):
    script = Path(__file__).with_name("render_markers.py")
    output = tmp_path / "markers.npz"
    subprocess.run([sys.executable, script, rendered.root, output], check=True, timeout=300)
    with np.load(output) as found:
        error = np.linalg.norm(found["seen_px"] - found["label_px"], axis=-1)
        # A ball that the image's border cuts has its centre elsewhere.
        whole = ((found["label_px"] > 6) & (found["label_px"] < 122)).all(-1)
    assert whole.sum() > 60
    assert error[whole].max() < 0.5


def test_masks_contain_the_visible_joints(rendered: Manifest):
    table = rendered.table()
    joints_2d = column_array(table, "joints_2d", 21, 2)
    visible = column_array(table, "joint_state", 21) == JointState.VISIBLE
    strictly = []
    for mask, joints, seen in zip(masks(rendered), joints_2d, visible, strict=True):
        # Fingertips lie on the skin, so on the mask's very edge: one pixel is for its rounding.
        padded = np.pad(mask, 1)
        shifted = [np.roll(padded, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        wide = np.any(shifted, axis=0)[1:-1, 1:-1]
        columns, rows = joints[seen].astype(int).T
        assert wide[rows, columns].all()
        inner = ~np.array(TIPS)[seen]
        strictly += list(mask[rows, columns][inner])
    assert np.mean(strictly) > 0.99


def test_masks_are_the_silhouette_of_the_mesh(rendered: Manifest, hand: Hand):
    scale = 16
    scenes = [Scene.model_validate_json(text) for text in rendered.table()["scene"].to_pylist()]
    overlaps = []
    for mask, scene in zip(masks(rendered), scenes, strict=True):
        geometry = pose_scene(scene, hand)
        pixels = project(geometry.vertices_cam_m, np.array(scene.camera_k)) * scale
        canvas = Image.new("L", (scene.size * scale, scene.size * scale))
        draw = ImageDraw.Draw(canvas)
        for triangle in pixels[hand.triangles]:
            draw.polygon([tuple(corner) for corner in triangle], fill=1)
        area = np.array(canvas).reshape(scene.size, scale, scene.size, scale).mean((1, 3))
        silhouette = area >= 0.5
        overlaps.append((silhouette & mask).sum() / (silhouette | mask).sum())
    # Below 1 by the four samples of an edge pixel and by the rasteriser, which fills every subpixel
    # that a triangle touches.
    assert np.mean(overlaps) > 0.98
    assert min(overlaps) > 0.97


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
    rows = rendered.table(columns=["image_shard", "image_offset", "image_size"]).to_pylist()
    for row, mask in zip(rows, masks(rendered), strict=True):
        image = np.array(Image.open(io.BytesIO(rendered.read_bytes(*row.values()))))
        hand_pixels = image[mask].astype(float)
        assert 5 < hand_pixels.mean() < 250
        assert hand_pixels.std() > 3
