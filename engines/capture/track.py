"""One face followed through a video: landmarks frame by frame, shot changes, and where no face was seen."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Final

import numpy as np

from engines.api import CancelToken, Progress, no_progress
from engines.capture.flow import SIDE, laid_out
from engines.capture.landmarker import BundledLandmarker, Crop, Landmarker, Sight
from engines.capture.scores import UNITS, load_scores
from engines.capture.video import Video, open_video
from engines.errors import InputError
from engines.face import mediapipe_runtime
from engines.face.landmarks import COUNT, OUTER_EYE_CORNERS, detect_faces

CUT: Final = 0.35
"""Share of a frame's colours that changes at once at a cut (half the L1 distance of colour histograms, 0 to 1)."""

APART: Final = 0.12
"""Two looks at a face that differ by more, in eye distances, are none."""
_CROP_SIDE: Final = 320
_RETRY: Final = 5
"""Without a face, every so many frames the whole picture is searched."""
_STRANGER: Final = 3.0
"""A face this many eye distances from where ours was is somebody else ..."""
_PATIENCE: Final = 25
"""... for so many frames."""


class Faces:
    """Laid out faces of a video's frames, kept in a temporary file: 26 kB a frame, and no memory."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="soliloquy-capture-")  # noqa: SIM115 - lives as long as self
        self._at: dict[int, int] = {}

    def put(self, index: int, face: np.ndarray) -> None:
        """Keep the face of a frame : uint8 (SIDE, SIDE)."""
        self._at[index] = self._file.seek(0, 2)
        self._file.write(face.tobytes())

    def get(self, index: int) -> np.ndarray:
        """The face of a frame that was kept : uint8 (SIDE, SIDE)."""
        self._file.seek(self._at[index])
        return np.frombuffer(self._file.read(SIDE * SIDE), np.uint8).reshape(SIDE, SIDE)

    def close(self) -> None:
        """Delete the file."""
        self._file.close()


@dataclass(frozen=True, eq=False)
class Track:
    """Landmarks of one face over a video.

    Attributes
    ----------
    points : float32 (T, 478, 3), pixels as in `engines.face.landmarks`; not a number where no face was seen
    spread : float32 (T,), how far two looks at the face differ, in parts of the distance of the eyes
    shots : first frame of each shot, increasing, the first is 0
    size : width, height of the frames in pixels
    scores : float32 (T, K), what `engines.capture.scores` makes of the face; not a number where none was seen
    faces : the faces themselves (`engines.capture.flow.laid_out`), where they were kept
    """

    points: np.ndarray
    spread: np.ndarray
    shots: tuple[int, ...]
    size: tuple[int, int]
    scores: np.ndarray
    faces: Faces | None = None

    @property
    def seen(self) -> np.ndarray:
        """Where there is a face : bool (T,)."""
        return np.isfinite(self.points[:, 0, 0])

    @property
    def eye_distance(self) -> np.ndarray:
        """Distance of the outer eye corners in pixels : (T,)."""
        a, b = (self.points[:, i, :2] for i in OUTER_EYE_CORNERS)
        return np.asarray(np.hypot(*(a - b).T))


class Tracker:
    """Follows a face: `add` every frame in order, then take the `track`.

    Parameters
    ----------
    face : which face of the first frame that shows any, counted from the largest
    landmarker : what finds its landmarks; default the bundled models
    keep : keep the faces themselves, which `Track.faces` then hands out
    """

    def __init__(self, face: int = 0, landmarker: Landmarker | None = None, keep: bool = False) -> None:
        self.face = face
        self.landmarker = landmarker or BundledLandmarker()
        self._faces = Faces() if keep else None
        self._sights: list[Sight | None] = []
        self._shots: list[int] = [0]
        self._last: np.ndarray | None = None
        self._lost = 0
        self._colours: np.ndarray | None = None
        self._size = (0, 0)
        self.faces = 0
        """Most faces seen together."""

    def add(self, rgb: np.ndarray) -> np.ndarray | None:
        """Look at the next frame.

        Parameters
        ----------
        rgb : uint8 (H, W, 3)

        Returns
        -------
        float (478, 3) landmarks, or None where the face is not seen
        """
        self._size = rgb.shape[1], rgb.shape[0]
        colours = _colours(rgb)
        cut = self._colours is not None and 0.5 * np.abs(colours - self._colours).sum() > CUT
        self._colours = colours
        if cut:
            self._shots.append(len(self._sights))
            self._lost = 0
        sight = None if cut or self._last is None else self._follow(rgb, self._last)
        if sight is None and self._lost % _RETRY == 0:
            sight = self._search(rgb, None if cut else self._last)
        points = None if sight is None else sight.points
        self._lost = 0 if points is not None else self._lost + 1
        if points is not None:
            self._last = points
        elif self._lost > _RETRY or cut:
            self._last = None if cut else self._last
        if points is not None and self._faces is not None:
            self._faces.put(len(self._sights), laid_out(rgb, points))
        self._sights.append(sight)
        return points

    def forget(self) -> None:
        """Forget all frames but the last, so that following a camera for hours needs no more memory than a second."""
        del self._sights[:-1]
        self._shots = [0]
        if self._faces is not None:
            self._faces.close()
            self._faces = None

    def close(self) -> None:
        """Give up the faces that were kept."""
        if self._faces is not None:
            self._faces.close()

    def track(self) -> Track:
        """What was seen so far."""
        nothing = Sight(np.full((COUNT, 3), np.nan), 0.0, np.full(len(UNITS), np.nan))
        seen = [sight or nothing for sight in self._sights]
        points = np.array([s.points for s in seen], np.float32).reshape(-1, COUNT, 3)
        scores = np.array([s.scores for s in seen], np.float32).reshape(-1, len(UNITS))
        spread = np.array([s.spread for s in seen], np.float32)
        return Track(points, spread, tuple(self._shots), self._size, scores, self._faces)

    def _follow(self, rgb: np.ndarray, last: np.ndarray) -> Sight | None:
        sight = self.landmarker.look(rgb, last)
        if sight is None:
            return None
        eyes = np.hypot(*(sight.points[33, :2] - sight.points[263, :2]))
        moved = np.hypot(*(sight.points[:, :2].mean(0) - last[:, :2].mean(0)))
        if eyes < 8 or moved > 2.5 * np.hypot(*(last[33, :2] - last[263, :2])) or sight.spread > APART:
            return None
        return sight

    def _search(self, rgb: np.ndarray, last: np.ndarray | None) -> Sight | None:
        faces = detect_faces(rgb)
        self.faces = max(self.faces, len(faces))
        if not faces:
            return None
        if last is None:
            chosen = faces[min(self.face, len(faces) - 1)]
        else:  # the one nearest to where ours was
            middle = last[:, :2].mean(0)
            apart = [float(np.hypot(*(f.points[:, :2].mean(0) - middle))) for f in faces]
            chosen = faces[int(np.argmin(apart))]
            if min(apart) > _STRANGER * max(chosen.eye_distance, 1.0) and self._lost < _PATIENCE:
                return None  # another person while ours is hidden
        points = chosen.points.astype(float)
        spread = float(np.median(chosen.spread) / max(chosen.eye_distance, 1.0))
        found = Sight(points, spread, load_scores()(points[None])[0])
        for _ in range(2):  # by the same model that follows it, or the landmarks would leap with the next frame
            sight = self.landmarker.look(rgb, found.points)
            if sight is None or sight.spread > APART:
                break
            found = sight
        return found


def follow_face(
    path: Path, rate: Fraction, *, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> tuple[Video, Track]:
    """A video and the track of the face in it, sampled at ``rate``.

    Raises
    ------
    InputError
        If the video cannot be read or shows no face.
    """
    video, tracker = open_video(path), Tracker()
    wanted = max(1, round(video.duration_s * float(rate)))
    for i, frame in enumerate(video.frames(rate)):
        if cancel is not None:
            cancel.check()
        tracker.add(frame)
        progress(min(1.0, i / wanted), "Looking for the face in the video")
    track = tracker.track()
    if not track.seen.any():
        raise InputError(f"The video {path} shows no face that can be followed. Use footage of one face, well lit.")
    return video, track


def look(rgb: np.ndarray, last: np.ndarray, grow: float, dx: float, dy: float) -> np.ndarray | None:
    """Landmarks found in an upright crop about the landmarks of the frame before : (478, 3) or None."""
    crop = Crop(rgb, last, grow, (dx, dy), _CROP_SIDE)
    found = mediapipe_runtime.run("mesh", crop.picture).multi_face_landmarks
    return None if not found else crop.back(np.array([(p.x, p.y, p.z) for p in found[0].landmark]))


def _colours(rgb: np.ndarray) -> np.ndarray:
    """Histogram of coarse colours, sum 1 : float (512,)."""
    small = rgb[:: max(1, rgb.shape[0] // 90), :: max(1, rgb.shape[1] // 90)].reshape(-1, 3) >> 5
    index = (small[:, 0].astype(int) << 6) | (small[:, 1].astype(int) << 3) | small[:, 2]
    return np.bincount(index, minlength=512) / len(index)
