"""The picture: the playhead's frame, comparison, overlays, and handles that pose the face."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFont,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.ui import icons, theme
from app.ui.viewer_model import FacePoints, ViewTransform
from app.ui.viewer_painting import draw_checkers, draw_label, draw_safe_areas

HANDLES = ("head", "roll", "eyes", "browLeft", "browRight", "mouthLeft", "mouthRight", "jaw")


def to_image(rgb: np.ndarray) -> QImage:
    """A picture that Qt can draw.

    Parameters
    ----------
    rgb : uint8 (H, W, 3) or (H, W, 4) straight alpha, contiguous
    """
    kind = QImage.Format.Format_RGB888 if rgb.shape[2] == 3 else QImage.Format.Format_RGBA8888
    return QImage(rgb.data, rgb.shape[1], rgb.shape[0], rgb.strides[0], kind)


def _fast(rgb: np.ndarray | None) -> QImage | None:
    """A picture of its own memory in the format that Qt scales fastest."""
    if rgb is None:
        return None
    opaque = rgb.shape[2] == 3
    return to_image(rgb).convertToFormat(
        QImage.Format.Format_RGB32 if opaque else QImage.Format.Format_ARGB32_Premultiplied
    )


class Viewer(QWidget):
    """Shows one picture and what lies over it.

    Signals
    -------
    handle_moved : (handle, dx, dy) in heights of the face since the press
    handle_released : the drag is over
    clicked : the empty view was clicked
    demo_wanted : its link to the demo was
    """

    handle_moved = Signal(str, float, float)
    handle_released = Signal()
    handle_pressed = Signal(str)
    clicked = Signal()
    demo_wanted = Signal()
    zoomed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = ViewTransform()
        self.face: FacePoints | None = None
        self.mesh: np.ndarray | None = None
        """float (N, 2) points of the head as parts of the picture, in pairs that make lines."""
        self.landmarks: np.ndarray | None = None
        """float (N, 2) as parts of the picture."""
        self.show_handles = False
        self.handles_always = False
        """Whether handles are drawn also while the pointer is elsewhere."""
        self.show_safe = self.show_onion = self.show_wipe = False
        self.wipe = 0.5
        self.captions = ("A", "B")
        self.note = ""
        self.busy = 0.0
        self._image: QImage | None = None
        self._other: QImage | None = None
        self._still: QImage | None = None
        self._hover = ""
        self._drag: tuple[str, QPointF] | None = None
        self._pan: QPointF | None = None
        self.setObjectName("canvas")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMinimumSize(QSize(240, 180))
        self.setAccessibleName(self.tr("Viewer"))

    # --- content ---

    def set_frame(self, rgb: np.ndarray | None) -> None:
        """Show a frame."""
        self._image = _fast(rgb)
        self._fit_to(rgb)
        self.update()

    def set_other(self, rgb: np.ndarray | None) -> None:
        """The picture on side A of the wipe."""
        if rgb is None and self._other is None:
            return
        self._other = _fast(rgb)
        self.update()

    def set_still(self, rgb: np.ndarray | None) -> None:
        """The source portrait."""
        self._still = _fast(rgb)
        self._fit_to(rgb)
        self.update()

    def _fit_to(self, rgb: np.ndarray | None) -> None:
        if rgb is None:
            return
        size = (rgb.shape[1], rgb.shape[0])
        if size != self.view.image:
            # Drafts are smaller pictures of the same shape: the zoom is relative to the still portrait, so the view
            # does not jump between them.
            still = self._still
            if still is not None and abs(still.width() / still.height() - size[0] / size[1]) < 0.02:
                size = (still.width(), still.height())
            self.view.image = size

    @property
    def empty(self) -> bool:
        return self._image is None and self._still is None

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.current().canvas))
        if self.empty:
            self._paint_empty(painter)
            painter.end()
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.view.scale < 3)
        left, top = self.view.origin
        box = QRectF(left, top, self.view.image[0] * self.view.scale, self.view.image[1] * self.view.scale)
        image = self._image or self._still
        assert image is not None
        if image.hasAlphaChannel():
            draw_checkers(painter, box)
        painter.drawImage(box, image)
        if self.show_onion and self._still is not None and self._image is not None:
            painter.setOpacity(0.45)
            painter.drawImage(box, self._still)
            painter.setOpacity(1.0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.show_wipe and self._other is not None:
            self._paint_wipe(painter, box)
        if self.show_safe:
            draw_safe_areas(painter, box)
        self._paint_overlays(painter)
        if self.show_handles and self.face is not None and (self.handles_always or self.underMouse() or self._drag):
            self._paint_handles(painter)
        if self.note:
            self._paint_note(painter)
        painter.end()

    def _paint_empty(self, painter: QPainter) -> None:
        colors = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QPointF(self.width() / 2, self.height() / 2)
        card = QRectF(middle.x() - 210, middle.y() - 110, 420, 220)
        painter.setPen(QPen(QColor(colors.strong), 1.4, Qt.PenStyle.DashLine))
        painter.setBrush(QColor(colors.window))
        painter.drawRoundedRect(card, 14, 14)
        icon = icons.pixmap("portrait", colors.accent_text, 44, self.devicePixelRatioF())
        painter.drawPixmap(QPointF(middle.x() - 22, card.top() + 28), icon)
        font = QFont(self.font())
        font.setPixelSize(17)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(colors.text))
        centre = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        painter.drawText(
            QRectF(card.left(), card.top() + 88, card.width(), 30), centre, self.tr("Drop a portrait and a voice")
        )
        painter.setFont(self.font())
        painter.setPen(QColor(colors.muted))
        painter.drawText(
            QRectF(card.left() + 24, card.top() + 122, card.width() - 48, 80),
            centre | Qt.TextFlag.TextWordWrap,
            self.tr(
                "A picture with a face and a recording of speech: drop them anywhere in this window, "
                "or click here to choose a picture."
            ),
        )
        painter.setPen(QColor(colors.accent_text))
        painter.drawText(self._demo_link(), Qt.AlignmentFlag.AlignCenter, self.tr("Or look at the demo first"))

    def _demo_link(self) -> QRectF:
        return QRectF(self.width() / 2 - 110, self.height() / 2 + 66, 220, 28)

    def _paint_wipe(self, painter: QPainter, box: QRectF) -> None:
        assert self._other is not None
        x = box.left() + box.width() * self.wipe
        painter.save()
        painter.setClipRect(QRectF(box.left(), box.top(), x - box.left(), box.height()))
        painter.drawImage(box, self._other)
        painter.restore()
        painter.setPen(QPen(QColor("#ffffff"), 1.5))
        painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
        painter.setBrush(QColor(theme.current().accent))
        painter.drawEllipse(QPointF(x, box.center().y()), 8, 8)
        widths = [painter.fontMetrics().horizontalAdvance(text) + 14 for text in self.captions]
        if sum(widths) + 24 > box.width():
            return
        for text, width, left in zip(self.captions, widths, (True, False), strict=True):
            label = QRectF(box.left() + 8 if left else box.right() - width - 8, box.top() + 8, width, 22)
            draw_label(painter, label, text)

    def _paint_overlays(self, painter: QPainter) -> None:
        if self.mesh is not None:
            painter.setPen(QPen(QColor(120, 220, 255, 110), 0.8))
            points = [QPointF(*self.view.to_widget(x, y)) for x, y in self.mesh]
            painter.drawLines(points)
        if self.landmarks is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(255, 214, 120, 220))
            for x, y in self.landmarks:
                painter.drawEllipse(QPointF(*self.view.to_widget(x, y)), 1.6, 1.6)
            painter.setBrush(Qt.BrushStyle.NoBrush)

    def _handle_places(self) -> dict[str, QPointF]:
        face = self.face
        if face is None:
            return {}
        x, y = face.centre
        ratio = self.view.image[1] / self.view.image[0]
        places = {name: QPointF(*self.view.to_widget(*point)) for name, point in face.points.items()}
        places["head"] = QPointF(*self.view.to_widget(x, y))
        places["roll"] = QPointF(*self.view.to_widget(x + 0.62 * face.size * ratio, y - 0.45 * face.size))
        return places

    def _paint_handles(self, painter: QPainter) -> None:
        accent = QColor(theme.current().accent)
        places = self._handle_places()
        assert self.face is not None
        radius = self.face.size * self.view.image[1] * self.view.scale * 0.62
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(255, 255, 255, 120), 1.2, Qt.PenStyle.DashLine))
        painter.drawEllipse(places["head"], radius * 0.78, radius)
        for name, place in places.items():
            strong = name == self._hover or (self._drag is not None and self._drag[0] == name)
            size = 8.5 if strong else 6.5
            painter.setPen(QPen(QColor(0, 0, 0, 150), 3.4))
            painter.setBrush(QColor(accent) if strong else QColor(255, 255, 255, 215))
            if name == "eyes":
                target = QPolygonF(
                    [
                        place + QPointF(0, -size),
                        place + QPointF(size, 0),
                        place + QPointF(0, size),
                        place + QPointF(-size, 0),
                    ]
                )
                painter.drawPolygon(target)
            elif name == "roll":
                painter.setBrush(Qt.BrushStyle.NoBrush)
                for color, width in ((QColor(0, 0, 0, 150), 4.0), (accent if strong else QColor("white"), 2.0)):
                    painter.setPen(QPen(color, width))
                    painter.drawArc(QRectF(place.x() - 9, place.y() - 9, 18, 18), 30 * 16, 260 * 16)
            elif name == "head":
                for color, width in ((QColor(0, 0, 0, 150), 4.0), (accent if strong else QColor("white"), 2.0)):
                    painter.setPen(QPen(color, width))
                    painter.drawLine(place - QPointF(10, 0), place + QPointF(10, 0))
                    painter.drawLine(place - QPointF(0, 10), place + QPointF(0, 10))
            else:
                painter.drawEllipse(place, size, size)
        if self._hover:
            name = _NAMES[self._hover]
            width = painter.fontMetrics().horizontalAdvance(name) + 16
            at = places[self._hover]
            draw_label(painter, QRectF(at.x() - width / 2, at.y() + 16, width, 22), name)

    def _paint_note(self, painter: QPainter) -> None:
        width = painter.fontMetrics().horizontalAdvance(self.note) + 28
        box = QRectF(self.width() / 2 - width / 2, self.height() - 42, width, 28)
        draw_label(painter, box, self.note)
        if self.busy > 0:
            painter.fillRect(
                QRectF(box.left() + 10, box.bottom() - 4, (box.width() - 20) * self.busy, 2),
                QColor(theme.current().accent),
            )

    # --- mouse ---

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.view.widget = (self.width(), self.height())

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom(1.0015 ** event.angleDelta().y(), event.position())
        event.accept()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        at = at or QPointF(self.width() / 2, self.height() / 2)
        self.view.zoom_at(factor, at.x(), at.y())
        self.zoomed.emit(self.view.scale)
        self.update()

    def fit(self) -> None:
        self.view.fit()
        self.zoomed.emit(self.view.scale)
        self.update()

    def actual(self) -> None:
        self.view.actual()
        self.zoomed.emit(self.view.scale)
        self.update()

    def _handle_at(self, position: QPointF) -> str:
        if not self.show_handles or self.face is None:
            return ""
        places = self._handle_places()
        near = [(QPointF(place - position).manhattanLength(), name) for name, place in places.items()]
        distance, name = min(near)
        if distance <= 16:
            return name
        centre = places["head"]
        reach = self.face.size * self.view.image[1] * self.view.scale * 0.6
        return "head" if QPointF(centre - position).manhattanLength() < reach else ""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        position = event.position()
        if self.empty:
            wanted = self.demo_wanted if self._demo_link().contains(position) else self.clicked
            wanted.emit()
            return
        if event.button() == Qt.MouseButton.LeftButton:
            handle = self._handle_at(position)
            if self.show_wipe and self._other is not None and not handle:
                self._drag = "wipe", position
                self._move_wipe(position)
            elif handle:
                self._drag = handle, position
                self.handle_pressed.emit(handle)
            else:
                self._pan = position
        elif event.button() == Qt.MouseButton.MiddleButton:
            self._pan = position

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        position = event.position()
        if self._drag is not None and self._drag[0] == "wipe":
            self._move_wipe(position)
        elif self._drag is not None and self.face is not None:
            handle, start = self._drag
            size = max(8.0, self.face.size * self.view.image[1] * self.view.scale)
            self.handle_moved.emit(handle, (position.x() - start.x()) / size, (position.y() - start.y()) / size)
        elif self._pan is not None:
            step = position - self._pan
            self._pan = position
            self.view.pan(step.x(), step.y())
            self.update()
        elif self.empty:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            hover = self._handle_at(position)
            if hover != self._hover:
                self._hover = hover
                self.setCursor(Qt.CursorShape.OpenHandCursor if hover else Qt.CursorShape.ArrowCursor)
                self.update()

    def _move_wipe(self, position: QPointF) -> None:
        self.wipe = min(max(self.view.to_image(position.x(), position.y())[0], 0.0), 1.0)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None and self._drag[0] != "wipe":
            self.handle_released.emit()
        self._drag = self._pan = None
        self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = ""
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if not self.empty and not self._handle_at(event.position()):
            self.fit()


_NAMES = {
    "head": "Turn head", "roll": "Tilt head", "eyes": "Gaze", "browLeft": "Brow", "browRight": "Brow",
    "mouthLeft": "Mouth corner", "mouthRight": "Mouth corner", "jaw": "Jaw",
}  # fmt: skip
