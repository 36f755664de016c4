"""What covers each pixel: ids, depth, normals and exact coverage, straight from the meshes.

Independent of the renderer and free of its noise. Ids, depth, triangles and normals are taken at
the centre of each pixel; coverage is filtered over samples within it and its neighbours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

NEAR_M = 0.01
"""What is nearer to the camera is cut off, as in `render.blender.studio`."""

FILTER_WIDTH_PX = 1.5
"""Of Cycles' pixel filter by default. Its Blackman-Harris window is twice as wide in all (Blender
4.5, intern/cycles/scene/film.cpp, filter_table): it ends this far from the centre."""

_MOST_MESHES = 255
_LARGEST_SIZE = 4096


class Mesh(NamedTuple):
    """A surface to be drawn.

    Attributes:
        vertices_cam_m: [V, 3].
        triangles: Corners anticlockwise from outside, [F, 3]; both sides are drawn.
        surface_id: 1 to 65535; several meshes may share one.
    """

    vertices_cam_m: np.ndarray
    triangles: np.ndarray
    surface_id: int


@dataclass(frozen=True)
class Raster:
    """Meshes as the camera sees them.

    Attributes:
        meshes: What was drawn.
        camera_k: Intrinsics, px, [3, 3].
        ids: Surface id at pixel centres, 0 where there is nothing, uint16, [S, S].
        depth_m: z at pixel centres, inf where there is nothing, float32, [S, S].
        mesh: Position in `meshes` at pixel centres, -1 where there is nothing, int16, [S, S].
        triangle: Number in its mesh at pixel centres, -1 where there is nothing, int32, [S, S].
        sample_mesh: Position in `meshes` plus 1 at samples, 0 where there is nothing, with a
            border of one pixel, uint8, [S + 2, S + 2, samples].
    """

    meshes: tuple[Mesh, ...]
    camera_k: np.ndarray
    ids: np.ndarray
    depth_m: np.ndarray
    mesh: np.ndarray
    triangle: np.ndarray
    sample_mesh: np.ndarray

    def coverage(self, ids: Collection[int] | None = None) -> np.ndarray:
        """Share of each pixel on which chosen surfaces are nearest, through Cycles' pixel filter.

        Args:
            ids: Surface ids; None for all.

        Returns:
            0 to 1, float32, [S, S].
        """
        from render.raster_kernels import filtered_share

        chosen = np.zeros(len(self.meshes) + 1, np.uint8)
        chosen[1:] = [ids is None or mesh.surface_id in ids for mesh in self.meshes]
        side = round(self.sample_mesh.shape[2] ** 0.5)
        return filtered_share(self.sample_mesh, chosen, _filter_weights(side))

    def of_triangles(self, values: Mapping[int, np.ndarray]) -> np.ndarray:
        """Numbers of triangles, such as body parts, at pixel centres.

        Args:
            values: Of each triangle, by position in `meshes`, [F] integers.

        Returns:
            0 where there is nothing or the mesh has no values, int32, [S, S].
        """
        image = np.zeros(self.mesh.shape, np.int32)
        for mesh, numbers in values.items():
            seen = self.mesh == mesh
            image[seen] = np.asarray(numbers)[self.triangle[seen]]
        return image

    def corner_weights(self) -> np.ndarray:
        """Shares of a triangle's corners in the surface point at each pixel centre.

        Returns:
            Sum 1, or all 0 where there is nothing, [S, S, 3].
        """
        from render.raster_normals import corner_weights

        weights = np.zeros((*self.mesh.shape, 3))
        inverse_k = np.linalg.inv(self.camera_k)
        for number, mesh in enumerate(self.meshes):
            corner_weights(
                mesh.vertices_cam_m,
                mesh.triangles,
                np.int16(number),
                self.mesh,
                self.triangle,
                inverse_k,
                weights,
            )
        return weights

    def normals(self, smooth: bool | Sequence[bool] = True) -> np.ndarray:
        """Unit normals at pixel centres, camera frame, of the side that the camera sees.

        Args:
            smooth: Whether normals are interpolated between vertices; one for all meshes or one
                each.

        Returns:
            0 where there is nothing, float32, [S, S, 3].
        """
        from render.raster_normals import vertex_normals, visible_normals

        flags = [smooth] * len(self.meshes) if isinstance(smooth, bool) else smooth
        weights = self.corner_weights()
        normals = np.zeros(weights.shape, np.float32)
        for number, (mesh, interpolated) in enumerate(zip(self.meshes, flags, strict=True)):
            visible_normals(
                mesh.vertices_cam_m,
                mesh.triangles,
                vertex_normals(mesh.vertices_cam_m, mesh.triangles),
                interpolated,
                np.int16(number),
                self.mesh,
                self.triangle,
                weights,
                normals,
            )
        return normals


def rasterise(
    meshes: Sequence[Mesh | tuple[np.ndarray, np.ndarray, int]],
    camera_k: np.ndarray,
    size: int,
    supersampling: int = 4,
) -> Raster:
    """Draws meshes.

    Args:
        meshes: At most 255. Where two are equally near, the first is seen.
        camera_k: Intrinsics of a pinhole, px, [3, 3].
        size: Image width and height, at most 4096 px.
        supersampling: Its square is the number of samples a pixel.

    Raises:
        ValueError: Too many meshes, too large an image or an id out of range.
    """
    # Compiled code is loaded when it is first needed.
    from render.raster_kernels import draw_mesh

    drawn = tuple(
        Mesh(
            np.ascontiguousarray(vertices, dtype=np.float64),
            np.ascontiguousarray(triangles, dtype=np.int64),
            int(surface_id),
        )
        for vertices, triangles, surface_id in meshes
    )
    if len(drawn) > _MOST_MESHES or not 0 < size <= _LARGEST_SIZE:
        raise ValueError(f"expected at most {_MOST_MESHES} meshes and {_LARGEST_SIZE} px.")
    if not all(0 < mesh.surface_id < 65536 for mesh in drawn):
        raise ValueError("expected surface ids from 1 to 65535.")
    intrinsics = np.ascontiguousarray(camera_k, dtype=np.float64)
    offsets = _sample_offsets(supersampling)
    padded, number = (size + 2, size + 2), supersampling**2
    centre = np.zeros(padded), np.zeros(padded, np.int16), np.full(padded, -1, np.int32)
    samples = np.zeros((*padded, number), np.float32), np.zeros((*padded, number), np.uint8)
    for position, mesh in enumerate(drawn):
        draw_mesh(
            mesh.vertices_cam_m,
            mesh.triangles,
            position + 1,
            intrinsics,
            NEAR_M,
            offsets,
            centre,
            samples,
        )
    inner = slice(1, -1), slice(1, -1)
    mesh_number = centre[1][inner]
    with np.errstate(divide="ignore"):
        depth_m = (1 / centre[0][inner]).astype(np.float32)
    ids = np.array([0, *(mesh.surface_id for mesh in drawn)], np.uint16)
    return Raster(
        meshes=drawn,
        camera_k=intrinsics,
        ids=ids[mesh_number],
        depth_m=depth_m,
        mesh=mesh_number - np.int16(1),
        triangle=centre[2][inner].copy(),
        sample_mesh=samples[1],
    )


@cache
def _sample_offsets(side: int) -> np.ndarray:
    """Samples from the pixel's centre in steps of the rasteriser, [side^2, 2] int64.

    The canonical arrangement of Kensler (Correlated Multi-Jittered Sampling, Pixar Technical Memo
    13-01, 2013, section 2): a regular grid, sheared so that no two samples share a row or a
    column. Near-vertical and near-horizontal edges get side^2 levels instead of side.
    """
    from render.raster_kernels import UNIT

    row, column = np.divmod(np.arange(side * side), side)
    x = (column + (row + 0.5) / side) / side - 0.5
    y = (row + (column + 0.5) / side) / side - 0.5
    return np.rint(np.stack([x, y], -1) * UNIT).astype(np.int64)


@cache
def _filter_weights(side: int) -> np.ndarray:
    """Weights of the samples of a pixel and its neighbours, sum 1, float32, [3, 3, side^2]."""
    from render.raster_kernels import UNIT

    offsets = _sample_offsets(side) / UNIT
    steps = np.array([-1, 0, 1])
    x = blackman_harris(steps[None, :, None] + offsets[None, None, :, 0])
    y = blackman_harris(steps[:, None, None] + offsets[None, None, :, 1])
    weights = x * y
    return (weights / weights.sum()).astype(np.float32)


def blackman_harris(offset_px: np.ndarray) -> np.ndarray:
    """The four-term window (Harris, Proc. IEEE 66(1), 1978, table 1), 1 at offset 0, 0 outside."""
    phase = np.pi * offset_px / FILTER_WIDTH_PX
    window = 0.35875 + 0.48829 * np.cos(phase)
    window += 0.14128 * np.cos(2 * phase) + 0.01168 * np.cos(3 * phase)
    return np.where(np.abs(phase) < np.pi, window, 0.0)
