"""Poses without pictures: a table of what a recipe would draw, and a sheet to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from mano_assets.anatomy import PALMAR, joint_frames, pose_to_angles
from mano_assets.hand import MIRROR_AXIS_ANGLE, Hand
from mano_assets.skin import vertex_normals
from render.environments import list_environments
from render.manifest.schema import vector_column
from render.poses.hardness import range_exceedance
from render.recipe import DatasetRecipe
from render.scene import plan_scene

POSES_SCHEMA = pa.schema(
    [
        pa.field("index", pa.int64(), metadata={"doc": "Sample number in the recipe"}),
        pa.field("split", pa.string(), metadata={"doc": "Split it is of"}),
        pa.field("distribution", pa.string(), metadata={"doc": "Distribution drawn from"}),
        pa.field("family", pa.string(), metadata={"doc": "Family of the distribution"}),
        vector_column("mano_pose", 45, "Right hand, axis-angle, MANO's joint order"),
        vector_column("betas", 10, "Shape coefficients"),
        pa.field(
            "range_exceedance",
            pa.float64(),
            metadata={"doc": "Mean bend beyond the functional range, radians"},
        ),
    ]
)

_COLUMNS = 8
_MOST_PICTURES = 48


def sample_poses(recipe: DatasetRecipe, hand: Hand, count: int) -> pa.Table:
    """The poses of a recipe's samples, spread evenly over its splits.

    Args:
        recipe: Of a data set.
        hand: Whose joint frames turn angles into poses.
        count: Poses; those of a data set of this many images.

    Returns:
        A row a pose, by `POSES_SCHEMA`.
    """
    recipe = recipe.with_num_images(count)
    environments = list_environments(recipe.light.environments)
    frames = joint_frames(hand.arrays["J"])
    rows = []
    for index in tqdm(range(count), desc="poses", unit="pose", leave=False):
        scene = plan_scene(recipe, hand, environments, index)
        pose = np.array(scene.pose)
        if scene.side == "left":
            pose = pose * np.tile(MIRROR_AXIS_ANGLE, 15)
        rows.append(
            {
                "index": index,
                "split": scene.split,
                "distribution": scene.distribution,
                "family": scene.family,
                "mano_pose": pose.tolist(),
                "betas": scene.betas,
                "range_exceedance": float(range_exceedance(pose_to_angles(pose, frames))),
            }
        )
    return pa.Table.from_pylist(rows, POSES_SCHEMA)


def write_poses(table: pa.Table, path: Path) -> None:
    """Writes poses as Parquet, the whole file at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(table, temporary, compression="zstd")
    temporary.replace(path)


def draw_sheet(table: pa.Table, hand: Hand, path: Path) -> None:
    """Draws poses as shaded hands seen on the palm, each with its family.

    Args:
        table: From `sample_poses`; at most 48 of its rows are drawn, evenly spaced.
        hand: The hand.
        path: PNG file to write.
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    picks = np.unique(np.linspace(0, table.num_rows - 1, _MOST_PICTURES).astype(int))
    rows = table.take(picks).to_pylist()
    figure = Figure(figsize=(2 * _COLUMNS, 2.2 * -(-len(rows) // _COLUMNS)), dpi=110)
    for number, row in enumerate(rows):
        pose, betas = np.array(row["mano_pose"]), np.array(row["betas"])
        vertices, _ = hand.posed(np.zeros(3), pose, betas, np.zeros(3))
        normals = vertex_normals(vertices, hand.triangles)
        depth = vertices @ PALMAR
        corners = hand.triangles[np.argsort(depth[hand.triangles].mean(1))]
        light = np.clip(normals @ np.array([-0.35, -0.8, 0.5]), 0, 1)[corners].mean(1)
        colours = np.outer(0.3 + 0.7 * light, [0.93, 0.75, 0.66])
        # Fingers point along -x and the thumb to +z: turn the fingers up.
        flat = np.stack([vertices[:, 2], -vertices[:, 0]], 1)
        axes = figure.add_subplot(-(-len(rows) // _COLUMNS), _COLUMNS, number + 1)
        axes.add_collection(
            PolyCollection(
                list(flat[corners]), facecolors=colours, edgecolors=colours, linewidths=0.3
            )
        )
        axes.set(xlim=(-0.14, 0.15), ylim=(-0.05, 0.25), aspect="equal")
        axes.set_title(f"{row['family']} ({row['range_exceedance']:.2f})", fontsize=8)
        axes.axis("off")
    figure.tight_layout(pad=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
