"""One formula for numpy arrays and torch tensors: which library an array belongs to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    import torch

Array = TypeVar("Array", np.ndarray, "torch.Tensor")
"""A numpy array or a torch tensor; a function of one gives back the same kind.

The two share what the formulas need, but no type says so: inside, they are `Any`.
"""


def namespace_of(array: Any) -> Any:
    """The library whose functions take this array: torch for a tensor, else numpy."""
    # Who holds a tensor has imported torch: asking must not import it for everybody else.
    torch = sys.modules.get("torch")
    return torch if torch is not None and isinstance(array, torch.Tensor) else np


def constant_like(constant: Any, array: Any) -> Any:
    """A constant as an operand for an array: on a tensor's device and in its type.

    Args:
        constant: Array or tensor.
        array: The other operand.
    """
    library = namespace_of(array)
    if library is np:
        return np.asarray(constant)
    return library.as_tensor(constant, dtype=array.dtype, device=array.device)


def copy_of(array: Any) -> Any:
    """A copy to write into; a tensor's stays in the graph of its gradients."""
    return array.copy() if namespace_of(array) is np else array.clone()
