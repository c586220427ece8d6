"""Kernel that draws a taught actor: the head's motion, then the face's under it, sampled from the photo itself."""

from __future__ import annotations

import numpy as np

from engines.blendshape.raster import byte, compiled, sample_cubic, sample_linear

LAYERS = 9
"""Channels of a face: offset x, y; red, green, blue to add; red, green, blue between the lips; how far a pixel lies
inside the opening between the lips, negative outside, in pixels of the actor."""
OPEN_PX = 8.0
"""Limit of the last channel, either way."""
_STILL_PX = 2e-3
_FAR = 1e4
_SETTLE_PX = 0.8
"""Motion from which on a soft edge is drawn over the clean background only (as the rig does)."""


@compiled
def draw_frame(
    photo: np.ndarray,
    person: np.ndarray,
    plate: np.ndarray,
    pose: np.ndarray,
    face: np.ndarray,
    acting: np.ndarray,
    scale: float,
    shift_x: float,
    shift_y: float,
    box: np.ndarray,
    fade: np.ndarray,
    eyes: np.ndarray,
    sharp: bool,
    frame: np.ndarray,
) -> None:
    """Draw one frame over a copy of the photo.

    Parameters
    ----------
    photo : uint8 (H, W, 3 or 4), shown unchanged where nothing moves
    person : float32 (H, W, 4), the person's colours and cover, 0 to 255
    plate : uint8 (H, W, 3), what lies behind
    pose : float32 (h, w, 2), where the still head is seen from each pixel of the actor, as an offset in its pixels;
        beyond `_FAR` where it is not seen at all
    face : float32 (h, w, `LAYERS`), what the face does on the still head
    acting : float32 (4,), left, top, right, bottom of where the face does anything, in pixels of the actor
    scale, shift_x, shift_y : frame coordinates are ``scale`` times actor coordinates plus the shift
    box : int64 (4,), left, top, right, bottom of the actor in the frame
    fade : float32 (4,), width in pixels over which motion dies away at the left, top, right and bottom of the box;
        0 where the picture ends there
    eyes : int64 (2, 4), left, top, right, bottom in the photo of the eyes that were redrawn; empty if none
    sharp : bicubic instead of bilinear
    frame : uint8 (H, W, 3), or (H, W, 4) for the person alone with straight alpha; changed in place
    """
    channels = frame.shape[2]
    height, width = face.shape[0], face.shape[1]
    right, bottom = photo.shape[1] - 1.0, photo.shape[0] - 1.0
    values = np.zeros(9, np.float32)
    for y in range(box[1], box[3]):
        ty = (y - shift_y) / scale
        for x in range(box[0], box[2]):
            tx = (x - shift_x) / scale
            share = np.float32(1.0)
            if fade[0] > 0:
                share = min(share, (x - box[0]) / fade[0])
            if fade[1] > 0:
                share = min(share, (y - box[1]) / fade[1])
            if fade[2] > 0:
                share = min(share, (box[2] - 1 - x) / fade[2])
            if fade[3] > 0:
                share = min(share, (box[3] - 1 - y) / fade[3])
            px = min(max(tx, 0.0), width - 1.001)
            py = min(max(ty, 0.0), height - 1.001)
            ix, iy = int(px), int(py)
            fx, fy = px - ix, py - iy
            a, b = (1 - fx) * (1 - fy), fx * (1 - fy)
            c, d = (1 - fx) * fy, fx * fy
            if max(
                max(pose[iy, ix, 0], pose[iy, ix + 1, 0]), max(pose[iy + 1, ix, 0], pose[iy + 1, ix + 1, 0])
            ) > np.float32(_FAR):
                for k in range(3):
                    frame[y, x, k] = plate[y, x, k]
                if channels == 4:
                    frame[y, x, 3] = 0
                continue
            ox = share * (
                a * pose[iy, ix, 0] + b * pose[iy, ix + 1, 0] + c * pose[iy + 1, ix, 0] + d * pose[iy + 1, ix + 1, 0]
            )
            oy = share * (
                a * pose[iy, ix, 1] + b * pose[iy, ix + 1, 1] + c * pose[iy + 1, ix, 1] + d * pose[iy + 1, ix + 1, 1]
            )
            sx, sy = tx + ox, ty + oy
            inside = sx >= acting[0] and sy >= acting[1] and sx <= acting[2] and sy <= acting[3]
            if not inside:
                for k in range(8):
                    values[k] = 0
                values[8] = -OPEN_PX
            else:
                px = min(sx, width - 1.001)
                py = min(sy, height - 1.001)
                ix, iy = int(px), int(py)
                fx, fy = px - ix, py - iy
                a, b = (1 - fx) * (1 - fy), fx * (1 - fy)
                c, d = (1 - fx) * fy, fx * fy
                for k in range(9):
                    values[k] = (
                        a * face[iy, ix, k]
                        + b * face[iy, ix + 1, k]
                        + c * face[iy + 1, ix, k]
                        + d * face[iy + 1, ix + 1, k]
                    )
            ox += share * values[0]
            oy += share * values[1]
            moved = scale * (abs(ox) + abs(oy))
            mask = share * min(max(values[8] * scale + 0.5, 0.0), 1.0)
            added = abs(values[2]) + abs(values[3]) + abs(values[4])
            u, v = x + scale * ox, y + scale * oy
            looks = False
            for k in range(2):
                looks = looks or (eyes[k, 0] - 1 < u < eyes[k, 2] and eyes[k, 1] - 1 < v < eyes[k, 3])
            if moved < _STILL_PX and mask < 2e-3 and added < 0.25 and not looks:
                continue
            red, green, blue, cover = sample_linear(person, u, v)
            if sharp and cover > 0.5:  # plain background needs no second look
                red, green, blue, cover = sample_cubic(person, u, v)
            if u < 0 or v < 0 or u > right or v > bottom:
                # beyond the picture colours continue mirrored, but the outline goes straight on
                cover = sample_linear(person, min(max(u, 0.0), right), min(max(v, 0.0), bottom))[3]
            red += share * values[2]
            green += share * values[3]
            blue += share * values[4]
            if mask > 0:
                red += mask * (values[5] - red)
                green += mask * (values[6] - green)
                blue += mask * (values[7] - blue)
            if channels == 4:
                frame[y, x, 3] = byte(cover)
            elif cover < 254.5:
                part = max(np.float32(0.0), cover) / np.float32(255.0)
                red = plate[y, x, 0] + part * (red - plate[y, x, 0])
                green = plate[y, x, 1] + part * (green - plate[y, x, 1])
                blue = plate[y, x, 2] + part * (blue - plate[y, x, 2])
                near = 1 - moved / _SETTLE_PX
                if near > 0:  # fringes that the matte does not know fade from the photo instead of vanishing
                    red += near * (photo[y, x, 0] - red)
                    green += near * (photo[y, x, 1] - green)
                    blue += near * (photo[y, x, 2] - blue)
            frame[y, x, 0] = byte(red)
            frame[y, x, 1] = byte(green)
            frame[y, x, 2] = byte(blue)
