"""The contracts between the studio and its engines: Performance, Portrait, Actor, Engine.

Frame of reference (everything that has a direction uses it): right-handed, X to the right of the image
(the subject's left), Y up, Z out of the image towards the camera; centimetres; radians.
Positive *yaw* turns the face to the image's right, positive *pitch* looks up, positive *roll* tips
the head anticlockwise as the viewer sees it (towards the image's left).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import numpy as np

from engines import arkit
from engines.errors import Cancelled, InputError
from engines.timebase import resample

if TYPE_CHECKING:
    from engines.rig.mesh import HeadMesh
    from engines.speech.audio import Voice

PERFORMANCE_VERSION = 1


def head_rotation(angles_rad: np.ndarray) -> np.ndarray:
    """Rotation matrices of head or eye angles, ``R = Ry(yaw) Rx(-pitch) Rz(roll)``.

    Parameters
    ----------
    angles_rad : (..., 3) pitch, yaw, roll

    Returns
    -------
    float64 (..., 3, 3), world from head (columns are the head's axes in the world)
    """
    pitch, yaw, roll = np.moveaxis(np.asarray(angles_rad, np.float64), -1, 0)
    cp, sp, cy, sy, cr, sr = np.cos(-pitch), np.sin(-pitch), np.cos(yaw), np.sin(yaw), np.cos(roll), np.sin(roll)
    return np.stack(
        [
            np.stack([cy * cr + sy * sp * sr, -cy * sr + sy * sp * cr, sy * cp], -1),
            np.stack([cp * sr, cp * cr, -sp], -1),
            np.stack([-sy * cr + cy * sp * sr, sy * sr + cy * sp * cr, cy * cp], -1),
        ],
        -2,
    )


def head_angles(rotation: np.ndarray) -> np.ndarray:
    """Pitch, yaw, roll of rotation matrices; the inverse of `head_rotation` for pitch within a right angle."""
    pitch = np.arcsin(np.clip(rotation[..., 1, 2], -1, 1))
    yaw = np.arctan2(rotation[..., 0, 2], rotation[..., 2, 2])
    roll = np.arctan2(rotation[..., 1, 0], rotation[..., 1, 1])
    return np.stack([pitch, yaw, roll], -1)


SURE: Final = "capture.sure"
"""Name in a captured performance's ``extras`` of how surely each frame was seen: 0 to 1, both columns alike."""


@dataclass(frozen=True, eq=False)
class Performance:
    """What a face does, frame by frame, whoever does it and whatever draws it.

    Attributes
    ----------
    rate : frames a second
    weights : float32 (T, 52), ARKit order (`engines.arkit.NAMES`), 0 rest to 1 full
    head : float32 (T, 6): pitch, yaw, roll in radians relative to the rest pose, then x, y, z in centimetres
    gaze : float32 (T, 4): left eye yaw, pitch, right eye yaw, pitch in radians relative to the head. It turns the
        eyeballs; the ``eyeLook*`` weights move only the lids (see `look_weights`)
    tongue : float32 (T,), 0 rest to 1: the tongue tip raised to the teeth as for l, n, d, t, th
    extras : what the artist's curves ask of the drawing engine's own numbers (`EngineInfo.coordinates`), by name:
        float32 (T, 2), gain and offset on what the engine would do by itself. Engines read it by `coordinate`; it means
        nothing to other engines and to files
    """

    rate: Fraction
    weights: np.ndarray
    head: np.ndarray
    gaze: np.ndarray
    tongue: np.ndarray
    extras: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.weights)
        shapes = {"weights": (count, arkit.COUNT), "head": (count, 6), "gaze": (count, 4), "tongue": (count,)}
        for name, shape in shapes.items():
            array = np.ascontiguousarray(getattr(self, name), np.float32)
            if array.shape != shape:
                raise InputError(f"Performance.{name} has shape {array.shape}, expected {shape}.")
            if not np.isfinite(array).all():
                raise InputError(f"Performance.{name} holds values that are not numbers.")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "extras", {n: self._extra(n, a) for n, a in self.extras.items()})

    def _extra(self, name: str, values: np.ndarray) -> np.ndarray:
        array = np.ascontiguousarray(values, np.float32)
        if array.shape != (len(self), 2) or not np.isfinite(array).all():
            raise InputError(f"Performance.extras['{name}'] must hold {len(self)} x 2 numbers, has {array.shape}.")
        array.setflags(write=False)
        return array

    def __len__(self) -> int:
        return len(self.weights)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Performance):
            return NotImplemented
        return (
            self.rate == other.rate
            and all(np.array_equal(getattr(self, n), getattr(other, n)) for n in ("weights", "head", "gaze", "tongue"))
            and self.extras.keys() == other.extras.keys()
            and all(np.array_equal(self.extras[name], other.extras[name]) for name in self.extras)
        )

    @staticmethod
    def rest(count: int, rate: Fraction) -> Performance:
        """``count`` frames in which nothing moves."""
        return Performance(rate, np.zeros((count, 52)), np.zeros((count, 6)), np.zeros((count, 4)), np.zeros(count))

    def with_(self, **arrays: Any) -> Performance:
        """A copy with some arrays replaced."""
        return replace(self, **arrays)

    def slice(self, start: int, stop: int) -> Performance:
        """Frames ``start`` to ``stop`` (exclusive)."""
        part = np.s_[start:stop]
        extras = {name: values[part] for name, values in self.extras.items()}
        return Performance(self.rate, self.weights[part], self.head[part], self.gaze[part], self.tongue[part], extras)

    def resampled(self, rate: Fraction, count: int | None = None) -> Performance:
        """The same motion at another frame rate (linear in time)."""
        if rate == self.rate and count in (None, len(self)):
            return self
        weights, head, gaze, tongue = (
            resample(p, self.rate, rate, count) for p in (self.weights, self.head, self.gaze, self.tongue)
        )
        extras = {name: resample(values, self.rate, rate, count) for name, values in self.extras.items()}
        return Performance(rate, weights, head, gaze, tongue, extras)

    def mirrored(self) -> Performance:
        """The performance as a mirror shows it."""
        head = self.head * np.array([1, -1, -1, -1, 1, 1], np.float32)
        gaze = self.gaze[:, [2, 3, 0, 1]] * np.array([-1, 1, -1, 1], np.float32)
        return Performance(self.rate, self.weights[:, list(arkit.MIRROR)], head, gaze, self.tongue, self.extras)

    def channel(self, name: str) -> np.ndarray:
        """Curve of one ARKit unit : float32 (T,)."""
        return np.asarray(self.weights[:, arkit.INDEX[name]])

    def coordinate(self, name: str, automatic: np.ndarray | float = 0.0) -> np.ndarray:
        """One of the engine's own numbers with the artist's curve on it : float32 (T,).

        Parameters
        ----------
        name : of an `EngineInfo.coordinates`
        automatic : (T,) or one number, what the engine would do by itself; comes back where there is no curve
        """
        values = np.broadcast_to(np.asarray(automatic, np.float32), (len(self),))
        asked = self.extras.get(name)
        return values if asked is None else values * asked[:, 0] + asked[:, 1]

    def digest(self) -> str:
        """Content hash, stable across runs and machines."""
        h = hashlib.blake2b(f"{PERFORMANCE_VERSION} {self.rate}".encode(), digest_size=16)
        for array in (self.weights, self.head, self.gaze, self.tongue):
            h.update(array.tobytes())
        for name in sorted(self.extras):
            h.update(name.encode() + self.extras[name].tobytes())
        return h.hexdigest()


