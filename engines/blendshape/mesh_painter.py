"""Drawing an artist's own head: a lit picture of a mesh on a plain background, any size, with antialiasing."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np

from engines import arkit
from engines.blendshape.mesh_shading import normals_of, shade
from engines.blendshape.raster import NOTHING, raster
from engines.rig.camera import Camera
from engines.rig.mesh import PARTS, HeadMesh
from engines.rig.pieces import HIDDEN, drawn_parts

_COLOURS: Final = {
    "skin": (206, 164, 142), "eyeLeft": (236, 232, 228), "eyeRight": (236, 232, 228), "teethUpper": (232, 224, 206),
    "teethLower": (226, 217, 198), "tongue": (186, 98, 96), "lashes": (52, 40, 36), "mouthInner": (160, 78, 76),
}  # fmt: skip
"""sRGB colours of parts that have no texture."""
_BACKGROUND: Final = ((112, 117, 124), (52, 55, 60))
"""sRGB colours behind the head: middle and corners."""
_LASHES: Final = PARTS.index("lashes")
_BAND_ROWS: Final = 192
"""Rows that are drawn at once; bounds the memory of a frame."""
_DISTANCE: Final = 5.0
"""Distance of the camera in head heights, that of a portrait lens."""
_DIRECTIONS: Final = 64
"""Directions from which light from all around is looked for."""
_ABOVE, _BELOW, _BESIDE = 0.16, 0.28, 0.16
"""What is seen around the head, in head heights."""


class MeshPainter:
    """Draws one head at one size.

    Parameters
    ----------
    mesh : the head
    size : (width, height) in pixels
    light : float32 (V,), share of the light from all around that reaches each vertex, from `ambient`
    draft : one sample a pixel instead of four
    """

    def __init__(self, mesh: HeadMesh, size: tuple[int, int], light: np.ndarray, draft: bool = False) -> None:
        self.mesh, self.size = mesh, size
        self.samples = 1 if draft else 2
        self.camera, self._origin = frame_head(mesh, size)
        parts = drawn_parts(mesh)
        shown = parts != HIDDEN
        corners = np.stack([mesh.triangles, mesh.uv_triangles, np.repeat(parts[:, None], 3, 1)], -1)[shown]
        own, index = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
        self._source = own[:, 0].astype(np.int64)
        triangles = np.ascontiguousarray(index.reshape(-1, 3), np.int32)
        lashes = parts[shown] == _LASHES
        self._triangles, self._lashes = triangles[~lashes], triangles[lashes]
        self._weld = _welded(mesh)
        uv = mesh.uv[own[:, 1]] if len(mesh.uv) else np.zeros((len(own), 2), np.float32)
        part = own[:, 2]
        gaze = np.zeros((len(own), 3), np.float32)
        for name, pivot in (("eyeLeft", mesh.pivots[2]), ("eyeRight", mesh.pivots[3])):
            rows = part == PARTS.index(name)
            gaze[rows] = mesh.vertices[self._source[rows]] - pivot
        lash = part == _LASHES
        gaze[lash, 0] = _along_lashes(mesh, self._source[lash])
        self._fixed = np.concatenate([uv, gaze, light[self._source, None], part[:, None]], 1).astype(np.float32)
        self._texture = self._fitted_texture()
        self._colours = _linear(np.array([_COLOURS[name] for name in PARTS]))
        self._background = background(size)

    def draw(self, weights: np.ndarray, head: np.ndarray, gaze: np.ndarray, alpha: bool = False) -> np.ndarray:
        """One frame : uint8 (H, W, 3), or (H, W, 4) with straight alpha.

        Parameters
        ----------
        weights : (52,)
        head : (6,)
        gaze : (4,), all as in `engines.api.Performance`
        alpha : the head alone
        """
        points = self.mesh.posed(weights, head, gaze)
        normals = normals_of(points, self.mesh.triangles, self._weld)[self._weld][self._source]
        places = self.camera.project(points.astype(np.float64) - self._origin)[self._source]
        samples = self.samples
        xy = ((places[:, :2] + 0.5) * samples - 0.5).astype(np.float32)
        near = (-places[:, 2]).astype(np.float32)
        attributes = np.ascontiguousarray(np.concatenate([normals, self._fixed], 1), np.float32)
        width, height = self.size
        frame = np.zeros((height, width, 4), np.uint8) if alpha else self._background.copy()
        left, top = (int(np.clip(v, 0, m)) for v, m in zip(xy.min(0) // samples, self.size, strict=True))
        right, bottom = (int(np.clip(v + 2, 0, m)) for v, m in zip(xy.max(0) // samples, self.size, strict=True))
        for first in range(top, bottom, _BAND_ROWS):
            last = min(first + _BAND_ROWS, bottom)
            shape = ((last - first) * samples, max(right - left, 0) * samples)
            depth = np.full(shape, NOTHING, np.float32)
            drawn = np.zeros((*shape, attributes.shape[1]), np.float32)
            corner = (left * samples, first * samples)
            raster(xy, near, attributes, self._triangles, *corner, depth, drawn, True)
            lash_depth = np.full(shape, NOTHING, np.float32)
            lash = np.zeros((*shape, 1), np.float32)
            raster(xy, near, attributes[:, 5:6], self._lashes, *corner, lash_depth, lash, True)
            shade(depth, drawn, lash_depth, lash, self._texture, self._colours, samples, left, first, frame)
        return frame

    def _fitted_texture(self) -> np.ndarray:
        """The texture in linear light, no finer than the frame shows it; one texel where there is none."""
        import cv2

        texture = self.mesh.texture
        if texture is None:
            return np.zeros((1, 1, 4), np.float32)
        corners = self.mesh.uv[self.mesh.uv_triangles] * np.array(texture.shape[1::-1])
        places = self.camera.project(self.mesh.vertices.astype(np.float64) - self._origin)[..., :2]
        ratio = np.sqrt(_areas(corners).sum() / max(_areas(places[self.mesh.triangles]).sum() / 2, 1e-6))
        if ratio > 1.4:
            size = tuple(max(2, round(side * 1.2 / ratio)) for side in texture.shape[1::-1])
            texture = cv2.resize(texture, size, interpolation=cv2.INTER_AREA)
        linear = np.ones((*texture.shape[:2], 4), np.float32)
        linear[..., :3] = _linear(texture)
        return linear


def frame_head(mesh: HeadMesh, size: tuple[int, int]) -> tuple[Camera, np.ndarray]:
    """A camera that shows the head as a portrait does, and where in the head's axes it stands : (3,)."""
    top, bottom, half = head_box(mesh)
    height = top - bottom
    rise, across = (1 + _ABOVE + _BELOW) * height, 2 * (half + _BESIDE * height)
    distance = _DISTANCE * height
    focal = distance * min(size[1] / rise, size[0] / across)
    middle = (mesh.pivots[2] + mesh.pivots[3]) / 2
    shown = size[1] / focal * distance
    spare = (shown - rise) / 2
    centre_y = top + _ABOVE * height + spare - shown / 2
    origin = np.array([middle[0], centre_y, middle[2] + distance])
    return Camera(focal, ((size[0] - 1) / 2, (size[1] - 1) / 2)), origin


