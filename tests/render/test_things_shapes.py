from typing import get_args

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from render.things.kinds import KINDS, NUM_UNIFORMS, KindName
from render.things.materials import NUM_UNIFORMS as NUM_MATERIAL_UNIFORMS
from render.things.materials import Stuff, draw_material
from render.things.surfaces import Mesh, box, lathe, rounded_rectangle, sheet, tube


def solid(mesh: Mesh) -> trimesh.Trimesh:
    """Vertices beside sharp edges, which shading keeps apart, become one."""
    merged = trimesh.Trimesh(mesh.vertices, mesh.triangles)
    merged.merge_vertices()
    return merged


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_made_of_closed_surfaces_that_face_outward(name: KindName):
    rng = np.random.default_rng(1)
    kind = KINDS[name]
    for factor in (0.85, 1.0, 1.2):
        shape = kind.build(kind.dimensions(rng.random(NUM_UNIFORMS), factor))
        assert len(shape.parts) == len(kind.stuff)
        for part in shape.parts:
            for piece in solid(part).split(only_watertight=False):
                assert piece.is_watertight
                assert piece.is_winding_consistent
                assert piece.volume > 0
        assert 8 <= len(shape.whole.triangles) <= 700


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_hangs_together(name: KindName):
    # Containment in flesh is asked of one vertex: the parts must touch or overlap.
    kind = KINDS[name]
    shape = kind.build(kind.dimensions(np.full(NUM_UNIFORMS, 0.5), 1.0))
    pieces = [piece for part in shape.parts for piece in solid(part).split(only_watertight=False)]
    reached, waiting = {0}, [0]
    while waiting:
        low, high = pieces[waiting.pop()].bounds
        for number, piece in enumerate(pieces):
            touching = (piece.bounds[0] <= high + 1e-9).all() and (
                piece.bounds[1] >= low - 1e-9
            ).all()
            if touching and number not in reached:
                reached.add(number)
                waiting.append(number)
    assert len(reached) == len(pieces)


@pytest.mark.parametrize("name", KINDS)
def test_things_lie_along_z_and_are_as_large_as_such_things(name: KindName):
    rng = np.random.default_rng(2)
    kind = KINDS[name]
    for _ in range(5):
        shape = kind.build(kind.dimensions(rng.random(NUM_UNIFORMS), 1.0))
        sides = np.ptp(shape.whole.vertices, axis=0)
        assert 0.02 < sides.max() < 0.45
        if shape.form == "long":
            # But for the handle of a mug.
            assert sides[2] > (0.8 if name == "mug" else 0.95) * sides.max()
        if shape.form == "flat":
            assert sides[0] == sides.min()
        assert 2 * shape.radius_m <= sides.max() * 1.001


def test_volumes_are_those_of_the_bodies():
    count = 160
    angles = 2 * np.pi * np.arange(count) / count
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    arc = np.linspace(-np.pi / 2, np.pi / 2, count)
    meridian = [(float(np.cos(a)), float(np.sin(a))) for a in arc]
    meridian[0], meridian[-1] = (0.0, -1.0), (0.0, 1.0)
    corner = 4 - np.pi
    expected = {
        "ball": (lathe(meridian, sections=count), 4 / 3 * np.pi),
        "cylinder": (lathe([(0, 0), (2, 0)], [(2, 0), (2, 3)], [(2, 3), (0, 3)], sections=count),
                     12 * np.pi),
        "torus": (tube(3 * circle, np.ones((count, 2)), count, closed=True), 6 * np.pi**2),
        "bent tube": (tube(3 * circle[:40], np.tile([1.0, 0.5], (40, 1)), count),
                      np.pi / 4 * 3 * 2 * np.pi * 39 / count * 2),
        "box": (box(1, 2, 3), 6.0),
        "plate": (sheet(rounded_rectangle(2, 3, 0.5), 0.1), 0.1 * (6 - corner * 0.25)),
    }  # fmt: skip
    for name, (mesh, volume) in expected.items():
        assert solid(mesh).volume == pytest.approx(volume, rel=6e-3), name


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=NUM_MATERIAL_UNIFORMS,
                max_size=NUM_MATERIAL_UNIFORMS))  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_materials_have_colours_and_those_of_metal_shine(uniforms: list[float]):
    for stuff in get_args(Stuff):
        material = draw_material(stuff, np.array(uniforms))
        assert all(0 <= channel <= 1 for channel in material.colour + material.second_colour)
        assert material.metallic == (stuff == "metal")
