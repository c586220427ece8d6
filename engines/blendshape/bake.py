"""The photo spread over the head's own UV layout, for programs that draw meshes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from engines.blendshape.background import pull_push
from engines.blendshape.eye_parts import Eye
from engines.blendshape.mouth import INNER, normals, surface_colour
from engines.blendshape.palette import Palette
from engines.blendshape.placement import Placement
from engines.blendshape.raster import NOTHING, raster
from engines.blendshape.teeth import LOWER_TEETH, TONGUE, UPPER_TEETH, crown_shade
from engines.rig.mesh import PARTS, HeadMesh

_FACE_PX: Final = 600
"""Width of a face in the photo above which its texture is 2048 instead of 1024 pixels wide."""
_SKIN: Final = PARTS.index("skin")
_LASHES: Final = PARTS.index("lashes")
_EYES: Final = (PARTS.index("eyeLeft"), PARTS.index("eyeRight"))
_LIMBUS_RAD: Final = 0.51
"""Angle of the iris' rim from the axis of the eye (5.85 mm on a ball of 12 mm)."""


def bake(person: np.ndarray, placement: Placement, eyes: tuple[Eye, Eye], palette: Palette) -> HeadMesh:
    """The person's head with a texture : `HeadMesh`.

    Skin is the photo where the camera saw it; what it did not see is taken from the mirrored side of the face, and
    what neither shows is continued from its neighbours. Eyes, teeth, gums and tongue are coloured like the photo's.

    Parameters
    ----------
    person : uint8 (H, W, 4), the picture of ``placement`` with the cover of the person
    placement : the fitted head in it
    eyes : the photo's eyes, left and right
    palette : the photo's light
    """
    mesh = placement.mesh
    size = 2048 if placement.face_px > _FACE_PX else 1024
    photo = np.ascontiguousarray(person[..., :3])
    seen = _visibility(person[..., 3], placement)
    mirror = _mirrored_vertices(mesh)
    colours = np.zeros((len(mesh.vertices), 3), np.float32)
    part = np.full(len(mesh.vertices), _SKIN)
    for number in range(1, len(PARTS)):
        part[np.unique(mesh.triangles[mesh.parts == number])] = number
    inside = np.isin(part, (INNER, UPPER_TEETH, LOWER_TEETH, TONGUE))
    colours[inside] = surface_colour(mesh.vertices[inside], part[inside], palette)
    colours *= crown_shade(mesh.vertices, mesh.triangles, mesh.parts)[:, None]
    colours[part == _LASHES] = np.mean([0.5 * eye.lash + 0.5 * eye.lid[..., :3].mean((0, 1)) for eye in eyes], 0)

    corners, uv_corners = mesh.triangles.reshape(-1), mesh.uv[mesh.uv_triangles].reshape(-1, 2)
    xy = (uv_corners * np.array([1, -1]) + np.array([0, 1])) * size - 0.5
    kind = np.repeat(mesh.parts.astype(np.float32), 3)
    attributes = np.concatenate(
        [
            placement.screen[corners],
            seen[corners, None],
            placement.screen[mirror[corners]],
            seen[mirror[corners], None],
            colours[corners],
            mesh.vertices[corners],
            kind[:, None],
        ],
        1,
    ).astype(np.float32)
    depth = np.full((size, size), NOTHING, np.float32)
    drawn = np.zeros((size, size, attributes.shape[1]), np.float32)
    faces = np.arange(len(corners), dtype=np.int32).reshape(-1, 3)
    raster(xy.astype(np.float32), np.zeros(len(corners), np.float32), attributes, faces, 0, 0, depth, drawn, True)

    covered = depth > NOTHING
    parts = np.where(covered, np.round(drawn[..., 12]).astype(int), -1)
    skin = parts == _SKIN
    own = np.clip((drawn[..., 2] - 0.15) / 0.3, 0, 1) * skin
    other = np.clip((drawn[..., 5] - 0.15) / 0.3, 0, 1) * skin * (1 - own)
    colour = own[..., None] * _sampled(photo, drawn[..., :2]) + other[..., None] * _sampled(photo, drawn[..., 3:5])
    weight = own + other
    sure = (weight > 0.5).astype(np.float32)
    filled = pull_push(np.where(sure[..., None] > 0, colour / np.maximum(weight, 1e-3)[..., None], 0), sure)
    texture = np.where(skin[..., None], colour + (1 - weight)[..., None] * filled, filled)
    made = np.isin(parts, (INNER, UPPER_TEETH, LOWER_TEETH, TONGUE, _LASHES))
    texture[made] = drawn[made][:, 6:9]
    for eye, number, pivot in zip(eyes, _EYES, mesh.pivots[2:], strict=True):
        rows = parts == number
        texture[rows] = _eye_colours(eye, drawn[rows][:, 9:12] - pivot)
    texture = pull_push(np.where(covered[..., None], texture, 0).astype(np.float32), covered.astype(np.float32))
    return replace(mesh, texture=np.clip(texture + 0.5, 0, 255).astype(np.uint8))


