"""Sets of hand poses from files: data sets, tables of poses, arrays.

Whatever the file, a set is angles of right hands: left ones are mirrored.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mano_assets.anatomy import joint_frames, pose_to_angles
from mano_assets.errors import InputError
from mano_assets.hand import MIRROR_AXIS_ANGLE, Hand
from mano_assets.inverse_kinematics import angles_from_joints
from mano_assets.skeleton import HAND21, MANO16
from render.manifest.conventions import HAND_SIDES
from render.manifest.reading import Manifest, check_columns, column_array, parse_data_source
from render.manifest.schema import vector_column

NPZ_KEYS = ("poses", "mano_pose", "pose")

_LENGTHS = {"mano_pose": 45, "wrist_pose": 3, "joints_3d": 3 * HAND21.num_joints}
_ROWS_AT_ONCE = 65_536
"""Poses turned into angles at a time: bounds the memory for data sets of any size."""


@dataclass(frozen=True)
class PoseSet:
    """Poses of hands, wherever they came from.

    Attributes:
        name: Short, to be shown.
        angles_rad: Bend, splay and twist of right hands, [N, 16, 3].
        has_wrist: Whether the wrist's row is known; else it is zero.
        source: The file and how many poses of which kind it gave.
        num_left_out: Rows of the file without a pose.
        rows: Row of the file, or of its split, that each pose is from, [N]; None when none was left
            out.
    """

    name: str
    angles_rad: np.ndarray
    has_wrist: bool
    source: str
    num_left_out: int = 0
    rows: np.ndarray | None = None


def read_pose_set(path_or_url: str, hand: Hand) -> PoseSet:
    """Reads poses.

    Args:
        path_or_url: One of

            * a data set, `ROOT` or `ROOT:SPLIT`: its MANO poses; where a row has none but all 21
              joints in 3-D, angles from the joints (`mano_assets.inverse_kinematics`);
            * a Parquet file of right hands, as `handforge poses` writes it: a column `mano_pose`
              [45] and perhaps `wrist_pose` [3], or a column `joints_3d` [63];
              `FILE.parquet:SPLIT` takes the rows whose column `split` says so;
            * an NPZ file of right hands: `poses`, `mano_pose` or `pose`, [N, 45] from the flat
              hand, or [N, 48] with the global orientation before them, which is ignored.
        hand: Whose joint frames the angles are measured in.

    Raises:
        InputError: There is no such file, or what it holds is not poses.
    """
    source = str(path_or_url)
    root, split = parse_data_source(source)
    if root.endswith(".npz"):
        if split is not None:
            raise InputError(f"{source}: an NPZ file has no splits, expected {root}.")
        return _from_npz(root, hand)
    if root.endswith(".parquet"):
        name, table = PurePosixPath(root).stem, _read_parquet(root, split)
    else:
        name, table = _read_dataset(root, split)
    return _from_table(source, name if split is None else f"{name}:{split}", table, hand)


def _read_dataset(root: str, split: str | None) -> tuple[str, pa.Table]:
    manifest = Manifest.open(root)
    columns = ["side", "mano_pose", "wrist_pose"]
    table = manifest.table(split, columns)
    # Joints take as much room as poses and wrists together: not read where all poses are known.
    if table["mano_pose"].null_count:
        table = manifest.table(split, [*columns, "joints_3d"])
    return manifest.info.name, table


def _read_parquet(path: str, split: str | None) -> pa.Table:
    try:
        file = pq.ParquetFile(io.BytesIO(_content(path)))
        known = [name for name in ("side", "split", *_LENGTHS) if name in file.schema_arrow.names]
        table = file.read(columns=known)
    except pa.ArrowException as error:
        raise InputError(f"{path}: not a readable Parquet file ({error}).") from error
    if not {"mano_pose", "joints_3d"} & set(known):
        raise InputError(f"{path}: has neither a column 'mano_pose' nor 'joints_3d'.")
    if split is None:
        return table
    splits = sorted(set(table["split"].to_pylist())) if "split" in known else []
    if split not in splits:
        raise InputError(f"{path}: no split {split!r}, expected one of {', '.join(splits)}.")
    return table.filter(pc.field("split") == split)


def _from_table(source: str, name: str, table: pa.Table, hand: Hand) -> PoseSet:
    """Angles of all rows that have a pose, or joints to tell one from."""
    count = table.num_rows
    side = np.array(
        table["side"].to_pylist() if "side" in table.column_names else HAND_SIDES[:1] * count
    )
    pose, has_pose = _vectors(source, table, "mano_pose")
    wrist, has_wrist = _vectors(source, table, "wrist_pose")
    joints_3d_m, has_joints = _vectors(source, table, "joints_3d")
    of_a_side = np.isin(side, HAND_SIDES)
    has_pose &= of_a_side
    has_joints &= of_a_side & ~has_pose
    angles_rad = np.zeros((count, MANO16.num_joints, 3))

    left = (side == "left")[has_pose, None]
    vectors = np.concatenate([np.where(has_wrist[:, None], wrist, 0), pose], 1)[has_pose]
    vectors *= np.where(left, np.tile(MIRROR_AXIS_ANGLE, MANO16.num_joints), 1.0)
    angles_rad[has_pose] = _angles(vectors, hand)
    for which in HAND_SIDES:
        rows = has_joints & (side == which)
        angles_rad[rows] = angles_from_joints(
            joints_3d_m[rows].reshape(-1, HAND21.num_joints, 3), which, hand
        )

    usable = has_pose | has_joints
    if not usable.any():
        raise InputError(
            f"{source}: none of {count} rows is a pose, expected 'mano_pose' or all 21 joints of "
            "'joints_3d', and whose hand it is in 'side'."
        )
    told = [f"{has_pose.sum():,} MANO poses"] if has_pose.any() else []
    told += [f"{has_joints.sum():,} told from joints in 3-D"] if has_joints.any() else []
    left_out = int(count - usable.sum())
    told += [f"{left_out:,} rows without a pose left out"] if left_out else []
    return PoseSet(
        name,
        angles_rad[usable],
        bool((has_pose & has_wrist)[usable].all()),
        f"{source}: {', '.join(told)}",
        left_out,
        np.flatnonzero(usable) if left_out else None,
    )


def _vectors(source: str, table: pa.Table, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A column of vectors, and which rows have one; nobody has one where there is no column.

    Returns:
        [N, length] and [N].
    """
    length = _LENGTHS[name]
    if name not in table.column_names:
        return np.full((table.num_rows, length), np.nan), np.zeros(table.num_rows, dtype=bool)
    field = vector_column(name, length, "")
    try:
        column = pa.table([table[name].cast(field.type)], pa.schema([field]))
        check_columns(column, column.schema)
    except (pa.ArrowException, ValueError) as error:
        raise InputError(
            f"{source}: column {name!r} is {table[name].type}, expected vectors of {length} "
            f"numbers ({str(error).rstrip('.')})."
        ) from error
    values = column_array(column, name, length)
    finite = np.isfinite(values).all(1)
    # Joints that are not labelled are NaN by convention; a pose is there or not.
    if name != "joints_3d":
        _expect_finite(f"{source}: column {name!r}", finite | ~np.asarray(column[name].is_valid()))
    return values, finite


