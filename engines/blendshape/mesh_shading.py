"""Kernels that light a drawn mesh: soft key, fill and rim light on skin, eyes and teeth, in linear light."""

from __future__ import annotations

import numpy as np

from engines.blendshape.raster import NOTHING, byte, compiled, sample_linear


@compiled
def normals_of(points: np.ndarray, triangles: np.ndarray, weld: np.ndarray) -> np.ndarray:
    """Smooth normals of places, each triangle counting by its area.

    Parameters
    ----------
    points : float32 (V, 3)
    triangles : int32 (F, 3)
    weld : int64 (V,), number of the place of each vertex

    Returns
    -------
    float32 (max(weld) + 1, 3), unit length
    """
    result = np.zeros((weld.max() + 1, 3), np.float32)
    for f in range(triangles.shape[0]):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in range(3):
            place = weld[triangles[f, k]]
            result[place, 0] += x
            result[place, 1] += y
            result[place, 2] += z
    for i in range(result.shape[0]):
        length = np.sqrt(result[i, 0] ** 2 + result[i, 1] ** 2 + result[i, 2] ** 2)
        if length > 1e-12:
            result[i] /= length
    return result


@compiled
def _encode(value: float) -> np.uint8:
    """sRGB of linear light, highlights rolled off."""
    if value > 0.75:
        value = 0.75 + 0.25 * (1 - np.exp(-(value - 0.75) / 0.25))
    if value <= 0.0031308:
        return byte(255 * 12.92 * max(value, 0.0))
    return byte(255 * (1.055 * value ** (1 / 2.4) - 0.055))


