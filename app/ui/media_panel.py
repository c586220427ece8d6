"""What the shot is made of: the portrait, the voice and imported motion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QSpinBox, QWidget

from app.core import commands, own_head
from app.ui import icons, theme
from app.ui.session import Session
from app.ui.timeline.waveform import Peaks
from app.ui.viewer import to_image
from app.ui.widgets import Panel, form_row, guard_wheel, heading, icon_button, muted, reason, set_reason


class MediaCard(QWidget):
    """One medium as a picture to click on, with its name below.

    Signals
    -------
    clicked : the artist wants to choose a file
    """

    clicked = Signal()

    def __init__(self, icon: str, empty: str, height: int) -> None:
        super().__init__()
        self._icon, self._empty = icon, empty
        self._picture: QPixmap | None = None
        self._peaks: Peaks | None = None
        self.setFixedHeight(height)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(empty)

    def set_picture(self, rgb: np.ndarray | None) -> None:
        self._picture = None
        if rgb is not None:
            image = to_image(np.ascontiguousarray(rgb[..., :3]))
            size = QSize(640, 640)
            self._picture = QPixmap.fromImage(
                image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
            )
        self.update()

    def set_peaks(self, peaks: Peaks | None) -> None:
        self._peaks = peaks
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        shape = QPainterPath()
        shape.addRoundedRect(box, 8, 8)
        painter.fillPath(shape, QColor(colors.canvas))
        painter.save()
        painter.setClipPath(shape)
        if self._picture is not None:
            self._paint_picture(painter, box)
        elif self._peaks is not None:
            self._paint_peaks(painter, box)
        else:
            self._paint_empty(painter, box)
        painter.restore()
        focus = self.hasFocus() or self.underMouse()
        painter.setPen(QColor(colors.accent if focus else colors.line))
        painter.drawPath(shape)
        painter.end()

    def _paint_picture(self, painter: QPainter, box: QRectF) -> None:
        assert self._picture is not None
        size = self._picture.size()
        scale = max(box.width() / size.width(), box.height() / size.height())
        width, height = box.width() / scale, box.height() / scale
        # The face is more often in the upper part than in the middle of a photo.
        source = QRectF((size.width() - width) / 2, (size.height() - height) * 0.35, width, height)
        painter.drawPixmap(box, self._picture, source)

    def _paint_peaks(self, painter: QPainter, box: QRectF) -> None:
        assert self._peaks is not None
        bars = int(box.width() // 3)
        low, high = self._peaks.columns(0, self._peaks.duration_s, bars)
        loud = np.sqrt(np.maximum(high, -low))
        color = QColor(theme.current().wave)
        for i, value in enumerate(loud):
            height = max(2.0, float(value) * (box.height() - 14))
            painter.fillRect(QRectF(3 + i * 3, box.center().y() - height / 2, 2, height), color)

    def _paint_empty(self, painter: QPainter, box: QRectF) -> None:
        colors = theme.current()
        icon = icons.pixmap(self._icon, colors.muted, 26, self.devicePixelRatioF())
        painter.drawPixmap(int(box.center().x() - 13), int(box.center().y() - 24), icon)
        painter.setPen(QColor(colors.muted))
        text = QRectF(box.left(), box.center().y() + 8, box.width(), 20)
        painter.drawText(text, Qt.AlignmentFlag.AlignCenter, self._empty)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)


class MediaPanel(Panel):
    """The left dock's first page.

    Signals
    -------
    wanted : ``portrait``, ``voice`` or ``curves``: the artist wants to choose a file
    """

    wanted = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._shown: np.ndarray | None = None
        self.setMinimumWidth(230)
        column = self.column
        column.addWidget(heading(self.tr("Portrait")))
        self.portrait = MediaCard("portrait", self.tr("Drop or choose a picture"), 168)
        self.portrait.clicked.connect(self._want_portrait)
        column.addWidget(self.portrait)
        self.portrait_name = muted("", wrap=True)
        self.portrait_problem = reason()
        self.portrait_problem.setObjectName("danger")
        column.addWidget(self.portrait_name)
        column.addWidget(self.portrait_problem)
        self.face = QSpinBox()
        self.face.setRange(1, 20)
        self.face.setToolTip(self.tr("Which face, counted from the largest"))
        guard_wheel(self.face)
        self.face.valueChanged.connect(self._on_face)
        self._face_row = QWidget()
        row = form_row(self.tr("Face"), self.face)
        row.setContentsMargins(0, 0, 0, 0)
        self._face_row.setLayout(row)
        column.addWidget(self._face_row)
        column.addWidget(heading(self.tr("Voice")))
        self.voice = MediaCard("voice", self.tr("Drop or choose a recording"), 72)
        self.voice.clicked.connect(self._want_voice)
        column.addWidget(self.voice)
        self.voice_name = muted("")
        self.voice_problem = reason()
        self.voice_problem.setObjectName("danger")
        column.addWidget(self.voice_name)
        column.addWidget(self.voice_problem)
        self._motion = QWidget()
        motion = QHBoxLayout(self._motion)
        motion.setContentsMargins(0, 0, 0, 0)
        self.motion_name = muted("")
        drop = icon_button("close", self.tr("Go back to the motion read from the voice"))
        drop.clicked.connect(self._drop_motion)
        motion.addWidget(self.motion_name, 1)
        motion.addWidget(drop)
        column.addWidget(self._motion)
        column.addStretch(1)
        session.project_changed.connect(self.reload)
        session.media_changed.connect(self.reload)
        session.speech_changed.connect(self.reload)
        self.reload()

    def reload(self, *_: object) -> None:
        session, project = self._session, self._session.project
        if session.portrait is not self._shown:
            self._shown = session.portrait
            self.portrait.set_picture(session.portrait)
        self.portrait_name.setText(Path(project.portrait).name if project.portrait else self.tr("No portrait yet"))
        self.portrait_name.setToolTip(project.portrait)
        problem = session.problems.get("portrait") or session.problems.get("prepare") or ""
        set_reason(self.portrait_problem, problem)
        self._face_row.setVisible(bool(project.portrait) and not own_head.is_head(project.portrait))
        self.face.blockSignals(True)
        self.face.setValue(project.face + 1)
        self.face.blockSignals(False)
        self.voice.set_peaks(session.peaks)
        name = Path(project.voice).name if project.voice else self.tr("No voice yet")
        if session.peaks is not None:
            name += f"  ({session.peaks.duration_s:.1f} s)"
        self.voice_name.setText(name)
        self.voice_name.setToolTip(project.voice)
        set_reason(self.voice_problem, session.problems.get("voice") or session.problems.get("analyse") or "")
        self._motion.setVisible(bool(project.performance))
        self.motion_name.setText(self.tr("Motion from %s") % Path(project.performance).name)

    def _on_face(self, number: int) -> None:
        project = self._session.project
        self._session.attempt(self.tr("Choose face"), commands.set_portrait, project.portrait, number - 1)

    def _drop_motion(self) -> None:
        self._session.attempt(self.tr("Motion from the voice"), commands.set_performance, "")

    def _want_portrait(self) -> None:
        self.wanted.emit("portrait")

    def _want_voice(self) -> None:
        self.wanted.emit("voice")
