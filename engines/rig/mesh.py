"""The head as every consumer sees it: one mesh, 52 ARKit units, four bones, a texture."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from engines import arkit
from engines.api import head_rotation

BONES: Final = ("neck", "head", "eyeLeft", "eyeRight")
PARTS: Final = ("skin", "eyeLeft", "eyeRight", "teethUpper", "teethLower", "tongue", "lashes", "mouthInner")


_JAW, _CLOSE = arkit.INDEX["jawOpen"], arkit.INDEX["mouthClose"]
_LIDS: Final = tuple(
    (
        arkit.INDEX[f"eyeBlink{side}"],
        [arkit.INDEX[f"eye{name}{side}"] for name in ("LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide")],
    )
    for side in ("Left", "Right")
)


def effective_weights(weights: np.ndarray) -> np.ndarray:
    """Weights as they act on the mesh, where one unit limits another.

    ``mouthClose`` mends what ``jawOpen`` opens, so it acts no further than that. ``eyeBlink`` at 1 closes the lids
    whatever else they do, so the other lid units of that eye act at most as far as it leaves open. Weights that
    already keep these limits stay as they are: a finished performance moves a plain, linear blend shape rig alike.

    Parameters
    ----------
    weights : (..., 52)
    """
    result = np.array(weights)
    result[..., _CLOSE] = np.minimum(weights[..., _CLOSE], weights[..., _JAW])
    for blink, others in _LIDS:
        result[..., others] = np.minimum(result[..., others], 1 - np.clip(weights[..., blink, None], 0, 1))
    return result


@dataclass(frozen=True, eq=False)
class HeadMesh:
    """A head in its rest pose (neutral face, looking along +Z), in centimetres, Y up, +X the subject's left.

    Attributes
    ----------
    vertices : float32 (V, 3)
    triangles : int32 (F, 3), counter-clockwise seen from outside
    uv : float32 (U, 2), origin at the lower left
    uv_triangles : int32 (F, 3) indices into ``uv``
    units : float32 (52, V, 3), displacement of each ARKit unit at weight 1, ARKit order
    bone_weights : float32 (V, 4) in the order of `BONES`; each row sums to 1
    pivots : float32 (4, 3) of the bones; ``neck`` is fixed, ``head`` is its child, the eyes are children of ``head``
    parts : int8 (F,), index into `PARTS`
    texture : uint8 (S, S, 3) or None
    """

    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    uv_triangles: np.ndarray
    units: np.ndarray
    bone_weights: np.ndarray
    pivots: np.ndarray
    parts: np.ndarray
    texture: np.ndarray | None = None

    def digest(self) -> str:
        """Content hash of all that it holds."""
        h = hashlib.blake2b(digest_size=16)
        for item in fields(self):
            array = getattr(self, item.name)
            if array is not None:
                h.update(f"{item.name} {array.shape} {array.dtype}".encode())
                h.update(np.ascontiguousarray(array).tobytes())
        return h.hexdigest()

    def part_vertices(self, part: str) -> np.ndarray:
        """Indices of the vertices of one of `PARTS` : int (N,)."""
        return np.unique(self.triangles[self.parts == PARTS.index(part)])

    def parts_of_vertices(self) -> np.ndarray:
        """Index into `PARTS` of the part of each vertex : int8 (V,)."""
        result = np.zeros(len(self.vertices), np.int8)
        result[self.triangles[::-1].ravel()] = np.repeat(self.parts[::-1], 3)
        return result

    def shaped(self, weights: np.ndarray) -> np.ndarray:
        """Vertices with ARKit units applied, before the bones : float32 (V, 3).

        Parameters
        ----------
        weights : (52,)
        """
        weights = effective_weights(weights)
        active = np.flatnonzero(weights)
        return np.asarray(
            self.vertices + np.tensordot(weights[active].astype(np.float32), self.units[active], 1), np.float32
        )

    def posed(self, weights: np.ndarray, head: np.ndarray, gaze: np.ndarray) -> np.ndarray:
        """Vertices of one frame of a Performance, by linear blend skinning : float32 (V, 3).

        The head bone turns by the head angles about its pivot and is then moved by the head translation;
        the eyes turn by the gaze inside it.

        Parameters
        ----------
        weights : (52,)
        head : (6,) as in `engines.api.Performance.head`
        gaze : (4,) as in `engines.api.Performance.gaze`
        """
        shaped = self.shaped(weights)
        turn = head_rotation(head[:3])
        head_pivot = self.pivots[1]
        result = self.bone_weights[:, :1] * shaped
        for bone, angles in (
            (1, None),
            (2, np.array([gaze[1], gaze[0], 0.0])),
            (3, np.array([gaze[3], gaze[2], 0.0])),
        ):
            rows = np.flatnonzero(self.bone_weights[:, bone])
            points = shaped[rows].astype(np.float64)
            if angles is not None:
                points = (points - self.pivots[bone]) @ head_rotation(angles).T + self.pivots[bone]
            points = (points - head_pivot) @ turn.T + head_pivot + head[3:]
            result[rows] += self.bone_weights[rows, bone : bone + 1] * points
        return np.asarray(result, np.float32)
