"""A quick look at footage before the slow one: what is worth learning from, and what is wrong with the rest."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.api import CancelToken, Progress, no_progress
from engines.capture.video import Video
from engines.face.landmarks import FaceLandmarks, detect_faces

if TYPE_CHECKING:
    from engines.capture.footage import Dropped, Footage

REASONS: Final[dict[str, str]] = {
    "no face": "no face is seen, or it is turned too far away",
    "two people": "somebody else is in the picture, at least half as large",
    "another person": "after a cut somebody else is seen than most of the time",
    "too small": "the face has less than half the pixels of the frames that are wanted",
    "too dark": "the middle brightness of the face is below 28 of 255",
    "blur": "the face has no fine detail: out of focus, moved, or enlarged from a smaller picture",
    "cut": "a whole shot, shorter than the shortest clip",
    "too short": "what is left between dropped stretches is shorter than the shortest clip",
    "no sound": "the footage has no sound, and none of its name lies beside it",
    "unreadable": "the file is no video that can be read",
}
"""Why footage is dropped."""

EVERY_S: Final = 0.2
"""Time between two looks."""
DARKEST: Final = 28.0
BLUNTEST: Final = 0.035
"""`sharpness` below which a face counts as blurred: that of photos softened by about 0.025 eye distances."""
OTHER: Final = 0.5
"""Size of another face, in that of the first, from which it counts as another person."""
_SHARP_SIDE: Final = 160
"""Side that the face is brought to when its sharpness is measured, pixels."""


@dataclass(frozen=True, eq=False)
class Survey:
    """What was seen in a video.

    Attributes
    ----------
    looks : frame -> reason (`REASONS`), empty where nothing is wrong, in rising order
    count : frames that could be decoded
    """

    looks: dict[int, str]
    count: int

    def labels(self, shots: tuple[int, ...] = (0,)) -> list[str]:
        """The reason against each frame: that of the nearest look within the same shot.

        Parameters
        ----------
        shots : first frame of each shot, rising, the first is 0
        """
        found: list[str] = []
        at = np.array(list(self.looks))
        reasons = list(self.looks.values())
        for start, stop in pairwise([*(s for s in shots if s < self.count), self.count]):
            inside = np.flatnonzero((at >= start) & (at < stop))
            inside = inside if len(inside) else np.arange(len(at))
            near = inside[np.abs(at[inside] - np.arange(start, stop)[:, None]).argmin(1)]
            found += [reasons[k] for k in near]
        return found


def survey(
    video: Video,
    rate: Fraction,
    least_side: float,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    max_side: int = 960,
) -> Survey:
    """Look at a video five times a second.

    Parameters
    ----------
    rate : frames a second that the labels are for
    least_side : smallest width of a face that is of use, in pixels of the video
    """
    step = max(1, round(EVERY_S * float(rate)))
    expected = max(1, round(video.duration_s * float(rate)))
    scale = video.scaled_size(max_side)[0] / video.width
    seen: list[str] = []
    count = 0
    for index, frame in enumerate(video.frames(rate, max_side)):
        count = index + 1
        if index % step == 0:
            if cancel is not None:
                cancel.check()
            seen.append(fault(frame, detect_faces(frame), least_side * scale))
            progress(min(1.0, count / expected), "looking at the footage")
    return Survey({i * step: _middle(seen, i) for i in range(len(seen))}, count)


def _middle(seen: list[str], i: int) -> str:
    """The label of a look, unless both neighbours agree that it is a slip."""
    before, after = seen[max(0, i - 1)], seen[min(len(seen) - 1, i + 1)]
    return before if before == after else seen[i]


def fault(rgb: np.ndarray, faces: list[FaceLandmarks], least_side: float) -> str:
    """What is wrong with a picture, the first of `REASONS` that holds; empty when nothing is.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    faces : as found in it, largest first
    least_side : smallest width of a face in pixels
    """
    if not faces:
        return "no face"
    if len(faces) > 1 and faces[1].eye_distance > OTHER * faces[0].eye_distance:
        return "two people"
    face = faces[0]
    if face.box[2] - face.box[0] < least_side:
        return "too small"
    grey = _face_grey(rgb, face)
    if float(np.median(grey)) < DARKEST:
        return "too dark"
    return "blur" if sharpness(grey) < BLUNTEST else ""


def _face_grey(rgb: np.ndarray, face: FaceLandmarks) -> np.ndarray:
    """Brightness of the face, brought to a common size : float32 (S, S), 0 to 255."""
    import cv2

    x0, y0, x1, y1 = face.box
    centre, half = ((x0 + x1) / 2, (y0 + y1) / 2), 0.45 * max(x1 - x0, y1 - y0)
    left, top = max(0, round(centre[0] - half)), max(0, round(centre[1] - half))
    part = rgb[top : round(centre[1] + half), left : round(centre[0] + half)]
    grey = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2GRAY).astype(np.float32)
    flags = cv2.INTER_AREA if max(part.shape[:2]) > _SHARP_SIDE else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(grey, (_SHARP_SIDE, _SHARP_SIDE), interpolation=flags))


def sharpness(grey: np.ndarray) -> float:
    """Fine detail of a face in parts of its contrast: deviation of the Laplacian over that of the brightness.

    After Pertuz et al. 2013, "Analysis of focus measure operators", there the energy of the Laplacian; divided by the
    contrast so that light does not count. Slightly smoothed first, so that noise and compression count little.

    Parameters
    ----------
    grey : float32 (S, S), the face brought to S = 160
    """
    import cv2

    smooth = cv2.GaussianBlur(grey, (0, 0), 0.8)
    return float(np.std(cv2.Laplacian(smooth, cv2.CV_32F)) / max(float(np.std(grey)), 1.0))


def summary(footage: Footage) -> list[str]:
    """What was kept, and what was dropped for which reason, a line each."""
    lines = [f"{len(footage.clips)} clips, {footage.duration_s:.1f} s in all."]
    spans: dict[tuple[str, str], list[Dropped]] = {}
    for span in footage.dropped:
        spans.setdefault((span.source, span.reason), []).append(span)
    for (source, reason), found in spans.items():
        seconds = float(sum(s.stop - s.start for s in found) / footage.rate)
        where = ", ".join(f"{float(s.start / footage.rate):.1f}-{float(s.stop / footage.rate):.1f}" for s in found[:4])
        more = f" and {len(found) - 4} more" if len(found) > 4 else ""
        span_text = f" {seconds:.1f} s ({where}{more})" if seconds else ""
        lines.append(f"Dropped of {source}{span_text}: {reason}; {REASONS[reason]}.")
    return lines
