"""Things beside the hand: a fixed set of objects whose meshes and materials change in place.

All are always in the scene; one that is not needed is a triangle without area. Cycles keeps its
objects in an order that depends on memory addresses when some of them come and go: the same image
would differ in the last bits from one process to another.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from render.solids import Material, Solid


class _Prop:
    """One object."""

    def __init__(self, number: int, collection: Any) -> None:
        name = f"prop{number}"
        self._mesh = bpy.data.meshes.new(name)
        self._paint = _Paint(name)
        self._mesh.materials.append(self._paint.material)
        collection.objects.link(bpy.data.objects.new(name, self._mesh))
        self._shown = True
        self.hide()

    def hide(self) -> None:
        if self._shown:
            self._set(np.zeros((3, 3)), np.array([[0, 1, 2]]), smooth=False)
            self._shown = False

    def show(self, solid: Solid, vertices_world_m: np.ndarray) -> None:
        self._set(vertices_world_m, solid.triangles, solid.smooth)
        self._paint.set(solid.material)
        self._shown = True

    def _set(self, vertices_world_m: np.ndarray, triangles: np.ndarray, smooth: bool) -> None:
        mesh = self._mesh
        mesh.clear_geometry()
        mesh.vertices.add(len(vertices_world_m))
        mesh.vertices.foreach_set("co", vertices_world_m.ravel().astype(np.float32))
        mesh.loops.add(triangles.size)
        mesh.loops.foreach_set("vertex_index", triangles.ravel().astype(np.int32))
        mesh.polygons.add(len(triangles))
        mesh.polygons.foreach_set("loop_start", np.arange(0, triangles.size, 3, dtype=np.int32))
        mesh.polygons.foreach_set("use_smooth", np.full(len(triangles), smooth))
        mesh.update(calc_edges=True)


class _Paint:
    """A principled material with a pattern of two colours in the world's coordinates."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        tree = self.material.node_tree
        tree.nodes.clear()
        self._links = tree.links
        self._surface = tree.nodes.new("ShaderNodeBsdfPrincipled")
        output = tree.nodes.new("ShaderNodeOutputMaterial")
        self._links.new(self._surface.outputs["BSDF"], output.inputs["Surface"])
        place = tree.nodes.new("ShaderNodeTexCoord")
        self._patterns = {
            "checks": tree.nodes.new("ShaderNodeTexChecker"),
            "stripes": tree.nodes.new("ShaderNodeTexWave"),
            "speckle": tree.nodes.new("ShaderNodeTexVoronoi"),
        }
        self._mix = tree.nodes.new("ShaderNodeMix")
        self._mix.data_type = "RGBA"
        for node in self._patterns.values():
            self._links.new(place.outputs["Object"], node.inputs["Vector"])
        self._links.new(self._mix.outputs[2], self._surface.inputs["Base Color"])

    def set(self, look: Material) -> None:
        factor = self._mix.inputs["Factor"]
        for link in list(factor.links):
            self._links.remove(link)
        factor.default_value = 0.0
        if look.pattern != "plain":
            node = self._patterns[look.pattern]
            # A check is half a period wide; Blender's waves are 2 pi / 20 apart at scale 1.
            per_metre = {"checks": 2.0, "stripes": np.pi / 10, "speckle": 1.0}[look.pattern]
            node.inputs["Scale"].default_value = per_metre / look.period_m
            output = "Distance" if look.pattern == "speckle" else "Fac"
            self._links.new(node.outputs[output], factor)
        self._mix.inputs[6].default_value = (*look.colour, 1.0)
        self._mix.inputs[7].default_value = (*look.second_colour, 1.0)
        self._surface.inputs["Roughness"].default_value = look.roughness
        self._surface.inputs["Metallic"].default_value = look.metallic


MOST_SOLIDS = 40
"""Two hands with five rings and stones, a watch and a sleeve each, and two things of six parts."""


class Props:
    """The objects for all that is not skin.

    Args:
        collection: Of the scene.
    """

    def __init__(self, collection: Any) -> None:
        self._props = [_Prop(number, collection) for number in range(MOST_SOLIDS)]

    def show(self, solids: list[tuple[Solid, np.ndarray]]) -> None:
        """Shows solids, each with its vertices in the world, [V, 3] metres, and nothing else."""
        if len(solids) > len(self._props):
            raise ValueError(f"{len(solids)} solids, expected at most {len(self._props)}.")
        for prop, (solid, vertices) in zip(self._props, solids, strict=False):
            prop.show(solid, vertices)
        for prop in self._props[len(solids) :]:
            prop.hide()
