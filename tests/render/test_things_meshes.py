from pathlib import Path

import numpy as np
import pytest
import trimesh

from mano_assets.errors import InputError
from render.things.library import read_meshes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    trimesh.creation.cylinder(1.0, 9.0).apply_transform(
        trimesh.transformations.rotation_matrix(0.5 * np.pi, [0, 1, 0])
    ).export(tmp_path / "pipe.obj")
    trimesh.creation.box((40.0, 3.0, 50.0)).export(tmp_path / "plate.glb")
    trimesh.creation.icosphere(subdivisions=4).export(tmp_path / "ball.stl")
    bowl = trimesh.creation.icosphere(subdivisions=3, radius=7.0)
    bowl.update_faces(bowl.triangles_center[:, 2] < 0)
    bowl.export(tmp_path / "bowl.ply")
    (tmp_path / "readme.txt").write_text("no mesh")
    return tmp_path


def test_meshes_of_any_size_and_axis_become_things(folder: Path):
    library = read_meshes(folder, 1000)
    assert sorted(library.shapes) == ["ball.stl", "bowl.ply", "pipe.obj", "plate.glb"]
    assert {name: shape.form for name, shape in library.shapes.items()} == {
        "ball.stl": "compact",
        "bowl.ply": "compact",
        "pipe.obj": "long",
        "plate.glb": "flat",
    }
    for name in library.shapes:
        shape = library.sized(name, 0.12)
        low, high = shape.whole.vertices.min(0), shape.whole.vertices.max(0)
        np.testing.assert_allclose(low, -high, atol=1e-3)
        assert high[2] - low[2] == pytest.approx(0.12, abs=1e-3)
        assert (np.diff(high - low) >= -2e-3).all()
        mesh = trimesh.Trimesh(shape.whole.vertices, shape.whole.triangles)
        assert mesh.is_watertight == shape.closed == (name != "bowl.ply")
        if shape.closed:
            assert mesh.volume > 0


def test_handedness_is_kept(tmp_path: Path):
    # Three rods of lengths 1, 2, 3 along x, y, z from a corner: no turn makes a left one right.
    ends = np.diag([3.0, 1.0, 2.0])
    points = np.concatenate([np.zeros((1, 3)), ends])
    trimesh.Trimesh(points, [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]).export(
        tmp_path / "corner.ply"
    )
    mesh = read_meshes(tmp_path, 100).shapes["corner.ply"].whole
    corner = min(mesh.vertices, key=lambda v: sum(np.abs(v - w).sum() for w in mesh.vertices))
    arms = [v - corner for v in mesh.vertices if np.abs(v - corner).sum() > 1e-9]
    x, y, z = sorted(arms, key=lambda arm: float(np.linalg.norm(arm)))
    assert np.linalg.det([z, x, y]) > 0


def test_large_meshes_are_simplified_and_keep_their_form(folder: Path):
    shape = read_meshes(folder, 500).shapes["ball.stl"]
    mesh = trimesh.Trimesh(shape.whole.vertices, shape.whole.triangles)
    assert 100 < len(mesh.faces) <= 500
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * 0.5**3, rel=0.15)


def test_pieces_of_a_mesh_are_told_apart(tmp_path: Path):
    apart = trimesh.util.concatenate(
        [
            trimesh.creation.box((1, 1, 1)),
            trimesh.creation.box((1, 1, 1)).apply_translation([5, 0, 0]),
        ]
    )
    apart.export(tmp_path / "two.ply")
    shape = read_meshes(tmp_path, 100).shapes["two.ply"]
    sides = {bool(shape.whole.vertices[number, 2] > 0) for number in shape.pieces}
    assert sides == {True, False}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("broken.glb", b"glTF\x02\x00\x00\x00rubbish", "unreadable mesh"),
        ("broken.stl", b"\x00" * 40, "no triangles"),
        ("empty.obj", b"# nothing\n", ""),
        ("points.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no triangles"),
        ("nothing.obj", b"v 0 0 0\nv 0 0 0\nv 0 0 0\nf 1 2 3\n", ""),
    ],
)
def test_a_corrupt_file_among_good_ones_is_named(
    folder: Path, name: str, content: bytes, told: str
):
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=name) as error:
        read_meshes(folder, 1000)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_must_exist_and_hold_meshes(tmp_path: Path):
    with pytest.raises(InputError, match="nowhere"):
        read_meshes(tmp_path / "nowhere", 100)
    with pytest.raises(InputError, match=r"holds no mesh, expected files of \.obj"):
        read_meshes(tmp_path, 100)


def test_no_folder_is_an_empty_library():
    assert read_meshes(None, 100).shapes == {}
    with pytest.raises(InputError, match=r"cup\.obj"):
        read_meshes(None, 100).sized("cup.obj", 0.1)
