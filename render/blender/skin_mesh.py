"""A hand with its arm in Blender: one mesh for each side, its vertices moved in place."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from mano_assets.skin_maps import SkinMaps
from render.blender.skin import UV_LAYER, Skin, SkinImages
from render.factors.arm import ArmMesh
from render.factors.skin import SkinLook


class SkinMesh:
    """One hand, right or left.

    Args:
        name: Of the objects.
        arm_mesh: Its faces.
        maps: Of its skin.
        images: The maps in Blender.
        collection: Of the scene.
    """

    def __init__(
        self, name: str, arm_mesh: ArmMesh, maps: SkinMaps, images: SkinImages, collection: Any
    ) -> None:
        self._skin = Skin(images)
        corners = face_corners_uv(arm_mesh.faces, arm_mesh.source_vertex, maps)
        self._objects = {
            side: self._make(f"{name} {side}", side, arm_mesh, corners, collection)
            for side in ("right", "left")
        }

    def _make(
        self,
        name: str,
        side: str,
        arm_mesh: ArmMesh,
        corners_uv: list[np.ndarray],
        collection: Any,
    ) -> Any:
        turned = (lambda corners: corners) if side == "right" else _mirrored
        mesh = bpy.data.meshes.new(name)
        places = np.zeros((arm_mesh.num_vertices, 3))
        mesh.from_pydata(places.tolist(), [], [turned(list(face)) for face in arm_mesh.faces])
        mesh.shade_smooth()
        layer = mesh.uv_layers.new(name=UV_LAYER)
        flat = np.concatenate([turned(corners) for corners in corners_uv])
        layer.data.foreach_set("uv", flat.astype(np.float32).ravel())
        mesh.materials.append(self._skin.material)
        made = bpy.data.objects.new(name, mesh)
        collection.objects.link(made)
        return made

    def show(self, side: str, vertices_world_m: np.ndarray | None, look: SkinLook | None) -> None:
        """Shows the hand of one side, or none when there are no vertices, [V', 3]."""
        for name, made in self._objects.items():
            made.hide_render = vertices_world_m is None or name != side
        if vertices_world_m is not None:
            mesh = self._objects[side].data
            mesh.vertices.foreach_set("co", vertices_world_m.ravel().astype(np.float32))
            mesh.update()
        if look is not None:
            self._skin.set(look)


def _mirrored(corners: Any) -> Any:
    """A face's corners the other way round, from the same first one.

    Blender splits quads at the diagonal from the first corner, as the labelled triangles are.
    """
    return (
        corners[:1] + corners[:0:-1] if isinstance(corners, list) else np.roll(corners[::-1], 1, 0)
    )


def face_corners_uv(
    faces: list[list[int]], source_vertex: np.ndarray, maps: SkinMaps
) -> list[np.ndarray]:
    """The place of each face's corners in the skin's maps.

    A face of the arm beyond the hand's mesh shows the skin of the edge that it continues: the two
    hand's vertices of its corners are neighbours on the mesh's boundary, which one face has.

    Args:
        faces: Of the hand, in the order of the maps' own, then those of the arm.
        source_vertex: The hand's vertex for each, [V'].
        maps: Of the hand.

    Returns:
        [K, 2] for each face.
    """
    of_edge: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
    of_vertex: dict[int, np.ndarray] = {}
    for face, corners in zip(maps.faces.tolist(), maps.corners_uv, strict=True):
        for number, vertex in enumerate(face):
            after = (number + 1) % len(face)
            of_vertex[vertex] = corners[number]
            of_edge[vertex, face[after]] = corners[number], corners[after]
    found = [np.asarray(corners) for corners in maps.corners_uv]
    for face in faces[len(found) :]:
        sources = [int(source_vertex[vertex]) for vertex in face]
        place = {vertex: of_vertex[vertex] for vertex in sources}
        pair = sorted(set(sources))
        if len(pair) == 2:
            first, second = pair
            if (second, first) in of_edge:
                first, second = second, first
            if (first, second) in of_edge:
                place = dict(zip((first, second), of_edge[first, second], strict=True))
        found.append(np.array([place[vertex] for vertex in sources]))
    return found