def _from_npz(path: str, hand: Hand) -> PoseSet:
    content = _content(path)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            key = next((key for key in NPZ_KEYS if key in stored.files), None)
            poses = stored[key] if key else None
    except (OSError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not an NPZ file of plain arrays ({error}).") from error
    if poses is None:
        raise InputError(f"{path}: expected an array named {', '.join(NPZ_KEYS[:-1])} or pose.")
    if poses.ndim != 2 or poses.shape[1] not in (45, 48) or poses.dtype.kind not in "fiu":
        raise InputError(
            f"{path}: {key!r} is {poses.dtype} {list(poses.shape)}, expected numbers [N, 45] or "
            "[N, 48]."
        )
    if not len(poses):
        raise InputError(f"{path}: {key!r} holds no pose, expected at least one.")
    vectors = np.zeros((len(poses), 48))
    vectors[:, 3:] = poses[:, -45:]
    _expect_finite(f"{path}: {key!r}", np.isfinite(vectors).all(1))
    source = f"{path}: {len(poses):,} MANO poses"
    return PoseSet(PurePosixPath(path).stem, _angles(vectors, hand), False, source)


def _angles(vectors: np.ndarray, hand: Hand) -> np.ndarray:
    """Wrist and finger joints of right hands, axis-angle, [N, 48], to angles [N, 16, 3]."""
    frames = joint_frames(hand.arrays["J"])
    starts = range(0, len(vectors), _ROWS_AT_ONCE)
    parts = [pose_to_angles(vectors[start : start + _ROWS_AT_ONCE], frames) for start in starts]
    return np.concatenate(parts) if parts else np.zeros((0, MANO16.num_joints, 3))


def _expect_finite(what: str, finite: np.ndarray) -> None:
    if not finite.all():
        raise InputError(
            f"{what} is not finite in row {int(np.argmin(finite))}, expected radians in every row."
        )


def _content(path: str) -> bytes:
    try:
        with fsspec.open(path, "rb") as stream:
            return stream.read()  # type: ignore[union-attr]
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{path}: cannot be read, expected a file of poses ({error}).") from error
