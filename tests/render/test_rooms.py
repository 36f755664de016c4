"""Procedural rooms: rays against brute force, and what they look like in numbers."""

import numpy as np
import pytest

from render.factors.setting import Room, SettingRecipe, draw_setting
from render.settings.rooms.furnishing import furnished
from render.settings.rooms.model import NUM_WALLS, RoomModel
from render.settings.rooms.rays import boxes_in_view, first_hits
from render.settings.rooms.view import room_radiance
from render.settings.sphere import camera_rays, texel_directions

RECIPE = SettingRecipe(kinds={"room": 1.0})


def room(seed: int) -> tuple[Room, int]:
    rng = np.random.Generator(np.random.Philox(key=seed))
    setting = draw_setting(RECIPE, rng, [], [])
    assert setting.room is not None
    return setting.room, setting.seed


def model(seed: int) -> RoomModel:
    return furnished(*room(seed))


def directions(count: int) -> np.ndarray:
    found = np.random.default_rng(0).normal(size=(count, 3))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("seed", range(6))
def test_rays_end_where_marching_along_them_does(seed: int):
    this, rays = model(seed), directions(200)
    near = np.arange(len(this.boxes_m))
    surfaces, points, facings = first_hits(
        rays, this.camera_m, this.size_m, this.panels_m, this.boxes_m, near
    )
    step = 0.004
    marched = this.camera_m + np.arange(0, 12, step)[None, :, None] * rays[:, None]
    solid = ((marched < 0) | (marched > this.size_m)).any(-1)
    for box in this.boxes_m:
        solid |= ((marched > box[:3]) & (marched < box[3:])).all(-1)
    away = solid.argmax(1) * step
    found = np.linalg.norm(points - this.camera_m, axis=1)
    # A corner can be cut off between two steps.
    assert (np.abs(found - away) < 2 * step).mean() > 0.97
    on_box = surfaces >= NUM_WALLS + len(this.panels_m)
    assert (((points < 1e-4) | (points > this.size_m - 1e-4)).any(1) != on_box).mean() > 0.97
    normals = np.eye(3)[facings // 2] * (2.0 * (facings % 2) - 1)[:, None]
    assert ((normals * rays).sum(1) < 0).all()


@pytest.mark.parametrize("seed", range(6))
def test_boxes_out_of_view_are_never_met(seed: int):
    this = model(seed)
    camera_k = np.array([[40.0, 0, 16], [0, 40.0, 16], [0, 0, 1]])
    for turn in np.linspace(0, 6, 7):
        rotation = np.array([[np.cos(turn), np.sin(turn), 0], [0, 0, -1],
                             [-np.sin(turn), np.cos(turn), 0]])  # fmt: skip
        rays = camera_rays(camera_k, np.c_[rotation, np.zeros(3)], 32).reshape(-1, 3)
        near = boxes_in_view(rays, this.camera_m, this.boxes_m)
        found = [
            first_hits(rays, this.camera_m, this.size_m, this.panels_m, this.boxes_m, boxes)[0]
            for boxes in (near, np.arange(len(this.boxes_m)))
        ]
        np.testing.assert_array_equal(*found)


def test_the_camera_is_in_the_open():
    for seed in range(50):
        this = model(seed)
        assert ((this.camera_m > 0.1) & (this.camera_m < this.size_m)).all()
        nearest = np.clip(this.camera_m, this.boxes_m[:, :3], this.boxes_m[:, 3:])
        assert (np.linalg.norm(nearest - this.camera_m, axis=1) > 0.4).all()


def test_rooms_are_finite_never_black_and_differ():
    means = []
    for seed in range(40):
        seen = room_radiance(model(seed), texel_directions())
        assert seen.dtype == np.float32
        assert np.isfinite(seen).all()
        # Nothing but a lamp's own cover of the darkest pattern may be near black.
        assert seen.min() > 0
        assert np.median(seen) > 0.003
        assert np.log(seen.mean(-1)).std() > 0.15
        means.append(seen.mean((0, 1)) / seen.mean())
    assert np.std(means, 0).min() > 0.03


def test_the_same_seed_gives_the_same_room_and_another_does_not():
    described, seed = room(1)
    one, two, other = (
        room_radiance(furnished(described, s), texel_directions()) for s in (seed, seed, seed + 1)
    )
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).mean() > 0.05


def test_more_lamps_are_brighter_and_nearer_is_brighter():
    this = model(3)
    seen = room_radiance(this, texel_directions())
    double = RoomModel(**{**vars(this), "lights": np.concatenate([this.lights, this.lights])})
    more = room_radiance(double, texel_directions())
    assert (more >= seen).all()
    assert (more > 1.05 * seen).mean() > 0.3
