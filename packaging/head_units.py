"""MakeHuman's face units brought to what the ARKit shapes of the same name do on a face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engines.rig.head import Head

STRENGTH = {"mouthLowerDown": 1.7, "mouthUpperUp": 1.35, "browInnerUp": 1.8, "browOuterUp": 1.7}
"""Units that at full strength move less than they do on a face. Brows rise by 6 mm here; the greatest excursion in
adults is 8 to 10 mm."""
_UP, _DOWN, _IN = 0.40, -0.78, 0.40
"""Rise of the upper lip, fall of the lower one, and way of each corner to the middle, in a full funnel, cm."""
_ROUND = 0.75
"""Exponent of the rims' bow: 0.5 is an ellipse, 1 a parabola."""
_NOSE_SHARE = 0.25
"""Share of a funnel's motion that is left above the base of the nose."""


def round_funnel(head: Head, funnel: np.ndarray) -> np.ndarray:
    """A ``mouthFunnel`` whose opening is round : float64 (V, 3).

    MakeHuman's parts the lips in their middle third alone, to a lozenge, and pulls the tip of the nose down.

    Parameters
    ----------
    head : whose lips are closed
    funnel : (V, 3), its unit, cm
    """
    from engines.rig.personal import lips

    vertices = head.mesh.vertices.astype(float)
    base = (head.landmark_bary[2][:, None] * vertices[head.mesh.triangles[head.landmark_triangle[2]]]).sum(0)
    above = np.clip((vertices[:, 1] - base[1] + 0.5) / 1.2, 0, 1)
    result = funnel * (1 - (1 - _NOSE_SHARE) * above * above * (3 - 2 * above))[:, None]
    pair = lips()
    moves = []
    for chain, height in ((head.lip_upper, _UP), (head.lip_lower, _DOWN)):
        x = vertices[chain, 0]
        half = float(np.abs(x).max())
        bow = np.clip(1 - (x / half) ** 2, 0, 1) ** _ROUND
        wanted = np.stack([-_IN * x / half, height * bow, result[chain, 2]], 1)
        moves.append(wanted - result[chain])
    return np.asarray(result + pair.field(moves[0], moves[1], len(vertices)))
