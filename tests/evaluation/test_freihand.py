"""FreiHAND, against the numbers the fixture started from."""

import json
from pathlib import Path

import numpy as np
import pytest
from public_trees import FreiHandTree, jpeg

from evaluation.datasets import import_dataset
from mano_assets.errors import InputError
from render.manifest import JointState, Manifest, verify
from render.manifest.reading import column_array


def test_evaluation_hands_are_read_as_they_were_made(
    freihand: FreiHandTree, tmp_path: Path
) -> None:
    info = import_dataset("freihand", freihand.root, "evaluation", tmp_path / "out")
    assert (info.kind, info.counts, info.stand_in_for) == ("real", {"evaluation": 2}, None)
    assert verify(str(tmp_path / "out")) == []
    table = Manifest.open(str(tmp_path / "out")).table()
    assert table["sample_id"].to_pylist() == ["evaluation-00000000", "evaluation-00000001"]
    assert table["side"].to_pylist() == ["right", "right"]
    truth_m, camera_k = freihand.joints_cam_m["evaluation"], freihand.cameras["evaluation"]
    np.testing.assert_array_equal(column_array(table, "joints_3d", 21, 3), truth_m)
    np.testing.assert_array_equal(column_array(table, "camera_k", 3, 3), camera_k)
    u = camera_k[:, 0, :1] * truth_m[..., 0] / truth_m[..., 2] + 112.36
    v = camera_k[:, 1, 1:2] * truth_m[..., 1] / truth_m[..., 2] + 112.36
    joints_px = np.stack([u, v], -1)
    np.testing.assert_allclose(column_array(table, "joints_2d", 21, 2), joints_px, atol=1e-9)
    outside = ((joints_px < 0) | (joints_px > 224)).any(-1)
    np.testing.assert_array_equal(
        column_array(table, "joint_state", 21),
        np.where(outside, JointState.OUTSIDE, JointState.UNKNOWN),
    )
    low, high = joints_px.min(1), joints_px.max(1)
    box = column_array(table, "box", 4)
    np.testing.assert_allclose(box[:, 2:], 1.2 * (high - low))
    np.testing.assert_allclose(box[:, :2] + box[:, 2:] / 2, (low + high) / 2)
    # What the manifest means by them is not what the files hold.
    for column in ("mano_pose", "mano_betas", "mano_global_orient", "mano_trans", "sequence"):
        assert table[column].null_count == 2


def test_versions_of_a_scene_share_its_labels_and_sequence(
    freihand: FreiHandTree, tmp_path: Path
) -> None:
    info = import_dataset("freihand", freihand.root, "training", tmp_path / "out")
    assert info.recipe == {"import": "freihand", "split": "training", "versions": ["gs", "sample"]}
    table = Manifest.open(str(tmp_path / "out")).table()
    # Image id = index + number of scenes * version; `sample` is version 2.
    assert table["sample_id"].to_pylist() == [
        "training-00000000-gs", "training-00000001-gs", "training-00000002-gs",
        "training-00000006-sample", "training-00000007-sample", "training-00000008-sample",
    ]  # fmt: skip
    sequences = table["sequence"].to_pylist()
    assert sequences[:3] == sequences[3:]
    assert len(set(sequences)) == 3
    joints = column_array(table, "joints_3d", 21, 3)
    np.testing.assert_array_equal(joints[:3], freihand.joints_cam_m["training"])
    np.testing.assert_array_equal(joints[:3], joints[3:])


def test_the_digest_follows_the_versions(freihand: FreiHandTree, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = import_dataset("freihand", freihand.root, "training", out)
    for number in (3, 4, 5):
        (freihand.root / f"training/rgb/{number:08d}.jpg").write_bytes(jpeg(224, 224))
    second = import_dataset("freihand", freihand.root, "training", out)
    assert second.num_samples == 9
    assert second.recipe is not None
    assert second.recipe["versions"] == ["gs", "hom", "sample"]
    assert second.recipe_digest != first.recipe_digest


def test_half_a_version_is_refused(freihand: FreiHandTree, tmp_path: Path) -> None:
    (freihand.root / "training/rgb/00000007.jpg").unlink()
    with pytest.raises(
        InputError, match=r"00000007\.jpg: .* 2 of 3 images of version 'sample' .* all or none"
    ):
        import_dataset("freihand", freihand.root, "training", tmp_path / "out")
    for path in (freihand.root / "training/rgb").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"no version of the training images, .* 00000002\.jpg"):
        import_dataset("freihand", freihand.root, "training", tmp_path / "out")
    (freihand.root / "training/rgb").rmdir()
    with pytest.raises(InputError, match=r"rgb: no such folder, expected FreiHAND's training"):
        import_dataset("freihand", freihand.root, "training", tmp_path / "out")


@pytest.mark.parametrize(
    ("what", "change", "message"),
    [
        ("xyz", lambda xyz: xyz * 1000, r"evaluation_xyz\.json: .*looks like millimetres"),
        ("xyz", lambda xyz: xyz[:, ::-1], r"distances fit another order, .*thumb, each tip to"),
        ("xyz", lambda xyz: xyz * (-1, 1, 1), "100% of the clearly bent right hands bend as only"),
        ("xyz", lambda xyz: xyz[:1], r"has 1 entries, expected the 2 of evaluation_K\.json"),
        ("xyz", lambda xyz: xyz[:, :20], r"shape \[2, 20, 3\], expected \[N, 21, 3\]"),
        ("K", lambda k: k + 5000 * (k > 100), "100% of the joints lie outside their images"),
        ("K", lambda k: k * [[0.5], [0.5], [1]], r"_K\.json: the principal points lie 25% of the"),
        ("K", lambda k: k * [[0], [0], [1]], r"_K\.json: entry 0 is .* fx and fy above 0"),
        ("K", lambda k: k * [[-1, 1, 1], [1, 1, 1], [1, 1, 1]], "with fx and fy above 0"),
        (
            "K",
            lambda k: k.transpose(0, 2, 1),
            r"expected \[\[fx, s, cx\], \[0, fy, cy\], \[0, 0, 1",
        ),
        ("K", lambda k: k[:0], r"evaluation_K\.json: holds numbers of shape \[0\]"),
    ],
)
def test_wrong_annotations_are_named(
    freihand: FreiHandTree, tmp_path: Path, what: str, change, message: str
) -> None:
    path = freihand.root / f"evaluation_{what}.json"
    path.write_text(json.dumps(change(np.array(json.loads(path.read_text()))).tolist()))
    with pytest.raises(InputError, match=message):
        import_dataset("freihand", freihand.root, "evaluation", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_files_are_named(freihand: FreiHandTree, tmp_path: Path) -> None:
    (freihand.root / "evaluation/rgb/00000001.jpg").unlink()
    with pytest.raises(InputError, match=r"00000001\.jpg: no such file, expected an image"):
        import_dataset("freihand", freihand.root, "evaluation", tmp_path / "out")
    (freihand.root / "evaluation_K.json").write_text('{"0": 1}')
    with pytest.raises(InputError, match=r"evaluation_K\.json: expected a list of \[3, 3\]"):
        import_dataset("freihand", freihand.root, "evaluation", tmp_path / "out")
    (freihand.root / "evaluation_xyz.json").unlink()
    with pytest.raises(
        InputError, match=r"evaluation_xyz\.json: .* freihand under .* had from lmb\.informatik"
    ):
        import_dataset("freihand", freihand.root, "evaluation", tmp_path / "out")
