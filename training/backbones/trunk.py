"""Feature extractors from timm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import PretrainedCfg
from torch import Tensor, nn

from mano_assets.errors import InputError


class Trunk(nn.Module):
    """The last feature map of a timm model, with the normalisation its weights expect.

    Args:
        name: Of the model.
        pretrained: Whether to download timm's weights, or a file of them.

    Attributes:
        channels: Of the feature map.
        stride: Input px a cell of the feature map.
    """

    def __init__(self, name: str, pretrained: bool | Path) -> None:
        super().__init__()
        self.model = timm_features(name, pretrained, out_indices=(-1,))
        self.channels: int = self.model.feature_info.channels()[-1]
        self.stride: int = self.model.feature_info.reduction()[-1]
        self.normalise = Normalise(name)

    def forward(self, images: Tensor) -> Tensor:
        """RGB in 0..1, [B, 3, S, S], to features [B, C, S / stride, S / stride]."""
        return self.model(self.normalise(images))[-1]


class Normalise(nn.Module):
    """Subtracts the mean and divides by the deviation with which a timm model was trained."""

    mean: Tensor
    std: Tensor

    def __init__(self, name: str) -> None:
        super().__init__()
        weights = timm.models.get_pretrained_cfg(name) or PretrainedCfg()
        for moment in ("mean", "std"):
            values = torch.tensor(getattr(weights, moment))[:, None, None]
            self.register_buffer(moment, values, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """RGB in 0..1, [B, 3, S, S], to the same shape."""
        return (images - self.mean) / self.std


def timm_features(name: str, pretrained: bool | Path, **options: Any) -> Any:
    """A timm model that gives its feature maps.

    Args:
        name: Of the model.
        pretrained: Whether to download timm's weights, or a file of them.
        options: Of `timm.create_model`.

    Raises:
        InputError: There is no such model, it has no feature maps, or its weights cannot be had.
    """
    if not timm.is_model(name):
        close = ", ".join(timm.list_models(f"*{name[:6]}*")[:5]) or "resnet18, resnet50"
        raise InputError(f"backbone: timm has no model {name!r}, expected one such as {close}.")
    overlay = {}
    if isinstance(pretrained, Path):
        _require_fitting(pretrained, name)
        overlay = {"pretrained_cfg_overlay": {"file": str(pretrained)}}
    try:
        return timm.create_model(
            name, pretrained=bool(pretrained), features_only=True, **overlay, **options
        )
    except (OSError, RuntimeError, AttributeError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".") if str(error) else "no reason given"
        if pretrained is True:
            raise InputError(
                f"pretrained: timm's weights of {name!r} cannot be had ({reason}), expected a "
                "network connection, or the path of a file of them instead of true."
            ) from error
        raise InputError(f"backbone: {name!r} cannot give feature maps ({reason}).") from error


def _require_fitting(path: Path, name: str) -> None:
    """A file must hold a value of the right shape for all of a model but its classifier."""
    state = read_weights(path)
    with torch.device("meta"):
        model: Any = timm.create_model(name)
    expected = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    classifiers = model.default_cfg.get("classifier") or ()
    classifiers = (classifiers,) if isinstance(classifiers, str) else tuple(classifiers)

    def needed(key: str) -> bool:
        # Files older than batch norm's counter lack it; torch fills it in.
        counter = key.endswith("num_batches_tracked")
        return not counter and not key.startswith(tuple(f"{part}." for part in classifiers))

    found = {key: tuple(value.shape) for key, value in state.items()}
    missing = [key for key in expected if needed(key) and key not in found]
    foreign = [key for key in found if key not in expected]
    if missing or foreign:
        odd = [f"lacks {key}" for key in missing[:1]] + [f"holds {key}" for key in foreign[:1]]
        raise InputError(
            f"pretrained: {path} {' and '.join(odd)}, expected the weights of timm's {name}."
        )
    for key in filter(needed, found):
        if found[key] != expected[key]:
            raise InputError(
                f"pretrained: {key} in {path} is {list(found[key])}, expected "
                f"{list(expected[key])} as in timm's {name}."
            )


def read_weights(path: Path) -> dict[str, Tensor]:
    """A state dict from a file of torch or safetensors; runs none of the file's code.

    Raises:
        InputError: The file is missing or holds something else.
    """
    if not path.is_file():
        raise InputError(
            f"pretrained: there is no file {path}, expected a timm state dict (.pth or "
            ".safetensors)."
        )
    try:
        state = timm.models.load_state_dict(str(path), weights_only=True)
    except Exception as error:  # a damaged file fails in as many ways as its parsers have
        raise InputError(
            f"pretrained: {path} cannot be read ({type(error).__name__}), expected a timm "
            "state dict (.pth or .safetensors)."
        ) from error
    if not all(isinstance(value, Tensor) for value in state.values()) or not state:
        raise InputError(
            f"pretrained: {path} is no state dict, expected tensors with names as timm saves them."
        )
    return state
