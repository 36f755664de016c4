"""A hand without a forearm: its vertices gathered on a low dome over the wrist."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

_SHARES = (0.66, 0.33)
"""Distance of the first rings of forearm vertices from the dome's middle; all others lie there."""
_HEIGHT = 0.15
"""Of the dome, in mean radii of the wrist."""


class WristCap:
    """Gathers all vertices beyond the wrist; the hand's own stay where they are.

    Args:
        triangles: Of a closed mesh, [F, 3].
        forearm: Which of the hand's vertices are the forearm's, [V].
        num: All vertices; those after the hand's lie beyond the forearm.
    """

    def __init__(self, triangles: np.ndarray, forearm: np.ndarray, num: int) -> None:
        beyond = np.ones(num, dtype=bool)
        beyond[: len(forearm)] = forearm
        rows, columns = triangles.ravel(), np.roll(triangles, 1, axis=1).ravel()
        linked = sparse.csr_array(
            (np.ones(2 * len(rows)), (np.r_[rows, columns], np.r_[columns, rows])), (num, num)
        )
        inner = triangles[~beyond[triangles].any(1)]
        edges = np.concatenate([inner[:, [0, 1]], inner[:, [1, 2]], inner[:, [2, 0]]])
        free = ~np.isin(edges @ [num, 1], edges @ [1, num])
        # The edges of the wrist's loop, as the hand's faces name them.
        self._edges = edges[free]
        self._loop = np.unique(self._edges)
        self._moved = np.flatnonzero(beyond)
        placed = sparse.csr_array(
            (np.ones(len(self._loop)), (self._loop, np.arange(len(self._loop)))),
            (num, len(self._loop)),
        )
        shares = np.zeros(num)
        reached = ~beyond
        gathered = placed
        for share in _SHARES:
            near = beyond & ~reached & (linked @ np.asarray(gathered.sum(1)).ravel() > 0)
            sums = sparse.csr_array(linked @ gathered)
            weights = np.asarray(sums.sum(1)).ravel()
            scale = np.where(near, 1 / np.maximum(weights, 1e-9), 0.0)
            level = sparse.csr_array(sparse.diags_array(scale) @ sums)
            placed = placed + level
            shares[near] = share
            reached |= near
            gathered = level
        self._weights = sparse.csr_array(placed)[self._moved]
        self._shares = shares[self._moved]

    def closed(self, vertices_m: np.ndarray, side: str) -> np.ndarray:
        """The closed hand, [V', 3], from the vertices of a hand of a side, [V, 3]."""
        loop = vertices_m[self._loop]
        start, end = vertices_m[self._edges[:, 0]], vertices_m[self._edges[:, 1]]
        sides = np.linalg.norm(end - start, axis=1)
        middle = ((start + end) / 2 * sides[:, None]).sum(0) / sides.sum()
        # A right hand's faces name the loop clockwise as seen from the forearm.
        around = np.cross(start - middle, end - middle).sum(0)
        normal = around if side == "left" else -around
        normal = normal / np.linalg.norm(normal)
        radius = np.linalg.norm(loop - middle, axis=1).mean()
        shares = self._shares[:, None]
        out = (self._weights @ loop) - np.asarray(self._weights.sum(1)).reshape(-1, 1) * middle
        dome = _HEIGHT * radius * (1 - shares**2) * normal
        closed = np.empty((int(self._moved.max()) + 1, 3))
        closed[: len(vertices_m)] = vertices_m
        closed[self._moved] = middle + shares * out + dome
        return closed
