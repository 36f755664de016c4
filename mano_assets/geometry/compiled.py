"""Kernels: functions over arrays that numba compiles to machine code.

A kernel may call only kernels of its own file. numba keeps the machine code on disk and compiles
anew when the file has changed, but it does not look at what a kernel calls in other files.

The code lies in `__pycache__` beside the source; where that cannot be written, in the user's cache
folder; `NUMBA_CACHE_DIR` overrides both. Where nothing can be written, every process compiles for
itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function at its first call, and keeps the machine code where that is possible.

    Without fast mathematics: the same arguments give the same bits on every machine.
    """
    try:
        return numba.njit(cache=True)(function)
    except RuntimeError:  # numba: "no locator available"
        return numba.njit(function)
