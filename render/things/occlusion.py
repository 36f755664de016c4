"""What things hide from the camera, and whether they are clear of each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from render.things.surfaces import Mesh

_FAR_M = 100.0


def hides(thing: Mesh, points_cam_m: np.ndarray) -> np.ndarray:
    """Which points lie behind a thing.

    Args:
        thing: Camera frame, metres, open or closed.
        points_cam_m: [N, 3].

    Returns:
        [N] bool.
    """
    # Compiled code is loaded when it is first needed.
    from render.ray_casting import skins_before

    starts, _, _, _ = skins_before(
        np.ascontiguousarray(points_cam_m, dtype=np.float64),
        np.ascontiguousarray(thing.vertices, dtype=np.float64),
        np.ascontiguousarray(thing.triangles, dtype=np.int64),
        0.0,
    )
    return starts[:-1] < starts[1:]


def rays_of_box(
    points_cam_m: np.ndarray, camera_k: np.ndarray, size_px: int, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Even rays through the part of the points' box that is in the image.

    Args:
        points_cam_m: Before the camera, [N, 3].
        camera_k: Intrinsics, px, [3, 3].
        size_px: Width and height of the image.
        steps: Rays along each side.

    Returns:
        Far ends of the rays, [steps**2, 3], and the box's low and high corner, px, [2, 2].
    """
    pixels = points_cam_m[:, :2] / points_cam_m[:, 2:] * np.diag(camera_k)[:2] + camera_k[:2, 2]
    box = np.clip([pixels.min(0), pixels.max(0)], 0.0, float(size_px))
    shares = (np.arange(steps) + 0.5) / steps
    across, down = np.meshgrid(*(box[0, k] + shares * np.ptp(box[:, k]) for k in range(2)))
    flat = np.stack([across.ravel(), down.ravel()], axis=1)
    ends = np.ones((steps**2, 3))
    ends[:, :2] = (flat - camera_k[:2, 2]) / np.diag(camera_k)[:2]
    return ends * _FAR_M, box


def apart(thing: Mesh, pieces: Sequence[int], closed: bool, other: Mesh) -> bool:
    """Whether two surfaces do not cross and neither holds the other; exactly.

    Args:
        thing: The one.
        pieces: A vertex of each piece of it that hangs together.
        closed: Whether it has an inside.
        other: The other: closed, and all in one piece.
    """
    from mano_assets.geometry.mesh_crossing import inside, meshes_cross

    if meshes_cross(thing.vertices, thing.triangles, other.vertices, other.triangles):
        return False
    if inside(other.vertices, other.triangles, thing.vertices[list(pieces)]).any():
        return False
    return not (closed and inside(thing.vertices, thing.triangles, other.vertices[:1]).any())
