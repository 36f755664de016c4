import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from smplx.joint_names import SMPLH_JOINT_NAMES

from mano_assets.skeleton import HAND21, MANO16, PENN13, SKELETONS, Skeleton

OPENPOSE_ORDER = (
    "wrist",
    *("thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip"),
    *("index_mcp", "index_pip", "index_dip", "index_tip"),
    *("middle_mcp", "middle_pip", "middle_dip", "middle_tip"),
    *("ring_mcp", "ring_pip", "ring_dip", "ring_tip"),
    *("little_mcp", "little_pip", "little_dip", "little_tip"),
)


def test_hand21_is_the_field_s_order():
    assert HAND21.joints == OPENPOSE_ORDER
    fingers = [(0, base, base + 1, base + 2) for base in (1, 5, 9, 13, 17)]
    assert HAND21.parents == (-1, *(parent for finger in fingers for parent in finger))


def test_mano16_is_the_order_of_smplx():
    thumb, others = ("cmc", "mcp", "ip"), ("mcp", "pip", "dip")
    names = ["wrist"]
    for name in SMPLH_JOINT_NAMES:
        side, _, joint = name.partition("_")
        if side == "right" and joint[-1] in "123":
            finger = joint[:-1].replace("pinky", "little")
            names.append(f"{finger}_{(thumb if finger == 'thumb' else others)[int(joint[-1]) - 1]}")
    assert MANO16.joints == tuple(names)
    assert MANO16.parents == (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11, 0, 13, 14)


@given(st.permutations(HAND21.joints))
def test_order_from_undoes_any_order(joints: list[str]):
    values = np.array(joints)
    assert tuple(values[HAND21.order_from(joints)]) == HAND21.joints


def test_mano_s_joints_and_tips_are_reordered_finger_by_finger():
    mano = [*MANO16.joints, "thumb_tip", "index_tip", "middle_tip", "ring_tip", "little_tip"]
    # manopth's well-known table (ManoLayer.forward), from MANO's joints and tips to this order.
    table = [0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9, 20]
    assert HAND21.order_from(mano) == table


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_bones_make_one_tree(skeleton: Skeleton):
    assert len(skeleton.bones) == skeleton.num_joints - 1
    assert [child for _, child in skeleton.bones] == [
        joint for joint in range(skeleton.num_joints) if joint != skeleton.root
    ]
    adjacency = skeleton.adjacency
    np.testing.assert_array_equal(adjacency, adjacency.T)
    assert adjacency.sum() == 2 * len(skeleton.bones)
    reached = np.linalg.matrix_power(adjacency + np.eye(skeleton.num_joints), skeleton.num_joints)
    assert (reached > 0).all()
    assert tuple(skeleton.joints[joint] for joint in skeleton.reference) == skeleton.reference_bone


@pytest.mark.parametrize("skeleton", [HAND21, MANO16], ids=["hand21", "mano16"])
def test_chains_run_from_base_to_tip(skeleton: Skeleton):
    for finger, _ in skeleton.chains:
        chain = skeleton.chain(finger)
        assert [skeleton.parents[joint] for joint in chain] == [skeleton.root, *chain[:-1]]
        assert all(skeleton.joints[joint].startswith(finger) for joint in chain)


def test_flip_pairs_swap_every_sided_joint():
    pairs = {(joint, joint.replace("left", "right")) for joint in PENN13.joints if "left" in joint}
    assert set(PENN13.flip_pairs) == pairs
    assert {joint for joint in PENN13.joints if "right" in joint} == {right for _, right in pairs}


def test_unknown_joints_are_named():
    with pytest.raises(KeyError, match="skeleton 'hand21' has no joint 'index_knee'"):
        HAND21.index("index_knee")


def test_a_skeleton_must_be_a_tree():
    with pytest.raises(ValueError, match="3 joints, 2 parents"):
        Skeleton("bad", ("a", "b", "c"), (-1, 0), (), ("a", "b"))
    with pytest.raises(ValueError, match="every parent must precede its children"):
        Skeleton("bad", ("a", "b"), (1, -1), (), ("a", "b"))
