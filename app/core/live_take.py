"""A take that is acted before a camera: shown to whoever listens as it happens, and kept as a performance."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

from engines.api import CancelToken, Performance
from engines.errors import InputError


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
                tell(_STATES[frame.state])
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


_STATES = {
    "waiting": "Looking for a face.",
    "settling": "Hold still for a moment, lips closed, eyes open.",
    "live": "Live.",
    "lost": "The face is not seen.",
}


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