LOOK_FULL_RAD = 0.6
"""Eye rotation at which an ``eyeLook*`` unit is 1."""


def look_weights(gaze: np.ndarray) -> np.ndarray:
    """The eight ``eyeLook*`` weights that agree with eye rotations.

    Parameters
    ----------
    gaze : (T, 4) as in `Performance.gaze`

    Returns
    -------
    float32 (T, 8) in the order of ``arkit.indices("eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp")``
    """
    left_yaw, left_pitch, right_yaw, right_pitch = (np.asarray(gaze, np.float32) / LOOK_FULL_RAD).T
    columns = (-left_pitch, -right_pitch, -left_yaw, right_yaw, left_yaw, -right_yaw, left_pitch, right_pitch)
    return np.clip(np.stack(columns, -1), 0, 1)


@dataclass(frozen=True, eq=False)
class Portrait:
    """A picture of the person to animate, upright, as the user sees it.

    Attributes
    ----------
    rgb : uint8 (H, W, 3), sRGB
    alpha : uint8 (H, W) or None
    face : which face, counted from the largest (0)
    source : the file it came from, for messages
    head : the artist's own head in 3D, where the portrait is one; ``rgb`` is then a picture of it at rest
    """

    rgb: np.ndarray
    alpha: np.ndarray | None = None
    face: int = 0
    source: Path | None = None
    head: HeadMesh | None = None

    def digest(self) -> str:
        h = hashlib.blake2b(f"{self.rgb.shape} {self.face}".encode(), digest_size=16)
        h.update(np.ascontiguousarray(self.rgb).tobytes())
        if self.alpha is not None:
            h.update(np.ascontiguousarray(self.alpha).tobytes())
        if self.head is not None:
            h.update(self.head.digest().encode())
        return h.hexdigest()


