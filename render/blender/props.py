"""Things beside the hand: objects whose meshes and materials change in place."""

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
        self._object = bpy.data.objects.new(name, self._mesh)
        collection.objects.link(self._object)

    def hide(self) -> None:
        self._object.hide_render = True

    def show(self, solid: Solid, vertices_world_m: np.ndarray) -> None:
        self._object.hide_render = False
        self._paint.set(solid.material)
        mesh, triangles = self._mesh, solid.triangles
        mesh.clear_geometry()
        mesh.vertices.add(len(vertices_world_m))
        mesh.vertices.foreach_set("co", vertices_world_m.ravel().astype(np.float32))
        mesh.loops.add(triangles.size)
        mesh.loops.foreach_set("vertex_index", triangles.ravel().astype(np.int32))
        mesh.polygons.add(len(triangles))
        mesh.polygons.foreach_set("loop_start", np.arange(0, triangles.size, 3, dtype=np.int32))
        mesh.polygons.foreach_set("use_smooth", np.full(len(triangles), solid.smooth))
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


class Props:
    """The objects for all that is not skin: as many as any frame has needed so far.

    Args:
        collection: Of the scene.
    """

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self._props: list[_Prop] = []

    def show(self, solids: list[tuple[Solid, np.ndarray]]) -> None:
        """Shows solids, each with its vertices in the world, [V, 3] metres, and nothing else."""
        while len(self._props) < len(solids):
            self._props.append(_Prop(len(self._props), self._collection))
        for prop, (solid, vertices) in zip(self._props, solids, strict=False):
            prop.show(solid, vertices)
        for prop in self._props[len(solids) :]:
            prop.hide()
