"""The skin's material: baked maps mixed by the strengths of each image, without noise nodes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from mano_assets.skin import skin_colours
from mano_assets.skin_maps import NAIL, NAIL_PALE, NUM_VARIANTS, PALM, STEEPEST, SkinMaps
from mano_assets.skin_textures import texture_in_atlas
from render.factors.skin import SkinLook

UV_LAYER = "skin"

MAX_TEXTURES = 16
"""The user's colour maps that are kept, 4 MB each: far more than one image shows."""

VEINLESS_RELIEF = 0.3
"""How much of veins and tendons stands out on a hand whose veins do not show."""

WET, NAIL_ROUGHNESS = 0.36, 0.32
"""Roughness: lower makes glints on the bends of the mesh, and noise."""

_SCATTER_M = (0.0037, 0.0014, 0.0007)
"""Diffuse mean free paths of red, green and blue light, 1 / sqrt(3 a (a + s)) with absorption a
and reduced scattering s of "skin1" in Jensen et al., A Practical Model for Subsurface Light
Transport, SIGGRAPH 2001, table 1."""


class SkinImages:
    """The images that all skins of a hand share.

    Args:
        maps: Of the hand.
        textures: The user's colour maps by name.

    Attributes:
        variants: Zones, pigment and relief of each. Images of their own, since Blender copies
            those that a frame shows into each frame's scene.
    """

    def __init__(self, maps: SkinMaps, textures: Mapping[str, Path] | None = None) -> None:
        self._maps, self._files = maps, dict(textures or {})
        maps_side_by_side = {"zones": maps.zones, "pigment": maps.pigment, "relief": maps.relief}
        split = {name: np.split(all_, NUM_VARIANTS, 1) for name, all_ in maps_side_by_side.items()}
        self.variants = [
            {name: _image(f"skin {name} {number}", split[name][number]) for name in split}
            for number in range(NUM_VARIANTS)
        ]
        self._textures: OrderedDict[str, tuple[Any, np.ndarray]] = OrderedDict()

    def texture(self, name: str) -> tuple[Any, np.ndarray]:
        """One of the user's colour maps, and its mean linear colour [3].

        Those used longest ago are removed.

        Raises:
            InputError: It cannot be read, or the hand has no UV layout of its own.
        """
        if name not in self._textures:
            while len(self._textures) >= MAX_TEXTURES:
                bpy.data.images.remove(self._textures.popitem(last=False)[1][0])
            pixels, shown = texture_in_atlas(self._maps, self._files[name])
            mean = _mean_albedo(pixels[shown])
            self._textures[name] = _image(f"skin {name}", pixels, "sRGB"), mean
        self._textures.move_to_end(name)
        return self._textures[name]


