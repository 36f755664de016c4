from __future__ import annotations

from pathlib import Path

import pytest
import torch
from drawn_hands import drawn_samples, write_samples

from mano_assets.errors import InputError
from mano_assets.skeleton import HAND21
from render.manifest import JointState
from training.samples.dataset import HandDataset
from training.samples.loading import batch_loader
from training.samples.sources import DataSource


def test_unknown_split_and_unfinished_data(hands: str, tmp_path: Path) -> None:
    assert DataSource.open(f"{hands}:val").num_samples == 12
    with pytest.raises(InputError, match=r"no split 'test', expected one of train, val\.$"):
        DataSource.open(f"{hands}:test")
    root = Path(write_samples(tmp_path / "half", drawn_samples(2)))
    text = (root / "dataset.json").read_text().replace('"complete"', '"rendering"')
    (root / "dataset.json").write_text(text)
    with pytest.raises(InputError, match="state is 'rendering', expected a complete data set"):
        DataSource.open(str(root))


def test_unlabelled_things_get_no_weight(tmp_path: Path, tiny) -> None:
    samples = drawn_samples(4)
    thumb_tip = HAND21.index("thumb_tip")
    samples[0][0]["joint_state"][thumb_tip] = JointState.MISSING
    samples[0][0]["joints_2d"][2 * thumb_tip] = float("nan")
    samples[1][0]["joints_3d"] = None
    samples[2][0]["camera_k"] = None
    samples[3][0]["joint_state"] = None
    samples[3][0]["joints_3d"][3 * thumb_tip] = float("nan")
    root = write_samples(tmp_path / "holes", samples)
    batch = HandDataset([DataSource.open(root)], tiny("latent25d"), False).__getitems__(range(4))
    weights, weights_3d = torch.ones(4, 21), torch.ones(4, 21)
    weights[0, thumb_tip] = 0
    weights_3d[[0, 3], thumb_tip] = 0
    weights_3d[[1, 2]] = 0
    assert torch.equal(batch.weights, weights)
    assert torch.equal(batch.weights_3d, weights_3d)
    assert batch.has_camera.tolist() == [True, True, False, True]
    assert all(getattr(batch, name).isfinite().all() for name in vars(batch))


def test_a_sample_without_a_box(tmp_path: Path, tiny) -> None:
    samples = drawn_samples(3)
    samples[1][0]["box"] = None
    source = DataSource.open(write_samples(tmp_path / "boxless", samples))
    with pytest.raises(InputError, match="sample 'hand-00001' has no box, expected one"):
        HandDataset([source], tiny("simplebaseline"), border=False)
    assert len(HandDataset([source], tiny("simplebaseline", crop="image"), border=False)) == 3


def test_an_image_that_is_none(tmp_path: Path, tiny) -> None:
    root = Path(write_samples(tmp_path / "broken", drawn_samples(2)))
    shard = root / "images" / "part-00000.tar"
    content = bytearray(shard.read_bytes())
    content[512:1024] = bytes(512)
    shard.write_bytes(content)
    dataset = HandDataset([DataSource.open(str(root))], tiny("simplebaseline"), border=False)
    with pytest.raises(InputError, match="image of sample 'hand-00000' cannot be decoded"):
        dataset[0]


def test_several_sources_cached_or_from_workers(hands: str, tiny) -> None:
    sources = [DataSource.open(f"{hands}:val"), DataSource.open(f"{hands}:train")]
    cached = HandDataset(sources, tiny("simplebaseline"), border=False)
    config = tiny("simplebaseline", cache_limit_gb=0, num_loader_workers=2)
    streamed = HandDataset(sources, config, border=False)
    assert cached.fill_cache()
    assert not streamed.fill_cache()
    assert cached.labelled(sources[0]) == (12, 12)
    batches = [
        list(batch_loader(dataset, config, 20, shuffle=False)) for dataset in (cached, streamed)
    ]
    assert [len(batch) for batch in batches[1]] == [20, 20, 8]
    for ours, theirs in zip(*batches, strict=True):
        assert torch.equal(ours.images, theirs.images)
        assert torch.equal(ours.joints_px, theirs.joints_px)
    rows = {row["sample_id"]: row for row, _ in drawn_samples(48)}
    splits = [rows[key]["split"] for key in cached.sample_ids]
    assert splits == ["val"] * 12 + ["train"] * 36


def test_weights_of_states(tmp_path: Path, tiny) -> None:
    samples = drawn_samples(3)
    thumb_tip, wrist = HAND21.indices(["thumb_tip", "wrist"])
    samples[0][0]["joint_state"][thumb_tip] = JointState.OCCLUDED
    samples[0][0]["joint_state"][wrist] = JointState.OUTSIDE
    samples[1][0]["joint_state"] = None
    samples[2][0]["joint_state"][wrist] = JointState.MISSING
    config = tiny("latent25d", state_weights={"occluded": 0.5, "outside": 0, "unknown": 0.75})
    source = DataSource.open(write_samples(tmp_path / "states", samples))
    labels = HandDataset([source], config, border=False).labels()
    expected = torch.ones(3, HAND21.num_joints)
    expected[0, thumb_tip], expected[0, wrist], expected[1], expected[2, wrist] = 0.5, 0, 0.75, 0
    assert torch.equal(labels.weights, expected)
    assert torch.equal(labels.weights_3d, expected)


@pytest.mark.parametrize("name", ["joints_2d", "joints_3d"])
def test_a_labelled_joint_without_numbers(name: str, tmp_path: Path, tiny) -> None:
    samples = drawn_samples(3)
    thumb_tip = HAND21.index("thumb_tip")
    row = samples[1][0]
    place = thumb_tip * len(row[name]) // HAND21.num_joints
    row[name][place] = float("nan")
    source = DataSource.open(write_samples(tmp_path / "nan", samples))
    message = rf"nan: sample 'hand-00001' has {name} that are not finite at thumb_tip, expected"
    with pytest.raises(InputError, match=message):
        HandDataset([source], tiny("latent25d"), border=False)
    row["joint_state"][thumb_tip] = JointState.MISSING
    source = DataSource.open(write_samples(tmp_path / "missing", samples))
    labels = HandDataset([source], tiny("latent25d"), border=False).labels()
    assert labels.weights[1, thumb_tip] == 0


def test_labels_of_a_source_taken_as_flat(hands: str, tiny) -> None:
    sources = [DataSource.open(f"{hands}:val@labels=2d"), DataSource.open(f"{hands}:train")]
    dataset = HandDataset(sources, tiny("latent25d"), border=False)
    assert [dataset.labelled(source) for source in sources] == [(12, 0), (36, 36)]
    assert dataset.labels().has_camera.all()
    assert dataset.source_sizes == [12, 36]
