"""An artist's own head where a portrait is expected: a 3D file with ARKit shapes."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engines import registry
from engines.api import EngineInfo, Portrait
from engines.errors import InputError

if TYPE_CHECKING:
    from app.export import ExportOptions
    from engines.rig.mesh import HeadMesh

log = logging.getLogger(__name__)


UnitNames = tuple[tuple[str, tuple[str, ...]], ...]


def read_names(path: Path) -> UnitNames:
    """The names in a JSON file ``{"jawOpen": "Mouth_Open", ...}``, for `app.core.project.Project.unit_names`.

    Raises
    ------
    InputError
        If the file cannot be read or is no name map.
    """
    from app.export.names import read_map

    return tuple(read_map(path).items())


def is_names(path: Path) -> bool:
    """Whether a file is a name map rather than curves, which may be JSON, too."""
    try:
        return bool(read_names(path))
    except InputError:
        return False


def naming(names: UnitNames) -> ExportOptions:
    """How files with these names are read."""
    from app.export import ExportOptions

    return ExportOptions(names=json.dumps(dict(names))) if names else ExportOptions()


def is_head(path: str | Path) -> bool:
    """Whether the ending of a file is that of a head instead of a picture."""
    from app.export import formats

    suffix = Path(path).suffix.lower()
    return any(f.reads_head and suffix in f.suffixes for f in formats())


def meant_as_head(path: Path, has_portrait: bool) -> bool:
    """Whether a file given without saying what for is a head rather than motion, for it may be both.

    Where nothing moves, it is a head; where something does, it is one if there is no portrait yet and it holds one.
    """
    from app.export import read_curves, read_head

    if not is_head(path):
        return False
    try:
        motion = read_curves(path)
    except InputError:
        return True
    if max(np.ptp(motion.weights, axis=0).max(), np.ptp(motion.head, axis=0).max()) < 1e-4:
        return True
    if has_portrait:
        return False
    try:
        read_head(path)
    except InputError:
        return False
    return True


def load_head(path: Path, names: UnitNames = ()) -> Portrait:
    """The head as a portrait: the mesh, and a picture of it.

    Parameters
    ----------
    names : what it calls its shapes (`app.core.project.Project.unit_names`)

    Raises
    ------
    InputError
        If the file is absent or damaged, or holds no head with ARKit shapes.
    """
    from app.export import read_head
    from engines.blendshape.mesh_actor import picture_of

    head = read_head(path, naming(names))
    return Portrait(picture_of(head), source=path, head=head)


def check_engine(portrait: Portrait, info: EngineInfo) -> None:
    """Refuse a head that the engine cannot draw.

    Raises
    ------
    InputError
        The message names the engines that can.
    """
    if portrait.head is None or info.meshes:
        return
    others = " or ".join(f"'{other.name}'" for other in registry.engines().values() if other.meshes)
    raise InputError(
        f"The engine '{info.name}' animates photos, and {portrait.source} is a 3D head. Choose the engine {others}, "
        "or a photo."
    )


def speaking_mesh(mesh: HeadMesh) -> HeadMesh:
    """The head on which speech is solved: the mesh itself, or the average head where its mouth cannot be measured.

    Lips are measured at landmarks of our own topology. ARKit weights mean the same on every head, so those of the
    average head speak on a foreign one.
    """
    from engines.rig.fit import average_mesh

    average = average_mesh()
    if mesh.triangles is average.triangles or np.array_equal(mesh.triangles, average.triangles):
        return mesh
    log.debug("The mesh is not of our own kind; speech is solved on the average head.")
    return average
