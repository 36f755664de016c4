"""Does `smplx` pose a built hand as we do? Asked once, when a hand is built."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np

from mano_assets.hand import Hand

_TOLERANCE_M = 1e-6


def check_with_smplx(folder: Path, hand: Hand) -> None:
    """Loads both sides with `smplx.MANO` and compares random poses and shapes.

    Args:
        folder: Holds MANO_RIGHT.npz and MANO_LEFT.npz.
        hand: The same, loaded by us.

    Raises:
        ValueError: A vertex differs by more than a micrometre.
    """
    import smplx
    import torch

    rng = np.random.default_rng(0)
    orient, pose, betas, shift = (
        rng.normal(0, spread, (4, size)) for spread, size in ((1, 3), (0.4, 45), (1, 10), (1, 3))
    )
    for side in ("right", "left"):
        with contextlib.redirect_stdout(io.StringIO()):
            model = smplx.MANO(
                str(folder),
                is_rhand=side == "right",
                ext="npz",
                use_pca=False,
                flat_hand_mean=True,
                batch_size=len(pose),
                dtype=torch.float64,
            )
        output = model(
            betas=torch.tensor(betas),
            global_orient=torch.tensor(orient),
            hand_pose=torch.tensor(pose),
            transl=torch.tensor(shift),
        )
        ours, _ = hand.posed(orient, pose, betas, shift, side)
        difference = np.abs(ours - output.vertices.detach().numpy()).max()
        if difference > _TOLERANCE_M:
            raise ValueError(f"{folder}: smplx poses the {side} hand {difference:.2g} m elsewhere")
