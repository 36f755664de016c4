"""The manifest by itself: writing, reading, committing."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from mano_assets.errors import InputError
from render.manifest import (
    SCHEMA,
    DatasetInfo,
    JointState,
    Manifest,
    PartWriter,
    backproject,
    parse_data_source,
    project,
    remove_rubbish,
    verify,
    write_dataset,
)
from render.manifest.predictions import (
    PredictionInfo,
    Predictions,
    read_predictions,
    write_predictions,
)
from render.manifest.reading import column_array

CAMERA_K = np.array([[150.0, 0, 32], [0, 150, 24], [0, 0, 1]])


def png(value: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), (value, 0, 255 - value)).save(stream, "PNG")
    return stream.getvalue()


def sample(number: int, split: str = "train") -> dict:
    """A user's own sample, as the README's ten lines make it."""
    joints_3d = np.random.default_rng(number).normal([0, 0, 0.5], 0.03, (21, 3))
    return {
        "sample_id": f"mine-{number}",
        "split": split,
        "width": 64,
        "height": 48,
        "side": "left",
        "camera_k": CAMERA_K.ravel().tolist(),
        "joints_3d": joints_3d.ravel().tolist(),
        "joints_2d": project(joints_3d, CAMERA_K).ravel().tolist(),
        "joint_state": [int(JointState.UNKNOWN)] * 21,
    }


def own(root: Path, count: int = 5) -> Manifest:
    samples = ((sample(n, "test" if n == 4 else "train"), png(n)) for n in range(count))
    write_dataset(root, DatasetInfo(name="mine", kind="real", state="rendering"), samples, "png")
    return Manifest.open(str(root))


def test_a_users_own_data_set_reads_back(tmp_path: Path):
    manifest = own(tmp_path)
    assert verify(str(tmp_path)) == []
    assert manifest.info.counts == {"test": 1, "train": 4}
    row = manifest.table("test").to_pylist()[0]
    assert row["sample_id"] == "mine-4"
    assert row["mano_pose"] is None
    data = manifest.read_bytes(row["image_shard"], row["image_offset"], row["image_size"])
    assert data == png(4)


def test_shards_are_webdataset_tars(tmp_path: Path):
    own(tmp_path)
    with tarfile.open(tmp_path / "images/part-00000.tar") as shard:
        assert shard.getnames() == [f"mine-{n}.png" for n in range(5)]
        assert shard.extractfile("mine-2.png").read() == png(2)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "suffix"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("BMP", "bmp"),
                         ("GIF", "img")],
)  # fmt: skip
def test_files_in_the_tar_are_named_by_what_they_are(tmp_path: Path, kind: str, suffix: str):
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 120, 60)).save(stream, kind)
    info = DatasetInfo(name="mine", kind="real", state="rendering")
    samples = [(sample(0), stream.getvalue()), (sample(1), png(1))]
    write_dataset(tmp_path, info, samples)
    with tarfile.open(tmp_path / "images/part-00000.tar") as shard:
        assert shard.getnames() == [f"mine-0.{suffix}", "mine-1.png"]
    assert verify(str(tmp_path)) == []


def test_numbers_of_a_joint_without_a_label_are_found(tmp_path: Path):
    row = sample(0)
    row["joint_state"] = [int(JointState.MISSING), *row["joint_state"][1:]]
    nan, info = float("nan"), DatasetInfo(name="mine", kind="real", state="rendering")
    without = {
        "joints_2d": [nan] * 2 + row["joints_2d"][2:], "joints_3d": [nan] * 3 + row["joints_3d"][3:]
    }  # fmt: skip

    def found(name: str, change: dict) -> list[str]:
        write_dataset(tmp_path / name, info, [({**row, **change}, png(0))])
        return verify(str(tmp_path / name))

    assert found("right", without) == []
    assert found("flat", {**without, "joints_3d": None}) == []
    for name in without:
        assert found(f"only {name}", {**without, name: row[name]}) == [
            "manifest/part-00000.parquet: mine-0: a joint that is MISSING has numbers in "
            f"{name}, expected NaN."
        ]


def test_a_url_opens_like_a_path(tmp_path: Path):
    own(tmp_path)
    manifest = Manifest.open(f"file://{tmp_path}")
    assert manifest.table(columns=["sample_id"]).num_rows == 5


def test_every_column_is_documented():
    assert all(field.metadata and field.metadata[b"doc"] for field in SCHEMA)


def test_null_vectors_become_nan(tmp_path: Path):
    table = own(tmp_path).table()
    assert np.isnan(column_array(table, "mano_betas", 10)).all()
    assert column_array(table, "joints_2d", 21, 2).shape == (5, 21, 2)


def test_an_uncommitted_part_is_rubbish(tmp_path: Path):
    own(tmp_path)
    writer = PartWriter(tmp_path, 1)
    writer.add({**sample(9), "index": 9}, png(9), "png")
    (tmp_path / "images/part-00007.tar").write_bytes(b"a tar whose manifest was never written")
    assert len(Manifest.open(str(tmp_path)).parts) == 1
    removed = remove_rubbish(tmp_path)
    assert len(removed) == 2
    assert verify(str(tmp_path)) == []


def test_leaving_without_a_commit_leaves_nothing(tmp_path: Path):
    def fail() -> None:
        with PartWriter(tmp_path, 0) as writer:
            writer.add({**sample(0), "index": 0}, png(0), "png")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert list(tmp_path.rglob("*.*")) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "not a data set, expected a folder with dataset.json"),
        ("{", "not a valid description"),
        ('{"name": "x"}', "not a valid description"),
        (
            '{"name": "x", "kind": "real", "state": "complete", "schema_version": 99}',
            "schema_version is 99, expected 4",
        ),
    ],
)
def test_what_is_no_data_set_is_refused(tmp_path: Path, content: str | None, message: str):
    if content is not None:
        (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(InputError, match=message):
        Manifest.open(str(tmp_path))


def test_an_unknown_split_lists_the_known_ones(tmp_path: Path):
    with pytest.raises(InputError, match="no split 'val', expected one of test, train"):
        own(tmp_path).table("val")


finite = st.floats(-1, 1, allow_nan=False)


@given(
    hnp.arrays(float, (7, 3), elements=finite),
    st.floats(50, 2000),
    st.floats(0, 500),
    st.floats(0, 500),
)
def test_backproject_inverts_project(points: np.ndarray, focal: float, cx: float, cy: float):
    points = points + np.array([0, 0, 1.5])
    camera_k = np.array([[focal, 0, cx], [0, focal * 1.1, cy], [0, 0, 1]])
    again = backproject(project(points, camera_k), points[:, 2], camera_k)
    np.testing.assert_allclose(again, points, atol=1e-9)


def test_the_centre_of_the_top_left_pixel_is_one_half():
    # A point on the ray through the corner of the image is at 0, half a pixel on at 0.5.
    camera_k = np.array([[100.0, 0, 50], [0, 100, 50], [0, 0, 1]])
    corner = np.array([[-0.5, -0.5, 1.0], [-0.495, -0.495, 1.0]])
    np.testing.assert_allclose(project(corner, camera_k), [[0, 0], [0.5, 0.5]], atol=1e-12)


def info() -> PredictionInfo:
    return PredictionInfo(
        system="s", label="l", checkpoint="c", checkpoint_sha256="0", data="d", data_name="n"
    )


def test_predictions_read_back(tmp_path: Path):
    path = tmp_path / "p.parquet"
    random = np.random.default_rng(0)
    joints_2d = random.normal(size=(3, 21, 2))
    vertices_3d = random.normal(size=(3, 778, 3))
    written = Predictions(info(), ["a", "b", "c"], joints_2d, None, vertices_3d, random.random(3))
    write_predictions(path, written)
    found = read_predictions(path)
    assert (found.info, found.sample_ids) == (info(), ["a", "b", "c"])
    assert (found.joints_3d, found.right_probability) == (None, None)
    for name in ("joints_2d", "vertices_3d", "score"):
        np.testing.assert_array_equal(getattr(found, name), getattr(written, name))


def test_files_of_before_the_optional_columns_are_read(tmp_path: Path):
    path = tmp_path / "p.parquet"
    write_predictions(path, Predictions(info(), ["a"], np.zeros((1, 21, 2))))
    pq.write_table(pq.read_table(path).drop(["vertices_3d", "score", "right_probability"]), path)
    assert read_predictions(path).score is None


def test_what_is_no_predictions_file_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no such file, expected predictions"):
        read_predictions(tmp_path / "absent.parquet")
    (tmp_path / "text.parquet").write_text("text")
    with pytest.raises(InputError, match="not a predictions file"):
        read_predictions(tmp_path / "text.parquet")
    own(tmp_path / "data")
    with pytest.raises(InputError, match=r"not a predictions file \(.*[^.]\)\.$"):
        read_predictions(tmp_path / "data/manifest/part-00000.parquet")


def test_a_folder_with_something_else_is_not_overwritten(tmp_path: Path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images/holiday.tar").write_bytes(b"photographs")
    with pytest.raises(InputError, match="is not empty and not a data set, expected a new folder"):
        own(tmp_path)
    assert (tmp_path / "images/holiday.tar").read_bytes() == b"photographs"


def test_another_data_set_is_not_overwritten(tmp_path: Path):
    own(tmp_path)
    other = DatasetInfo(name="other", kind="real", state="rendering")
    with pytest.raises(InputError, match="holds the real data set 'mine', expected a new folder"):
        write_dataset(tmp_path, other, [(sample(0), png(0))], "png")
    assert verify(str(tmp_path)) == []
    assert own(tmp_path, count=3).info.num_samples == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sample_id": "x" * 81}, "expected at most 80 bytes"),
        ({"sample_id": "a.b"}, "without '/' and '.'"),
        ({"height": None}, "column 'height' is missing in a row, expected int32"),
        ({"hieght": 3}, "'hieght' is not a column of the manifest"),
        ({"side": 7}, "a row does not fit the manifest"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, change: dict, message: str):
    info = DatasetInfo(name="mine", kind="real", state="rendering")
    with pytest.raises(InputError, match=message):
        write_dataset(tmp_path, info, [({**sample(0), **change}, png(0))], "png")
    assert list(tmp_path.rglob("*.tmp")) == []


def test_a_missing_part_is_not_passed_over(tmp_path: Path):
    manifest = own(tmp_path)
    (tmp_path / "manifest/part-00000.parquet").unlink()
    with pytest.raises(InputError, match="holds 0 parts, expected 1"):
        Manifest.open(manifest.root).table()


def test_an_undecodable_image_is_found(tmp_path: Path):
    info = DatasetInfo(name="mine", kind="real", state="rendering")
    write_dataset(tmp_path, info, [(sample(0), b"not an image")], "png")
    assert verify(str(tmp_path)) == [
        "manifest/part-00000.parquet: mine-0: the image cannot be decoded."
    ]


def test_an_unknown_url_is_refused():
    with pytest.raises(InputError, match="foo://bar: not a path or URL that can be opened"):
        Manifest.open("foo://bar")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data/hands", ("data/hands", None)),
        ("data/hands:train", ("data/hands", "train")),
        ("s3://bucket/hands", ("s3://bucket/hands", None)),
        ("s3://bucket/hands:test_easy", ("s3://bucket/hands", "test_easy")),
        ("http://host:8080/hands", ("http://host:8080/hands", None)),
        ("simplecache::s3://bucket/hands:a-b_c", ("simplecache::s3://bucket/hands", "a-b_c")),
        ("C:\\data\\hands", ("C:\\data\\hands", None)),
        ("C:\\data\\hands:val", ("C:\\data\\hands", "val")),
    ],
)
def test_data_sources(text: str, expected: tuple[str, str | None]):
    assert parse_data_source(text) == expected


@pytest.mark.parametrize("text", ["", "data/hands:", ":train"])
def test_an_empty_root_or_split(text: str):
    with pytest.raises(InputError, match=r"^data: .*expected ROOT or ROOT:SPLIT\.$"):
        parse_data_source(text)


def test_data_without_a_recipe_is_named_by_what_it_holds(tmp_path: Path):
    info = DatasetInfo(name="mine", kind="real", state="rendering")
    wrong = {**sample(0), "side": "right"}
    digests = [
        write_dataset(tmp_path / name, info, [(row, png(value))], "png").recipe_digest
        for name, row, value in (
            ("a", sample(0), 0), ("b", sample(0), 0), ("c", wrong, 0), ("d", sample(0), 1)
        )
    ]  # fmt: skip
    assert digests[0] is not None
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
