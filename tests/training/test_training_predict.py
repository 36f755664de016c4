from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_hands import drawn_samples, mirror, write_samples
from PIL import ExifTags, Image
from torch import Tensor

from mano_assets.digests import file_sha256
from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import project
from render.manifest.predictions import PredictionInfo, read_predictions
from training.checkpoints import TrainedModel, load_checkpoint, save_checkpoint
from training.prediction.predict import PredictSettings, predict, predict_dataset, predict_images
from training.samples.crops import Batch
from training.samples.dataset import HandDataset
from training.samples.sources import DataSource
from training.systems.system import Outputs, Pose, System, build_system


def read_joints(
    path: Path,
) -> tuple[PredictionInfo, list[str], np.ndarray | None, np.ndarray | None]:
    found = read_predictions(path)
    return found.info, found.sample_ids, found.joints_2d, found.joints_3d


def checkpoint_of(config, hands: str, folder: Path) -> Path:
    """A system with random weights but the data's statistics."""
    torch.manual_seed(1)
    system = build_system(config)
    source = DataSource.open(hands)
    system.fit_statistics(HandDataset([source], config, border=False).labels())
    save_checkpoint(folder / "model.ckpt", system, [source])
    return folder / "model.ckpt"


class Oracle(System):
    """Answers with the labels: what comes out must be the manifest's own numbers."""

    def forward(self, images: Tensor) -> Outputs:
        return {}

    def decode(self, outputs: Outputs, batch: Batch) -> Pose:
        return Pose(batch.joints_px, batch.joints_cam_m)


@pytest.mark.parametrize("crop", ["box", "image"])
def test_true_answers_come_back_as_the_labels(hands: str, tiny, crop: str) -> None:
    model = TrainedModel(Oracle(tiny("meanpose", crop=crop)), [], "")
    dataset = HandDataset([DataSource.open(hands)], model.config, border=False)
    joints_2d, joints_3d = predict_dataset(model, dataset, batch_size=20)
    rows = [row for row, _ in drawn_samples(48)]
    assert {row["side"] for row in rows} == {"left", "right"}
    assert joints_3d is not None
    expected_2d = np.reshape([row["joints_2d"] for row in rows], (48, 21, 2))
    expected_3d = np.reshape([row["joints_3d"] for row in rows], (48, 21, 3))
    np.testing.assert_allclose(joints_2d, expected_2d, atol=1e-3)
    np.testing.assert_allclose(joints_3d, expected_3d, atol=1e-6)


@pytest.mark.parametrize("system", ["simplebaseline", "latent25d", "meanpose"])
def test_a_mirrored_data_set_gives_mirrored_predictions(
    hands: str, tiny, tmp_path: Path, system: str
) -> None:
    checkpoint = checkpoint_of(tiny(system), hands, tmp_path)
    mirrored = write_samples(tmp_path / "mirror", [mirror(sample) for sample in drawn_samples(48)])
    results = [
        read_joints(predict(checkpoint, data, tmp_path / f"{number}.parquet"))
        for number, data in enumerate([hands, mirrored])
    ]
    (_, ids, ours_2d, ours_3d), (_, mirrored_ids, theirs_2d, theirs_3d) = results
    assert ids == mirrored_ids
    assert ours_2d is not None
    assert theirs_2d is not None
    # A grey level of rounding in the crop can move a heatmap's maximum now and then.
    moved = np.abs(theirs_2d * [-1, 1] + [128, 0] - ours_2d).max(-1)
    assert np.mean(moved > 0.05) < 0.01
    if system != "simplebaseline":
        assert ours_3d is not None
        assert theirs_3d is not None
        np.testing.assert_allclose(theirs_3d * [-1, 1, 1], ours_3d, rtol=0.02, atol=0.01)