@dataclass(frozen=True)
class Coordinate:
    """One of an engine's own numbers, which the artist may move by a curve named ``ENGINE_ID.NAME``.

    Attributes
    ----------
    name : letters, digits, ``_`` and ``-``
    label, group : for people: its name and the heading it stands under
    low, high : what the sliders run over
    """

    name: str
    label: str = ""
    group: str = ""
    low: float = -1.0
    high: float = 1.0


@dataclass(frozen=True)
class EngineInfo:
    """What an engine is and what it honours, read from its ``engine.toml`` without importing it.

    Attributes
    ----------
    id, name, summary, licence : for people and files
    entry : ``package.module:Class``, imported only when the engine is used
    honours : which controls act: ``emotion``, ``pose``, ``gaze``, ``style``, ``curves``, ``phones``, ``blink``
    needs : what must be there first: ``footage``, ``weights:NAME`` ...
    max_size : largest side of its frames in pixels, 0 for no limit
    memory_mb : rough device memory while rendering
    reasons : control -> why it is not honoured, shown beside the greyed-out control
    meshes : draws an artist's own head (`Portrait.head`), too
    coordinates : its own numbers that curves can move; `Engine.render` gets the curves by `Performance.coordinate`
    sources : what it reads itself beside the performance, ``voice`` or ``video``; it then is a `SourceReader`
    more : ``package.module:function`` that tells which further coordinates there are at the moment
        (`engines.registry.coordinates`), without importing anything heavy; or empty
    """

    id: str
    name: str
    summary: str
    licence: str
    entry: str
    honours: frozenset[str]
    needs: tuple[str, ...] = ()
    max_size: int = 0
    memory_mb: int = 0
    reasons: dict[str, str] = field(default_factory=dict)
    meshes: bool = False
    coordinates: tuple[Coordinate, ...] = ()
    sources: tuple[str, ...] = ()
    more: str = ""


class CancelToken:
    """Set from any thread; work polls it between frames, steps and chunks."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        """Raise `Cancelled` if the user asked to stop."""
        if self._event.is_set():
            raise Cancelled("Cancelled.")


Progress = Callable[[float, str], None]
"""Called with the part done (0 to 1) and what is going on."""


def no_progress(part: float, what: str) -> None:
    """The progress of work that nobody watches."""


@dataclass(frozen=True)
class RenderOptions:
    """How frames are drawn.

    Attributes
    ----------
    size : (width, height) in pixels, or None for the portrait's own size
    alpha : draw the head alone; frames then have four channels, straight alpha
    draft : trade sharpness for speed (while a slider moves)
    device : ``auto``, ``cpu``, ``cuda``, ``mps``
    """

    size: tuple[int, int] | None = None
    alpha: bool = False
    draft: bool = False
    device: str = "auto"


@runtime_checkable
class Actor(Protocol):
    """A portrait made ready by an engine: cheap to draw, expensive to make.

    Attributes
    ----------
    engine_id : the engine that made it and can draw it
    digest : content hash of what it was made from
    """

    engine_id: str
    digest: str


class Engine(Protocol):
    """A generator of talking heads. One long-lived worker thread calls it."""

    info: EngineInfo

    def prepare(
        self, portrait: Portrait, *, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> Any:
        """The expensive step, once per portrait: an `Actor`."""
        ...

    def render(
        self,
        actor: Any,
        performance: Performance,
        *,
        options: RenderOptions | None = None,
        start: int = 0,
        stop: int | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[np.ndarray]:
        """Frames ``start`` to ``stop`` one by one : uint8 (H, W, 3), or (H, W, 4) with ``options.alpha``.

        Frame ``i`` depends on ``performance`` and ``i`` only, never on the frames drawn before it.
        """
        ...

    def unload(self) -> None:
        """Give device memory back; the next call loads again."""
        ...


class SourceReader(Protocol):
    """What an `Engine` has too that says ``sources`` in its manifest: it reads a voice or a video by itself."""

    def sources(
        self,
        actor: Any,
        voice: Voice | None,
        video: Path | None,
        rate: Fraction,
        count: int,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> dict[str, np.ndarray]:
        """What they ask of its own numbers, name -> float32 (count,) : `render` finds it by `Performance.coordinate`.

        The names are the engine's own; they are no `EngineInfo.coordinates`, so no curve of the artist meets them.
        """
        ...
