"""Random keys, clicks, drags, commands, undo and junk files, for the test and for the long run by hand."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt, QThreadPool
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QInputDialog, QMenu, QMessageBox, QWidget

from app.core import project_file
from app.ui import widgets
from app.ui.timeline.rename import NameEdit
from app.ui.widgets import ValueSlider

KEYS = [
    Qt.Key.Key_Space, Qt.Key.Key_S, Qt.Key.Key_M, Qt.Key.Key_I, Qt.Key.Key_O, Qt.Key.Key_Left, Qt.Key.Key_Right,
    Qt.Key.Key_Delete, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_J, Qt.Key.Key_K, Qt.Key.Key_L, Qt.Key.Key_Tab,
    Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_7, Qt.Key.Key_Period,
]  # fmt: skip
MOST_THINGS = 300
LEFT_OUT = {"file.quit", "file.new", "file.open", "file.demo"}


class Monkey:
    """Picks what to do next."""

    def __init__(self, window: Any, folder: Path, media: list[Path], seed: int) -> None:
        self.random = random.Random(seed)
        self.window = window
        self.files = [*media, *self._junk(folder)]
        self.folder = folder

    def _junk(self, folder: Path) -> list[Path]:
        files = []
        for number, suffix in enumerate((".png", ".wav", ".csv", ".srt", ".soliloquy", ".txt", ".npz", ".TextGrid")):
            path = folder / f"junk{number}{suffix}"
            path.write_bytes(self.random.randbytes(200))
            files.append(path)
        good = folder / "words.srt"
        good.write_text("1\n00:00:00,100 --> 00:00:01,500\none more word\n")
        return [*files, good, folder / "missing.png"]

    def _place(self, widget: QWidget) -> QPoint:
        return QPoint(self.random.randrange(max(1, widget.width())), self.random.randrange(max(1, widget.height())))

    def _canvases(self) -> list[QWidget]:
        window = self.window
        found = [window.timeline.view, window.curves.canvas, window.viewer, window.presets.pad]
        return [widget for widget in found if widget.isVisible()]

    def click(self) -> None:
        button = self.random.choice([Qt.MouseButton.LeftButton] * 5 + [Qt.MouseButton.MiddleButton])
        modifier = self.random.choice([Qt.KeyboardModifier.NoModifier] * 3 + [Qt.KeyboardModifier.ShiftModifier])
        widget = self.random.choice(self._canvases())
        click = QTest.mouseDClick if self.random.random() < 0.2 else QTest.mouseClick
        click(widget, button, modifier, self._place(widget))

    def drag(self) -> None:
        widget = self.random.choice(self._canvases())
        start, end = self._place(widget), self._place(widget)
        QTest.mousePress(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
        for step in range(1, 4):
            QTest.mouseMove(widget, start + (end - start) * (step / 3))
        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)

    def key(self) -> None:
        QTest.keyClick(self.random.choice(self._canvases()), self.random.choice(KEYS))

    def hold(self) -> None:
        """Pause held down with a key of the shuttle, let go in any order or not at all."""
        view = self.window.timeline.view
        QTest.keyPress(view, Qt.Key.Key_K)
        QTest.keyClick(view, self.random.choice([Qt.Key.Key_J, Qt.Key.Key_L]))
        if self.random.random() < 0.9:
            QTest.keyRelease(view, Qt.Key.Key_K)

    def preset_file(self) -> None:
        """The menu of a preset; what is chosen there is left to chance."""
        kind, name = self.random.choice(list(self.window.presets._chips))
        self.window.presets.menu_wanted.emit(kind, name, QPoint(0, 0))

    def retype(self) -> None:
        """Type a word in where one was opened by a double click."""
        for edit in self.window.timeline.view.findChildren(NameEdit):
            QTest.keyClicks(edit, self.random.choice(["uh", "word", ""]))
            QTest.keyClick(edit, self.random.choice([Qt.Key.Key_Return, Qt.Key.Key_Escape]))

    def command(self) -> None:
        names = [name for name in self.window.actions_by_id if name not in LEFT_OUT]
        self.window.actions_by_id[self.random.choice(names)].trigger()

    def undo(self) -> None:
        for _ in range(self.random.randrange(1, 6)):
            self.window.actions_by_id[self.random.choice(("edit.undo", "edit.undo", "edit.redo"))].trigger()

    def file(self) -> None:
        self.window.session.add_file(self.random.choice(self.files))

    def slider(self) -> None:
        sliders = [slider for slider in self.window.inspector.findChildren(ValueSlider) if slider.isEnabled()]
        slider = self.random.choice(sliders).slider
        slider.setValue(self.random.randint(slider.minimum(), slider.maximum()))

    def preset(self) -> None:
        kind, name = self.random.choice(list(self.window.presets._chips))
        self.window.presets.chosen.emit(kind, name)

    def page(self) -> None:
        self.random.choice(list(self.window.docks.values())).raise_()
        self.window.left.setCurrentIndex(self.random.randrange(self.window.left.count()))
        self.window.inspector.setCurrentIndex(self.random.randrange(self.window.inspector.count()))

    def tidy(self) -> None:
        """Duplicating all again and again would double the project without end."""
        project = self.window.session.project
        keys = sum(len(curve.keys) for curve in project.curves)
        if len(project.emotions) + len(project.styles) + keys > MOST_THINGS:
            self.window.actions_by_id["edit.select_all"].trigger()
            self.window.actions_by_id["edit.delete"].trigger()

    def step(self) -> str:
        """Do one thing; returns its name."""
        self.tidy()
        weights = {
            self.click: 20, self.drag: 20, self.key: 16, self.command: 16, self.undo: 8, self.file: 2, self.slider: 8,
            self.preset: 6, self.page: 4, self.hold: 2, self.preset_file: 2, self.retype: 2,
        }  # fmt: skip
        chosen = self.random.choices(list(weights), list(weights.values()))[0]
        chosen()
        return chosen.__name__


def answer_questions(monkeypatch: pytest.MonkeyPatch, folder: Path, seed: int) -> None:
    """Menus and dialogs answer themselves; what they do is tested elsewhere."""
    chance = random.Random(seed)

    def choose(menu: QMenu, _: QPoint) -> Any:
        entries = [action for action in menu.actions() if action.data() is not None]
        return chance.choice([*entries, None]) if entries else None

    target = str(folder / "monkey.soliloquy")

    def close(dialog: QDialog) -> bool:
        dialog.reject()
        dialog.deleteLater()
        return False

    monkeypatch.setattr(widgets, "run_menu", choose)
    monkeypatch.setattr(widgets, "run_dialog", close)
    monkeypatch.setattr(QDialog, "exec", lambda dialog: close(dialog) and 0)  # those that came another way
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda *_: True)
    monkeypatch.setattr(QMessageBox, "about", lambda *_: None)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (target, ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: (chance.choice(["jawOpen", "browInnerUp", "no"]), True))
    monkeypatch.setattr(
        QInputDialog, "getText", lambda *_, **__: (f"Own {chance.randrange(20)}", chance.random() < 0.5)
    )


def running_threads() -> set[str]:
    """Names of the threads that Python knows, and of Qt's pool if it works."""
    names = {thread.name for thread in threading.enumerate()}
    return names | ({"Qt's thread pool"} if QThreadPool.globalInstance().activeThreadCount() else set())


def let_window_work() -> None:
    """Handle what waits, and delete what was told to go: without ``exec`` Qt keeps such things for ever."""
    QApplication.processEvents()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def check_project(session: Any, path: Path) -> None:
    """What was made can be saved, read, undone to the start and redone to the same."""
    project_file.save(session.project, path)
    assert project_file.load(path) == session.project
    position = session.history.position
    while session.history.can_undo:
        session.undo()
    while session.history.position < position:
        session.redo()
    QApplication.processEvents()
    assert project_file.load(path) == session.project
