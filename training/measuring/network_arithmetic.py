"""How a system's networks are computed: in which numbers, and compiled or not.

Only the networks run in few bits. Crops, labels, codecs and losses stay in 32 bits: a joint at
200 px would move by half a pixel in bf16.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor, nn

from training.systems.system import System

DTYPES = {"bf16": torch.bfloat16, "16": torch.float16}


def set_up_networks(system: System, device_type: str) -> None:
    """Makes a system's networks run as its recipe's `precision` and `compile` say.

    State and the names in it stay as they are.

    Args:
        system: Changed in place.
        device_type: Where it runs, cpu or cuda.
    """
    # A system with a training loss of its own calls its networks one by one.
    whole = type(system).training_loss is System.training_loss
    networks = [system] if whole else [system, *_networks(system)]
    for network in networks:
        if system.config.compile and (whole or network is not system):
            network.forward = torch.compile(network.forward)
        if system.config.precision in DTYPES:
            dtype = DTYPES[system.config.precision]
            network.forward = _in_few_bits(network.forward, device_type, dtype)


def _networks(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if isinstance(child, nn.ModuleList | nn.ModuleDict):
            yield from _networks(child)
        else:
            yield child


def _in_few_bits(
    forward: Callable[..., Any], device_type: str, dtype: torch.dtype
) -> Callable[..., Any]:
    @functools.wraps(forward)
    def run(*args: Any, **kwargs: Any) -> Any:
        if torch.is_autocast_enabled(device_type):
            return forward(*args, **kwargs)
        with torch.autocast(device_type, dtype):
            outputs = forward(*args, **kwargs)
        return apply_to_collection(outputs, Tensor, _to_float32)

    return run


def _to_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
