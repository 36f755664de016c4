import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import smplx
import torch
from made_up_mano import mano_content, random_arrays, write_mano
from winding import winding_numbers

from mano_assets.anatomy import angles_to_pose, joint_frames
from mano_assets.building import free_hand
from mano_assets.errors import InputError
from mano_assets.hand import (
    MIRROR,
    MIRROR_AXIS_ANGLE,
    Hand,
    HandConfig,
    build_hand,
    hand_digest,
    load_hand,
)
from mano_assets.joint_limits import limits_rad
from mano_assets.skeleton import HAND21

SIDES = ("right", "left")
# smplx's joints and MANO's tip vertices in the order of HAND21, by manopth's table.
FROM_SMPLX = [0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9, 20]
TIPS = [744, 320, 443, 554, 671]


@pytest.fixture(scope="module")
def official_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("official")
    write_mano(folder / "mano", mano_content(random_arrays()))
    config = HandConfig(source="mano", mano_dir=folder / "mano")
    return build_hand(config, cache=folder / "cache")


def parameters(num: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    return {
        "global_orient": rng.normal(0, 1, (num, 3)),
        "pose": rng.normal(0, 0.5, (num, 45)),
        "betas": rng.normal(0, 1, (num, 10)),
        "translation_m": rng.normal(0, 0.3, (num, 3)),
    }


def smplx_posed(folder: Path, side: str, given: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """Vertices and hand21 joints by smplx itself."""
    model: Any = smplx.MANO(
        str(folder),
        is_rhand=side == "right",
        ext="npz",
        use_pca=False,
        flat_hand_mean=True,
        dtype=torch.float64,
    )
    tensors = {key: torch.as_tensor(value) for key, value in given.items()}
    out = model(
        betas=tensors["betas"],
        global_orient=tensors["global_orient"],
        hand_pose=tensors["pose"],
        transl=tensors["translation_m"],
    )
    vertices, joints = out.vertices.detach().numpy(), out.joints.detach().numpy()
    return vertices, np.concatenate([joints, vertices[:, TIPS]], 1)[:, FROM_SMPLX]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("source", ["free", "official"])
def test_posing_is_that_of_smplx(side: str, source: str, request: pytest.FixtureRequest):
    folder = request.getfixturevalue("hand_folder" if source == "free" else "official_folder")
    hand = load_hand(folder)
    assert hand.arrays["posedirs"].any()
    given = parameters(4)
    vertices, joints = hand.posed(**given, side=side)
    expected_vertices, expected_joints = smplx_posed(folder, side, given)
    np.testing.assert_allclose(vertices, expected_vertices, atol=1e-6)
    np.testing.assert_allclose(joints, expected_joints, atol=1e-6)


def test_a_left_hand_is_an_exact_mirror(hand: Hand):
    given = parameters(3)
    right = hand.posed(**given, side="right")
    mirrored = {
        "global_orient": given["global_orient"] * MIRROR_AXIS_ANGLE,
        "pose": given["pose"] * np.tile(MIRROR_AXIS_ANGLE, 15),
        "betas": given["betas"],
        "translation_m": given["translation_m"] * MIRROR,
    }
    for left, original in zip(hand.posed(**mirrored, side="left"), right, strict=True):
        np.testing.assert_array_equal(left, original * MIRROR)


def test_the_left_file_faces_outwards(hand_folder: Path):
    for side in SIDES:
        with np.load(hand_folder / f"MANO_{side.upper()}.npz", allow_pickle=False) as stored:
            a, b, c = (stored["v_template"][stored["f"][:, corner]] for corner in range(3))
        # The volume that outward faces enclose is positive.
        assert (a * np.cross(b, c)).sum() > 0, side


def test_the_left_file_s_quads_and_texture_are_mirrored_with_it(hand_folder: Path):
    right, left = (
        np.load(hand_folder / f"MANO_{side.upper()}.npz", allow_pickle=False) for side in SIDES
    )
    quads = left["quads"]
    split = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(int)
    a, b, c = (left["v_template"][split[:, corner]] for corner in range(3))
    assert (a * np.cross(b, c)).sum() > 0
    # A vertex keeps its place in the texture.
    places = {
        (face, int(vertex)): corner
        for face, (vertices, corners) in enumerate(zip(right["quads"], right["uv"], strict=True))
        for vertex, corner in zip(vertices, corners, strict=True)
    }
    for face, (vertices, corners) in enumerate(zip(quads, left["uv"], strict=True)):
        for vertex, corner in zip(vertices, corners, strict=True):
            np.testing.assert_array_equal(corner, places[face, int(vertex)])


def test_joints_stay_in_the_flesh_in_every_pose_and_shape(hand: Hand):
    rng = np.random.default_rng(11)
    frames, limits = joint_frames(hand.arrays["J"]), limits_rad("active")
    inner = [HAND21.index(name) for name in HAND21.joints if not name.endswith("_tip")]
    for _ in range(12):
        pose = angles_to_pose(rng.uniform(limits[..., 0], limits[..., 1]), frames)
        vertices, joints = hand.posed(
            rng.normal(0, 1, 3), pose[3:], rng.normal(0, 1, 10), rng.normal(0, 1, 3)
        )
        # The forearm is open at the elbow; where fingers meet the surface winds twice.
        assert winding_numbers(joints[inner], vertices, hand.triangles).min() > 0.9


def test_knuckles_lie_a_centimetre_under_the_back(hand: Hand):
    """As annotators put them: in the middle of the metacarpal's head."""
    for betas in np.random.default_rng(2).normal(0, 1, (20, 10)):
        vertices, joints = hand.posed(np.zeros(3), np.zeros(45), betas, np.zeros(3))
        for finger in ("index", "middle", "ring", "little"):
            offsets = vertices - joints[HAND21.index(f"{finger}_mcp")]
            aside = np.hypot(offsets[:, 0], offsets[:, 2])
            # Straight above: on slender hands the flank of the outer knuckles is nearer.
            above = np.where(offsets[:, 1] > 0, aside, np.inf).argmin()
            assert 0.006 < offsets[above, 1] < 0.015, finger


def test_bones_keep_their_length_over_poses(hand: Hand):
    rng = np.random.default_rng(3)
    num = 64
    lower, upper = np.moveaxis(limits_rad("active"), -1, 0)
    angles = rng.uniform(lower, upper, (num, 16, 3))
    pose = angles_to_pose(angles, joint_frames(hand.arrays["J"]))[:, 3:]
    betas = np.tile(rng.normal(0, 1, 10), (num, 1))
    joints = hand.posed(rng.normal(0, 1, (num, 3)), pose, betas, rng.normal(0, 1, (num, 3)))[1]
    parents, children = np.transpose(HAND21.bones)
    lengths_m = np.linalg.norm(joints[:, children] - joints[:, parents], axis=-1)
    np.testing.assert_allclose(lengths_m, np.tile(lengths_m[0], (num, 1)), atol=1e-6)


def test_the_first_shape_coefficient_is_size(hand: Hand):
    betas = np.zeros((5, 10))
    betas[:, 0] = [-2, -1, 0, 1, 2]
    chain = [HAND21.root, *HAND21.chain("middle")]
    joints = hand.posed(np.zeros((5, 3)), np.zeros((5, 45)), betas, np.zeros((5, 3)))[1]
    lengths_m = np.linalg.norm(np.diff(joints[:, chain], axis=1), axis=-1).sum(1)
    steps = np.diff(lengths_m)
    assert (np.sign(steps) == np.sign(steps[0])).all()
    assert np.abs(steps).min() > 0.005


def test_the_shape_space_explains_the_people(hand: Hand):
    explained = hand.arrays["shape_variance_explained"]
    assert (np.diff(explained) > 0).all()
    assert 0.95 < explained[-1] <= 1


def test_the_cache_is_used_again(hand_folder: Path, monkeypatch: pytest.MonkeyPatch):
    def rebuilt(*_: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(free_hand, "build_free_hand", rebuilt)
    before = (hand_folder / "MANO_RIGHT.npz").stat().st_mtime_ns
    assert build_hand(HandConfig()) == hand_folder
    assert (hand_folder / "MANO_RIGHT.npz").stat().st_mtime_ns == before
    record = json.loads((hand_folder / "hand.json").read_text())
    assert record["sha256"] == hand_digest(hand_folder)


def test_other_files_make_another_hand(tmp_path: Path):
    config = HandConfig(source="mano", mano_dir=tmp_path)
    digests, folders = set(), set()
    for seed in (0, 1, 0):
        write_mano(tmp_path, mano_content(random_arrays(seed)))
        folder = build_hand(config, cache=tmp_path / "cache")
        folders.add(folder)
        digests.add(hand_digest(folder))
    assert len(folders) == len(digests) == 2
    assert not list((tmp_path / "cache" / "hands").glob(".building-*"))


def test_missing_files_are_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"hand\.mano_dir: missing, expected the folder with"):
        build_hand(HandConfig(source="mano"), cache=tmp_path)
    with pytest.raises(InputError, match=r"MANO_RIGHT\.pkl: no such file, expected MANO's right"):
        build_hand(HandConfig(source="mano", mano_dir=tmp_path), cache=tmp_path)
    with pytest.raises(InputError, match=r"MANO_RIGHT\.npz: no such file, expected a hand made by"):
        load_hand(tmp_path)
