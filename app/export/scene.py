"""What the FBX and glTF readers find in a file, and how it becomes a Performance or a head."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

import numpy as np

from app.export.files import MAX_FRAMES
from app.export.livelink import row_rate
from app.export.names import recognise
from app.export.options import ExportOptions
from engines import arkit
from engines.api import Performance, head_angles
from engines.errors import InputError

_log = logging.getLogger(__name__)
MAX_VERTICES: Final = 2_000_000


@dataclass(frozen=True, eq=False)
class Curve:
    """Keys of one animated value.

    Attributes
    ----------
    t_s : float64 (K,) seconds, rising
    values : float64 (K, ...)
    step : hold each value until the next key instead of interpolating
    """

    t_s: np.ndarray
    values: np.ndarray
    step: bool = False

    def at(self, t_s: np.ndarray) -> np.ndarray:
        """The values at other times : float64 (T, ...); the ends are held."""
        if self.step or len(self.t_s) == 1:
            place = np.clip(np.searchsorted(self.t_s, t_s + 1e-9, side="right") - 1, 0, len(self.t_s) - 1)
            return np.asarray(self.values[place])
        flat = self.values.reshape(len(self.t_s), -1)
        columns = [np.interp(t_s, self.t_s, column) for column in flat.T]
        return np.stack(columns, -1).reshape(len(t_s), *self.values.shape[1:])


@dataclass(frozen=True, eq=False)
class Bone:
    """A joint of a skeleton.

    Attributes
    ----------
    name : in the file
    position : float64 (3,) at rest, cm
    rotation : turns from the rest pose in world axes, (K, 3, 3), or None
    translation : moves from the rest position in world axes, (K, 3) cm, or None
    """

    name: str
    position: np.ndarray
    rotation: Curve | None = None
    translation: Curve | None = None


@dataclass(eq=False)
class Mesh:
    """A mesh in world space, centimetres, Y up, at rest.

    Attributes
    ----------
    vertices : float64 (V, 3)
    triangles, uv_triangles : int64 (F, 3)
    uv : float64 (U, 2), origin at the lower left
    materials : name of the material of each triangle (F,)
    shapes : name -> (rows, offsets (N, 3))
    skin : bone name -> (rows, weights)
    texture : uint8 (H, W, 3) or None
    """

    name: str
    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    uv_triangles: np.ndarray
    materials: np.ndarray
    shapes: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    skin: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    texture: np.ndarray | None = None


@dataclass(eq=False)
class Scene:
    """All that a file holds for us.

    Attributes
    ----------
    curves : name of a blend shape -> its weight (1 is full) over time
    tongue : the studio's own tongue curve, where the file has it
    rate : frame rate of the file, where it tells one
    start : number of its first frame in the take it came from, where our own files tell it
    """

    meshes: list[Mesh] = field(default_factory=list)
    bones: list[Bone] = field(default_factory=list)
    curves: dict[str, Curve] = field(default_factory=dict)
    tongue: Curve | None = None
    rate: Fraction | None = None
    start: int = 0


def _grid(scene: Scene) -> tuple[np.ndarray, Fraction]:
    """Frame times of the whole animation in the file, and its rate."""
    curves = [*scene.curves.values(), *(c for b in scene.bones for c in (b.rotation, b.translation) if c is not None)]
    if not curves:
        raise InputError("it holds no animation of blend shapes or bones")
    first, last = min(float(c.t_s[0]) for c in curves), max(float(c.t_s[-1]) for c in curves)
    rate = scene.rate or row_rate(max(curves, key=lambda c: len(c.t_s)).t_s)
    span = (last - first) * float(rate)
    if not (np.isfinite(span) and span < MAX_FRAMES):
        raise InputError(f"its animation lasts {span:.3g} frames; at most {MAX_FRAMES} can be used")
    return first + np.arange(round(span) + 1) * rate.denominator / rate.numerator, rate


def _bone(scene: Scene, *words: str) -> Bone | None:
    """The bone whose name holds all ``words``; the shortest such name, moving ones first."""
    fitting = [b for b in scene.bones if all(w in b.name.lower() for w in words)]
    return min(fitting, key=lambda b: (b.rotation is None, len(b.name)), default=None)


def eye_bone(scene: Scene, side: str) -> Bone | None:
    """The bone that turns an eye (``left`` or ``right``)."""
    bone = _bone(scene, "eye", side)
    if bone is None:
        ends = ("_" + side[0], "." + side[0], "-" + side[0])
        marked = [b for b in scene.bones if "eye" in b.name.lower() and b.name.lower().endswith(ends)]
        bone = marked[0] if marked else None
    return bone


def to_performance(scene: Scene, options: ExportOptions) -> Performance:
    """The performance that a scene plays: its ARKit shapes by name, its head and eye bones.

    Raises
    ------
    InputError
        If nothing is animated, or no animated shape has an ARKit name.
    """
    t_s, rate = _grid(scene)
    units = recognise(scene.curves, options.names)
    if scene.curves and not units:
        some = ", ".join(list(scene.curves)[:4])
        raise InputError(f"none of its blend shapes ({some}, ...) has an ARKit name. Give a name map (JSON) for them")
    weights = np.zeros((len(t_s), arkit.COUNT), np.float32)
    share = np.zeros(arkit.COUNT, np.float32)
    for name, unit in units.items():
        i = arkit.INDEX[unit]
        weights[:, i] += scene.curves[name].at(t_s)
        share[i] += 1
    weights /= np.maximum(share, 1)
    head = np.zeros((len(t_s), 6), np.float32)
    bone = _bone(scene, "head")
    if bone is not None and bone.rotation is not None:
        head[:, :3] = head_angles(bone.rotation.at(t_s))
    if bone is not None and bone.translation is not None:
        head[:, 3:] = bone.translation.at(t_s)
    gaze = np.zeros((len(t_s), 4), np.float32)
    for side, column in (("left", 0), ("right", 2)):
        eye = eye_bone(scene, side)
        if eye is not None and eye.rotation is not None:
            gaze[:, column : column + 2] = head_angles(eye.rotation.at(t_s))[:, [1, 0]]
    tongue = scene.tongue.at(t_s) if scene.tongue is not None else np.zeros(len(t_s))
    return Performance(rate, weights, head, gaze, tongue)


def decode_texture(data: bytes) -> np.ndarray | None:
    """A texture as uint8 (H, W, 3); None where it is no picture that can be read or is too large."""
    import io

    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.width * picture.height > 1 << 26:
                return None
            return np.asarray(picture.convert("RGB"))
    except Exception as error:  # a damaged texture must not cost the artist the head
        _log.info("The texture of the file cannot be read: %s", error)
        return None
