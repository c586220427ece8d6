"""What a face can do: soft limits, identity inside them."""

from __future__ import annotations

from typing import Final

import numpy as np

from app.core.passes.gaze import soft_limit
from app.core.passes.scene import Scene
from engines.api import Performance
from engines.rig.mesh import effective_weights

HEAD_LIMIT: Final = (*np.radians((40.0, 70.0, 40.0)), 12.0, 12.0, 20.0)
"""Of pitch, yaw, roll in radians and x, y, z in centimetres."""
GAZE_LIMIT_RAD: Final = 0.6


def apply(performance: Performance, scene: Scene) -> Performance:
    """Keep weights in 0 to 1, units that limit each other apart, head and eyes within reach.

    After it the weights act on a plain blend shape rig, in whatever program, as they do here.
    """
    weights = np.clip(performance.weights.astype(np.float64), 0, 1)
    weights = effective_weights(weights)
    head = np.stack([soft_limit(performance.head[:, i], HEAD_LIMIT[i]) for i in range(6)], 1)
    return performance.with_(weights=weights, head=head, gaze=soft_limit(performance.gaze, GAZE_LIMIT_RAD))
