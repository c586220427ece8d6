"""The viewer without Qt: where the picture lies, what the handles on the face mean, where they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from app.core import commands
from app.core.controls import sample_keys
from app.core.project import Key, Project

MIN_ZOOM: Final = 0.05
MAX_ZOOM: Final = 16.0
SIDES: Final = ("Left", "Right")


@dataclass
class ViewTransform:
    """Picture to widget: scale and shift.

    Attributes
    ----------
    image : (width, height) of the picture in its own pixels
    widget : (width, height) of the view in logical pixels
    zoom : logical pixels a picture pixel, or None to fit
    centre : the picture point in the middle of the view, as parts of its width and height
    """

    image: tuple[int, int] = (1, 1)
    widget: tuple[int, int] = (1, 1)
    zoom: float | None = None
    centre: tuple[float, float] = (0.5, 0.5)

    @property
    def scale(self) -> float:
        if self.zoom is not None:
            return self.zoom
        margin = 24
        return max(min((self.widget[0] - margin) / self.image[0], (self.widget[1] - margin) / self.image[1]), 0.01)

    @property
    def origin(self) -> tuple[float, float]:
        """Where the picture's top left corner lies in the widget."""
        x, y = (0.5, 0.5) if self.zoom is None else self.centre
        scale = self.scale
        return self.widget[0] / 2 - x * self.image[0] * scale, self.widget[1] / 2 - y * self.image[1] * scale

    def to_widget(self, x: float, y: float) -> tuple[float, float]:
        """A point given as parts of the picture's width and height."""
        left, top = self.origin
        return left + x * self.image[0] * self.scale, top + y * self.image[1] * self.scale

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """The inverse of `to_widget`."""
        left, top = self.origin
        return (x - left) / (self.image[0] * self.scale), (y - top) / (self.image[1] * self.scale)

    def zoom_at(self, factor: float, x: float, y: float) -> None:
        """Zoom so that the picture point under (x, y) stays there."""
        point = self.to_image(x, y)
        self.zoom = min(max(self.scale * factor, MIN_ZOOM), MAX_ZOOM)
        self._keep(point, x, y)

    def pan(self, dx: float, dy: float) -> None:
        """Move the picture by widget pixels."""
        point = self.to_image(self.widget[0] / 2 - dx, self.widget[1] / 2 - dy)
        if self.zoom is None:
            self.zoom = self.scale
        self.centre = (min(max(point[0], 0.0), 1.0), min(max(point[1], 0.0), 1.0))

    def _keep(self, point: tuple[float, float], x: float, y: float) -> None:
        scale = self.scale
        self.centre = (
            point[0] + (self.widget[0] / 2 - x) / (self.image[0] * scale),
            point[1] + (self.widget[1] / 2 - y) / (self.image[1] * scale),
        )

    def fit(self) -> None:
        self.zoom, self.centre = None, (0.5, 0.5)

    def actual(self) -> None:
        self.zoom = 1.0


@dataclass(frozen=True)
class FacePoints:
    """Where features of the face are in the picture, as parts of its width and height.

    Attributes
    ----------
    centre : between the eyes and the mouth; ``size`` is the height of the face as a part of the picture's height
    points : name -> place: ``browLeft``, ``browRight``, ``eyes``, ``mouthLeft``, ``mouthRight``, ``jaw``
        (sides are the subject's)
    """

    centre: tuple[float, float]
    size: float
    points: Mapping[str, tuple[float, float]] = field(default_factory=dict)


# MediaPipe face mesh indices (canonical face model): brow arcs, iris centres, mouth corners, chin, forehead.
_LANDMARKS: Final[dict[str, tuple[int, ...]]] = {
    "browRight": (66, 105, 63), "browLeft": (296, 334, 293), "eyes": (168, 6), "mouthRight": (61,), "mouthLeft": (291,),
    "jaw": (17, 200, 199),
}  # fmt: skip
_TOP, _CHIN = 10, 152


def face_points(landmarks: np.ndarray, width: int, height: int) -> FacePoints:
    """Feature places from the landmarks of a face.

    Parameters
    ----------
    landmarks : (478, 2 or 3) in pixels of a picture of ``width`` by ``height``
    """
    scale = np.array([width, height], np.float64)
    points = {name: tuple(landmarks[list(i), :2].mean(0) / scale) for name, i in _LANDMARKS.items()}
    top, chin = landmarks[_TOP, :2] / scale, landmarks[_CHIN, :2] / scale
    centre = tuple((top + chin) / 2)
    return FacePoints(centre, float(abs(chin[1] - top[1])), points)


def drag_values(handle: str, dx: float, dy: float) -> dict[str, float]:
    """What dragging a handle means for curves, in the units of their channels.

    Parameters
    ----------
    handle : ``head``, ``roll``, ``eyes``, ``mouthLeft`` ..., ``browRight``, ``jaw``
    dx, dy : the drag in heights of the face, to the right and down
    """
    if handle == "head":
        return {"pose.yaw_deg": 60.0 * dx, "pose.pitch_deg": -60.0 * dy}
    if handle == "roll":
        return {"pose.roll_deg": -70.0 * dx}
    if handle == "eyes":
        return {"gaze.yaw_deg": 70.0 * dx, "gaze.pitch_deg": -70.0 * dy}
    if handle == "jaw":
        return {"jawOpen": 4.0 * dy}
    side = next((s for s in SIDES if handle.endswith(s)), "Left")
    outwards = dx if side == "Left" else -dx
    if handle.startswith("mouth"):
        return {
            f"mouthSmile{side}": max(0.0, -7.0 * dy),
            f"mouthFrown{side}": max(0.0, 7.0 * dy),
            f"mouthStretch{side}": max(0.0, 5.0 * outwards),
        }
    return {
        f"browOuterUp{side}": max(0.0, -8.0 * dy),
        "browInnerUp": max(0.0, -5.0 * dy),
        f"browDown{side}": max(0.0, 8.0 * dy),
    }


_LIMITS: Final = {"pose": 45.0, "gaze": 35.0}


def key_drag(project: Project, frame: int, handle: str, dx: float, dy: float) -> Project:
    """The project with keys at ``frame`` that show the drag, over what the curves said there before."""
    for channel, delta in drag_values(handle, dx, dy).items():
        curve = commands.curve(project, channel)
        before = 0.0
        if curve is not None and curve.keys:
            before = float(sample_keys(curve.keys, frame + 1)[frame])
        if curve is None and abs(delta) < 1e-4:
            continue
        group = channel.split(".")[0] if "." in channel else ""
        limit = _LIMITS.get(group, 1.0)
        value = min(max(before + delta, -limit), limit)
        project = commands.set_keys(project, channel, [Key(frame, round(value, 4))])
    return project


def key_pose(project: Project, frame: int, channels: tuple[str, ...]) -> Project:
    """Keys at ``frame`` that hold what the curves of ``channels`` say there, so that later keys do not move it."""
    for channel in channels:
        curve = commands.curve(project, channel)
        value = float(sample_keys(curve.keys, frame + 1)[frame]) if curve is not None and curve.keys else 0.0
        project = commands.set_keys(project, channel, [Key(frame, round(value, 4))])
    return project