def head_box(mesh: HeadMesh) -> tuple[float, float, float]:
    """Crown, chin and half the width of the head in centimetres: what moves with the head bone and the jaw."""
    moved = np.linalg.norm(mesh.units[arkit.INDEX["jawOpen"]], axis=1)
    jaw = mesh.vertices[moved > 0.6 * moved.max()]
    eyes = (mesh.pivots[2] + mesh.pivots[3]) / 2
    chin = float(jaw[:, 1].min())
    face = max(float(eyes[1]) - chin, 1.0)
    upper = mesh.vertices[mesh.vertices[:, 1] > eyes[1] - 0.3 * face]
    crown = float(np.clip(mesh.vertices[:, 1].max(), eyes[1] + 0.6 * face, eyes[1] + 2.0 * face))
    half = float(np.clip(np.abs(upper[:, 0] - eyes[0]).max(), 0.5 * face, 1.3 * face)) if len(upper) else face
    return crown, chin, half


@functools.lru_cache(2)
def ambient(mesh: HeadMesh) -> np.ndarray:
    """Share of light from all around that reaches each vertex, 0 to 1 : float32 (V,).

    Looked for from many directions with a depth picture each, once at rest and once with open mouth and shut eyes, so
    that nostrils, ears and the inside of the mouth are dark without anyone saying what is inside, and lids are not.
    """
    weights = np.zeros(arkit.COUNT)
    weights[arkit.INDEX["jawOpen"]] = 0.7
    weights[list(arkit.indices("eyeBlink"))] = 1.0
    weld = _welded(mesh)
    solid = np.ascontiguousarray(mesh.triangles[~np.isin(drawn_parts(mesh), (HIDDEN, _LASHES))])
    best = np.maximum(*(_seen(v, solid, weld) for v in (mesh.vertices, mesh.shaped(weights))))
    edges = np.concatenate([mesh.triangles[:, [0, 1]], mesh.triangles[:, [1, 2]], mesh.triangles[:, [2, 0]]])
    for _ in range(2):  # a few directions make noise
        total = np.bincount(edges[:, 0], best[edges[:, 1]], len(best)) + best
        best = total / (np.bincount(edges[:, 0], minlength=len(best)) + 1)
    return np.asarray(best, np.float32)


