"""The generic head: a mesh with 52 ARKit units, identity axes and MediaPipe's landmarks on it.

The data are MakeHuman's (CC0), baked by ``packaging/make_head.py`` into ``assets/head.npz``.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engines import arkit
from engines.errors import EngineError
from engines.rig.mesh import HeadMesh

ASSET: Final = Path(__file__).resolve().parents[2] / "assets" / "head.npz"


@dataclass(frozen=True, eq=False)
class Head:
    """The average adult head and what a person's head may differ in.

    Attributes
    ----------
    mesh : the average head; the origin is the pivot of the head
    identity : float32 (K, V, 3), displacement of each identity axis at 1
    identity_names : K names, sorted; ``l-`` and ``r-`` axes act on the subject's left and right
    lip_upper, lip_lower : int (N,), inner rims of the lips from the subject's right corner to the left
    lid_upper, lid_lower : margins of the lids, (subject's left eye, right eye), each from the right to the left
    landmark_triangle, landmark_bary : int (478,), float32 (478, 3), where MediaPipe's landmarks lie
    landmark_confidence : float32 (478,), 0 to 1
    landmark_mirror : int (478,), the landmark at the mirrored place
    """

    mesh: HeadMesh
    identity: np.ndarray
    identity_names: tuple[str, ...]
    lip_upper: np.ndarray
    lip_lower: np.ndarray
    lid_upper: tuple[np.ndarray, np.ndarray]
    lid_lower: tuple[np.ndarray, np.ndarray]
    landmark_triangle: np.ndarray
    landmark_bary: np.ndarray
    landmark_confidence: np.ndarray
    landmark_mirror: np.ndarray

    def coefficients(self, values: dict[str, float]) -> np.ndarray:
        """Identity coefficients by name, all others 0 : (K,).

        Raises
        ------
        KeyError
            For a name that is no identity axis.
        """
        result = np.zeros(len(self.identity_names))
        index = {name: i for i, name in enumerate(self.identity_names)}
        for name, value in values.items():
            result[index[name]] = value
        return result

    def shape(self, coefficients: np.ndarray) -> np.ndarray:
        """Neutral vertices of a person : float32 (V, 3).

        Parameters
        ----------
        coefficients : (K,)
        """
        return np.asarray(self.mesh.vertices + np.tensordot(coefficients.astype(np.float32), self.identity, 1))

    def unit_strength(self, name: str) -> np.ndarray:
        """How far an ARKit unit moves each vertex, in centimetres : (V,)."""
        return np.linalg.norm(self.mesh.units[arkit.INDEX[name]], axis=1)

    def landmarks(self, vertices: np.ndarray) -> np.ndarray:
        """Places of the landmarks on given vertices (..., V, 3) : (..., 478, 3)."""
        corners = self.mesh.triangles[self.landmark_triangle]
        return np.einsum("lk,...lkc->...lc", self.landmark_bary, vertices[..., corners, :])


def _dense(data: np.lib.npyio.NpzFile, name: str, vertices: int) -> np.ndarray:
    """Unpack sparse displacements : float32 (K, V, 3)."""
    count, scale = data[f"{name}_count"], data[f"{name}_scale"]
    result = np.zeros((len(count), vertices, 3), np.float32)
    row = np.repeat(np.arange(len(count)), count)
    result[row, data[f"{name}_index"]] = data[f"{name}_value"] * scale[row, None]
    return result


@functools.cache
def load_head(path: Path = ASSET) -> Head:
    """The baked head; loaded once, its arrays are read-only.

    Raises
    ------
    EngineError
        When the asset is missing.
    """
    if not path.is_file():
        raise EngineError(f"The head model {path} is missing; install Soliloquy again, or run packaging/make_head.py.")
    with np.load(path) as data:
        vertices = data["vertices"]
        bone_weights = data["bone_weights"].astype(np.float32)
        bone_weights /= bone_weights.sum(1, keepdims=True)  # stored as half floats, whose rows miss 1 by a little
        mesh = HeadMesh(
            vertices,
            data["triangles"].astype(np.int32),
            data["uv"],
            data["uv_triangles"].astype(np.int32),
            _dense(data, "unit", len(vertices)),
            bone_weights,
            data["pivots"],
            data["parts"],
        )
        chains = {k: data[k].astype(np.int64) for k in data.files if k.startswith(("lip_", "lid_"))}
        embedded = "landmark_triangle" in data.files  # absent only while make_head.py is still finding them
        head = Head(
            mesh,
            _dense(data, "identity", len(vertices)),
            tuple(str(n) for n in data["identity_names"]),
            chains["lip_upper"],
            chains["lip_lower"],
            (chains["lid_upper_left"], chains["lid_upper_right"]),
            (chains["lid_lower_left"], chains["lid_lower_right"]),
            data["landmark_triangle"].astype(np.int64) if embedded else np.zeros(478, np.int64),
            data["landmark_bary"] if embedded else np.zeros((478, 3), np.float32),
            data["landmark_confidence"] if embedded else np.zeros(478, np.float32),
            data["landmark_mirror"].astype(np.int64) if embedded else np.arange(478),
        )
    for array in (*vars(mesh).values(), *vars(head).values()):
        if isinstance(array, np.ndarray):
            array.setflags(write=False)
    return head
