"""Kernel that turns the sheet's drawn coordinates into colours over the clean background."""

from __future__ import annotations

import numpy as np

from engines.blendshape.raster import NOTHING, byte, compiled, sample_cubic, sample_linear

_SETTLE_PX = 0.8
"""Motion in pixels from which on a soft edge is drawn over the clean background only."""


@compiled
def composite(
    photo: np.ndarray,
    person: np.ndarray,
    plate: np.ndarray,
    uv: np.ndarray,
    depth: np.ndarray,
    left: int,
    top: int,
    patch_boxes: np.ndarray,
    patch_a: np.ndarray,
    patch_b: np.ndarray,
    sharp: bool,
    frame: np.ndarray,
) -> None:
    """Colour a window of the frame.

    Parameters
    ----------
    photo : uint8 (H, W, 3 or 4), shown unchanged where the sheet did not move
    person : float32 (H, W, 4), the person's own colours and cover, 0 to 255
    plate : uint8 (H, W, 3), what lies behind
    uv : float32 (h, w, 3), photo coordinates seen at each pixel of the window, and a factor of brightness
    depth : float32 (h, w), `NOTHING` where the sheet is not
    left, top : where the window lies in the frame
    patch_boxes : int64 (2, 4), left, top, width, height of the two eyes in the photo
    patch_a, patch_b : float32 (h, w, 4), the eyes; a width of 0 in its box leaves one out
    sharp : bicubic instead of bilinear
    frame : uint8 (H, W, 3), or (H, W, 4) for the person alone with straight alpha; changed in place
    """
    height, width = depth.shape
    channels = frame.shape[2]
    last_x, last_y = photo.shape[1] - 1.0, photo.shape[0] - 1.0
    for j in range(height):
        y = top + j
        for i in range(width):
            x = left + i
            if depth[j, i] <= NOTHING:
                if channels == 4:
                    frame[y, x, 3] = 0
                else:
                    for c in range(3):
                        frame[y, x, c] = plate[y, x, c]
                continue
            u, v, light = uv[j, i, 0], uv[j, i, 1], uv[j, i, 2]
            eye = -1
            for k in range(2):
                bl, bt = patch_boxes[k, 0], patch_boxes[k, 1]
                right, bottom = bl + patch_boxes[k, 2], bt + patch_boxes[k, 3]
                if u > bl + 1 and v > bt + 1 and u < right - 2 and v < bottom - 2:
                    eye = k
            if eye >= 0:
                patch = patch_a if eye == 0 else patch_b
                pu, pv = u - patch_boxes[eye, 0], v - patch_boxes[eye, 1]
                r, g, b, a = sample_cubic(patch, pu, pv) if sharp else sample_linear(patch, pu, pv)
            elif abs(u - x) < 2e-3 and abs(v - y) < 2e-3 and abs(light - 1) < 1e-3:
                for c in range(channels):
                    frame[y, x, c] = photo[y, x, c]
                continue
            else:
                r, g, b, a = sample_cubic(person, u, v) if sharp else sample_linear(person, u, v)
                if u < 0 or v < 0 or u > last_x or v > last_y:
                    # beyond the picture colours continue mirrored, but the outline goes straight on
                    a = sample_linear(person, min(max(u, 0.0), last_x), min(max(v, 0.0), last_y))[3]
            r, g, b = light * r, light * g, light * b
            if channels == 4:
                frame[y, x, 3] = byte(a)
            elif a < 254.5:
                cover = max(np.float32(0.0), a) / np.float32(255.0)
                r = plate[y, x, 0] + cover * (r - plate[y, x, 0])
                g = plate[y, x, 1] + cover * (g - plate[y, x, 1])
                b = plate[y, x, 2] + cover * (b - plate[y, x, 2])
                near = 1 - (abs(u - x) + abs(v - y)) / _SETTLE_PX
                if near > 0:  # fringes that the matte does not know fade from the photo instead of vanishing
                    r = r + near * (photo[y, x, 0] - r)
                    g = g + near * (photo[y, x, 1] - g)
                    b = b + near * (photo[y, x, 2] - b)
            frame[y, x, 0] = byte(r)
            frame[y, x, 1] = byte(g)
            frame[y, x, 2] = byte(b)
