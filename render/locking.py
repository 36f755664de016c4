"""Who may touch a data set folder: many renderers at once, or one that tidies it up."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mano_assets.errors import InputError

LOCK_FILE = ".lock"
_PATIENCE_S = 20.0
"""A renderer whose parent was killed notices after its current image."""


@contextmanager
def rendering(root: Path) -> Iterator[None]:
    """Held by each process that writes parts."""
    with _locked(root, fcntl.LOCK_SH):
        yield


@contextmanager
def tidying(root: Path) -> Iterator[None]:
    """Held by the one process that may remove a crash's leavings.

    Raises:
        InputError: Another run is rendering into the folder.
    """
    with _locked(root, fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(root: Path, kind: int) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(root / LOCK_FILE, os.O_RDWR | os.O_CREAT)
    deadline = time.monotonic() + _PATIENCE_S
    try:
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise InputError(
                        f"{root}: another run is rendering here, expected a folder of its own or "
                        "that run to end first."
                    ) from None
                time.sleep(0.2)
        yield
    finally:
        os.close(descriptor)
