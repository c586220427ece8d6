"""Actors of the diffusion autoencoder: what was trained, what is being trained, and training one more."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QHideEvent, QMouseEvent, QPixmap, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app.core import commands
from app.core.project import Project
from app.ui.actors_model import Entry, Trainings, figures_of
from app.ui.recovery import picture
from app.ui.session import Session
from app.ui.theme import SPACE
from app.ui.widgets import Panel, icon_button, muted
from app.ui.work import PORTRAITS
from engines.diffusion_autoencoder.actor import ENGINE
from engines.errors import StudioError

THUMB = 72
LOOK_MS = 500
_BUTTONS = {
    "ready": ("use", "reveal", "delete"), "training": ("reveal", "cancel"), "stopping": ("reveal", "cancel"),
    "paused": ("resume", "reveal", "delete"), "failed": ("resume", "reveal", "delete"), "elsewhere": ("reveal",),
}  # fmt: skip


def use_actor(project: Project, portrait: Path) -> Project:
    """The project drawn with an actor: its portrait and the engine that finds the actor beside it."""
    return commands.set_field(commands.set_portrait(project, str(portrait)), engine=ENGINE)


class ActorCard(QFrame):
    """One actor or training.

    Signals
    -------
    used : (folder, what) with what one of ``use``, ``reveal``, ``delete``, ``cancel``, ``resume``, ``look``
    """

    used = Signal(object, str)

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.setObjectName("card")
        self.entry = entry
        self._began = time.monotonic()
        self._pictured: Path | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 8, 10, 8)
        row.setSpacing(12)
        self.thumb = QLabel()
        self.thumb.setObjectName("thumb")
        self.thumb.setFixedSize(THUMB, THUMB)
        self.thumb.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row.addWidget(self.thumb, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(3)
        self.name = QLabel()
        self.name.setObjectName("heading")
        self.name.setIndent(0)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.state = muted("")
        self.state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.figures = muted("")
        for widget in (self.name, self.bar, self.state, self.figures):
            column.addWidget(widget)
        column.addStretch(1)
        row.addLayout(column, 1)
        self.use = QPushButton(self.tr("Use in this project"))
        self.use.setProperty("what", "use")
        self.buttons: dict[str, QWidget] = {"use": self.use}
        self.use.clicked.connect(self._on_button)
        row.addWidget(self.use, 0, Qt.AlignmentFlag.AlignTop)
        for what, icon, tip in (
            ("resume", "play", self.tr("Go on training")),
            ("cancel", "close", self.tr("Stop; what is done is kept")),
            ("reveal", "reveal", self.tr("Show in the file manager")),
            ("delete", "delete", self.tr("Delete this actor")),
        ):
            button = icon_button(icon, tip)
            button.setProperty("what", what)
            button.clicked.connect(self._on_button)
            self.buttons[what] = button
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self.show_entry(entry)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.used.emit(self.entry.folder, "look")

    def _on_button(self) -> None:
        self.used.emit(self.entry.folder, str(self.sender().property("what")))

    def show_entry(self, entry: Entry) -> None:
        if entry.state == "training" and self.entry.state not in ("training", "stopping"):
            self._began = time.monotonic()
        self.entry = entry
        active = entry.state in ("training", "stopping", "elsewhere")
        self.name.setText(entry.name)
        self.name.setToolTip(str(entry.folder))
        self.bar.setVisible(active or entry.state == "paused")
        self.bar.setValue(round(1000 * entry.said.part))
        self.bar.setAccessibleName(self.tr("Progress of %s") % entry.name)
        self._say(self._state_text(entry), "danger" if entry.state == "failed" else "muted")
        self.figures.setText(self._figures_text(entry))
        self.figures.setVisible(bool(self.figures.text()))
        for what, button in self.buttons.items():
            kept = entry.shipped and what == "delete"
            button.setVisible(what in _BUTTONS[entry.state] and not kept)
        self._show_picture(entry)

    def _say(self, text: str, look: str) -> None:
        self.state.setText(text)
        if self.state.objectName() != look:
            self.state.setObjectName(look)
            self.state.style().polish(self.state)

    def _state_text(self, entry: Entry) -> str:
        if entry.state == "stopping":
            return self.tr("Stopping; what it has learnt is being kept. Stop again to end it at once.")
        if entry.state == "training":
            seconds = round(time.monotonic() - self._began)
            return f"{entry.message} · {entry.said.part:.0%} · {seconds // 60}:{seconds % 60:02d}"
        if entry.state != "ready" or entry.card is None:
            return entry.message
        made = self.tr("made from %s") % entry.card.made_from
        parts = [made, f"{entry.card.network['config']['size']} px"]
        came = self.tr("came with Soliloquy")
        parts.append(came if entry.shipped else time.strftime("%d %b %Y, %H:%M", time.localtime(entry.changed_s)))
        return " · ".join(parts)

    def _figures_text(self, entry: Entry) -> str:
        if entry.card is not None and entry.state == "ready":
            return " · ".join(figures_of(entry.card))
        return entry.said.figures.replace("_", " ")

    def _show_picture(self, entry: Entry) -> None:
        source = Path(entry.source)
        path = next((p for p in (entry.portrait, source) if p.is_file() and p.suffix.lower() in PORTRAITS), None)
        if path is None or path == self._pictured:
            return
        self._pictured = path
        pixmap = picture(path, THUMB)
        if not pixmap.isNull():
            self.thumb.setPixmap(pixmap.copy((pixmap.width() - THUMB) // 2, 0, THUMB, THUMB))


class Strip(QLabel):
    """The newest pictures of an actor, as large as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("thumb")
        self.setMinimumSize(QSize(120, 90))
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._whole = QPixmap()
        self._shown: tuple[Path, float] | None = None

    def show_file(self, path: Path | None) -> None:
        """Show a picture file, if it is another or has changed."""
        key = None if path is None else (path, path.stat().st_mtime)
        if key == self._shown:
            return
        self._shown = key
        self._whole = QPixmap() if path is None else QPixmap(str(path))
        self._fit()

    def resizeEvent(self, event: object) -> None:
        self._fit()

    def _fit(self) -> None:
        if self._whole.isNull():
            self.clear()
            self.setText(self.tr("No pictures yet"))
            return
        ratio, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        self.setPixmap(self._whole.scaled(self.size() - QSize(4, 4), ratio, smooth))


