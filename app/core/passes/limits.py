"""What a face can do: soft limits, identity inside them."""

from __future__ import annotations

from typing import Final

import numpy as np

from app.core.passes.gaze import soft_limit
from app.core.passes.scene import Scene
from engines import arkit
from engines.api import Performance

HEAD_LIMIT: Final = (*np.radians((40.0, 70.0, 40.0)), 12.0, 12.0, 20.0)
"""Of pitch, yaw, roll in radians and x, y, z in centimetres."""
GAZE_LIMIT_RAD: Final = 0.6


def apply(performance: Performance, scene: Scene) -> Performance:
    """Keep weights in 0 to 1, opposite units apart, head and eyes within reach."""
    weights = np.clip(performance.weights.astype(np.float64), 0, 1)
    for side in ("Left", "Right"):
        blink, wide = arkit.INDEX["eyeBlink" + side], arkit.INDEX["eyeWide" + side]
        weights[:, wide] *= 1 - weights[:, blink]
    # mouthClose takes back what jawOpen opens; with less jaw than that it would push the lips through each other.
    close, jaw = arkit.INDEX["mouthClose"], arkit.INDEX["jawOpen"]
    weights[:, close] = np.minimum(weights[:, close], weights[:, jaw])
    head = np.stack([soft_limit(performance.head[:, i], HEAD_LIMIT[i]) for i in range(6)], 1)
    return performance.with_(weights=weights, head=head, gaze=soft_limit(performance.gaze, GAZE_LIMIT_RAD))
