"""Light and background of a setting."""

from __future__ import annotations

import numpy as np

from render.factors.setting import Setting
from render.settings.library import SettingLibrary
from render.settings.photographs import cropped
from render.settings.rooms.furnishing import furnished
from render.settings.rooms.model import RoomModel
from render.settings.rooms.view import room_radiance
from render.settings.sphere import (
    camera_rays,
    look_up,
    mean_luminance,
    spread_suns,
    texel_directions,
    turned,
)
from render.settings.textures import texture_image, texture_light


class SettingView:
    """A setting ready to be looked at: what its light and its background share is made once.

    Args:
        setting: What to show.
        library: Holds the files that the setting names.

    Raises:
        InputError: The setting's file is not there or cannot be read.
    """

    def __init__(self, setting: Setting, library: SettingLibrary) -> None:
        self._setting = setting
        self._pictured = None
        self._room: RoomModel | None = None
        if setting.kind == "environment":
            self._pictured = library.environment(str(setting.file))
            light, mean = self._pictured.light, self._pictured.mean
        elif setting.kind == "photograph":
            self._pictured = library.photograph(str(setting.file))
            light, mean = self._pictured.light, self._pictured.mean
        else:
            light = self._procedural_light()
            mean = mean_luminance(light)
        self._light, self._scale = light, np.float32(setting.strength / mean)

    def _procedural_light(self) -> np.ndarray:
        setting = self._setting
        if setting.room is not None:
            self._room = furnished(setting.room, setting.seed)
            return spread_suns(room_radiance(self._room, texel_directions()))
        assert setting.texture is not None
        return spread_suns(texture_light(setting.texture, setting.seed))

    def light_map(self, cam_from_world: np.ndarray) -> np.ndarray:
        """Radiance from all directions, its mean luminance the setting's strength.

        Args:
            cam_from_world: [R|t], metres, [3, 4]; a photograph's light comes from where the camera
                sees the photograph, all others stand still in the world.

        Returns:
            Linear, float32 [64, 128, 3], equirectangular in the world frame: row 0 at the zenith,
            the centre column in direction +x, as Blender's Environment Texture with an unturned
            mapping shows it.
        """
        if self._setting.kind != "photograph":
            return self._scale * turned(self._light, self._setting.rotation_rad)
        assert self._setting.crop is not None
        # From the world's to forward, left and up, which are +x, +y and +z of such a light.
        sight = cam_from_world[[2, 0, 1], :3] * np.array([[1.0], [-1.0], [-1.0]])
        if self._setting.crop.mirrored:
            sight[1] *= -1
        seen = look_up(self._light, texel_directions() @ sight.T.astype(np.float32))
        # Between texels of another grid a little of the mean is lost.
        return np.float32(self._setting.strength / mean_luminance(seen)) * seen

    def backdrop(self, camera_k: np.ndarray, cam_from_world: np.ndarray, size: int) -> np.ndarray:
        """What the camera sees behind everything, in the units of the light.

        Args:
            camera_k: Intrinsics, px, [3, 3].
            cam_from_world: [R|t], metres, [3, 4]; only the rotation counts.
            size: Image width and height, px.

        Returns:
            Linear radiance, float32 [size, size, 3].
        """
        setting = self._setting
        if setting.texture is not None:
            return self._scale * texture_image(setting.texture, setting.seed, size)
        if setting.crop is not None:
            assert self._pictured is not None
            return self._scale * cropped(self._pictured.pixels, setting.crop, size)
        rays = camera_rays(camera_k, cam_from_world, size)
        if self._room is not None:
            return self._scale * room_radiance(self._room, _turned_back(rays, setting))
        assert self._pictured is not None
        return self._scale * look_up(self._pictured.pixels, rays, setting.rotation_rad)


def _turned_back(directions: np.ndarray, setting: Setting) -> np.ndarray:
    cosine, sine = np.cos(setting.rotation_rad), np.sin(setting.rotation_rad)
    rotation = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]], dtype=np.float32)
    return directions @ rotation


def light_map(setting: Setting, library: SettingLibrary, cam_from_world: np.ndarray) -> np.ndarray:
    """See `SettingView.light_map`."""
    return SettingView(setting, library).light_map(cam_from_world)


def backdrop(
    setting: Setting,
    library: SettingLibrary,
    camera_k: np.ndarray,
    cam_from_world: np.ndarray,
    size: int,
) -> np.ndarray:
    """See `SettingView.backdrop`."""
    return SettingView(setting, library).backdrop(camera_k, cam_from_world, size)
