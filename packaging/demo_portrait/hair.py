"""Hair as curves: scalp hair to the collar, brows and lashes."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from mathutils.kdtree import KDTree

from demo_portrait.skin import Nodes


def hair_material(name: str, melanin: float, redness: float, roughness: float = 0.32) -> bpy.types.Material:
    """Principled hair coloured by pigment."""
    n = Nodes(name)
    shader = n.add(
        "ShaderNodeBsdfHairPrincipled",
        {
            "Melanin": melanin,
            "Melanin Redness": redness,
            "Roughness": roughness,
            "Radial Roughness": 0.35,
            "Random Color": 0.35,
            "Random Roughness": 0.3,
        },
        parametrization="MELANIN",
    )
    return n.finish(shader.outputs["BSDF"])


def add_curves(name: str, strands: np.ndarray, radius_m: np.ndarray, material: bpy.types.Material) -> None:
    """Add hair curves.

    Parameters
    ----------
    strands : float (K, N, 3)
        Control points, root first, metres.
    radius_m : float (K, N) or (N,)
        Strand radius at each point.
    """
    count, length, _ = strands.shape
    data = bpy.data.hair_curves.new(name)
    data.add_curves([length] * count)
    data.points.foreach_set("position", strands.astype(np.float32).ravel())
    radius = np.broadcast_to(radius_m, (count, length)).astype(np.float32)
    attribute = data.attributes.get("radius") or data.attributes.new("radius", "FLOAT", "POINT")
    attribute.data.foreach_set("value", np.ascontiguousarray(radius).ravel())
    data.materials.append(material)
    bpy.context.collection.objects.link(bpy.data.objects.new(name, data))


def taper(length: int, radius_m: float, tip: float = 0.25) -> np.ndarray:
    """Radius profile along a strand: full for most of it, thin at the tip."""
    t = np.linspace(0, 1, length)
    return radius_m * (1.0 - (1.0 - tip) * t**2.5)


def _smooth_noise(rng: np.random.Generator, count: int, length: int, knots: int) -> np.ndarray:
    """Slow random wander along strands, zero at the root: (count, length, 3)."""
    at = np.linspace(0, knots - 1, length)
    low = np.clip(at.astype(int), 0, knots - 2)
    part = (at - low)[None, :, None]
    part = part * part * (3 - 2 * part)
    values = rng.normal(size=(count, knots, 3))
    values[:, 0] = 0
    return values[:, low] * (1 - part) + values[:, low + 1] * part


class Skull:
    """The head as a function of direction from its middle, ears left out."""

    def __init__(self, points: np.ndarray, centre: np.ndarray) -> None:
        self.centre = centre
        rel = points - centre
        radius = np.linalg.norm(rel, axis=1)
        direction = rel / radius[:, None]
        ear = (np.abs(direction[:, 0]) > 0.80) & (direction[:, 2] < 0.12)
        self._direction = direction[~ear]
        self._radius = radius[~ear]
        self._tree = KDTree(len(self._direction))
        for i, d in enumerate(self._direction):
            self._tree.insert(d, i)
        self._tree.balance()

    def radius(self, direction: np.ndarray) -> np.ndarray:
        """Distance from the centre to the skin: float (N,), for unit directions float (N, 3)."""
        out = np.empty(len(direction))
        for i, d in enumerate(direction):
            found = self._tree.find_n(d, 6)
            weight = np.array([1.0 / (1e-4 + f[2]) for f in found])
            out[i] = (weight * self._radius[[f[1] for f in found]]).sum() / weight.sum()
        return out


def hairline(azimuth_deg: np.ndarray) -> np.ndarray:
    """Lowest elevation of scalp hair seen from the middle of the skull, degrees, over azimuth from the front."""
    a = np.abs(azimuth_deg)
    return np.interp(
        a,
        [0, 18, 34, 46, 56, 66, 74, 84, 100, 118, 180],
        [26, 27, 28, 24, 13, 1, -9, 0, 4, -18, -40],
    )


PARTING_X = 0.17  # sine of the angle from the middle plane at which the hair parts


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def _fall_line(skull: Skull, direction: np.ndarray, depth: np.ndarray, length: int) -> np.ndarray:
    """The way one hair takes: over the skull away from the parting, behind the ear, down to the collar.

    Parameters
    ----------
    direction : float (K, 3)
        Roots as directions from the middle of the skull.
    depth : float (K,)
        Layer, 0 lying on the skin to 1 outermost.
    """
    side = np.where(direction[:, 0] > PARTING_X, 1.0, -1.0)
    azimuth = np.abs(np.rad2deg(np.arctan2(side * direction[:, 0], -direction[:, 1])))
    fall_azimuth = np.deg2rad(np.interp(azimuth, [0, 60, 110, 180], [101, 106, 126, 172]))
    fall = np.stack([side * np.sin(fall_azimuth), -np.cos(fall_azimuth), np.full(len(side), -0.34)], axis=1)
    fall = _unit(fall)
    angle = np.arccos(np.clip((direction * fall).sum(1), -1, 1))
    control = (direction + fall) / 2 + (angle / 1.9)[:, None] ** 1.6 * np.array([0.0, 0.16, 0.50])
    control = _unit(control)
    on_skull = int(length * 0.62)
    t = np.linspace(0, 1, on_skull)[None, :, None]
    path = _unit((1 - t) ** 2 * direction[:, None] + 2 * t * (1 - t) * control[:, None] + t**2 * fall[:, None])
    lift = np.clip(t[..., 0] / 0.14, 0, 1) * (0.0020 + depth[:, None] * (0.0045 + 0.0125 * t[..., 0] ** 0.7))
    radius = skull.radius(path.reshape(-1, 3)).reshape(path.shape[:2]) + 0.0002 + lift
    over = skull.centre + path * radius[..., None]
    # Below the skull: hang straight, follow the neck in a little, turn the tips under.
    u = np.linspace(0, 1, length - on_skull + 1)[None, 1:, None]
    end = over[:, -1:]
    bottom = skull.centre[2] - 0.192 - 0.012 * depth[:, None, None]
    inward = np.array([-1.0, -0.15, 0.0]) * side[:, None]
    inward[:, 1] = -0.15
    drop = np.concatenate([np.zeros((len(side), u.shape[1], 2)), (bottom - end[..., 2:]) * u], axis=2)
    flare = 0.012 * np.sin(np.pi * np.clip(u * 1.15, 0, 1)) - 0.012 * u**3
    return np.concatenate([over, end + drop - inward[:, None] * flare], axis=1)


def scalp(rng: np.random.Generator, skull: Skull, count: int, length: int = 30, lower_deg: float = 0.0) -> np.ndarray:
    """Collar-length hair with a side parting, tucked behind the ears: strands, float (K, N, 3), metres.

    Parameters
    ----------
    lower_deg : how much further down than `hairline` the hair begins, degrees
    """
    direction = _unit(rng.normal(size=(count * 4, 3)))
    azimuth = np.rad2deg(np.arctan2(direction[:, 0], -direction[:, 1]))
    elevation = np.rad2deg(np.arcsin(direction[:, 2]))
    edge = elevation - hairline(azimuth) + lower_deg + rng.normal(scale=1.2, size=len(direction))
    wanted = (edge > 0) & (rng.random(len(direction)) < np.clip(0.30 + edge / 5.0, 0, 1))
    direction = direction[wanted][:count]
    k = len(direction)
    depth = rng.random(k) ** 0.7

    centres = _unit(rng.normal(size=(900, 3)))
    lock = np.argmax(direction @ centres.T + 0.0015 * rng.normal(size=(k, 900)), axis=1)
    guide_depth = rng.random(900) ** 0.7
    t = np.linspace(0, 1, length)[None, :, None]
    wave = _smooth_noise(rng, 900, length, 7)[lock] * 0.0050 * t**0.8
    own = _fall_line(skull, direction, depth, length)
    guide = _fall_line(skull, centres, guide_depth, length)[lock]
    same_side = (direction[:, 0] > PARTING_X) == (centres[lock][:, 0] > PARTING_X)
    clump = 0.55 * same_side[:, None, None] * np.clip((t - 0.15) / 0.6, 0, 1) * rng.uniform(0.5, 1, size=(k, 1, 1))
    strands = own * (1 - clump) + guide * clump + wave + 0.0009 * _smooth_noise(rng, k, length, 8)
    stray = np.where(rng.random(k) < 0.02, rng.random(k), 0.0)[:, None, None]
    return strands + stray * 0.010 * t * _smooth_noise(rng, k, length, 4)


def project(tree: BVHTree, x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop points of the front view onto the face: positions and normals, float (N, 3) each."""
    points, normals = np.empty((len(x), 3)), np.empty((len(x), 3))
    for i, (a, b) in enumerate(zip(x, z, strict=True)):
        hit, normal, _, _ = tree.ray_cast(Vector((a, -0.5, b)), Vector((0, 1, 0)))
        points[i], normals[i] = hit, normal
    return points, normals