def test_provenance_and_split(hands: str, tiny, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(tiny("meanpose", label="floor"), hands, tmp_path)
    info, ids, joints_2d, _ = read_joints(predict(checkpoint, f"{hands}:val", tmp_path / "p"))
    assert ids == [row["sample_id"] for row, _ in drawn_samples(48) if row["split"] == "val"]
    assert joints_2d is not None
    assert joints_2d.shape == (12, 21, 2)
    assert (info.system, info.label, info.split) == ("meanpose", "floor", "val")
    assert info.checkpoint_sha256 == file_sha256(checkpoint)
    assert info.train_data == [hands]
    assert info.train_recipe_digests == ["drawn"]
    assert info.data_recipe_digest == "drawn"


def test_no_3d_without_a_camera_and_no_labels_needed(hands: str, tiny, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(tiny("latent25d"), hands, tmp_path)
    samples = drawn_samples(4)
    for row, _ in samples:
        row |= {"joints_2d": None, "joints_3d": None, "joint_state": None}
    samples[1][0]["camera_k"] = None
    some = write_samples(tmp_path / "some", samples)
    _, _, joints_2d, joints_3d = read_joints(predict(checkpoint, some, tmp_path / "some.pq"))
    assert joints_2d is not None
    assert joints_3d is not None
    assert np.isfinite(joints_2d).all()
    assert np.isnan(joints_3d).all((1, 2)).tolist() == [False, True, False, False]
    for row, _ in samples:
        row["camera_k"] = None
    none = write_samples(tmp_path / "none", samples)
    assert read_joints(predict(checkpoint, none, tmp_path / "none.pq"))[3] is None


def test_a_folder_of_images(hands: str, tiny, tmp_path: Path) -> None:
    """Must equal a manifest whose boxes are the whole images."""
    checkpoint = checkpoint_of(tiny("simplebaseline"), hands, tmp_path)
    folder = tmp_path / "photos"
    folder.mkdir()
    samples = drawn_samples(4, left_every=100)[1:]
    for row, image in samples:
        row |= {"box": [0.0, 0.0, 128.0, 128.0], "camera_k": None}
        image.save(folder / f"{row['sample_id']}.png")
    (folder / "notes.txt").write_text("not an image")
    expected = predict(
        checkpoint, write_samples(tmp_path / "same", samples), tmp_path / "a.parquet"
    )
    found = predict_images(checkpoint, folder, tmp_path / "b.parquet")
    info, ids, joints_2d, joints_3d = read_joints(found)
    assert ids == [row["sample_id"] for row, _ in samples]
    assert (info.data, info.data_name) == (str(folder), "photos")
    assert joints_3d is None
    np.testing.assert_array_equal(joints_2d, read_joints(expected)[2])
    left = read_joints(predict_images(checkpoint, folder, tmp_path / "c", side="left"))[2]
    assert not np.array_equal(joints_2d, left)
    one = predict_images(checkpoint, folder / f"{ids[1]}.png", tmp_path / "one.parquet")
    info, ids_of_one, joints_of_one, _ = read_joints(one)
    assert ids_of_one == ids[1:2]
    assert info.data == str(folder / f"{ids[1]}.png")
    np.testing.assert_allclose(joints_of_one, joints_2d[1:2], atol=1e-4)


def test_boxes_sides_and_cameras_of_a_folder(hands: str, tiny, tmp_path: Path) -> None:
    """Must equal the manifest whose boxes, sides and cameras they are."""
    checkpoint = checkpoint_of(tiny("latent25d"), hands, tmp_path)
    folder = tmp_path / "photos"
    folder.mkdir()
    lines = ["image,x,y,width,height,side,fx,fy,cx,cy"]
    samples = drawn_samples(4)
    for row, image in samples:
        image.save(folder / f"{row['sample_id']}.png")
        fx, _, cx, _, fy, cy, *_ = row["camera_k"]
        values = [*row["box"], row["side"], fx, fy, cx, cy]
        lines.append(",".join([f"{row['sample_id']}.png", *map(str, values)]))
    (tmp_path / "boxes.csv").write_text("\n".join(lines))
    expected = predict(checkpoint, write_samples(tmp_path / "same", samples), tmp_path / "a")
    found = predict_images(checkpoint, folder, tmp_path / "b", tmp_path / "boxes.csv")
    _, expected_ids, expected_2d, expected_3d = read_joints(expected)
    _, ids, joints_2d, joints_3d = read_joints(found)
    assert ids == expected_ids
    np.testing.assert_array_equal(joints_2d, expected_2d)
    np.testing.assert_array_equal(joints_3d, expected_3d)


def test_a_focal_length_gives_absolute_joints(hands: str, tiny, tmp_path: Path) -> None:
    """Twice the focal length, twice the distance; for both hands of one image."""
    checkpoint = checkpoint_of(tiny("meanpose"), hands, tmp_path)
    (tmp_path / "photos").mkdir()
    drawn_samples(2)[1][1].save(tmp_path / "photos" / "two.png")
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("image,x,y,width,height\ntwo.png,0,0,90,80\ntwo.png,40,30,80,90\n")
    depths_m = []
    for focal_px in (300.0, 600.0):
        out = tmp_path / f"{focal_px}.parquet"
        predict_images(checkpoint, tmp_path / "photos", out, boxes, focal_px=focal_px)
        _, ids, joints_2d, joints_3d = read_joints(out)
        assert ids == ["two-0", "two-1"]
        assert joints_2d is not None
        assert joints_3d is not None
        root = [HAND21.root]
        camera_k = np.array([[focal_px, 0, 64], [0, focal_px, 64], [0, 0, 1]])
        np.testing.assert_allclose(
            project(joints_3d[:, root], camera_k), joints_2d[:, root], atol=1e-3
        )
        depths_m.append(joints_3d[:, HAND21.root, 2])
    np.testing.assert_allclose(depths_m[1], 2 * depths_m[0], rtol=1e-5)


def test_predictions_of_a_turned_photograph_are_upright(hands: str, tiny, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(tiny("latent25d"), hands, tmp_path)
    seen = drawn_samples(2)[1][1].resize((100, 140))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    results = []
    for name, image, more in (
        ("seen", seen, {}),
        ("stored", seen.transpose(Image.Transpose.ROTATE_90), {"exif": exif}),
    ):
        image.save(tmp_path / f"{name}.png", **more)
        out = predict_images(checkpoint, tmp_path / f"{name}.png", tmp_path / f"{name}.parquet")
        results.append(read_joints(out)[2])
    np.testing.assert_array_equal(*results)


def test_batch_size_and_precision_change_little(hands: str, tiny, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(tiny("latent25d"), hands, tmp_path)
    results = []
    for settings in (
        None, PredictSettings(batch_size=7, device="cpu"), PredictSettings(precision="bf16"),
    ):  # fmt: skip
        out = predict(checkpoint, hands, tmp_path / "out.parquet", settings)
        results.append(read_joints(out)[2])
    one, other_batches, half = results
    np.testing.assert_allclose(other_batches, one, atol=1e-3)
    difference_px = np.abs(half - one)
    # bf16 has 8 bits: about half a percent of the crop of some 100 px.
    assert 1e-4 < difference_px.max() < 1.0


def test_overlays_of_a_data_set_and_of_a_folder(hands: str, tiny, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(tiny("meanpose"), hands, tmp_path)
    out, overlays = tmp_path / "out.parquet", tmp_path / "overlays"
    predict(checkpoint, hands, out, PredictSettings(overlays=overlays, num_overlays=3))
    assert sorted(path.name for path in overlays.iterdir()) == [
        "hand-00000.jpg", "hand-00024.jpg", "hand-00047.jpg", "sheet.jpg",
    ]  # fmt: skip
    predict(checkpoint, hands, out, PredictSettings(overlays=tmp_path / "usual"))
    assert len(list((tmp_path / "usual").iterdir())) == 16 + 1
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(18):
        drawn_samples(1)[0][1].save(folder / f"same-{number}.png")
    predict_images(checkpoint, folder, out, settings=PredictSettings(overlays=tmp_path / "all"))
    names = {path.stem for path in (tmp_path / "all").iterdir()}
    assert names == {"sheet", *(f"same-{number}" for number in range(18))}


def test_folders_that_cannot_be_used(hands: str, tiny, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(tiny("meanpose"), hands, tmp_path)
    out, folder = tmp_path / "out.parquet", tmp_path / "photos"
    with pytest.raises(InputError, match=r"photos: no such folder, expected a folder of images"):
        predict_images(checkpoint, folder, out)
    folder.mkdir()
    (folder / "a.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"a\.png: not a readable image"):
        predict_images(checkpoint, folder, out)
    with pytest.raises(InputError, match=r"^side: is 'both', expected one of right, left\.$"):
        predict_images(checkpoint, folder, out, side="both")
    drawn_samples(1)[0][1].save(folder / "a.png")
    with pytest.raises(InputError, match=r"boxes\.csv: no such file, expected boxes"):
        predict_images(checkpoint, folder, out, tmp_path / "boxes.csv")
    checkpoint = checkpoint_of(tiny("meanpose", crop="image"), hands, tmp_path)
    with pytest.raises(InputError, match=r"boxes\.csv: given with a model of whole images"):
        predict_images(checkpoint, folder, out, tmp_path / "boxes.csv")
    assert not out.exists()


def test_devices_and_precisions_that_are_not_there(
    hands: str, tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"^device: is 'tpu', expected one of auto, cpu, gpu\.$"):
        PredictSettings(device="tpu")
    with pytest.raises(InputError, match=r"^precision: is '8', expected one of 32, bf16\.$"):
        PredictSettings(precision="8")
    checkpoint = checkpoint_of(tiny("meanpose"), hands, tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"^device: is gpu, expected auto or cpu on this machine"):
        predict(checkpoint, hands, tmp_path / "out", PredictSettings(device="gpu"))


class Malicious:
    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("owned"),))


def test_checkpoints_that_cannot_be_used(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.ckpt"
    with pytest.raises(InputError, match=r"bad\.ckpt: no such file, expected a checkpoint"):
        load_checkpoint(path)
    torch.save({"format": Malicious()}, path)
    with pytest.raises(InputError) as caught:
        load_checkpoint(path)
    assert str(caught.value) == (
        f"{path}: is damaged or holds more than tensors and plain values, expected a checkpoint "
        "written by `handforge train`."
    )
    assert not (tmp_path / "owned").exists()
    for content in (b"", b"text", pickle.dumps({"format": 1}, protocol=2)):
        path.write_bytes(content)
        with pytest.raises(InputError, match="is damaged or holds more than tensors"):
            load_checkpoint(path)
    torch.save(torch.zeros(3), path)
    with pytest.raises(InputError, match=r"expected handforge-checkpoint-1\.$"):
        load_checkpoint(path)


def test_truncated_and_foreign_checkpoints(hands: str, tiny, tmp_path: Path) -> None:
    path = checkpoint_of(tiny("simplebaseline"), hands, tmp_path)
    content = torch.load(path, weights_only=True)
    del content["state"]["head.0.weight"]
    torch.save(content, tmp_path / "holes.ckpt")
    with pytest.raises(InputError, match=r"holes\.ckpt: its weights are not those of system"):
        load_checkpoint(tmp_path / "holes.ckpt")
    content["config"]["system"] = "unheard"
    torch.save(content, tmp_path / "foreign.ckpt")
    with pytest.raises(InputError, match=r"foreign\.ckpt: does not fit this version"):
        load_checkpoint(tmp_path / "foreign.ckpt")
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"model\.ckpt: is damaged or holds more than"):
        load_checkpoint(path)
