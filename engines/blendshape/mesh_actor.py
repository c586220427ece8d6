"""An artist's own head made ready for drawing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from engines.api import Performance, Portrait, RenderOptions
from engines.blendshape.mesh_painter import MeshPainter, ambient, frame_head
from engines.rig.mesh import HeadMesh
from engines.rig.pieces import HIDDEN, drawn_parts

VERSION: Final = 1
"""Counted up whenever the same head would give other frames."""
SIZE: Final = (768, 960)
"""(width, height) of its frames where none is asked for."""
_KEPT_PAINTERS: Final = 2


@dataclass(eq=False)
class MeshActor:
    """What `BlendshapeEngine.prepare` makes of a portrait that is a mesh.

    Attributes
    ----------
    mesh : the head
    light : float32 (V,), from `engines.blendshape.mesh_painter.ambient`
    digest : content hash of what it was made from
    """

    mesh: HeadMesh
    light: np.ndarray
    digest: str
    engine_id: str = "blendshape"

    def __post_init__(self) -> None:
        self._painters: dict[tuple[tuple[int, int], bool], MeshPainter] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_painters": {}}

    def painter(self, size: tuple[int, int] | None = None, draft: bool = False) -> MeshPainter:
        """The painter for frames of ``size`` (width, height); made on first use, the last few are kept."""
        key = (size or SIZE, draft)
        if key not in self._painters:
            while len(self._painters) >= _KEPT_PAINTERS:
                self._painters.pop(next(iter(self._painters)))
            self._painters[key] = MeshPainter(self.mesh, key[0], self.light, draft)
        return self._painters[key]

    def drawer(self, performance: Performance, options: RenderOptions) -> Callable[[int], np.ndarray]:
        """What draws frame ``i`` of a performance; may be called from several threads."""
        painter = self.painter(options.size, options.draft)

        def draw(i: int) -> np.ndarray:
            return painter.draw(performance.weights[i], performance.head[i], performance.gaze[i], options.alpha)

        return draw

    @cached_property
    def shown(self) -> HeadMesh:
        """The head without the clear sheets over its eyes, for plain views."""
        keep = drawn_parts(self.mesh) != HIDDEN
        mesh = self.mesh
        return replace(
            mesh, triangles=mesh.triangles[keep], uv_triangles=mesh.uv_triangles[keep], parts=mesh.parts[keep]
        )

    def places(
        self, weights: np.ndarray, head: np.ndarray, gaze: np.ndarray, size: tuple[int, int] = SIZE
    ) -> np.ndarray:
        """Pixels and depth of the vertices in a frame of ``size`` (width, height) : (V, 3)."""
        camera, origin = frame_head(self.mesh, size)
        return camera.project(self.mesh.posed(weights, head, gaze).astype(np.float64) - origin)

    def head_mesh(self) -> HeadMesh:
        """The head itself, for export."""
        return self.mesh


def mesh_actor(portrait: Portrait) -> MeshActor:
    """The actor of a portrait whose ``head`` is a mesh."""
    assert portrait.head is not None
    return MeshActor(portrait.head, ambient(portrait.head), f"{portrait.digest()}-mesh-{VERSION}")


def picture_of(mesh: HeadMesh, size: tuple[int, int] = SIZE) -> np.ndarray:
    """The head at rest : uint8 (H, W, 3)."""
    return MeshPainter(mesh, size, ambient(mesh)).draw(np.zeros(52), np.zeros(6), np.zeros(4))
