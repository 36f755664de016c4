from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import trimesh

from mano_assets.geometry.surface_patches import (
    FOREARM,
    compact_patches,
    skin_distance,
    triangle_bones,
)
from mano_assets.hand import Hand
from mano_assets.skeleton import FINGERS, MANO16


def test_every_finger_s_tip_is_its_last_bone_s_and_the_elbow_is_the_forearm_s(hand: Hand):
    bones = triangle_bones(hand)
    for finger, tip in zip(FINGERS, hand.tip_vertices, strict=True):
        around = (hand.triangles == tip).any(1)
        assert set(bones[around]) == {MANO16.chain(finger)[-1]}
    elbow = hand.arrays["v_template"][:, 0].argmax()
    assert set(bones[(hand.triangles == elbow).any(1)]) == {FOREARM}
    assert set(bones) == set(range(FOREARM + 1))


def test_patches_are_small_and_of_one_group_and_hold_everything_once():
    rng = np.random.default_rng(0)
    centres, groups = rng.normal(size=(500, 3)), rng.integers(0, 4, 500)
    order, starts = compact_patches(centres, groups, 30)
    assert sorted(order) == list(range(500))
    assert (starts[0], starts[-1]) == (0, 500)
    for start, end in pairwise(starts):
        assert 8 <= end - start <= 30
        assert len(set(groups[order[start:end]])) == 1


def test_patches_are_compact():
    rng = np.random.default_rng(1)
    centres = rng.random((512, 3)) * [8, 1, 1]
    order, starts = compact_patches(centres, np.zeros(512, int), 64)
    sizes = [np.ptp(centres[order[a:b]], axis=0).max() for a, b in pairwise(starts)]
    assert max(sizes) < 1.3


@pytest.mark.parametrize("most", [0.5, 10.0])
def test_skin_distance_is_that_of_shortest_paths(most: float):
    ball = trimesh.creation.icosphere(subdivisions=2)
    points = np.asarray(ball.vertices) * [1.0, 0.8, 0.6]
    graph = nx.Graph()
    for i, j in ball.edges_unique:
        graph.add_edge(int(i), int(j), weight=float(np.linalg.norm(points[i] - points[j])))
    between = dict(nx.all_pairs_dijkstra_path_length(graph))
    found = skin_distance(points, ball.faces, most)
    rng = np.random.default_rng(2)
    for first, second in rng.integers(0, len(ball.faces), (200, 2)):
        corners = (ball.faces[first].tolist(), ball.faces[second].tolist())
        expected = min(between[i][j] for i in corners[0] for j in corners[1])
        if expected > most:
            assert found[first, second] == np.inf
        else:
            assert found[first, second] == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert np.isinf(found).any() == (most < 1)
