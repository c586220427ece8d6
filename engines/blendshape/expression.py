"""From the artist's weights to the ones that are drawn on a photo that already has an expression.

A Performance starts from a neutral face, a photo seldom does. Eyes, brows and cheeks add to what the person shows;
a mouth that is open in the photo, or smiles with its teeth, has to close before it can speak. So while the mouth is
active (and a little before and after) the photo's own mouth gives way to the person's neutral one; where the mouth
rests for long, the photo's look comes back.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from engines import arkit
from engines.api import Performance
from engines.rig.mesh import effective_weights

_ATTACK_S: Final = 0.3
"""How long before and after its motion the mouth counts as active."""
_ACTIVE: Final = 0.04
"""Sum of mouth weights at which it is fully active."""
_KEEP: Final = {
    "mouthSmile": 0.1, "mouthDimple": 0.1, "mouthFrown": 0.6, "mouthStretch": 0.3, "mouthPress": 0.3,
    "mouthRollLower": 0.3, "mouthRollUpper": 0.3, "mouthShrugLower": 0.4, "mouthShrugUpper": 0.3, "jawForward": 1.0,
    "jawLeft": 0.7, "jawRight": 0.7, "mouthLeft": 0.7, "mouthRight": 0.7, "mouthPucker": 0.3, "mouthFunnel": 0.1,
}  # fmt: skip
"""Share of the photo's own mouth that stays while speaking; 0 for the units not named (they part the lips).

Of a smile landmarks tell less than half, the rest passes for the person's own mouth and stays anyhow.
"""

_SMILE: Final = list(arkit.indices("mouthSmile", "mouthDimple", "cheekSquint"))
_AGAINST_SMILE: Final = {"mouthFrown": 1.3, "mouthStretch": 0.5, "noseSneer": 0.7, "eyeWide": 0.6, "browDown": 0.3}


def kept_share() -> np.ndarray:
    """Share of each unit's rest weight that stays while the mouth is active : (52,)."""
    result = np.ones(arkit.COUNT)
    for name, region in arkit.REGION.items():
        if region in ("lips", "jaw", "tongue"):
            base = name.removesuffix("Left").removesuffix("Right") if name not in _KEEP else name
            result[arkit.INDEX[name]] = _KEEP.get(base, 0.0)
    return result


def mouth_activity(performance: Performance) -> np.ndarray:
    """How active the mouth is around each frame : (T,), 0 to 1, smooth in time."""
    units = [arkit.INDEX[n] for n, region in arkit.REGION.items() if region in ("lips", "jaw", "tongue")]
    amount = np.abs(performance.weights[:, units]).sum(1) + performance.tongue
    active = np.clip(amount / _ACTIVE, 0, 1).astype(np.float64)
    reach = max(1, round(_ATTACK_S * float(performance.rate)))
    if len(active) == 1:
        return active
    padded = np.pad(active, reach, mode="edge")
    held = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(1)
    window = np.hanning(2 * reach + 3)[1:-1]
    smooth = np.convolve(np.pad(held, reach, mode="edge"), window / window.sum(), mode="valid")
    return np.maximum(np.asarray(smooth), active)


def opposed_to_smiling(weights: np.ndarray) -> np.ndarray:
    """How far an expression contradicts a smile, 0 to 1 : (T,), for weights (T, 52).

    A photo that smiles would otherwise smile through grief, fear and disgust.
    """
    against = sum(share * weights[:, list(arkit.indices(unit))].mean(1) for unit, share in _AGAINST_SMILE.items())
    return np.asarray(np.clip(against, 0, 1))


def drawn_weights(performance: Performance, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights to draw and the activity of the mouth : (T, 52), (T,).

    Parameters
    ----------
    performance : the artist's
    rest : (52,), the photo's own expression
    """
    activity = mouth_activity(performance)
    keep = 1 - activity[:, None] * (1 - kept_share())
    keep[:, _SMILE] *= 1 - opposed_to_smiling(performance.weights)[:, None]
    drawn = np.clip(keep * rest + performance.weights, -0.3, np.maximum(1.0, rest))
    return effective_weights(drawn), activity


_YAW_LIMIT: Final = (0.20, 0.38)
_PITCH_LIMIT: Final = (0.16, 0.30)
_ROLL_LIMIT: Final = (0.35, 0.60)


def _soft(value: np.ndarray, knee: float, limit: float) -> np.ndarray:
    """Identity up to the knee, then bending towards the limit."""
    size = np.abs(value)
    bent = knee + (limit - knee) * np.tanh((size - knee) / (limit - knee))
    return np.where(size <= knee, value, np.sign(value) * bent)


def limited_head(head: np.ndarray, rest_angles: np.ndarray) -> np.ndarray:
    """Head motion softened beyond what one photo can show : (T, 6).

    Parameters
    ----------
    head : (T, 6), as in `engines.api.Performance.head`
    rest_angles : (3,), pitch, yaw, roll of the photo itself: turning back to the front reaches further
    """
    result = np.array(head, np.float64)
    for axis, (knee, limit) in enumerate((_PITCH_LIMIT, _YAW_LIMIT, _ROLL_LIMIT)):
        own = 0.5 * float(np.clip(rest_angles[axis], -0.3, 0.3)) if axis < 2 else 0.0
        total = result[:, axis] + own
        result[:, axis] = _soft(total, knee + abs(own), limit + abs(own)) - own
    result[:, 3:5] = _soft(result[:, 3:5], 1.5, 4.0)
    result[:, 5] = _soft(result[:, 5], 2.0, 6.0)
    return result
