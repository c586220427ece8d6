"""Exports of pictures that go on where they were killed, without drawing a finished frame again.

Videos are encoded in segments that are joined without encoding again; picture sequences gather in the same segments.
Drawn frames of the current segment are kept in a journal until the segment is complete, so what is on disk is bounded
however long the shot is.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from app.core import folders
from app.core.cache import content_key
from app.core.safety import process_alive
from engines.api import CancelToken, Progress
from engines.errors import ExportError

if TYPE_CHECKING:
    from app.export import ExportOptions, Take

RESUME_VERSION: Final = 3
JOURNAL_BYTES: Final = 256 << 20
SEGMENT_FRAMES: Final = (25, 250)
"""Fewest and most frames of a segment; between them as many as fit a journal of `JOURNAL_BYTES`."""
KEEP_S: Final = 14 * 86400.0
"""Unfinished exports older than this are removed."""


def write_drawn(
    take: Take,
    draw: Callable[[int, int], Iterator[np.ndarray]],
    paths: Sequence[Path],
    options: ExportOptions,
    key: str,
    progress: Progress,
    cancel: CancelToken | None,
) -> list[Path]:
    """Write a take to videos and picture sequences; each frame is drawn once for all of them.

    Parameters
    ----------
    draw : makes the pictures of frames ``start`` to ``stop``, counted from the first of the take
    key : names everything that decides the pixels of the take (engine, portrait, performance, size ...); work that an
        earlier, killed export left under the same key is taken up

    Raises
    ------
    ExportError, Cancelled
        As `app.export.write`; finished segments stay for the next try.
    """
    from app.export import write

    folder = _work_folder(content_key(RESUME_VERSION, key))
    width, height = take.size or (1920, 1080)
    length = int(np.clip(JOURNAL_BYTES // (width * height * 4), *SEGMENT_FRAMES))
    count = len(take)
    outputs = [_Output(path, options, folder) for path in paths]
    silent = replace(options, sound=False, sign=False)
    try:
        for start in range(0, count, length):
            stop = min(start + length, count)
            journal = Journal(folder / f"{start:08d}.frames")
            pictures = partial(journal.through, partial(_from, draw, start, stop), stop - start)
            motion = take.motion.slice(start, stop)
            piece = replace(take, performance=motion, frames=pictures, voice=None, start=take.start + start)
            for number, output in enumerate(outputs):
                segment = output.segment(start, stop - start)
                if not segment.exists():
                    done, share = (start + (stop - start) * number / len(outputs)) / count, (stop - start) / count
                    watched = _watched(progress, done, share / len(outputs))
                    output.write(partial(write, piece), segment, silent, watched, cancel)
            journal.remove()
            progress(stop / count, "Drawing")
        written = [file for output in outputs for file in output.finish(take)]
    finally:
        _unlock(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return written


class _Output:
    """One file, or one sequence of pictures, in the making: its segments in the work folder."""

    def __init__(self, path: Path, options: ExportOptions, folder: Path) -> None:
        from app.export import format_of

        self._path, self._options, self._folder = path, options, folder
        self._video = format_of(path, options).kind == "video"
        self._mark = content_key(options, path.name if not self._video else path.suffix.lower())[:12]
        self._segments: list[tuple[Path, int]] = []

    def segment(self, start: int, frames: int) -> Path:
        """Where the segment that starts at a frame is or will be: a video, or a folder of pictures."""
        suffix = self._path.suffix.lower() if self._video else ""
        segment = self._folder / f"{start:08d}-{self._mark}{suffix}"
        self._segments.append((segment, frames))
        return segment

    def write(
        self,
        write: Callable[..., list[Path]],
        segment: Path,
        options: ExportOptions,
        progress: Progress,
        cancel: CancelToken | None,
    ) -> None:
        """Make one segment; it appears when it is complete."""
        if self._video:
            write(segment, options, progress, cancel)
            return
        part = segment.with_name(segment.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        write(part / self._path.name, options, progress, cancel)
        part.rename(segment)

    def finish(self, take: Take) -> list[Path]:
        """Put the segments together under the final name."""
        from app.export.files import atomic_folder
        from app.export.join import join

        if self._video:
            return join(self._segments, take, self._path, self._options)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        names: list[str] = []
        with atomic_folder(self._path) as folder:
            for segment, _ in self._segments:
                for file in sorted(segment.iterdir()):
                    shutil.move(file, folder / file.name)
                    names.append(file.name)
        return [self._path.parent / name for name in names]


def _watched(progress: Progress, done: float, share: float) -> Progress:
    return lambda part, what: progress(done + share * part, what)


def _from(draw: Callable[[int, int], Iterator[np.ndarray]], start: int, stop: int, kept: int) -> Iterator[np.ndarray]:
    return draw(start + kept, stop)


class Journal:
    """Frames on disk in the order they were drawn; a half-written or damaged tail is ignored.

    Parameters
    ----------
    path : its file, which may be there from a killed export
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Iterator[np.ndarray]:
        """The frames that are whole : uint8 (H, W, C)."""
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            while len(head := file.readline(200)) > 0:
                try:
                    shape, check = json.loads(head)
                except ValueError:
                    return
                data = file.read(int(np.prod(shape)))
                if len(data) < int(np.prod(shape)):
                    return
                frame = np.frombuffer(data, np.uint8).reshape(shape)
                if _check(frame) != check:
                    return
                yield frame

    def through(self, draw: Callable[[int], Iterator[np.ndarray]], count: int) -> Iterator[np.ndarray]:
        """The frames kept, then those that ``draw(number kept)`` makes, which are kept as they come.

        A disk too full for the journal ends the keeping, not the export.
        """
        kept, end = 0, 0
        for frame in self.read():
            if kept == count:
                return
            yield frame
            kept += 1
            end += frame.nbytes + len(_head(frame))
        if kept == count:
            return
        file = None
        try:
            with contextlib.suppress(OSError):
                file = self._path.open("r+b" if self._path.exists() else "w+b", buffering=0)
                file.truncate(end)
                file.seek(end)
            for frame in draw(kept):
                if file is not None:
                    try:
                        # At once and unbuffered: each call gives the interpreter away to the threads that draw.
                        file.write(_head(frame) + np.ascontiguousarray(frame).data)
                    except OSError:
                        file = None
                yield frame
        finally:
            if file is not None:
                file.close()

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def _head(frame: np.ndarray) -> bytes:
    return json.dumps([list(frame.shape), _check(frame)]).encode() + b"\n"


