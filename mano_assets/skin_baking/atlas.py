"""A UV atlas of a hand's mesh, of its own: any mesh has one, and no texels are wasted.

Faces of one finger (or the palm, or the forearm) that look the same way along one of the axes make
a chart, which is projected along that axis: no face is squeezed to less than 1 / sqrt(3) of its
breadth. Charts are packed on shelves
with a margin around each, in which the surface goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from scipy.ndimage import distance_transform_edt
from scipy.sparse.csgraph import connected_components

from mano_assets.geometry.surface import vertex_normals
from mano_assets.hand import Hand
from mano_assets.skeleton import FINGERS, MANO16

FOREARM_DENSITY = 0.5
"""Texels a metre on the forearm, against the hand: it is as large and has less to show."""

MARGIN_TEXELS = 6
"""Around each chart: bilinear lookups and the bump's finite differences reach over its edge."""


@dataclass(frozen=True)
class Atlas:
    """Where the faces of a hand lie in its maps.

    Attributes:
        faces: Quads [F, 4] or triangles [F, 3] of the right hand.
        corners_uv: Of the faces' corners; u to the right, v upwards, within [0, 1], [F, K, 2].
        size: Width and height of the maps, texels.
    """

    faces: np.ndarray
    corners_uv: np.ndarray
    size: int


@dataclass(frozen=True)
class SurfaceTexels:
    """The texels that show the surface or its continuation in the margins.

    Attributes:
        texels: Row (from v = 0 upwards) times the maps' width plus column, [N].
        triangles: Corners, vertices of the hand, [N, 3].
        shares: Barycentric coordinates in the triangle, beyond [0, 1] in the margins, [N, 3].
        corners: Face and its three corners that are the triangle's, [N, 4].
    """

    texels: np.ndarray
    triangles: np.ndarray
    shares: np.ndarray
    corners: np.ndarray

    def interpolated(self, of_vertices: np.ndarray) -> np.ndarray:
        """Quantities of the vertices [V, ...] at the texels, [N, ...], float32."""
        values = np.asarray(of_vertices, dtype=np.float32)
        shares = self.shares.astype(np.float32)
        return np.einsum("nc,nc...->n...", shares, values[self.triangles])


def mesh_faces(hand: Hand) -> np.ndarray:
    """The faces that are rendered: quads where the hand has them, [F, 4], else triangles."""
    return hand.arrays["quads" if "quads" in hand.arrays else "f"].astype(np.int64)


