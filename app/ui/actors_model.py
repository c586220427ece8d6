"""Trained actors and those in training, without Qt: what lies in the user's folder, and the processes that work on it.

A training is ``soliloquy train dae`` in a process of its own, so that the window never waits for it and nothing that
happens to the one harms the other. All that is known of it lies in ``ACTOR/work``: ``wish.json`` (what was asked for),
``told.jsonl`` (what the process said, a line each), ``errors.txt`` and ``progress.png``; a window that is opened later
finds it there and lets it go on.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from app.core.folders import read_json, write_atomic
from app.core.safety import process_alive
from app.ui.training_told import Said, said_in, why_it_died
from engines.diffusion_autoencoder import actor as actors
from engines.diffusion_autoencoder.actor import Card
from engines.diffusion_autoencoder.engine import actors_folder
from engines.diffusion_autoencoder.workshop import LIVE, SETTINGS
from engines.errors import InputError, ProjectError

State = Literal["ready", "training", "stopping", "paused", "failed", "elsewhere"]
SIZES: Final = (64, 96, 128)
MINUTES_A_THOUSAND: Final = 1.25
"""Of one processor core that does nothing else, to learn from 1000 pictures of 96 px."""
_WISH, _TOLD, _ERRORS, _PROCESS = "wish.json", "told.jsonl", "errors.txt", "process.json"
_CANCELLED: Final = 130
_SILENT_S: Final = 600.0
"""A process that has told nothing for so long is taken for another program that got its number."""


@dataclass(frozen=True)
class Effort:
    """How long is trained; ``lessons`` are frames that the rig draws, where there is a portrait alone."""

    name: str
    lessons: int
    pictures: int


EFFORTS: Final = (
    Effort("Quick look", 300, 3000),
    Effort("Good", 1200, 24000),
    Effort("Best", 2400, 60000),
)


@dataclass(frozen=True)
class Wish:
    """What actor is wanted; `engines.diffusion_autoencoder.bench.Order` explains the numbers."""

    source: str
    name: str
    size: int = 96
    lessons: int = 1200
    pictures: int = 24000
    device: str = "auto"

    def arguments(self, folder: Path) -> list[str]:
        """Of the command line."""
        return [
            "train", "dae", self.source, "-o", str(folder), "--name", self.name, "--size", str(self.size),
            "--lessons", str(self.lessons), "--pictures", str(self.pictures), "--device", self.device,
            "--progress", "json",
        ]  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """An actor, or one in the making.

    Attributes
    ----------
    card : of an actor that can be used; None before
    shipped : it came with Soliloquy
    message : why it failed, or what goes on
    source : what it is made from, where that is known
    picture : newest strip (seen frames, rig or closed form, network; four columns), if there is one
    """

    folder: Path
    name: str
    state: State
    card: Card | None = None
    shipped: bool = False
    said: Said = field(default_factory=Said)
    message: str = ""
    source: str = ""
    picture: Path | None = None
    changed_s: float = 0.0

    @property
    def portrait(self) -> Path:
        """Rendering this picture with the engine draws this actor."""
        return self.folder / actors.PORTRAIT


def minutes_on_a_core(size: int, pictures: int) -> float:
    """About how long training takes on one idle processor core; the work grows with the pixels."""
    return 2.0 + MINUTES_A_THOUSAND * pictures / 1000 * (size / 96) ** 2


def in_words(minutes: float) -> str:
    """A length of time for people, rounded as an estimate deserves."""
    if minutes < 60:
        return f"{max(5 * round(minutes / 5), 1) if minutes > 10 else max(1, round(minutes))} minutes"
    return f"{minutes / 60:.1f} hours"


def figures_of(card: Card) -> list[str]:
    """What a card measured, in words."""
    known, told = card.figures, []
    if "drawn_lips_db" in known:
        told.append(
            f"lips of unseen frames {known['drawn_lips_db']:.1f} dB (moved portrait {known['reference_lips_db']:.1f}), "
            f"face {known['drawn_db']:.1f} dB ({known['reference_db']:.1f})"
        )
    if "frames_taught" in known:
        told.append(f"{known['frames_taught']} frames, {known.get('minutes', 0)} min of training")
    speech = known.get("speech")
    if isinstance(speech, str):
        told.append(f"speech {speech}")
    elif speech:
        told.append("speaks as in the footage")
    return told


class Trainings:
    """The user's actors and the trainings that this window runs.

    Parameters
    ----------
    place : folder of the actors, default the engine's
    """

    def __init__(self, place: Path | None = None) -> None:
        self.place = place or actors_folder()
        self._running: dict[Path, subprocess.Popen[bytes]] = {}
        self._stopping: set[Path] = set()

    # --- looking ---

    def entries(self) -> list[Entry]:
        """What is there: trainings first, then actors, the newest first, then the one that came along."""
        found = [self._entry(f) for f in self.place.iterdir() if self._is_ours(f)] if self.place.is_dir() else []
        found.sort(key=lambda e: (e.state == "ready", -e.changed_s))
        if actors.is_actor(actors.SHIPPED):
            found.append(self._entry(actors.SHIPPED, shipped=True))
        return found

    @property
    def busy(self) -> bool:
        """Whether a training of this window runs."""
        return any(process.poll() is None for process in self._running.values())

    def _is_ours(self, folder: Path) -> bool:
        return actors.is_actor(folder) or any((folder / "work" / name).is_file() for name in (_WISH, SETTINGS))

    def _entry(self, folder: Path, shipped: bool = False) -> Entry:
        card, problem = None, ""
        if actors.is_actor(folder):
            try:
                card = actors.read_card(folder)
            except InputError as error:
                problem = str(error)
        work = folder / "work"
        wish = None if shipped else self.wish(folder)
        name = card.name if card else wish.name if wish else folder.name
        live, preview = work / LIVE, folder / actors.PREVIEW
        said = Said() if shipped else said_in(work / _TOLD)
        state, message = self._state(folder, card, said)
        if problem:
            state, message = "failed", problem
        newest = live if state != "ready" and live.is_file() else preview
        files = [f for f in (folder / actors.CARD, work / _TOLD, work / SETTINGS) if f.is_file()]
        return Entry(
            folder, name, state, card, shipped, said, message, wish.source if wish else "",
            newest if newest.is_file() else None, max((f.stat().st_mtime for f in files), default=0.0),
        )  # fmt: skip

    def _state(self, folder: Path, card: Card | None, said: Said) -> tuple[State, str]:
        process = self._running.get(folder)
        if process is not None and process.poll() is None:
            return ("stopping" if folder in self._stopping else "training"), said.what or "Starting"
        code = process.returncode if process is not None else None
        if process is None and _held_by_another(folder / "work"):
            return "elsewhere", said.what or "Trained by another window"
        if said.code == 0 or (card is not None and process is None and not said.error and not said.what):
            return "ready", ""
        if said.code == _CANCELLED or code == _CANCELLED:
            return "paused", "Stopped; what it has learnt is kept."
        if said.error:
            return "failed", said.error
        if code is None and not said.what:
            return "paused", "Begun, not finished."
        if folder in self._stopping:
            return "paused", "Stopped; what it had kept in the last minute is there."
        return "failed", why_it_died(code, folder / "work" / _ERRORS)

    def wish(self, folder: Path) -> Wish | None:
        """What was asked for, from the window or on the command line."""
        try:
            return Wish(**read_json(folder / "work" / _WISH))
        except (ProjectError, TypeError):
            pass
        try:
            data = read_json(folder / "work" / SETTINGS)
            return Wish(data["source"], folder.name, data["size"], data["lessons"], data["pictures"])
        except (ProjectError, KeyError, TypeError):
            return None

    # --- doing ---

    def begin(self, wish: Wish) -> Path:
        """Start to train; returns the actor's folder.

        Raises
        ------
        InputError
            When the wish lacks something, or its folder cannot be made.
        """
        if not wish.source or not Path(wish.source).exists():
            raise InputError(f"There is no file or folder {wish.source or 'yet'}. Choose a portrait, video or footage.")
        base = re.sub(r"[^\w.-]+", "-", wish.name).strip("-.") or "actor"
        folder, number = self.place / base, 2
        while folder.exists():
            folder, number = self.place / f"{base}-{number}", number + 1
        try:
            (folder / "work").mkdir(parents=True)
            write_atomic(folder / "work" / _WISH, json.dumps(asdict(wish), indent=1) + "\n")
        except (OSError, ProjectError) as error:
            raise InputError(f"The actor's folder {folder} cannot be made: {error}. Free some space.") from error
        self._start(wish, folder)
        return folder

    def resume(self, folder: Path, device: str = "auto") -> None:
        """Go on where a training stopped.

        Raises
        ------
        InputError
            When nothing in the folder says what was wanted, or somebody is at it.
        """
        wish = self.wish(folder)
        if wish is None:
            raise InputError(f"{folder} does not say what was wanted. Delete it and train anew.")
        if self._entry(folder).state in ("training", "stopping", "elsewhere"):
            raise InputError(f"'{wish.name}' is being trained already.")
        self._start(Wish(**{**asdict(wish), "device": device}), folder)

    def _start(self, wish: Wish, folder: Path) -> None:
        program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "app.cli"]
        work = folder / "work"
        self._stopping.discard(folder)
        more: dict[str, Any] = (
            {"creationflags": getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)}
            if sys.platform == "win32"
            else {"start_new_session": True}  # Ctrl-C in the window's terminal is not for the training
        )
        try:
            # Into files, not pipes: nobody has to listen, and what was said outlives the window.
            with (work / _TOLD).open("wb") as told, (work / _ERRORS).open("wb") as errors:
                process = subprocess.Popen(
                    [*program, *wish.arguments(folder)],
                    stdin=subprocess.DEVNULL, stdout=told, stderr=errors,
                    env={**os.environ, "PYTHONUNBUFFERED": "1"}, **more,
                )  # fmt: skip
            self._running[folder] = process
            write_atomic(work / _PROCESS, json.dumps({"pid": process.pid, "window": os.getpid()}) + "\n")
        except (OSError, ProjectError) as error:
            raise InputError(f"Training cannot be started: {error}. Free some space or memory.") from error
        if sys.platform != "win32":
            with contextlib.suppress(OSError):  # it has ended already, and says why itself
                os.setpriority(os.PRIO_PROCESS, process.pid, 10)  # the window comes first

    def cancel(self, folder: Path) -> None:
        """Ask a training of this window to stop and keep what it has; asked twice, it ends at once."""
        process = self._running.get(folder)
        if process is None or process.poll() is not None:
            return
        if folder in self._stopping:
            process.kill()
        else:
            self._stopping.add(folder)
            process.terminate()

    def delete(self, folder: Path) -> None:
        """Remove an actor and all that it was made from in its folder; the source stays.

        Raises
        ------
        InputError
            When it came with Soliloquy, is being trained, or cannot be removed.
        """
        if folder.resolve().parent != self.place.resolve():
            raise InputError(f"{folder} is not among the trained actors. It stays.")
        if self._entry(folder).state in ("training", "stopping", "elsewhere"):
            raise InputError("It is being trained. Stop it first.")
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise InputError(f"{folder} cannot be removed: {error}.") from error
        self._running.pop(folder, None)

    def close(self, wait_s: float = 5.0) -> None:
        """The window closes: every training keeps what it has and stops; the next window lets it go on."""
        for folder, process in self._running.items():
            if process.poll() is None and folder not in self._stopping:
                self._stopping.add(folder)
                process.terminate()
        until = time.monotonic() + wait_s
        for process in self._running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):  # it ends at its next step, without us
                process.wait(max(0.05, until - time.monotonic()))


def _held_by_another(work: Path) -> bool:
    """Whether a process that another window began still trains here."""
    try:
        data = read_json(work / _PROCESS)
        process, window = int(data["pid"]), int(data["window"])
        silent_s = time.time() - (work / _TOLD).stat().st_mtime
    except (ProjectError, OSError, KeyError, TypeError, ValueError):
        return False
    return window != os.getpid() and silent_s < _SILENT_S and process_alive(process)