def brow(
    rng: np.random.Generator, tree: BVHTree, eye: np.ndarray, side: float, count: int, length: int = 8
) -> np.ndarray:
    """One eyebrow: hairs that rise at the inner end, lie outwards along the arch and thin out at the tail."""
    along = rng.beta(1.15, 1.3, size=count)
    across = np.clip(rng.normal(scale=0.42, size=count), -1, 1)
    x = np.interp(along, [0, 1], [0.0125, 0.0530])
    middle = np.interp(along, [0, 0.25, 0.62, 1], [0.0178, 0.0205, 0.0238, 0.0185])
    half = np.interp(along, [0, 0.2, 0.6, 1], [0.0046, 0.0056, 0.0042, 0.0013])
    z = eye[2] + middle + across * half
    keep = rng.random(count) < np.interp(along, [0, 0.12, 0.8, 1], [0.35, 1, 1, 0.5])
    x, z, along, across = x[keep], z[keep], along[keep], across[keep]
    root, normal = project(tree, side * x, z)
    slope = (
        np.interp(along, [0, 0.12, 0.35, 0.62, 1], [75, 52, 24, 2, -28])
        - 16 * across
        + rng.normal(scale=8, size=len(x))
    )
    heading = np.stack([side * np.cos(np.deg2rad(slope)), np.zeros(len(x)), np.sin(np.deg2rad(slope))], axis=1)
    tangent = heading - (heading * normal).sum(1, keepdims=True) * normal
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    size = np.interp(along, [0, 0.3, 1], [0.0055, 0.0080, 0.0062]) * rng.uniform(0.7, 1.15, size=len(x))
    t = np.linspace(0, 1, length)
    bend = np.array([side * 0.30, 0, -0.22])
    strand = root[:, None] + size[:, None, None] * (
        t[None, :, None] * tangent[:, None] + (0.30 * t - 0.26 * t**2)[None, :, None] * normal[:, None]
    )
    return strand + size[:, None, None] * (t**2)[None, :, None] * bend * 0.5


