"""Upper and lower lids follow the eyes up and down, as ARKit's ``eyeLook`` units say."""

from __future__ import annotations

import numpy as np

from app.core.passes.scene import Scene
from engines.api import Performance, look_weights
from engines.arkit import indices

_LOOK = list(indices("eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp"))


def apply(performance: Performance, scene: Scene) -> Performance:
    """Set the ``eyeLook`` units from the gaze; what was keyed on them adds."""
    weights = performance.weights.copy()
    weights[:, _LOOK] = np.clip(weights[:, _LOOK] + look_weights(performance.gaze), 0, 1)
    return performance.with_(weights=weights)
