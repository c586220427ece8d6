"""Capture while it happens: a camera, or a file that stands in for one, becomes frames of a Performance at once.

Nothing here looks ahead. The face is watched for a moment first, at rest; the calmest frame gives the person's head
and rest. Then each picture becomes weights, head and gaze before the next one comes (some 30 ms of one core), evened
by a filter that follows quick motion without delay (`engines.capture.smooth.OneEuro`).

    for frame in live(camera("0")):
        sender.show(frame.performance(rate), 0)
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines import arkit
from engines.api import CancelToken, Performance
from engines.capture.calm import calmest
from engines.capture.decode import Decoder
from engines.capture.explain import (
    LOST_ERROR,
    below_corrected,
    both,
    calibrated,
    confidence_of,
    portrait_of,
    resting,
    resting_scores,
    solved,
)
from engines.capture.flow import FlowReference, laid_out
from engines.capture.landmarker import Landmarker, make_landmarker
from engines.capture.lids import BLINK, open_eyes, shut
from engines.capture.scores import UNITS
from engines.capture.sides import evened
from engines.capture.smooth import OneEuro
from engines.capture.solve import FaceSolver
from engines.capture.track import Tracker
from engines.capture.video import open_video
from engines.errors import InputError
from engines.rig.fit import fit_head

SETTLE_S: Final = 1.0
"""How long a new face is watched at rest."""
HOLD_S: Final = 0.3
"""How long the last expression stays when the face is lost; then it goes to rest."""
NEW_FACE_S: Final = 2.0
"""After this long without a face, the next one is taken for another person."""
MAX_SIDE: Final = 720
LEFT_OUT_MOST: Final = 12
"""Pictures in a row that a file in place of a camera leaves out to keep its time."""
_FADE_S: Final = 0.4


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """What the face does now.

    Attributes
    ----------
    time_s : of the picture
    state : ``waiting`` (no face yet), ``settling`` (hold still), ``live``, or ``lost``
    weights, head, gaze : (52,), (6,), (4,) as in `engines.api.Performance`
    confidence : 0 to 1
    """

    time_s: float
    state: str
    weights: np.ndarray
    head: np.ndarray
    gaze: np.ndarray
    confidence: float

    def performance(self, rate: Fraction) -> Performance:
        """The frame as a performance of one frame."""
        return Performance(rate, self.weights[None], self.head[None], self.gaze[None], np.zeros(1))


class LiveCapture:
    """Pictures in, frames out.

    Parameters
    ----------
    face : which of several faces, counted from the largest
    landmarker : default the task file of the weights store, else the bundled models
    settle_s : see `SETTLE_S`
    """

    def __init__(self, face: int = 0, landmarker: Landmarker | None = None, settle_s: float = SETTLE_S) -> None:
        self._face, self._landmarker, self._settle_s = face, landmarker or make_landmarker(), settle_s
        self._tracker: Tracker | None = None
        self._threads: Any = None
        self.points: np.ndarray | None = None
        """Landmarks (478, 3) of the last picture in its pixels; None: no face was seen."""
        self.restart()

    def restart(self) -> None:
        """Forget the person: the next face is watched at rest again (the button *Calibrate* of a window)."""
        self.close()
        self._tracker = Tracker(self._face, self._landmarker, keep=True)
        self._decoder: Decoder | None = None
        self._solver: FaceSolver | None = None
        self._count = 1
        self._reference: FlowReference | None = None
        self._rest = np.zeros(arkit.COUNT)
        self._rest_scores = np.zeros(len(UNITS))
        self._home = np.zeros(10)
        self._opened = np.ones(2)
        self._since: float | None = None
        self._seen_s = -np.inf
        self._gone_s: float | None = None
        self._last = np.zeros(arkit.COUNT + 10)
        self._filter = OneEuro(_CUTOFF, _BETA)

    def close(self) -> None:
        """Give up what was kept of the face."""
        if self._tracker is not None:
            self._tracker.close()

    def push(self, rgb: np.ndarray, time_s: float) -> LiveFrame:
        """The next picture.

        Parameters
        ----------
        rgb : uint8 (H, W, 3); larger than `MAX_SIDE` costs time and gains nothing
        time_s : when it was taken; increasing
        """
        # Counted from the first picture without the face: a time without pictures tells nothing.
        if self._decoder is not None and self._gone_s is not None and self._gone_s + NEW_FACE_S < time_s:
            self.restart()
        assert self._tracker is not None
        points = self.points = self._tracker.add(rgb)
        if points is None:
            return self._without(time_s)
        if self._decoder is None:
            self._since = time_s if self._since is None else self._since
            if time_s - self._since < self._settle_s:
                return self._frame(time_s, "settling", np.zeros(arkit.COUNT + 10), 0.0)
            self._meet()
        assert self._decoder is not None
        assert self._reference is not None
        scores = self._tracker.track().scores[-1:]
        values, confidence = self._read(points[None], [laid_out(rgb, points)], scores)
        self._tracker.forget()
        if confidence[0] <= 0:
            return self._without(time_s)
        self._seen_s, self._gone_s = time_s, None
        relative = self._relative(values, shut(points[None], self._opened))
        self._last = self._filter(relative[0], time_s)
        return self._frame(time_s, "live", self._last, float(confidence[0]))

    def _meet(self) -> None:
        """Fit the person from what was seen while the face settled."""
        assert self._tracker is not None
        track = self._tracker.track()
        assert track.faces is not None
        frames = np.flatnonzero(track.seen)
        calm = calmest(track, frames)
        fitted = fit_head(*portrait_of(track, frames, calm))
        self._decoder, self._solver = Decoder(fitted), FaceSolver(fitted)
        self._reference = FlowReference(track.faces.get(calm))
        self._opened = open_eyes(track.points[frames])
        self._rest_scores = resting_scores(track, calm)
        faces = [track.faces.get(int(i)) for i in frames]
        values, _ = self._read(track.points[frames].astype(float), faces, track.scores[frames])
        # A moment of rest has no lows: its middle is the rest.
        middle = np.median(values, 0)
        self._rest = resting(np.tile(middle[: arkit.COUNT], (2, 1)), np.ones(2, bool))
        self._home = middle[arkit.COUNT :]

    def _read(self, points: np.ndarray, faces: list[np.ndarray], scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights, head and gaze side by side (T, 62), and confidence (T,)."""
        from threadpoolctl import ThreadpoolController

        if self._threads is None:
            self._threads = ThreadpoolController()  # looks through all libraries: once, not for every picture
        assert self._decoder is not None
        assert self._solver is not None
        assert self._reference is not None
        refined = [self._reference.refine(face, p) for face, p in zip(faces, points, strict=True)]
        with self._threads.limit(limits=1):
            corrected = np.stack([p for p, _ in refined])
            numbers = np.arange(self._count, self._count + len(points))
            geometric = solved(self._solver, below_corrected(points, corrected), numbers, (), self._count - 1)
            found = self._decoder.decode(points, corrected, scores - self._rest_scores, geometric)
            weights = both(found.weights, geometric)
        self._count += len(points)
        alike = np.array([share for _, share in refined])
        sure = confidence_of(found.error, np.zeros(len(points)), alike, found.head[:, 1])
        sure = np.where(found.error < LOST_ERROR, np.maximum(sure, 0.01), 0)
        return np.concatenate([weights, found.head, found.gaze], 1), sure

    def _relative(self, values: np.ndarray, lids: np.ndarray) -> np.ndarray:
        result = values.copy()
        weights = calibrated(values[:, : arkit.COUNT], self._rest)
        weights[:, BLINK] = np.maximum(weights[:, BLINK], lids)
        result[:, : arkit.COUNT] = evened(weights)
        result[:, arkit.COUNT :] -= self._home
        return result

    def _without(self, time_s: float) -> LiveFrame:
        if self._decoder is None:
            if self._since is not None and time_s - self._since > self._settle_s:
                self.restart()
            return self._frame(time_s, "waiting", self._last, 0.0)
        self._gone_s = time_s if self._gone_s is None else self._gone_s
        self._count += 2  # the solver starts anew after a gap
        gone = time_s - self._seen_s - HOLD_S
        return self._frame(time_s, "lost", self._last * float(np.clip(1 - gone / _FADE_S, 0, 1)), 0.0)

    @staticmethod
    def _frame(time_s: float, state: str, values: np.ndarray, confidence: float) -> LiveFrame:
        w, h, g = np.split(values, [arkit.COUNT, arkit.COUNT + 6])
        return LiveFrame(time_s, state, np.clip(w, 0, 1), h, g, confidence)


