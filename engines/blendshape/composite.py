"""Kernel that turns the sheet's drawn coordinates into colours over the clean background."""

from __future__ import annotations

import numpy as np

from engines.blendshape.raster import NOTHING, compiled, sample_cubic, sample_linear


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
    photo : uint8 (H, W, 3), shown unchanged where the sheet did not move
    person : uint8 (H, W, 4), the person's own colours and cover
    plate : uint8 (H, W, 3), what lies behind
    uv : float32 (h, w, 2), photo coordinates seen at each pixel of the window
    depth : float32 (h, w), `NOTHING` where the sheet is not
    left, top : where the window lies in the frame
    patch_boxes : int64 (2, 4), left, top, width, height of the two eyes in the photo
    patch_a, patch_b : float32 (h, w, 3), the eyes; a width of 0 in its box leaves one out
    sharp : bicubic instead of bilinear
    frame : float32 (H, W, 3), or (H, W, 4) for the person alone with straight alpha; changed in place
    """
    pixel = np.zeros(4, np.float32)
    edge = np.zeros(4, np.float32)
    eye = np.zeros(3, np.float32)
    last_x, last_y = photo.shape[1] - 1.0, photo.shape[0] - 1.0
    height, width = depth.shape
    alone = frame.shape[2] == 4
    for j in range(height):
        y = top + j
        for i in range(width):
            x = left + i
            if depth[j, i] <= NOTHING:
                for c in range(3):
                    frame[y, x, c] = plate[y, x, c]
                if alone:
                    frame[y, x, 3] = 0.0
                continue
            u, v = uv[j, i, 0], uv[j, i, 1]
            drawn = False
            for k in range(2):
                bl, bt, bw, bh = patch_boxes[k, 0], patch_boxes[k, 1], patch_boxes[k, 2], patch_boxes[k, 3]
                if u > bl + 1 and v > bt + 1 and u < bl + bw - 2 and v < bt + bh - 2:
                    if k == 0:
                        if sharp:
                            sample_cubic(patch_a, u - bl, v - bt, eye)
                        else:
                            sample_linear(patch_a, u - bl, v - bt, eye)
                    elif sharp:
                        sample_cubic(patch_b, u - bl, v - bt, eye)
                    else:
                        sample_linear(patch_b, u - bl, v - bt, eye)
                    for c in range(3):
                        frame[y, x, c] = eye[c]
                    if alone:
                        frame[y, x, 3] = 255.0
                    drawn = True
            if drawn:
                continue
            if abs(u - x) < 2e-3 and abs(v - y) < 2e-3:
                if alone:
                    for c in range(4):
                        frame[y, x, c] = person[y, x, c]
                else:
                    for c in range(3):
                        frame[y, x, c] = photo[y, x, c]
                continue
            if sharp:
                sample_cubic(person, u, v, pixel)
            else:
                sample_linear(person, u, v, pixel)
            if u < 0 or v < 0 or u > last_x or v > last_y:
                # beyond the picture colours continue mirrored, but the outline goes straight on
                sample_linear(person, min(max(u, 0.0), last_x), min(max(v, 0.0), last_y), edge)
                pixel[3] = edge[3]
            if alone:
                for c in range(4):
                    frame[y, x, c] = pixel[c]
                continue
            cover = min(1.0, max(0.0, pixel[3] / 255.0))
            for c in range(3):
                frame[y, x, c] = cover * pixel[c] + (1 - cover) * plate[y, x, c]


@compiled
def to_bytes(frame: np.ndarray, left: int, top: int, right: int, bottom: int, out: np.ndarray) -> None:
    """Round a window of a float frame (H, W, C) into bytes, in place in ``out``."""
    for y in range(top, bottom):
        for x in range(left, right):
            for c in range(frame.shape[2]):
                out[y, x, c] = np.uint8(min(255.0, max(0.0, frame[y, x, c])) + 0.5)
