"""What lies in a data set's folder."""

from pathlib import Path

from render.locking import LOCK_FILE


def files(root: str | Path) -> dict[str, bytes]:
    """Path to content of every file but the lock."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(Path(root).rglob("*"))
        if path.is_file() and path.name != LOCK_FILE
    }
