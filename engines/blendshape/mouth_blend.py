"""Kernels that lay the drawn mouth over the frame."""

from __future__ import annotations

import numpy as np

from engines.blendshape.raster import NOTHING, byte, compiled, sample_cubic, sample_linear


@compiled
def _over(frame: np.ndarray, x: int, y: int, r: float, g: float, b: float, cover: float) -> None:
    frame[y, x, 0] = byte(frame[y, x, 0] + cover * (r - frame[y, x, 0]))
    frame[y, x, 1] = byte(frame[y, x, 1] + cover * (g - frame[y, x, 1]))
    frame[y, x, 2] = byte(frame[y, x, 2] + cover * (b - frame[y, x, 2]))
    if frame.shape[2] == 4:
        frame[y, x, 3] = byte(frame[y, x, 3] + cover * (255 - frame[y, x, 3]))


@compiled
def soften(colours: np.ndarray, depth: np.ndarray, radius: int, spare: np.ndarray) -> None:
    """Blur what was drawn inside the mouth, where photos are never crisp: a box along rows, then along columns.

    Parameters
    ----------
    colours : float32 (h, w, 6), of which the last three are blurred in place
    depth : float32 (h, w), `NOTHING` where nothing was drawn, which lends no colour
    radius : half the box, in samples
    spare : float32 (h, w, 4), overwritten
    """
    height, width = depth.shape
    for j in range(height):
        for i in range(width):
            r = g = b = n = np.float32(0.0)
            for k in range(max(0, i - radius), min(width, i + radius + 1)):
                if depth[j, k] > NOTHING:
                    r += colours[j, k, 3]
                    g += colours[j, k, 4]
                    b += colours[j, k, 5]
                    n += np.float32(1.0)
            spare[j, i, 0], spare[j, i, 1], spare[j, i, 2], spare[j, i, 3] = r, g, b, n
    for j in range(height):
        for i in range(width):
            if depth[j, i] <= NOTHING:
                continue
            r = g = b = n = np.float32(0.0)
            for k in range(max(0, j - radius), min(height, j + radius + 1)):
                r += spare[k, i, 0]
                g += spare[k, i, 1]
                b += spare[k, i, 2]
                n += spare[k, i, 3]
            colours[j, i, 3], colours[j, i, 4], colours[j, i, 5] = r / n, g / n, b / n


@compiled
def blend_skin(
    texture: np.ndarray,
    skin: np.ndarray,
    depth: np.ndarray,
    left: int,
    top: int,
    opening: np.ndarray,
    light: np.ndarray,
    strength: float,
    sharp: bool,
    frame: np.ndarray,
) -> None:
    """Lay lips and the skin around them over the frame, but for the box of the opening.

    Parameters
    ----------
    texture : float32 (H, W, 4), the photo
    skin : float32 (h, w, 3): u, v and cover
    depth : float32 (h, w), `NOTHING` where there is none
    left, top : where the window lies in the frame
    opening : int64 (4,), left, top, right, bottom in the frame of the box that is left out
    light : float32 (h, w), factor of brightness
    strength : 0 to 1, how much of the mouth is laid over the frame
    sharp : bicubic instead of bilinear
    frame : uint8 (H, W, 3 or 4), changed in place
    """
    for j in range(depth.shape[0]):
        y = top + j
        for i in range(depth.shape[1]):
            x = left + i
            if depth[j, i] <= NOTHING:
                continue
            cover = skin[j, i, 2] * strength
            if cover <= 0.002 or (opening[0] <= x < opening[2] and opening[1] <= y < opening[3]):
                continue
            u, v = skin[j, i, 0], skin[j, i, 1]
            r, g, b, _ = sample_cubic(texture, u, v) if sharp else sample_linear(texture, u, v)
            f = light[j, i]
            _over(frame, x, y, f * r, f * g, f * b, cover)


@compiled
def blend_opening(
    texture: np.ndarray,
    skin: np.ndarray,
    skin_depth: np.ndarray,
    inner: np.ndarray,
    inner_depth: np.ndarray,
    window: np.ndarray,
    samples: int,
    left: int,
    top: int,
    light: np.ndarray,
    strength: float,
    sharp: bool,
    frame: np.ndarray,
) -> None:
    """Average the samples of lips and of what is seen between them, and lay them over the frame.

    Parameters
    ----------
    texture : float32 (H, W, 4), the photo
    skin : float32 (h * samples, w * samples, 3): u, v and cover
    inner : float32 (h * samples, w * samples, 6): u, v, share of the photo, red, green, blue
    skin_depth, inner_depth, window : float32 (h * samples, w * samples), `NOTHING` where nothing was drawn; what lies
        behind the lips is seen only through the window, and lips always lie before it
    left, top : where the box lies in the frame
    light : float32 (h, w), factor of brightness
    strength, sharp, frame : as in `blend_skin`
    """
    height, width = window.shape[0] // samples, window.shape[1] // samples
    for j in range(height):
        y = top + j
        for i in range(width):
            x = left + i
            through = 0
            red, green, blue, total = 0.0, 0.0, 0.0, 0.0
            u, v, cover, count = 0.0, 0.0, 0.0, 0
            for sj in range(j * samples, (j + 1) * samples):
                for si in range(i * samples, (i + 1) * samples):
                    near = skin_depth[sj, si]
                    if window[sj, si] > NOTHING and inner_depth[sj, si] > near + 1.0:
                        through += 1
                        share = inner[sj, si, 2]
                        r, g, b = inner[sj, si, 3], inner[sj, si, 4], inner[sj, si, 5]
                        if share > 0.004:
                            pr, pg, pb, _ = sample_linear(texture, inner[sj, si, 0], inner[sj, si, 1])
                            r, g, b = r + share * (pr - r), g + share * (pg - g), b + share * (pb - b)
                        red += r
                        green += g
                        blue += b
                        total += 1.0
                    elif near > NOTHING:
                        u += skin[sj, si, 0]
                        v += skin[sj, si, 1]
                        cover += skin[sj, si, 2]
                        count += 1
            if count > 0 and cover > 0:
                u, v = u / count, v / count
                r, g, b, _ = sample_cubic(texture, u, v) if sharp else sample_linear(texture, u, v)
                red += cover * r
                green += cover * g
                blue += cover * b
                total += cover
            if total > 0:
                amount = strength * total / (samples * samples)
                f = light[j, i] / total
                _over(frame, x, y, f * red, f * green, f * blue, amount)
