"""What a hand can do: bones, palm and joint angles of 3D joints, their limits and penalties.

Spurr, Iqbal, Molchanov, Hilliges, Kautz: Weakly Supervised 3D Hand Pose Estimation via
Biomechanical Constraints, ECCV 2020. Applies to any system's 3D output.
"""

from training.biomechanics.angles import ANGLE_JOINTS, joint_angles
from training.biomechanics.limits import BiomechanicalLimits
from training.biomechanics.palm import angular_distance, curvature, root_bones

__all__ = [
    "ANGLE_JOINTS",
    "BiomechanicalLimits",
    "angular_distance",
    "curvature",
    "joint_angles",
    "root_bones",
]
