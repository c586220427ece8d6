"""The bare head giving the same performance; drag to look at it from another side."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.ui import theme
from app.ui.head_render import draw_head, vertex_colors
from app.ui.overlays import Row, mesh_of
from app.ui.viewer import to_image
from engines.rig.mesh import HeadMesh

MAX_SIDE = 900
SHARPER = 2
"""Pictures are drawn this much larger and shrunk, for smooth edges."""


class HeadView(QWidget):
    """An orbiting view of the fitted head."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("canvas")
        self.setMinimumSize(QSize(200, 200))
        self.setAccessibleName(self.tr("3D head"))
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.yaw, self.pitch, self.zoom = 0.0, 0.0, 1.0
        self._mesh: HeadMesh | None = None
        self._colors: np.ndarray | None = None
        self._row: Row | None = None
        self._last: QPointF | None = None

    def show_frame(self, actor: Any, row: Row | None) -> None:
        """Show a frame of the performance on the head of an actor."""
        mesh = mesh_of(actor)
        if mesh is not self._mesh:
            self._mesh = mesh
            self._colors = None if mesh is None else vertex_colors(mesh)
        self._row = row
        self.update()

    def picture(self) -> np.ndarray | None:
        """The view as it is : uint8 (H, W, 3)."""
        if self._mesh is None or self._colors is None:
            return None
        row = self._row or (np.zeros(52, np.float32), np.zeros(6, np.float32), np.zeros(4, np.float32))
        scale = min(SHARPER, MAX_SIDE / max(self.width(), self.height(), 1))
        size = (max(16, round(self.width() * scale)), max(16, round(self.height() * scale)))
        color = QColor(theme.current().canvas)
        ground = (color.red(), color.green(), color.blue())
        vertices = self._mesh.posed(*row)
        return draw_head(self._mesh, vertices, self._colors, size, self.yaw, self.pitch, self.zoom, ground)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.current().canvas))
        picture = self.picture()
        if picture is None:
            painter.setPen(QColor(theme.current().muted))
            text = self.tr("The head appears here once a portrait is ready.")
            painter.drawText(
                self.rect().adjusted(16, 0, -16, 0), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text
            )
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(self.rect(), to_image(picture))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._last = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._last is None:
            return
        step = event.position() - self._last
        self._last = event.position()
        self.yaw += step.x() * 0.01
        self.pitch = float(np.clip(self.pitch - step.y() * 0.01, -1.4, 1.4))
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._last = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.yaw = self.pitch = 0.0
        self.zoom = 1.0
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom = float(np.clip(self.zoom * 1.0015 ** event.angleDelta().y(), 0.4, 6.0))
        self.update()
        event.accept()