class ActorsPanel(QWidget):
    """The dock.

    Signals
    -------
    wanted : the artist wants to train an actor
    notified : (title, message) when a training has ended
    """

    wanted = Signal()
    notified = Signal(str, str)

    def __init__(self, session: Session, trainings: Trainings | None = None, asks: bool = True) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session, self._asks = session, asks
        self.trainings = trainings or Trainings()
        self.cards: dict[Path, ActorCard] = {}
        self._looked: Path | None = None
        self.train = QPushButton(self.tr("Train an actor…"))
        self.train.setObjectName("primary")
        self.train.clicked.connect(self.wanted)
        self.note = muted(
            self.tr("An actor is one person, learnt by a small network. Training goes on beside your work.")
        )
        row = QHBoxLayout()
        row.addWidget(self.train)
        row.addWidget(self.note, 1)
        self.list = Panel()
        self.list.column.setContentsMargins(0, 0, SPACE, SPACE)
        self.list.column.addStretch(1)
        side = QWidget()
        beside = QVBoxLayout(side)
        beside.setContentsMargins(SPACE, 0, 0, SPACE)
        self.strip = Strip()
        self.caption = muted("")
        beside.addWidget(self.strip, 1)
        beside.addWidget(self.caption)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(self.list)
        split.addWidget(side)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setSizes([820, 460])
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 0)
        column.setSpacing(SPACE)
        column.addLayout(row)
        column.addWidget(split, 1)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.reload)

    def showEvent(self, event: QShowEvent) -> None:
        self.reload()
        self._timer.start()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        if not self.trainings.busy:
            self._timer.stop()
        super().hideEvent(event)

    def reload(self) -> None:
        """Show what is there now."""
        entries = self.trainings.entries()
        there = [entry.folder for entry in entries]
        for folder in [f for f in self.cards if f not in there]:
            card = self.cards.pop(folder)
            self.list.column.removeWidget(card)
            card.hide()
            card.deleteLater()
        for place, entry in enumerate(entries):
            if entry.folder in self.cards:
                card = self.cards[entry.folder]
                self._tell_end(card.entry, entry)
                card.show_entry(entry)
            else:
                card = self.cards[entry.folder] = ActorCard(entry)
                card.used.connect(self._on_used)
            if self.list.column.indexOf(card) != place:
                self.list.column.insertWidget(place, card)
        if self._looked not in there:
            self._looked = there[0] if there else None
        if self._looked is not None:
            self._look(self.cards[self._looked].entry)
        if not self.isVisible() and not self.trainings.busy:
            self._timer.stop()

    def _tell_end(self, before: Entry, now: Entry) -> None:
        if before.state not in ("training", "stopping") or now.state in ("training", "stopping"):
            return
        if now.state == "ready":
            self.notified.emit(self.tr("Actor trained"), now.name)
        elif now.state == "failed":
            self.notified.emit(self.tr("Training failed"), now.message)

    def _look(self, entry: Entry) -> None:
        self.strip.show_file(entry.picture)
        rows = self.tr(
            "%s: frames it has not seen, the portrait moved to match, what the network draws (top to bottom)"
        )
        self.caption.setText(rows % entry.name if entry.picture else entry.name)

    def begun(self, folder: Path) -> None:
        """A training was started: look at it."""
        self._looked = folder
        self._timer.start()
        self.reload()

    def _on_used(self, folder: Path, what: str) -> None:
        entry = self.cards[folder].entry
        try:
            if what == "use":
                self._session.attempt(self.tr("Use actor %s") % entry.name, use_actor, entry.portrait)
            elif what == "reveal":
                QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
            elif what == "cancel":
                self.trainings.cancel(folder)
            elif what == "resume":
                self.trainings.resume(folder, self._session.device)
                self.begun(folder)
            elif what == "delete":
                if self._sure(entry):
                    self.trainings.delete(folder)
            else:
                self._looked = folder
        except StudioError as error:
            self._session.told.emit(str(error), "error")
        self.reload()

    def _sure(self, entry: Entry) -> bool:
        if not self._asks:
            return True
        buttons = QMessageBox.StandardButton
        text = self.tr("Delete the actor '%s' and what it has learnt? This cannot be undone.") % entry.name
        if Path(self._session.project.portrait).parent == entry.folder:
            text += " " + self.tr("This project uses it, and would lose its portrait.")
        answer = QMessageBox.question(self, self.tr("Delete actor"), text, buttons.Yes | buttons.Cancel)
        return answer == buttons.Yes

    def close_panel(self) -> None:
        """The window closes: trainings keep what they have and stop."""
        self._timer.stop()
        self.trainings.close()