def make_atlas(hand: Hand, size: int) -> Atlas:
    """Lays out the faces of a hand.

    Args:
        hand: At its mean shape.
        size: Of the maps, texels.
    """
    faces, template = mesh_faces(hand), hand.arrays["v_template"]
    direction = _directions(hand, faces)
    forearm = hand.arrays["forearm"][faces].all(1)
    limb = np.where(forearm, len(FINGERS) + 1, _fingers(hand)[faces[:, 0]])
    charts = _charts(faces, direction + 6 * limb)
    flat = np.empty((*faces.shape, 2))
    extents = np.empty((charts.max() + 1, 2))
    for chart in range(len(extents)):
        own = charts == chart
        across = [axis for axis in range(3) if axis != direction[own][0] // 2]
        corners = _upright(template[faces[own]][..., across])
        if forearm[own].all():
            corners *= FOREARM_DENSITY
        flat[own], extents[chart] = corners, corners.reshape(-1, 2).max(0)
    density, starts = _fitted(extents, size)
    corners_uv = (flat * density + starts[charts][:, None]) / size
    return Atlas(faces, corners_uv, size)


def surface_texels(atlas: Atlas) -> SurfaceTexels:
    """Which triangle each texel of the atlas shows, and where in it."""
    corner_ids = [[0, 1, 2]] + ([[0, 2, 3]] if atlas.faces.shape[1] == 4 else [])
    corners = np.concatenate(
        [
            np.column_stack([np.arange(len(atlas.faces)), np.tile(ids, (len(atlas.faces), 1))])
            for ids in corner_ids
        ]
    )
    points = atlas.corners_uv[corners[:, :1], corners[:, 1:]] * atlas.size
    owner = np.full((atlas.size, atlas.size), -1)
    for number, triangle in enumerate(points):
        low = np.maximum(np.floor(triangle.min(0) - 0.5).astype(int), 0)
        high = np.minimum(np.ceil(triangle.max(0) + 0.5).astype(int), atlas.size)
        grid = np.stack(np.meshgrid(*map(np.arange, low, high)), -1) + 0.5
        inside = (_barycentric(grid, triangle) >= -1e-9).all(-1)
        owner[low[1] : high[1], low[0] : high[0]][inside] = number
    distance, nearest = np.empty(owner.shape), np.empty((2, *owner.shape), np.int32)
    distance_transform_edt(owner < 0, distances=distance, indices=nearest, return_indices=True)
    texels = np.flatnonzero(distance < MARGIN_TEXELS)
    shown = owner[tuple(nearest)].ravel()[texels]
    places = np.stack([texels % atlas.size, texels // atlas.size], 1) + 0.5
    shares = _barycentric(places, points[shown].swapaxes(0, 1))
    faces = corners[shown]
    return SurfaceTexels(texels, atlas.faces[faces[:, :1], faces[:, 1:]], shares, faces)


def _barycentric(places: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Places [..., 2] in triangles given as three corners, each [..., 2]: shares [..., 3]."""
    first, second, third = corners
    right, up, offset = second - first, third - first, places - first
    area = right[..., 0] * up[..., 1] - right[..., 1] * up[..., 0]
    area = np.where(np.abs(area) < 1e-12, np.inf, area)
    along = (offset[..., 0] * up[..., 1] - offset[..., 1] * up[..., 0]) / area
    across = (right[..., 0] * offset[..., 1] - right[..., 1] * offset[..., 0]) / area
    return np.stack([1 - along - across, along, across], -1)


def _directions(hand: Hand, faces: np.ndarray) -> np.ndarray:
    """Twice the axis each face looks along, plus one if it looks against it, [F]."""
    normals = vertex_normals(hand.arrays["v_template"], hand.triangles)[faces].mean(1)
    return np.concatenate([normals, -normals], 1)[:, [0, 3, 1, 4, 2, 5]].argmax(1)


def _fingers(hand: Hand) -> np.ndarray:
    """The number of the finger each vertex moves with most, or that of fingers for none, [V]."""
    finger_of_bone = np.full(len(MANO16.joints), len(FINGERS))
    for number, finger in enumerate(FINGERS):
        finger_of_bone[MANO16.chain(finger)] = number
    return finger_of_bone[hand.arrays["weights"].argmax(1)]


def _charts(faces: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Numbers of the connected charts of faces of one kind, [F]."""
    edges = np.sort(np.stack([faces, np.roll(faces, -1, 1)], -1).reshape(-1, 2), axis=1)
    owners = np.repeat(np.arange(len(faces)), faces.shape[1])
    order = np.lexsort(edges.T)
    shared = np.flatnonzero((np.diff(edges[order], axis=0) == 0).all(1))
    pairs = np.stack([owners[order[shared]], owners[order[shared + 1]]], 1)
    pairs = pairs[kind[pairs[:, 0]] == kind[pairs[:, 1]]]
    links = sparse.coo_matrix((np.ones(len(pairs)), tuple(pairs.T)), (len(faces), len(faces)))
    return connected_components(links, directed=False)[1]


def _upright(corners: np.ndarray) -> np.ndarray:
    """A chart turned so that its longest extent lies along u, from 0, [F, K, 2]."""
    points = corners.reshape(-1, 2)
    _, axes = np.linalg.eigh(np.cov(points.T) + 1e-12 * np.eye(2))
    turned = corners @ axes[:, ::-1]
    return turned - turned.reshape(-1, 2).min(0)


def _packed(extents: np.ndarray, density: float, size: int) -> np.ndarray | None:
    """Starts of the charts on shelves, texels, [C, 2]; None where they do not fit."""
    sizes = np.ceil(extents * density).astype(int) + 2 * MARGIN_TEXELS
    starts = np.empty(sizes.shape)
    right, bottom, top = 0, 0, 0
    for chart in np.lexsort((sizes[:, 0], sizes[:, 1]))[::-1]:
        width, height = sizes[chart]
        if right + width > size:
            right, bottom = 0, top
        if width > size or bottom + height > size:
            return None
        starts[chart] = right + MARGIN_TEXELS, bottom + MARGIN_TEXELS
        right, top = right + width, max(top, bottom + height)
    return starts


def _fitted(extents: np.ndarray, size: int) -> tuple[float, np.ndarray]:
    """The most texels a metre at which the charts fit, and their starts then.

    Raises:
        ValueError: Their margins alone are too much.
    """
    low, high = 0.0, size / extents[:, 0].max()
    starts = _packed(extents, low, size)
    if starts is None:
        raise ValueError(f"{len(extents)} charts do not fit on {size} x {size} texels")
    for _ in range(24):
        middle = (low + high) / 2
        found = _packed(extents, middle, size)
        if found is None:
            high = middle
        else:
            low, starts = middle, found
    return low, starts
