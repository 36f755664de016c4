"""The skin's material: procedural, steered by the zones painted on the vertices."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from mano_assets.skin import tone_colour

ZONES = "zones"
"""Vertex colour: palm, redness, nail, crease."""


class Skin:
    """A principled material whose colours follow the tone."""

    def __init__(self) -> None:
        self.material = bpy.data.materials.new("skin")
        self.material.use_nodes = True
        tree = self.material.node_tree
        tree.nodes.clear()
        self._nodes, self._links = tree.nodes, tree.links
        output = self._add("ShaderNodeOutputMaterial")
        self._surface = self._add("ShaderNodeBsdfPrincipled")
        self._link(self._surface.outputs["BSDF"], output.inputs["Surface"])
        zones = self._add("ShaderNodeAttribute")
        zones.attribute_name = ZONES
        split = self._add("ShaderNodeSeparateColor")
        self._link(zones.outputs["Color"], split.inputs["Color"])
        place = self._add("ShaderNodeTexCoord")
        self._offset = self._add("ShaderNodeVectorMath")
        self._link(place.outputs["Generated"], self._offset.inputs[0])

        self._back, self._palm = self._colour(), self._colour()
        self._red, self._nail = self._colour(), self._colour()
        mottled = self._noise(9.0, 3.0)
        colour = self._mix(split.outputs["Red"], self._back, self._palm)
        colour = self._mix(self._scaled(mottled, 0.35), colour, self._red)
        colour = self._mix(self._scaled(split.outputs["Green"], 0.55), colour, self._red)
        colour = self._mix(self._scaled(split.outputs["Blue"], 0.75), colour, self._nail)
        colour = self._mix(self._scaled(zones.outputs["Alpha"], 0.35), colour, self._red)
        self._link(colour, self._surface.inputs["Base Color"])

        bump = self._add("ShaderNodeBump")
        bump.inputs["Strength"].default_value = 0.25
        bump.inputs["Distance"].default_value = 0.0006
        self._link(self._noise(70.0, 6.0), bump.inputs["Height"])
        self._link(bump.outputs["Normal"], self._surface.inputs["Normal"])
        gloss = self._add("ShaderNodeMapRange")
        self._link(split.outputs["Blue"], gloss.inputs["Value"])
        self._roughness = gloss.inputs["To Min"]
        gloss.inputs["To Max"].default_value = 0.25
        self._link(gloss.outputs["Result"], self._surface.inputs["Roughness"])
        self._surface.inputs["IOR"].default_value = 1.4

    def set(self, tone: float, roughness: float, seed: float) -> None:
        """Changes the skin.

        Args:
            tone: 0 darkest to 1 lightest.
            roughness: 0 wet to 1 powdery.
            seed: Place in the noise.
        """
        back = tone_colour(tone) * np.array([0.95, 0.83, 0.77])
        # Palms and nail beds carry little melanin: dark skin is much lighter there.
        palm = 0.6 * back + 0.4 * tone_colour(min(1.0, tone * 0.6 + 0.36)) * [0.95, 0.76, 0.66]
        red = back * np.array([1.0, 0.72, 0.66])
        nail = 0.6 * palm + 0.4 * np.array([0.75, 0.5, 0.45])
        for socket, colour in (
            (self._back, back),
            (self._palm, palm),
            (self._red, red),
            (self._nail, nail),
        ):
            socket.node.outputs[0].default_value = (*colour, 1.0)
        self._roughness.default_value = roughness
        self._offset.inputs[1].default_value = (seed, 0.7 * seed, 1.3 * seed)

    def _add(self, kind: str) -> Any:
        return self._nodes.new(kind)

    def _link(self, output: Any, target: Any) -> None:
        self._links.new(output, target)

    def _colour(self) -> Any:
        return self._add("ShaderNodeRGB").outputs[0]

    def _noise(self, scale: float, detail: float) -> Any:
        noise = self._add("ShaderNodeTexNoise")
        noise.inputs["Scale"].default_value = scale
        noise.inputs["Detail"].default_value = detail
        self._link(self._offset.outputs[0], noise.inputs["Vector"])
        return noise.outputs["Fac"]

    def _scaled(self, value: Any, factor: float) -> Any:
        product = self._add("ShaderNodeMath")
        product.operation = "MULTIPLY"
        self._link(value, product.inputs[0])
        product.inputs[1].default_value = factor
        return product.outputs[0]

    def _mix(self, factor: Any, first: Any, second: Any) -> Any:
        mix = self._add("ShaderNodeMix")
        mix.data_type = "RGBA"
        self._link(factor, mix.inputs["Factor"])
        self._link(first, mix.inputs[6])
        self._link(second, mix.inputs[7])
        return mix.outputs[2]
