"""A take that is acted before a camera: shown to whoever listens as it happens, and kept as a performance."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.api import CancelToken, Performance
from engines.errors import EngineError, InputError, StudioError

if TYPE_CHECKING:
    from engines.capture.live import LiveFrame

log = logging.getLogger(__name__)

STATES: Final = {
    "waiting": "Looking for a face.",
    "settling": "Hold still for a moment, lips closed, eyes open.",
    "live": "Live.",
    "lost": "The face is not seen.",
}
"""What each state of a `engines.capture.live.LiveFrame` asks or tells the actor."""


def perform_live(
    source: str,
    *,
    rate: Fraction,
    send: str = "",
    seconds: float | None = None,
    face: int = 0,
    landmarker: str = "auto",
    paced: bool = True,
    show: Callable[[Performance], object] | None = None,
    tell: Callable[[str], object] | None = None,
    cancel: CancelToken | None = None,
) -> Performance:
    """Act until the camera ends, the time is up or the user cancels.

    Parameters
    ----------
    source : camera or video file, see `engines.capture.live.camera`
    rate : frames a second of the result
    send : ``HOST`` or ``HOST:PORT`` that listens to Live Link; empty for none
    seconds : how long to act at most, counted from the first picture
    paced : whether a file in place of a camera keeps its own time
    show : called with each frame as a performance of one frame
    tell : called with a sentence when the face is met, lost or found again

    Returns
    -------
    what was acted since the face was met, at ``rate``

    Raises
    ------
    InputError
        When the camera, the file or the address cannot be used, or no face was seen.
    """
    from app.export.stream import PORT, Sender
    from engines.capture.live import camera, live, recorded

    frames = []
    state = ""
    with ExitStack() as stack:
        sender = None
        if send:
            host, _, port = send.rpartition(":") if send.count(":") == 1 else (send, "", "")
            if port and not port.isdigit():
                raise InputError(f"'{send}' is no address. Give HOST or HOST:PORT, such as 192.168.1.20:{PORT}.")
            sender = stack.enter_context(Sender(host, int(port) if port else PORT))
        for frame in live(camera(source, paced=paced), face=face, landmarker=landmarker, cancel=cancel):
            if frame.state != state and tell is not None:
                tell(STATES[frame.state])
            state = frame.state
            frames.append(frame)
            if state in ("live", "lost"):
                now = frame.performance(rate)
                if sender is not None:
                    sender.show(now, 0, round(frame.time_s * float(rate)))
                if show is not None:
                    show(now)
            if seconds is not None and frame.time_s >= seconds:
                break
    return recorded(frames, rate)


@dataclass(frozen=True, eq=False)
class Moment:
    """What the camera and the capture saw together.

    Attributes
    ----------
    rgb : uint8 (H, W, 3), the picture
    points : float64 (478, 3), landmarks in its pixels; None where no face is seen
    frame : what the face does
    recorded_s : seconds recorded so far; None while nothing is recorded
    """

    rgb: np.ndarray
    points: np.ndarray | None
    frame: LiveFrame
    recorded_s: float | None


class LiveTake:
    """An actor before a camera, followed in a thread of its own until `stop`.

    Parameters
    ----------
    source : camera or video file, see `engines.capture.live.camera`
    show : called in that thread with this object and every `Moment`
    ended : called in that thread once the pictures end, with this object and what went wrong, or None
    face, landmarker, paced : as for `perform_live`
    """

    def __init__(
        self,
        source: str,
        show: Callable[[LiveTake, Moment], object],
        ended: Callable[[LiveTake, StudioError | None], object],
        *,
        face: int = 0,
        landmarker: str = "auto",
        paced: bool = True,
    ) -> None:
        self._source, self._show, self._ended = source, show, ended
        self._face, self._landmarker, self._paced = face, landmarker, paced
        self._cancel = CancelToken()
        self._lock = threading.Lock()
        self._frames: list[LiveFrame] | None = None
        self._again = False
        self._thread = threading.Thread(target=self._run, name="soliloquy-camera", daemon=True)

    def start(self) -> None:
        """Open the camera and look."""
        self._thread.start()

    def stop(self, wait_s: float = 5.0) -> None:
        """Close the camera; `ended` is called before this returns, unless a camera hangs longer than ``wait_s``."""
        self._cancel.cancel()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(wait_s)

    def calibrate(self) -> None:
        """Take the next second for the actor's rest: who it is, and what the face holds by itself."""
        with self._lock:
            self._again = True

    def record(self) -> None:
        """Begin to keep frames."""
        with self._lock:
            self._frames = []

    @property
    def recording(self) -> bool:
        return self._frames is not None

    def keep(self, rate: Fraction) -> Performance:
        """End the recording; returns it at ``rate``.

        Raises
        ------
        InputError
            When no face was seen while it ran, or nothing was recorded.
        """
        from engines.capture.live import recorded

        with self._lock:
            frames, self._frames = self._frames or [], None
        return recorded(frames, rate)

    def _run(self) -> None:
        problem: StudioError | None = None
        try:
            self._follow()
        except StudioError as error:
            problem = error
        except Exception as error:  # a thread has nobody to raise to
            log.exception("Live capture failed.")
            problem = EngineError(f"Live capture stopped unexpectedly ({type(error).__name__}: {error}). Start again.")
        self._ended(self, problem)

    def _follow(self) -> None:
        from engines.capture.landmarker import make_landmarker
        from engines.capture.live import LiveCapture, camera

        capture = LiveCapture(self._face, make_landmarker(self._landmarker))
        try:
            for time_s, rgb in camera(self._source, paced=self._paced):
                if self._cancel.cancelled:
                    return
                with self._lock:
                    again, self._again = self._again, False
                if again:
                    capture.restart()
                frame = capture.push(rgb, time_s)
                with self._lock:
                    since = None
                    if self._frames is not None:
                        self._frames.append(frame)
                        since = time_s - self._frames[0].time_s
                self._show(self, Moment(rgb, capture.points, frame, since))
        finally:
            capture.close()


def save_take(performance: Performance, folder: Path) -> Path:
    """Keep a recorded take as ``take DATE TIME.npz`` in a folder, which is made; never over another file.

    Raises
    ------
    StudioError
        When the folder or the file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The take cannot be kept in {folder}: {error.strerror or error}. Save the project somewhere else."
        ) from error
    name = datetime.now().strftime("take %Y-%m-%d %H.%M.%S")
    path, number = folder / f"{name}.npz", 2
    while path.exists():
        path, number = folder / f"{name} {number}.npz", number + 1
    write_curves(performance, [path], name)
    return path


def write_curves(performance: Performance, outputs: list[Path], name: str) -> list[Path]:
    """Write a captured performance to files whose endings choose the formats."""
    from app.export import Take, format_of, write

    written: list[Path] = []
    for path in outputs:
        head = None
        if format_of(path).kind == "scene":
            from engines.rig.head import load_head

            head = load_head().mesh
        written += write(Take(performance=performance, rate=performance.rate, name=name, head=head), path)
    return written