_CUTOFF: Final = np.concatenate([np.full(arkit.COUNT, 2.0), np.full(3, 1.2), np.full(3, 1.0), np.full(4, 1.5)])
_BETA: Final = np.concatenate([np.full(arkit.COUNT, 6.0), np.full(3, 8.0), np.full(3, 1.0), np.full(4, 8.0)])
"""Least cutoff of each curve in hertz, and how much of it a unit a second adds."""


def live(
    pictures: Iterable[tuple[float, np.ndarray]],
    *,
    face: int = 0,
    landmarker: str = "auto",
    settle_s: float = SETTLE_S,
    cancel: CancelToken | None = None,
) -> Iterator[LiveFrame]:
    """Frames as pictures come; ends when they end or the user cancels.

    Parameters
    ----------
    pictures : time in seconds and uint8 (H, W, 3), as `camera` gives
    """
    capture = LiveCapture(face, make_landmarker(landmarker), settle_s)
    try:
        for time_s, rgb in pictures:
            if cancel is not None and cancel.cancelled:
                return
            yield capture.push(rgb, time_s)
    finally:
        capture.close()


def camera(source: str, *, paced: bool = True) -> Iterator[tuple[float, np.ndarray]]:
    """Pictures of a camera, or of a video file in its place.

    Parameters
    ----------
    source : number of a camera (``0``), its device (``/dev/video0``), or a video file
    paced : give a file's pictures when their time comes and leave out those that come too late, as a camera does

    Raises
    ------
    InputError
        When the camera cannot be opened or gives no picture, or the file is none.
    """
    if source.isdigit() or source.startswith("/dev/"):
        yield from _device(int(source) if source.isdigit() else source)
        return
    video = open_video(Path(source))
    started, left_out = 0.0, 0
    for index, frame in enumerate(video.frames(None, MAX_SIDE)):
        due = index / float(video.rate)
        if index == 1:
            started = time.monotonic() - due  # from here on: with the first picture the models are loaded
        if paced and index:
            late = time.monotonic() - started - due
            if late > 1.5 / float(video.rate):
                left_out += 1
                if left_out <= LEFT_OUT_MOST:
                    continue
                started += late  # reading alone is too slow for the file's time: it goes on from here
            left_out = 0
            time.sleep(max(0.0, started + due - time.monotonic()))
        yield due, frame


