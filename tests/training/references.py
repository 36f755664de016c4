"""Clones of published implementations, where there are any, and weights that test a match."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
from torch import nn


def reference_module(path: str) -> ModuleType:
    """A module of a clone in the folder that HANDFORGE_REFERENCES names; skips without it.

    Args:
        path: Of the file, from that folder.
    """
    root = os.environ.get("HANDFORGE_REFERENCES")
    file = Path(root or "") / path
    if not root or not file.is_file():
        pytest.skip(f"HANDFORGE_REFERENCES holds no {path}")
    spec = importlib.util.spec_from_file_location(f"reference_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = set(sys.modules)
    spec.loader.exec_module(module)
    # What it has imported from its own folders has names that others may have too.
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(root):
            del sys.modules[name]
    return module


def as_if_trained(model: nn.Module) -> nn.Module:
    """Evaluation mode in double precision, with norms that differ from the identity."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return model.eval().double()
