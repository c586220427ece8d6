"""Hair of the made people: cropped, curled, combed back, and beards (see `make_people`)."""

from __future__ import annotations

import numpy as np
from demo_portrait.hair import Skull, hairline
from mathutils import Vector
from mathutils.bvhtree import BVHTree


def _unit(v: np.ndarray) -> np.ndarray:
    return np.asarray(v / np.linalg.norm(v, axis=-1, keepdims=True))


def roots(rng: np.random.Generator, count: int, lower_deg: float) -> np.ndarray:
    """Directions from the middle of the skull in which scalp hair grows, (K, 3), K up to ``count``.

    Parameters
    ----------
    lower_deg : how much further down than `demo_portrait.hair.hairline` the hair begins, degrees
    """
    direction = _unit(rng.normal(size=(count * 4, 3)))
    azimuth = np.rad2deg(np.arctan2(direction[:, 0], -direction[:, 1]))
    edge = (
        np.rad2deg(np.arcsin(direction[:, 2]))
        - hairline(azimuth)
        + lower_deg
        + rng.normal(scale=1.5, size=len(azimuth))
    )
    wanted = (edge > 0) & (rng.random(len(direction)) < np.clip(0.4 + edge / 4.0, 0, 1))
    return direction[wanted][:count]


def _wander(rng: np.random.Generator, count: int, length: int, knots: int = 5) -> np.ndarray:
    """Slow random wander, zero at the root: (count, length, 3)."""
    values = rng.normal(size=(count, knots, 3))
    values[:, 0] = 0
    at = np.linspace(0, knots - 1, length)
    low = np.clip(at.astype(int), 0, knots - 2)
    part = (at - low)[None, :, None]
    return np.asarray(values[:, low] * (1 - part) + values[:, low + 1] * part)


def cropped(
    rng: np.random.Generator,
    skull: Skull,
    direction: np.ndarray,
    length_m: float,
    heading: np.ndarray,
    curl: float,
    points: int = 8,
) -> np.ndarray:
    """Short hair: strands that leave the skin and lean one way, (K, points, 3), metres.

    Parameters
    ----------
    direction : (K, 3), from `roots`
    length_m : longest strand; towards the ears and the neck it is half of that
    heading : (3,), where the strands lean
    curl : 0 straight, 1 tight curls
    """
    root = skull.centre + direction * skull.radius(direction)[:, None]
    lean = heading - (direction @ heading)[:, None] * direction
    lean = _unit(lean + 1e-6) * 1.0
    high = np.clip(0.35 + 1.1 * direction[:, 2], 0.35, 1)
    size = length_m * high * rng.uniform(0.6, 1.0, len(direction))
    t = np.linspace(0, 1, points)[None, :, None]
    lift = 0.55 + 0.45 * curl
    path = (lift * (t - 0.35 * t * t * (1 - curl)))[..., 0][..., None] * direction[:, None] + (
        (1 - 0.8 * curl) * t**1.3 * lean[:, None]
    )
    locks = _unit(rng.normal(size=(400, 3)))
    lock = np.argmax(direction @ locks.T, axis=1)
    common = _wander(rng, len(locks), points)[lock]
    path = path + (0.16 + 0.2 * curl) * t * common + (0.05 + 0.22 * curl) * t * _wander(rng, len(direction), points)
    strands = root[:, None] + size[:, None, None] * path
    away = strands - skull.centre
    radius = np.linalg.norm(away, axis=-1, keepdims=True)
    skin = skull.radius(direction)[:, None, None] + 0.0008
    return np.asarray(skull.centre + away / radius * np.maximum(radius, skin))


def combed_back(rng: np.random.Generator, skull: Skull, direction: np.ndarray, points: int = 20) -> np.ndarray:
    """Hair drawn tightly to a knot at the back of the head: strands, (K, points, 3), metres."""
    knot = _unit(np.array([0.0, 1.0, 0.10]))
    t = np.linspace(0, 1, points)[None, :, None]
    over = _unit((direction + knot) / 2 + np.array([0, 0.05, 0.30]))
    path = (1 - t) ** 2 * direction[:, None] + 2 * t * (1 - t) * over[:, None] + t**2 * knot
    path = _unit(path + 0.006 * t * _wander(rng, len(direction), points))
    depth = rng.random(len(direction))[:, None]
    radius = skull.radius(path.reshape(-1, 3)).reshape(path.shape[:2])
    lift = 0.0004 + np.clip(t[..., 0] / 0.15, 0, 1) * (0.002 + 0.007 * depth)
    return np.asarray(skull.centre + path * (radius + lift)[..., None])


def beard(
    rng: np.random.Generator,
    tree: BVHTree,
    mouth: np.ndarray,
    lips_half: np.ndarray,
    jaw_half: float,
    length_m: float,
    count: int,
    chin_only: bool,
) -> np.ndarray:
    """A beard with moustache about closed lips: strands, (K, 5, 3), metres.

    Parameters
    ----------
    mouth : (3,), middle of the lips
    lips_half : (2,), half their width and height
    jaw_half : half the width of the jaw at the mouth's height
    chin_only : a goatee instead of a full beard
    """
    x = rng.uniform(-jaw_half, jaw_half, count * 3)
    z = rng.uniform(-0.062, 0.026, count * 3)
    across, up = np.abs(x) / lips_half[0], z / lips_half[1]
    lips = across**2 + (up / 1.25) ** 2 < 1.15
    under_lip = (z < 0) & (z > -2.1 * lips_half[1]) & (np.abs(x) > 0.25 * lips_half[0]) & (across < 0.8)
    moustache = (z >= 0) & (z < 0.016 - 0.004 * across) & (across < 1.25)
    if chin_only:
        cheek = (z < 0) & (across < 1.2)
    else:
        edge = np.interp(np.abs(x), [0, lips_half[0] * 1.2, jaw_half], [-0.004, -0.006, 0.030])
        cheek = z < edge
    keep = (moustache | cheek) & ~lips & ~(under_lip & (rng.random(len(x)) < 0.7))
    strands = []
    heading = Vector((0, 1, 0))
    for a, b in zip(x[keep][:count], z[keep][:count], strict=True):
        hit, normal, _, _ = tree.ray_cast(Vector((mouth[0] + a, -0.6, mouth[2] + b)), heading)
        if hit is None or normal.y > -0.12:
            continue
        root, out = np.array(hit), np.array(normal)
        down = np.array([np.sign(a) * min(0.5, abs(a) * 14), -0.15, -1.0 if b < 0 else -0.5])
        down -= (down @ out) * out
        size = length_m * rng.uniform(0.5, 1.0)
        t = np.linspace(0, 1, 5)[:, None]
        wander = 0.18 * t * rng.normal(size=3)
        strands.append(root + size * (0.45 * (t - 0.4 * t * t) * out + 0.8 * t * _unit(down) + wander))
    return np.array(strands).reshape(-1, 5, 3)