def lid_margin(tree: BVHTree, eye: np.ndarray, radius: float, up: float, samples: int = 40) -> np.ndarray:
    """The edge of a lid, found by looking through the opening of the eye: float (samples, 3).

    Parameters
    ----------
    eye, radius : the eyeball
    up : 1 for the upper, -1 for the lower lid
    """
    found = []
    for x in np.linspace(-0.85, 0.85, 60) * radius:
        for step in np.arange(0, 0.012, 0.0001):
            hit = tree.ray_cast(Vector((eye[0] + x, eye[1] - 0.1, eye[2] + up * step)), Vector((0, 1, 0)))[0]
            if hit is not None and hit.y < eye[1] - 0.35 * radius:
                if step > 0.0004:
                    found.append(hit)
                break
    points = np.array(found)
    at = np.linspace(points[:, 0].min(), points[:, 0].max(), samples)
    middle, half = at.mean(), np.ptp(at) / 2
    fits = [np.polyfit((points[:, 0] - middle) / half, points[:, k], 4) for k in (1, 2)]
    return np.stack([at, *(np.polyval(fit, (at - middle) / half) for fit in fits)], axis=1)


def lashes(rng: np.random.Generator, margin: np.ndarray, side: float, up: float, count: int) -> np.ndarray:
    """Lashes along a lid margin, clumped in twos and threes, fanned outwards and curled: float (K, 9, 3)."""
    at = np.sort(rng.random(count)) * (len(margin) - 1)
    low = np.clip(at.astype(int), 0, len(margin) - 2)
    part = (at - low)[:, None]
    root = margin[low] * (1 - part) + margin[low + 1] * part
    clump = np.round(at / 1.4) * 1.4
    along = np.clip(0.4 * at + 0.6 * clump + rng.normal(scale=0.25, size=count), 0, len(margin) - 1)
    outer = (along / (len(margin) - 1) - 0.5) * 2 * side  # -1 at the nose to 1 at the temple
    long = (0.0066 if up > 0 else 0.0036) * (0.72 + 0.28 * np.clip(outer + 0.6, 0, 1)) * rng.uniform(0.65, 1, count)
    fan = side * (0.10 + 0.48 * outer)
    heading = np.stack([fan, np.full(count, -0.85), np.full(count, 0.16 * up)], axis=1)
    curl = np.stack([0.35 * fan, np.full(count, 0.10), np.full(count, 0.80 * up)], axis=1)
    t = np.linspace(0, 1, 9)[None, :, None]
    return (
        root[:, None]
        - [0, 0.0006, 0.0001 * up]
        + long[:, None, None] * (heading[:, None] * (t - 0.35 * t**2) + curl[:, None] * t**2 * 0.75)
    )