def _check(frame: np.ndarray) -> int:
    """A checksum of a sample of the pixels, several in each page of a disk: lost pages show, and it takes no time."""
    return zlib.crc32(frame.reshape(-1)[::509].tobytes())


def _work_folder(key: str) -> Path:
    """The folder of an export; another one if a running process uses it."""
    root = folders.state() / "exports"
    now = time.time()
    try:
        root.mkdir(exist_ok=True)
        for old in root.iterdir():
            if now - old.stat().st_mtime > KEEP_S:
                shutil.rmtree(old, ignore_errors=True)
        folder = root / key
        if _locked(folder):
            folder = root / f"{key}-{os.getpid()}"
        folder.mkdir(exist_ok=True)
        (folder / "lock").write_text(json.dumps([socket.gethostname(), os.getpid()]))
    except OSError as error:
        raise ExportError(f"{root} cannot be written: {error.strerror or error}. Free some space.") from error
    return folder


def _locked(folder: Path) -> bool:
    try:
        host, pid = json.loads((folder / "lock").read_text())
    except (OSError, ValueError):
        return False
    return bool(host == socket.gethostname() and process_alive(pid))


def _unlock(folder: Path) -> None:
    with contextlib.suppress(OSError):
        (folder / "lock").unlink(missing_ok=True)


def unfinished() -> list[Path]:
    """Folders of exports that can be resumed."""
    root = folders.state() / "exports"
    return [f for f in root.iterdir() if not _locked(f)] if root.is_dir() else []
