"""Where every pixel of a drawn frame comes from: the rig's own dense motion, for engines that learn from it."""

from __future__ import annotations

import numpy as np

from engines.blendshape.painter import Painter
from engines.blendshape.raster import NOTHING, raster


def dense_flow(
    painter: Painter, weights: np.ndarray, activity: float, head: np.ndarray, *, mouth: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Photo coordinates seen at each pixel, and where the photo is seen at all.

    Lids and eyeballs do not show in it: they are drawn inside the photo, not moved with it.

    Parameters
    ----------
    painter : of the picture
    weights, activity, head : as in `engines.blendshape.painter.Painter.draw`
    mouth : False leaves the mouth to the sheet

    Returns
    -------
    float32 (H, W, 2), x and y in pixels of the photo; bool (H, W), False between the lips and where nothing is drawn
    """
    place = painter.placement
    change = np.append(weights - place.rest_weights, -activity).astype(np.float32)
    turn = place.turned(head[:3])
    places, nearness = painter.sheet_places(change, turn, head[3:])
    size = (painter.height, painter.width)
    depth, uv = np.full(size, NOTHING, np.float32), np.zeros((*size, 2), np.float32)
    raster(places, nearness, painter.sheet.places, painter.sheet.triangles, 0, 0, depth, uv, True)
    seen = depth > NOTHING
    if not mouth:
        return uv, seen
    parts = painter.mouth
    screen, near, photo = painter.mouth_places(weights, activity, head)
    values = np.ascontiguousarray(np.concatenate([photo, parts.cover[:, None]], 1), np.float32)
    skin_depth, skin = np.full(size, NOTHING, np.float32), np.zeros((*size, 3), np.float32)
    raster(screen, near, values, parts.skin, 0, 0, skin_depth, skin, False)
    window, nothing = np.full(size, NOTHING, np.float32), np.zeros((*size, 0), np.float32)
    raster(screen, near, values[:, :0], parts.window, 0, 0, window, nothing, True)
    cover = np.where(skin_depth > NOTHING, skin[..., 2], 0)[..., None]
    return uv + cover * (skin[..., :2] - uv), seen & ((window <= NOTHING) | (skin_depth > window))