def _seen(vertices: np.ndarray, triangles: np.ndarray, weld: np.ndarray) -> np.ndarray:
    """Share of the half space before each vertex from which it is seen, either side counting as before."""
    size = 224
    normals = normals_of(vertices.astype(np.float32), triangles, weld)[weld]
    centre = (vertices.min(0) + vertices.max(0)) / 2
    reach = float(np.linalg.norm(vertices - centre, axis=1).max()) * 1.02
    steps = np.arange(_DIRECTIONS) + 0.5
    height, turn = 1 - 2 * steps / _DIRECTIONS, steps * np.pi * (1 + 5**0.5)
    ring = np.sqrt(1 - height**2)
    both = np.zeros((2, len(vertices)))
    whole = np.zeros((2, len(vertices)))
    none = np.zeros((len(vertices), 1), np.float32)
    for direction in np.stack([ring * np.cos(turn), height, ring * np.sin(turn)], 1):
        across = np.cross([0.0, 1.0, 0.0], direction)
        across /= np.linalg.norm(across)
        up = np.cross(direction, across)
        local = (vertices - centre) @ np.stack([across, up, direction], 1)
        xy = ((local[:, :2] * [1, -1] / reach + 1) * size / 2 - 0.5).astype(np.float32)
        depth = np.full((size, size), NOTHING, np.float32)
        near = local[:, 2].astype(np.float32)
        raster(xy, near, none, triangles, 0, 0, depth, np.zeros((size, size, 1), np.float32), True)
        at = np.clip(np.round(xy).astype(int), 0, size - 1)
        visible = near > depth[at[:, 1], at[:, 0]] - reach * 0.018
        facing = normals @ direction
        for side, share in enumerate((np.maximum(facing, 0), np.maximum(-facing, 0))):
            both[side] += share * visible
            whole[side] += share
    return np.asarray((both / np.maximum(whole, 1e-6)).max(0))


def _along_lashes(mesh: HeadMesh, rows: np.ndarray) -> np.ndarray:
    """Place of vertices along the lashes, root 0 to tip 1 : (N,)."""
    result = np.zeros(len(rows))
    places = mesh.vertices[rows]
    left = np.linalg.norm(places - mesh.pivots[2], axis=1) < np.linalg.norm(places - mesh.pivots[3], axis=1)
    for side, pivot in ((left, mesh.pivots[2]), (~left, mesh.pivots[3])):
        if side.any():
            away = np.linalg.norm(places[side] - pivot, axis=1)
            result[side] = (away - away.min()) / max(float(np.ptp(away)), 1e-6)
    return result


def _welded(mesh: HeadMesh) -> np.ndarray:
    """Number of the place of each vertex: those split by a texture seam are one : int64 (V,)."""
    keys = np.concatenate([np.round(mesh.vertices, 3), mesh.parts_of_vertices()[:, None]], 1)
    return np.asarray(np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1), np.int64)


def background(size: tuple[int, int]) -> np.ndarray:
    """A plain studio wall, lighter behind the head : uint8 (H, W, 3)."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    off = np.hypot((x - width / 2) / max(width, height), (y - 0.42 * height) / height)
    share = np.clip(off / 0.75, 0, 1)[..., None]
    share = share * share * (3 - 2 * share)
    colour = np.array(_BACKGROUND[0]) * (1 - share) + np.array(_BACKGROUND[1]) * share
    grain = np.random.default_rng(1).uniform(-0.5, 0.5, (height, width, 1))  # against bands
    return np.asarray(np.clip(colour + grain + 0.5, 0, 255), np.uint8)


def _areas(corners: np.ndarray) -> np.ndarray:
    """Areas of triangles (F, 3, 2)."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2)


def _linear(srgb: np.ndarray) -> np.ndarray:
    """Linear light, 0 to 1, of sRGB values 0 to 255 (IEC 61966-2-1)."""
    value = np.asarray(srgb, np.float32) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)
