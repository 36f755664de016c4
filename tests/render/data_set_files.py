"""Are two data sets the same?

Rows, masks and all label images to the bit. Of the images themselves Cycles changes a few pixels by
a level or two from process to process where surfaces of things meet, so their bytes may differ.
"""

import io
import tarfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from render.locking import LOCK_FILE

MOST_LEVELS, MOST_PIXELS = 8, 0.02


def names(root: str | Path) -> set[str]:
    """Every file of a data set but the lock."""
    paths = (path for path in Path(root).rglob("*") if path.is_file() and path.name != LOCK_FILE)
    return {str(path.relative_to(root)) for path in paths}


def assert_same(first: str | Path, second: str | Path) -> None:
    """Two data sets hold the same samples."""
    assert names(first) == names(second)
    for name in sorted(names(first)):
        assert_same_file(Path(first) / name, Path(second) / name)


def assert_same_file(one: Path, other: Path) -> None:
    """Two files of data sets hold the same."""
    if one.suffix == ".parquet":
        assert rows(one) == rows(other)
    elif one.suffix == ".tar":
        assert_same_images(members(one), members(other))
    else:
        assert one.read_bytes() == other.read_bytes()


def rows(path: Path) -> list[dict]:
    """What a part says, but for where its images lie."""
    table = pq.ParquetFile(path).read()
    places = [name for name in table.column_names if name.endswith(("_offset", "_size", "_sha256"))]
    return table.drop_columns(places).to_pylist()


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        found = {}
        for member in tar.getmembers():
            stream = tar.extractfile(member)
            assert stream is not None
            found[member.name] = stream.read()
        return found


def assert_same_images(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert list(one) == list(other)
    for name, data in one.items():
        if name.endswith(".png"):
            assert data == other[name]
            continue
        pixels, others = (
            np.asarray(Image.open(io.BytesIO(content))).astype(int)
            for content in (data, other[name])
        )
        change = np.abs(pixels - others)
        assert change.max() <= MOST_LEVELS
        assert (change > 0).any(-1).mean() <= MOST_PIXELS
