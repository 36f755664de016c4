"""Are two data sets the same, byte for byte?"""

from pathlib import Path

from render.locking import LOCK_FILE


def contents(root: str | Path) -> dict[str, bytes]:
    """Every file of a data set but the lock."""
    paths = (path for path in Path(root).rglob("*") if path.is_file() and path.name != LOCK_FILE)
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def assert_same(first: str | Path, second: str | Path) -> None:
    """Two data sets hold the same files with the same bytes."""
    one, other = contents(first), contents(second)
    assert set(one) == set(other)
    assert [name for name in one if one[name] != other[name]] == []