def _sampled(photo: np.ndarray, places: np.ndarray) -> np.ndarray:
    import cv2

    maps = np.ascontiguousarray(places, np.float32)
    return np.asarray(
        cv2.remap(photo, maps, np.empty(0), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    )


def _visibility(cover: np.ndarray, placement: Placement) -> np.ndarray:
    """How squarely the camera saw each vertex, 0 where it did not : float32 (V,)."""
    mesh = placement.mesh
    surface = mesh.triangles[np.isin(mesh.parts, (_SKIN, *_EYES))]
    skin = mesh.triangles[mesh.parts == _SKIN]
    height, width = cover.shape
    scale = min(1.0, 640 / max(height, width))
    depth = np.full((int(height * scale) + 1, int(width * scale) + 1), NOTHING, np.float32)
    nearness = np.ascontiguousarray(placement.points[:, 2])
    nothing = np.zeros((*depth.shape, 0), np.float32)
    places = placement.screen * np.float32(scale)
    raster(places, nearness, np.zeros((len(nearness), 0), np.float32), surface, 0, 0, depth, nothing, False)
    pixels = np.round(places).astype(int)
    inside = ((pixels >= 0) & (pixels < [depth.shape[1], depth.shape[0]])).all(1)
    pixels = np.clip(pixels, 0, [depth.shape[1] - 1, depth.shape[0] - 1])
    front = nearness >= depth[pixels[:, 1], pixels[:, 0]] - 0.6
    view = -placement.points / np.linalg.norm(placement.points, axis=1, keepdims=True)
    facing = (normals(placement.points, skin) * view).sum(1)
    whole = np.clip(np.round(placement.screen).astype(int), 0, [width - 1, height - 1])
    person = cover[whole[:, 1], whole[:, 0]] > 200
    return np.where(front & inside & person, np.clip(facing, 0, 1), 0).astype(np.float32)


def _mirrored_vertices(mesh: HeadMesh) -> np.ndarray:
    """The vertex on the other side of the face for each one : int (V,)."""
    from engines.rig.head import load_head

    generic = load_head().mesh.vertices
    _, index = cKDTree(generic).query(generic * np.array([-1, 1, 1]))
    return np.asarray(index)


def _eye_colours(eye: Eye, points: np.ndarray) -> np.ndarray:
    """Colours of an eyeball that looks ahead : (N, 3).

    Parameters
    ----------
    points : (N, 3), relative to the centre of the eye
    """
    direction = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-6)
    height, width = eye.sclera.shape[:2]
    centre = eye.iris_px[:2] - np.array(eye.box[:2])
    reach = float(eye.iris_px[2]) / np.sin(_LIMBUS_RAD)
    places = centre + reach * direction[:, :2] * np.array([1, -1])
    pixels = np.clip(np.round(places).astype(int), 0, [width - 1, height - 1])
    disc = eye.iris[pixels[:, 1], pixels[:, 0]]
    white = np.median(eye.sclera.reshape(-1, 3), 0)
    cover = disc[:, 3:] * (direction[:, 2:] > 0)
    return np.asarray(white * (1 - cover) + disc[:, :3] * cover)
