"""Opening, saving, importing, exporting, and never losing work."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QAction, QCursor
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox

from app.core import commands, own_presets, project_file, safety
from app.core.folders import read_json
from app.core.project import Project
from app.export import Take, write
from app.ui import widgets, work
from app.ui.controllers.consent import ConsentController
from app.ui.export_dialog import ExportDialog
from engines.api import Performance
from engines.errors import StudioError

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow

ASSETS = Path(__file__).resolve().parents[3] / "assets"
AUTOSAVE_MS = 1500


def _patterns(suffixes: frozenset[str]) -> str:
    return " ".join(f"*{suffix}" for suffix in sorted(suffixes))


class FileController(QObject):
    """Handlers of the menu File; autosave and the project's lock."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window, self.session = window, window.session
        self._consent = ConsentController(window)
        self._autosave = safety.Autosave()
        self._lock: safety.Lock | None = None
        # Writing and syncing a file can take long on a slow disk, so it has a thread of its own.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="soliloquy-autosave")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(AUTOSAVE_MS)
        self._timer.timeout.connect(self._write_autosave)
        self.session.project_changed.connect(self._on_change)

    def handlers(self) -> dict[str, Callable[..., object]]:
        return {
            "file.new": self.new, "file.open": self.open, "file.demo": self.demo, "file.portrait": self.portrait,
            "file.voice": self.voice, "file.curves": self.curves, "file.captions": self.captions,
            "file.save": self.save, "file.save_as": self.save_as, "file.collect": self.collect,
            "direct.capture": self.capture,
            "file.consent": self._consent.edit, "file.export": self.export, "file.export_words": self.export_words,
            "file.quit": self.window.close,
        }  # fmt: skip

    # --- choosing files ---

    def choose(self, kind: str, title: str, filters: str) -> Path | None:
        """Ask for a file to read."""
        start = self.window.preferences.folder(kind)
        name, _ = QFileDialog.getOpenFileName(self.window, title, start, filters)
        if not name:
            return None
        self.window.preferences.set_folder(kind, Path(name))
        return Path(name)

    def target(self, kind: str, title: str, name: str, filters: str) -> Path | None:
        """Ask for a file to write."""
        start = self.window.preferences.folder(kind)
        chosen, _ = QFileDialog.getSaveFileName(self.window, title, str(Path(start) / name), filters)
        if not chosen:
            return None
        self.window.preferences.set_folder(kind, Path(chosen))
        return Path(chosen)

    # --- File ---

    def new(self) -> None:
        if self.may_close():
            self._leave()
            self.session.open(Project(), None)

    def open(self) -> None:
        kinds = work.PORTRAITS | work.SOUNDS | work.VIDEOS | work.CURVES | work.WORDS | {project_file.SUFFIX}
        filters = self.tr("Everything usable (%s);;Projects (*%s);;All files (*)") % (
            _patterns(frozenset(kinds)),
            project_file.SUFFIX,
        )
        path = self.choose("project", self.tr("Open"), filters)
        if path is not None:
            self.take([path])

    def take(self, paths: list[Path], kind: str = "") -> None:
        """Use files that were chosen, dropped or given on the command line, whatever they are.

        Parameters
        ----------
        kind : what 3D files are meant as, which may be heads or motion; default: as their content says
        """
        for path in paths:
            if path.suffix.lower() == project_file.SUFFIX:
                self.open_project(path)
            elif path.suffix.lower() == ".toml":
                self.window.preset_files.install(path)
            elif path.is_dir():
                self.take(sorted(p for p in path.iterdir() if work.kind_of(p))[:8])
            elif path.suffix.lower() in work.VIDEOS and self.window.asks:
                self._take_video(path.resolve())
            else:
                self._use(path, kind)

    def _take_video(self, path: Path) -> None:
        """A video can give its sound, its motion, or both."""
        menu = QMenu(self.window)
        for text, what in (
            (self.tr("Use its sound as the voice"), "voice"),
            (self.tr("Use its face as the motion"), "motion"),
            (self.tr("Use both"), "both"),
        ):
            menu.addAction(text).setData(what)
        chosen = widgets.run_menu(menu, QCursor.pos())
        what = "" if chosen is None else chosen.data()
        project = self.session.project
        if what in ("voice", "both"):
            project = commands.set_voice(project, str(path))
        if what in ("motion", "both"):
            project = commands.set_performance(project, str(path))
        self.session.do(self.tr("Use video"), project)

    def capture(self) -> None:
        """Motion from a filmed face instead of from the voice."""
        path = self.choose("video", self.tr("Motion from video"), self.tr("Videos (%s)") % _patterns(work.VIDEOS))
        if path is not None:
            self.session.attempt(self.tr("Motion from video"), commands.set_performance, str(path.resolve()))

    def open_project(self, path: Path) -> None:
        if not self.may_close():
            return
        try:
            project = project_file.load(path)
        except StudioError as error:
            self.session.told.emit(str(error), "error")
            return
        self._leave()
        lock = safety.Lock(path)
        holder = lock.acquire()
        self._lock = lock
        if holder:
            self.session.told.emit(
                self.tr("%s is open in %s. What you save here may overwrite its changes.") % (path.name, holder),
                "error",
            )
        if own_presets.arrive(project, path.resolve().parent):
            self.window.preset_files.refresh()
        self.session.open(self._relinked(project, path), path.resolve())
        self.window.preferences.add_recent(path)
        self.window.fill_recent()

    def _relinked(self, project: Project, path: Path) -> Project:
        """Missing media looked for beside the project, then where the artist says."""
        missing = project_file.missing_media(project)
        if not missing:
            return project
        project = project_file.relink(project, path.resolve().parent)
        missing = project_file.missing_media(project)
        if not missing:
            return project
        names = ", ".join(sorted(p.name for p in missing.values()))
        question = self.tr("%s cannot be found.\nChoose the folder that holds it?") % names
        buttons = QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No
        if (
            QMessageBox.question(self.window, self.tr("Missing media"), question, buttons)
            == QMessageBox.StandardButton.Yes
        ):
            folder = QFileDialog.getExistingDirectory(self.window, self.tr("Folder with the missing media"))
            if folder:
                project = project_file.relink(project, Path(folder))
        return project

    def demo(self) -> None:
        """The portrait and voice that come with the program."""
        portrait = next(iter(sorted((ASSETS / "demo").glob("portrait.*"))), None)
        voice = ASSETS / "demo" / "voice.wav"
        if portrait is None or not voice.is_file():
            self.session.told.emit(self.tr("The demo files are not part of this installation."), "error")
            return
        if not self.may_close():
            return
        self._leave()
        text = voice.with_suffix(".txt")
        project = commands.set_portrait(Project(name="Demo"), str(portrait))
        project = commands.set_voice(
            project, str(voice), text.read_text(encoding="utf-8").strip() if text.exists() else ""
        )
        shot = ASSETS / "demo" / "demo.soliloquy"
        if shot.is_file():
            project = project.with_(consents=project_file.load(shot).consents)
        self.session.open(project, None)

    def portrait(self) -> None:
        kinds = _patterns(work.PORTRAITS | work.HEADS)
        self._add("portrait", self.tr("Choose portrait"), self.tr("Pictures and 3D heads (%s)") % kinds)

    def voice(self) -> None:
        kinds = _patterns(work.SOUNDS | work.VIDEOS)
        self._add("voice", self.tr("Choose voice"), self.tr("Recordings and videos (%s)") % kinds)

    def curves(self) -> None:
        self._add("curves", self.tr("Import curves"), self.tr("Animation curves (%s)") % _patterns(work.CURVES))

    def captions(self) -> None:
        self._add("words", self.tr("Import words"), self.tr("Subtitles and TextGrid (%s)") % "*.srt *.vtt *.TextGrid")

    def _add(self, kind: str, title: str, filters: str) -> None:
        path = self.choose(kind, title, filters)
        if path is not None:
            self._use(path, kind)

    def _use(self, path: Path, kind: str) -> None:
        # A 3D file may be a head or motion; of other files their ending says what they are.
        self.session.add_file(path.resolve(), kind if path.suffix.lower() in work.HEADS else "")

    def save(self) -> bool:
        """Save under the project's name, asking for one if it has none."""
        if self.session.path is None:
            return self.save_as()
        return self._save(self.session.path)

    def save_as(self) -> bool:
        name = (self.session.project.name or "Untitled") + project_file.SUFFIX
        path = self.target("project", self.tr("Save project"), name, f"Soliloquy (*{project_file.SUFFIX})")
        if path is None:
            return False
        if path.suffix.lower() != project_file.SUFFIX:
            path = path.with_name(path.name + project_file.SUFFIX)
        return self._save(path)

    def _save(self, path: Path) -> bool:
        session = self.session
        project = session.project
        if project.name == "Untitled":
            session.do(self.tr("Name project"), project.with_(name=path.stem))
            project = session.project
        try:
            safety.save_project(project, path)
        except StudioError as error:
            session.told.emit(str(error), "error")
            return False
        if session.path != path.resolve():
            self._release()
            self._lock = safety.Lock(path)
            self._lock.acquire()
            session.path = path.resolve()
        session.history.mark_saved(project)
        self._timer.stop()
        self._writer.submit(self._autosave.discard)
        self.window.preferences.add_recent(path)
        self.window.fill_recent()
        self.window.refresh_title()
        session.told.emit(self.tr("Saved %s") % path.name, "info")
        return True

    def collect(self) -> None:
        folder = QFileDialog.getExistingDirectory(self.window, self.tr("Collect files in a folder"))
        if not folder:
            return
        try:
            path = project_file.collect(self.session.project, Path(folder))
        except StudioError as error:
            self.session.told.emit(str(error), "error")
            return
        self.session.told.emit(self.tr("Collected everything in %s") % path.parent, "info")

    def export(self) -> None:
        """Ask what to write and put it in the queue."""
        if not self.session.project.voice and not self.session.project.performance:
            self.session.told.emit(
                self.tr("There is nothing to export yet: add a portrait and a voice first."), "error"
            )
            return
        dialog = ExportDialog(self.session, self.window.preferences, self.window)
        dialog.menu_wanted.connect(self.window.preset_files.menu)
        if widgets.run_dialog(dialog):
            request = self._consent.asked(dialog.request())
            if request is not None:
                self.window.queue.add(request)
                self.window.show_queue()

    def export_words(self) -> None:
        session = self.session
        if not session.words():
            session.told.emit(self.tr("There are no words yet: add a voice first."), "error")
            return
        path = self.target(
            "words", self.tr("Export words"), session.project.name + ".srt", "SRT (*.srt);;TextGrid (*.TextGrid)"
        )
        if path is None:
            return
        motion = session.performance or Performance.rest(session.total, session.rate)
        take = Take(motion, session.rate, words=session.words(), phones=session.phones(), name=session.project.name)
        try:
            write(take, path)
        except StudioError as error:
            session.told.emit(str(error), "error")

    # --- safety ---

    def fill_backups(self, menu: QMenu) -> None:
        """Earlier saved versions of the open project, the newest first."""
        menu.clear()
        path = self.session.path
        for saved, file in safety.backups(path) if path is not None else []:
            action = menu.addAction(time.strftime("%d %b %Y, %H:%M:%S", time.localtime(saved)))
            action.setData(str(file))
            action.triggered.connect(self._on_backup)
        if menu.isEmpty():
            menu.addAction(self.tr("None yet")).setEnabled(False)

    def _on_backup(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.restore(Path(str(action.data())))

    def restore(self, backup: Path) -> None:
        """Go back to an earlier version, as a step that can be undone."""
        path = self.session.path
        try:
            project = project_file.from_data(read_json(backup), backup.name)
        except StudioError as error:
            self.session.told.emit(str(error), "error")
            return
        if path is not None:  # its media are relative to the project, not to where the backup lies
            there = {name: getattr(project, name) for name in project_file.PATH_FIELDS if getattr(project, name)}
            project = project.with_(**{name: str((path.parent / value).resolve()) for name, value in there.items()})
        self.session.do(self.tr("Go back to an earlier version"), project)

    def recover(self, recovery: safety.Recovery) -> None:
        """Take up what a crash left; it counts as unsaved, and its file goes once it is saved again or autosaved."""
        self._leave()
        self.session.open(recovery.project, recovery.path, saved=False)
        self._writer.submit(self._autosave.save, recovery.project, recovery.path)
        self._writer.submit(safety.forget, recovery)
        self.session.told.emit(self.tr("Recovered '%s'. Save it to keep it.") % recovery.project.name, "info")

    def may_close(self) -> bool:
        """Ask to save what would be lost; whether to go on."""
        if not self.session.history.dirty or not self.window.asks:
            return True
        box = QMessageBox(self.window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle(self.tr("Unsaved changes"))
        box.setText(self.tr("Save the changes to '%s'?") % self.session.project.name)
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        answer = box.exec()
        box.deleteLater()
        if answer == buttons.Save:
            return self.save()
        return answer == buttons.Discard

    def _on_change(self, change: object) -> None:
        if self.session.history.dirty:
            if not self._timer.isActive():  # not restarted by further edits: the file is never older than the interval
                self._timer.start()
        else:
            self._timer.stop()

    def _write_autosave(self) -> None:
        self._writer.submit(self._autosave.save, self.session.project, self.session.path)

    def _leave(self) -> None:
        """The open project is given up."""
        self._timer.stop()
        self._writer.submit(self._autosave.discard)
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def close(self) -> None:
        """The window closes in good order: nothing is left to recover."""
        self._leave()
        self._writer.shutdown(wait=True)
