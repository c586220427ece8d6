"""The open project and what is known of it: where it lies, what is selected, what was made of it, how it is edited.

Nothing here starts work or waits; `app.ui.session.Session` does what an edit makes necessary.
"""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.core import commands, own_head
from app.core.history import History
from app.core.project import Phone, Project
from app.ui import captions, work
from app.ui.timeline.edits import NONE, Selection
from app.ui.timeline.waveform import Peaks
from engines.api import Performance
from engines.errors import InputError, StudioError
from engines.timebase import parse_rate

if TYPE_CHECKING:
    from app.core.passes.heard import Mood
    from engines.speech.analysis import SpeechAnalysis

EMPTY_FRAMES = 125
"""Length of the timeline while there is no voice."""


class Document(QObject):
    """See the module.

    Signals
    -------
    project_changed : an `app.core.history.Change`
    media_changed : the portrait's picture or the voice's sound is there (or gone)
    motion_changed : a new performance
    speech_changed : words and phones are there
    playhead_changed, selection_changed
    told : (message, level) with level ``info`` or ``error``
    """

    project_changed = Signal(object)
    media_changed = Signal()
    motion_changed = Signal()
    speech_changed = Signal()
    playhead_changed = Signal(int)
    selection_changed = Signal()
    told = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.history = History()
        self.path: Path | None = None
        self.playhead = 0
        self.selection: Selection = NONE
        self.portrait: np.ndarray | None = None
        self.actor: Any = None
        self.samples: np.ndarray | None = None
        self.sample_rate = 16000
        self.peaks: Peaks | None = None
        self.spectrum: np.ndarray | None = None
        self.speech: SpeechAnalysis | None = None
        self.mood: Mood | None = None
        self._words: tuple[Phone, ...] = ()
        self._phones: tuple[Phone, ...] = ()
        self.performance: Performance | None = None
        self.take: Hashable = None
        self._dragging = False

    # --- what panels read ---

    @property
    def project(self) -> Project:
        return self.history.project

    @property
    def rate(self) -> Fraction:
        return parse_rate(self.project.rate)

    @property
    def total(self) -> int:
        """Frames of the shot."""
        if self.performance is not None:
            return len(self.performance)
        if self.peaks is not None:
            return max(1, int(np.ceil(self.peaks.duration_s * self.rate - 1e-9)))
        return EMPTY_FRAMES

    @property
    def range(self) -> tuple[int, int]:
        """First frame and end (exclusive) between the in and out points."""
        start = min(self.project.in_frame or 0, self.total - 1)
        stop = self.total if self.project.out_frame is None else min(self.total, self.project.out_frame + 1)
        return start, max(stop, start + 1)

    def words(self) -> tuple[Phone, ...]:
        return self.project.speech.words or self._words

    def phones(self) -> tuple[Phone, ...]:
        return self.project.speech.phones or self._phones

    # --- changing ---

    def do(self, name: str, project: Project, merge: Hashable | None = None) -> bool:
        """Make ``project`` the next state; see `History.do`."""
        self._dragging = merge is not None
        return self.history.do(name, project, merge)

    def edit_ended(self) -> None:
        """A drag is over: the next edit is its own step."""
        self.history.end_merge()
        self._dragging = False

    def attempt(self, name: str, make: Any, /, *arguments: Any, **fields: Any) -> bool:
        """Do the command ``make(project, ...)``; what it refuses is told, not raised."""
        try:
            return self.do(name, make(self.project, *arguments, **fields))
        except StudioError as error:
            self.told.emit(str(error), "error")
            return False

    def undo(self) -> None:
        name = self.history.undo()
        if name:
            self.told.emit(self.tr("Undone: %s") % name, "info")

    def redo(self) -> None:
        name = self.history.redo()
        if name:
            self.told.emit(self.tr("Redone: %s") % name, "info")

    def open(self, project: Project, path: Path | None, saved: bool = True) -> None:
        """Work on another project."""
        self.path = path
        self.playhead, self.selection = 0, NONE
        self.history.reset(project, saved)
        self.playhead_changed.emit(0)
        self.selection_changed.emit()

    def select(self, selection: Selection) -> None:
        if selection != self.selection:
            self.selection = selection
            self.selection_changed.emit()

    def seek(self, frame: int, draft: bool = False) -> None:
        """Put the playhead on a frame.

        Parameters
        ----------
        draft : it is only on its way, as while scrubbing
        """
        frame = int(min(max(0, frame), self.total - 1))
        if frame != self.playhead:
            self.playhead = frame
            self.playhead_changed.emit(frame)

    # --- media by file ---

    def add_file(self, path: Path, kind: str = "") -> str:
        """Use a file for what it is: `portrait`, `voice`, `curves`, `words`, `names` or nothing if it is unknown.

        A 3D file may be a head or motion: it is the portrait where there is none yet or where nothing moves in it.

        Parameters
        ----------
        kind : what the artist chose it for; default: as its ending and content say
        """
        if not kind:
            kind = work.kind_of(path)
            if kind == "curves" and own_head.is_names(path):
                kind = "names"
            elif kind == "curves" and own_head.meant_as_head(path, bool(self.project.portrait)):
                kind = "portrait"
        if kind == "portrait":
            self.attempt(self.tr("Choose portrait"), commands.set_portrait, str(path))
        elif kind == "voice":
            self.attempt(self.tr("Choose voice"), commands.set_voice, str(path))
        elif kind == "curves":
            self.attempt(self.tr("Import curves"), commands.set_performance, str(path))
        elif kind == "names":
            self.attempt(self.tr("Choose names of shapes"), commands.set_unit_names, str(path))
        elif kind == "words":
            self._import_words(path)
        elif not kind:
            error = InputError(
                f"{path.name} is no kind of file that Soliloquy can use. Drop a picture, a 3D head, a recording, "
                "a video, animation curves, subtitles or a project."
            )
            self.told.emit(str(error), "error")
        return kind

    def _import_words(self, path: Path) -> None:
        try:
            words, phones = captions.read(path)
        except StudioError as error:
            self.told.emit(str(error), "error")
            return
        speech = self.project.speech
        text = " ".join(word.label for word in words)
        changed = commands.set_text(self.project, text or speech.text)
        changed = commands.adopt_speech(changed, words, phones or self.phones())
        self.do(self.tr("Import words"), changed)