def _device(source: int | str) -> Iterator[tuple[float, np.ndarray]]:
    import cv2

    device: Any = cv2.VideoCapture(source)
    try:
        if not device.isOpened():
            raise InputError(
                f"The camera {source} cannot be opened. Check that it is plugged in, that no other program uses it and "
                "that this one may (on Linux: the group video), or give another number."
            )
        device.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        started, found = time.monotonic(), False
        while True:
            good, bgr = device.read()
            if not good:
                if not found:
                    raise InputError(f"The camera {source} gives no picture. Close other programs that use it.")
                return
            found = True
            scale = min(1.0, MAX_SIDE / max(bgr.shape[:2]))
            if scale < 1:
                bgr = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            yield time.monotonic() - started, np.ascontiguousarray(bgr[..., ::-1])
    finally:
        device.release()


def recorded(frames: list[LiveFrame], rate: Fraction) -> Performance:
    """Frames of uneven times as a performance of an even rate, led over what was not seen.

    Parameters
    ----------
    frames : in order; those before the face was met are left out

    Raises
    ------
    InputError
        When no frame shows a face.
    """
    shown = [f for f in frames if f.state in ("live", "lost")]
    if not shown:
        raise InputError("No face was seen, so there is nothing to keep. Look into the camera from nearer.")
    times = np.array([f.time_s for f in shown])
    count = max(1, 1 + int(np.floor((times[-1] - times[0]) * float(rate) + 1e-6)))
    at = times[0] + np.arange(count) / float(rate)

    def even(name: str) -> np.ndarray:
        values = np.stack([getattr(f, name) for f in shown])
        return np.stack([np.interp(at, times, column) for column in values.T], 1)

    rest = Performance.rest(count, rate)
    return replace(rest, weights=even("weights"), head=even("head"), gaze=even("gaze"))
