"""The bend of an arm at the elbow, as a map of space from the straight arm to the bent one.

A straight arm's coordinates are across, through (to the back of the hand) and up the forearm,
metres from the wrist, with the arm's centre line at the elbow on the third axis. Whatever is made
round the straight arm is bent by the same map, so what encloses the skin goes on enclosing it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mano_assets.skinning import smoothstep

_TIGHT_RAD = np.pi / 2
_WIDEST = 2.5
"""Radius of the bend in radii of the arm, when it is all but straight; 1 beyond a right angle."""
_CROOK = 0.9
"""Nothing comes nearer to the bend's centre than the rest of its radius: flesh is pressed flat."""
_CROOK_POWER = 3.0
_CROOK_FADE_M = (0.04, 0.1)
_CLOSED_RAD = (1.6, 2.5)
"""Between these the pressing reaches further: forearm and upper arm come to lie side by side."""
_FULL_CROOK_RAD = 0.35
_POINT = 0.2
"""How far the elbow's point stands out, in distances from the centre line."""
_POINT_RAD = (0.5, 1.9)


@dataclass(frozen=True)
class Elbow:
    """A stretched and bent arm.

    Attributes:
        bare_m: Where the forearm starts to stretch, metres from the wrist.
        elbow_m: Place of the elbow before it is stretched, metres from the wrist.
        radius_m: Of the arm at the elbow.
        length: Factor on the length of the forearm.
        flexion_rad: 0 is straight.
        azimuth_rad: To which side the upper arm bends, from across towards through.
        fade_m: Over this the stretch sets in.
    """

    bare_m: float
    elbow_m: float
    radius_m: float
    length: float
    flexion_rad: float
    azimuth_rad: float
    fade_m: float = 0.05

    @property
    def bend_radius_m(self) -> float:
        """Of the centre line."""
        open_share = 1 - smoothstep(0.0, _TIGHT_RAD, np.array(self.flexion_rad))
        return float(self.radius_m * (1 + (_WIDEST - 1) * open_share))

    @property
    def start_m(self) -> float:
        """Where the centre line starts to turn, on the stretched arm."""
        return self.elbow_m * self.length - self.flexion_rad * self.bend_radius_m / 2

    def bent(self, points: np.ndarray) -> np.ndarray:
        """Bends points [P, 3] of the straight arm; below stretch and bend they stay bit for bit."""
        # Compiled code is loaded when it is first needed.
        from render.dress.elbow_kernel import bend

        reach = self.elbow_m - self.bare_m - self.fade_m / 2
        flexion = np.array(self.flexion_rad)
        pressed = float(smoothstep(0.0, _FULL_CROOK_RAD, flexion))
        closed = float(smoothstep(*_CLOSED_RAD, flexion))
        fade = (1 - closed) * _CROOK_FADE_M[0] + closed * _CROOK_FADE_M[1]
        moved = bend(
            np.ascontiguousarray(points),
            np.array([self.bare_m, self.fade_m, (self.length - 1) * self.elbow_m / reach]),
            self.start_m,
            self.bend_radius_m,
            self.flexion_rad,
            self.azimuth_rad,
            np.array([_CROOK * self.bend_radius_m, _CROOK_POWER, fade, pressed]),
            _POINT * float(smoothstep(*_POINT_RAD, flexion)),
        )
        # Turning to the azimuth and back again is not exact.
        lowest = self.start_m - fade
        still = points[:, 2] <= (lowest if self.length == 1 else min(lowest, self.bare_m))
        return np.where(still[:, None], points, moved)