@compiled
def _eye(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Linear colour of a plain eye whose axis is +Z, at a place on it: white, limbus, grey-brown iris, pupil."""
    angle = np.arctan2(np.sqrt(x * x + y * y), z)
    edge = min(max((angle - 0.46) / 0.07, 0.0), 1.0)
    edge = edge * edge * (3 - 2 * edge)
    ray = 0.85 + 0.15 * np.sin(np.arctan2(y, x) * 23 + 3 * np.sin(np.arctan2(y, x) * 5))
    glow = (0.45 + 0.75 * min(angle / 0.40, 1.0)) * ray * (1.0 - 0.65 * min(max((angle - 0.37) / 0.1, 0.0), 1.0))
    pupil = min(max((angle - 0.165) / 0.04, 0.0), 1.0)
    red = pupil * glow * 0.145 + 0.004
    green = pupil * glow * 0.098 + 0.004
    blue = pupil * glow * 0.062 + 0.004
    pink = min(max((angle - 0.6) / 0.9, 0.0), 1.0)
    return (
        red + edge * (0.76 - red),
        green + edge * (0.735 - 0.17 * pink - green),
        blue + edge * (0.71 - 0.19 * pink - blue),
    )


@compiled
def _lambert(nx: float, ny: float, nz: float, lx: float, ly: float, lz: float, wrap: float) -> float:
    """Diffuse light that reaches a little around the edge, as light does in skin."""
    return max((nx * lx + ny * ly + nz * lz + wrap) / (1 + wrap), 0.0)


@compiled
def _lit(
    nx: float, ny: float, nz: float, light: float, r: float, g: float, b: float, part: int, textured: bool
) -> tuple[float, float, float]:
    """Linear light that a place of colour (r, g, b) sends to the camera.

    A texture may have been photographed and hold light already, so it is lit more evenly.
    """
    soft = 0.35 if part == 0 else 0.15
    key = _lambert(nx, ny, nz, -0.46, 0.46, 0.76, 0.5 * soft)
    key_red = _lambert(nx, ny, nz, -0.46, 0.46, 0.76, soft)
    fill = _lambert(nx, ny, nz, 0.72, 0.05, 0.69, soft)
    rim = max(_lambert(nx, ny, nz, 0.78, 0.35, -0.52, 0.0), 0.6 * _lambert(nx, ny, nz, -0.86, 0.3, -0.41, 0.0))
    sky = 0.5 + 0.5 * ny
    open_ = light * light * (3 - 2 * light)
    around = (0.10 + 0.14 * sky) * light
    base, relief = 0.0, 1.0
    if textured:
        base, relief = 0.62 * (0.35 + 0.65 * light), 0.40
    direct = 0.15 + 0.85 * open_
    warm = base + relief * (around + direct * (0.80 * key_red + 0.20 * fill + 0.30 * rim))
    middle = base + relief * (around * 1.02 + direct * (0.78 * key + 0.21 * fill + 0.31 * rim))
    cool = base + relief * (around * 1.06 + direct * (0.75 * key + 0.23 * fill + 0.33 * rim))
    # highlight of the key light, half way between it and the camera
    hx, hy, hz = -0.245, 0.245, 0.938
    along = max(nx * hx + ny * hy + nz * hz, 0.0)
    shine = 0.07 * along**18 + 0.03 * along**70
    if part == 1 or part == 2:
        shine = 0.05 * along**20 + 0.9 * along**700
    elif part == 3 or part == 4:
        shine = 0.16 * along**60
    elif part == 6:
        shine = 0.0
    elif part != 0:
        shine = 0.12 * along**40
    if textured and part == 0:
        shine *= 0.5
    shine *= direct
    deep = 0.55 + 0.45 * light  # light that went through skin several times is red
    return r * warm + shine, g * middle * deep + shine, b * cool * deep + shine


@compiled
def shade(
    depth: np.ndarray,
    drawn: np.ndarray,
    lash_depth: np.ndarray,
    lash: np.ndarray,
    texture: np.ndarray,
    colours: np.ndarray,
    samples: int,
    left: int,
    top: int,
    frame: np.ndarray,
) -> None:
    """Light the samples of a window and lay their mean over the frame.

    Parameters
    ----------
    depth : float32 (h * samples, w * samples), `NOTHING` where nothing was drawn
    drawn : float32 (h * samples, w * samples, 10): normal, u, v, place from the middle of the eye, light, part
    lash_depth, lash : the same for the lashes, (h * samples, w * samples, 1): root 0 to tip 1. They are cards that
        stand for hairs, so they cover only in part and thin out towards the tips
    texture : float32 (S, S, 4) in linear light; a single texel: there is none
    colours : float32 (8, 3), linear colour of each part without a texture
    left, top : where the window lies in the frame
    frame : uint8 (H, W, 3 or 4), changed in place; with four channels as straight alpha
    """
    textured = texture.shape[0] > 1
    for j in range(depth.shape[0] // samples):
        for i in range(depth.shape[1] // samples):
            red, green, blue, count = 0.0, 0.0, 0.0, 0
            for sj in range(j * samples, (j + 1) * samples):
                for si in range(i * samples, (i + 1) * samples):
                    if depth[sj, si] <= NOTHING:
                        continue
                    at = drawn[sj, si]
                    part = int(at[9] + 0.5)
                    if textured:
                        u, v = at[3] - np.floor(at[3]), at[4] - np.floor(at[4])
                        r, g, b, _ = sample_linear(
                            texture, u * texture.shape[1] - 0.5, (1 - v) * texture.shape[0] - 0.5
                        )
                    elif part == 1 or part == 2:
                        r, g, b = _eye(at[5], at[6], at[7])
                    else:
                        r, g, b = colours[part, 0], colours[part, 1], colours[part, 2]
                    length = max(np.sqrt(at[0] ** 2 + at[1] ** 2 + at[2] ** 2), 1e-6)
                    if at[2] < -0.25 * length:  # a sheet seen from behind
                        length = -length
                    light = min(max(at[8], 0.0), 1.0)
                    if part != 0:
                        light = 0.3 + 0.7 * light  # wet and light parts pass light on among themselves
                    r, g, b = _lit(at[0] / length, at[1] / length, at[2] / length, light, r, g, b, part, textured)
                    if lash_depth[sj, si] > depth[sj, si] - 0.05:
                        tip = min(max(lash[sj, si, 0], 0.0), 1.0)
                        hair = 0.6 * (1 - tip) * (1 - tip)
                        r, g, b = r + hair * (0.02 - r), g + hair * (0.014 - g), b + hair * (0.012 - b)
                    red += r
                    green += g
                    blue += b
                    count += 1
            if count == 0:
                continue
            cover = count / (samples * samples)
            x, y = left + i, top + j
            colour = (_encode(red / count), _encode(green / count), _encode(blue / count))
            for c in range(3):
                if frame.shape[2] == 4:
                    frame[y, x, c] = colour[c]
                else:
                    frame[y, x, c] = byte(frame[y, x, c] + cover * (colour[c] - float(frame[y, x, c])))
            if frame.shape[2] == 4:
                frame[y, x, 3] = byte(255 * cover)