class Skin:
    """A material whose maps are shared and whose colours and strengths follow one person."""

    def __init__(self, images: SkinImages) -> None:
        self._images = images
        self.material = bpy.data.materials.new("skin")
        self.material.use_nodes = True
        self._tree = self.material.node_tree
        self._tree.nodes.clear()
        self._build()

    def set(self, look: SkinLook) -> None:
        """Changes the skin.

        Raises:
            InputError: The look's texture cannot be read.
        """
        colours = skin_colours(look.tone, look.undertone)
        # Mottling is 0.5 on average, which must not redden the whole hand.
        pale = 0.5 * look.mottling * (colours.back - colours.blood)
        stops = colours.back + pale, colours.palm + pale, colours.nail, colours.nail_pale
        for stop, colour in zip(self._ramp.color_ramp.elements, stops, strict=True):
            stop.color = (*colour, 1.0)
        for name, socket in self._targets.items():
            socket.default_value = (*getattr(colours, name), 1.0)
        self._texture.image, mean = (
            (None, colours.back) if look.texture is None else self._images.texture(look.texture)
        )
        self._plain.default_value = (*mean, 1.0)
        for name, image in self._images.variants[look.variant % NUM_VARIANTS].items():
            self._lookups[name].image = image
        self._weights["blood"].default_value = (0.0, look.redness, look.mottling)
        self._weights["vein"].default_value = 0.6 * look.veins
        self._weights["dark"].default_value = (look.freckles, look.hairs, 0.75 * look.wrinkles)
        self._set_relief(look.wrinkles, VEINLESS_RELIEF + (1 - VEINLESS_RELIEF) * look.veins)
        surface = self._surface.inputs
        self._roughness.default_value = look.roughness + look.wetness * (WET - look.roughness)
        surface["Specular IOR Level"].default_value = 0.35 + 0.25 * look.wetness
        surface["Subsurface Weight"].default_value = 1.0 if look.subsurface else 0.0
        self._textured.default_value = 0.0 if look.texture is None else 1.0

    def _set_relief(self, wrinkles: float, veins: float) -> None:
        """Sums the slopes of both reliefs.

        The weights sum to one: then the sum's middle is the middle of what a normal map holds, and
        the length of the normal makes up for it.
        """
        total = wrinkles + veins
        share = wrinkles / total
        self._along_weights.default_value = (share, 0.0, 1 - share)
        self._across_weights.default_value = (0.0, share, 0.0)
        self._veins_across.default_value = 1 - share
        self._upright.default_value = 0.5 + 0.5 / (STEEPEST * total)

    def _build(self) -> None:
        place = self._add("ShaderNodeUVMap")
        place.uv_map = UV_LAYER
        uv = place.outputs[0]
        self._lookups = {name: self._lookup(uv) for name in self._images.variants[0]}
        zones, pigment = self._lookups["zones"], self._lookups["pigment"]
        zone, zone_weights = self._dot(zones.outputs["Color"])
        zone_weights.default_value = (1.0, 0.0, 0.0)
        self._ramp = self._add("ShaderNodeValToRGB")
        ramp = self._ramp.color_ramp
        ramp.elements[-1].position = NAIL_PALE
        for stop in (PALM, NAIL):
            ramp.elements.new(stop)
        self._link(zone, self._ramp.inputs[0])
        blend = self._ramp.outputs["Color"]
        blood, blood_weights = self._dot(zones.outputs["Color"])
        dark, dark_weights = self._dot(pigment.outputs["Color"])
        vein = self._add("ShaderNodeMath")
        vein.operation = "MULTIPLY"
        self._link(zones.outputs["Alpha"], vein.inputs[0])
        self._weights = {"blood": blood_weights, "vein": vein.inputs[1], "dark": dark_weights}
        self._targets = {}
        for name, share in (("blood", blood), ("vein", vein.outputs[0]), ("dark", dark)):
            blend, self._targets[name] = self._mix(share, blend)
        self._texture = self._lookup(uv)
        blend, texture = self._mix(None, blend)
        self._link(self._texture.outputs["Color"], texture)
        self._textured = texture.node.inputs["Factor"]

        self._surface = self._add("ShaderNodeBsdfPrincipled")
        inputs = self._surface.inputs
        self._link(blend, inputs["Base Color"])
        self._link(self._normal(self._lookups["relief"]), inputs["Normal"])
        gloss = self._add("ShaderNodeMapRange")
        self._link(zone, gloss.inputs["Value"])
        gloss.inputs["From Min"].default_value = PALM
        gloss.inputs["From Max"].default_value = NAIL
        self._roughness = gloss.inputs["To Min"]
        gloss.inputs["To Max"].default_value = NAIL_ROUGHNESS
        self._link(gloss.outputs["Result"], inputs["Roughness"])
        inputs["IOR"].default_value = 1.4
        # Costs a fifth of a random walk; at hand size they can hardly be told apart.
        self._surface.subsurface_method = "BURLEY"
        inputs["Subsurface Scale"].default_value = 1.0
        inputs["Subsurface Radius"].default_value = _SCATTER_M
        output = self._add("ShaderNodeOutputMaterial")
        self._link(self._plain_when_bounced(), output.inputs["Surface"])

    def _normal(self, relief: Any) -> Any:
        """One lookup of slopes: a bump node would look heights up three times."""
        along, self._along_weights = self._dot(relief.outputs["Color"])
        across, self._across_weights = self._dot(relief.outputs["Color"])
        summed = self._add("ShaderNodeMath")
        summed.operation = "MULTIPLY_ADD"
        self._link(relief.outputs["Alpha"], summed.inputs[0])
        self._veins_across = summed.inputs[1]
        self._link(across, summed.inputs[2])
        combined = self._add("ShaderNodeCombineXYZ")
        self._link(along, combined.inputs[0])
        self._link(summed.outputs[0], combined.inputs[1])
        self._upright = combined.inputs[2]
        normal = self._add("ShaderNodeNormalMap")
        normal.uv_map = UV_LAYER
        self._link(combined.outputs[0], normal.inputs["Color"])
        return normal.outputs[0]

    def _plain_when_bounced(self) -> Any:
        """Light that comes by way of another surface sees one plain colour: no lookups there."""
        plain = self._add("ShaderNodeBsdfDiffuse")
        self._plain = plain.inputs["Color"]
        path = self._add("ShaderNodeLightPath")
        choice = self._add("ShaderNodeMixShader")
        self._link(path.outputs["Is Camera Ray"], choice.inputs[0])
        self._link(plain.outputs[0], choice.inputs[1])
        self._link(self._surface.outputs["BSDF"], choice.inputs[2])
        return choice.outputs[0]

    def _add(self, kind: str) -> Any:
        return self._tree.nodes.new(kind)

    def _link(self, output: Any, target: Any) -> None:
        self._tree.links.new(output, target)

    def _lookup(self, uv: Any) -> Any:
        node = self._add("ShaderNodeTexImage")
        node.extension = "EXTEND"
        self._link(uv, node.inputs["Vector"])
        return node

    def _dot(self, colour: Any) -> tuple[Any, Any]:
        """Weighted sum of an image's channels, and the socket of the weights."""
        product = self._add("ShaderNodeVectorMath")
        product.operation = "DOT_PRODUCT"
        self._link(colour, product.inputs[0])
        return product.outputs["Value"], product.inputs[1]

    def _mix(self, factor: Any | None, first: Any) -> tuple[Any, Any]:
        """A colour mixed with another, and the socket of the other."""
        mix = self._add("ShaderNodeMix")
        mix.data_type = "RGBA"
        if factor is not None:
            self._link(factor, mix.inputs["Factor"])
        self._link(first, mix.inputs[6])
        return mix.outputs[2], mix.inputs[7]


def _image(name: str, pixels: np.ndarray, colour_space: str = "Non-Color") -> Any:
    """A Blender image of uint8 RGB(A) pixels, row 0 below, [H, W, 3 or 4]."""
    height, width, channels = pixels.shape
    image = bpy.data.images.new(name, width, height, alpha=channels == 4)
    image.colorspace_settings.name = colour_space
    image.alpha_mode = "CHANNEL_PACKED" if channels == 4 else "NONE"
    whole = np.ones((height, width, 4), np.float32)
    whole[..., :channels] = pixels.astype(np.float32) / 255
    image.pixels.foreach_set(whole.ravel())
    return image


def _mean_albedo(pixels: np.ndarray) -> np.ndarray:
    """Mean linear colour of sRGB pixels, uint8, [N, 3] -> [3]."""
    levels = np.arange(256) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return linear[pixels].mean(0)
