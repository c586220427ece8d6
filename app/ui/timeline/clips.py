"""How emotion and style clips look: a bar whose filling is the clip's envelope."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from app.core.controls import ease
from app.core.project import EmotionClip, StyleClip
from app.ui import theme
from app.ui.timeline.layout import LANE, Item, Row
from app.ui.timeline.picture import Picture, hint, mix

BAR = 0.22
HILL = 0.40
"""Opacities of a bar and of its filling, such that words upon both keep a contrast of 4.5 : 1."""
_OUTSIDE = 12.0
"""How far beyond the view bars are drawn, so that their ends are not seen where they do not end, in pixels."""


def paint_clips(painter: QPainter, picture: Picture, row: Row, width: float) -> None:
    """All clips of a row."""
    clips = picture.scene.clips(row.kind)
    if not clips:
        emotion = row.kind == "emotions"
        hint(
            painter,
            row,
            width,
            "Double-click or press E to add an emotion" if emotion else "Press Y to add a speaking style",
        )
    for index, clip in enumerate(clips):
        left, right = picture.scale.x(clip.start), picture.scale.x(picture.scene.end(clip))
        if right >= 0 and left <= width:
            _paint(painter, picture, clip, Item(row.kind, index), picture.scene.lane_top(row, index), width)


def _paint(
    painter: QPainter, picture: Picture, clip: EmotionClip | StyleClip, item: Item, top: float, width: float
) -> None:
    colors, scale = theme.current(), picture.scale
    selected = item in picture.selection
    left, right = scale.x(clip.start), scale.x(picture.scene.end(clip))
    shown = max(left, -_OUTSIDE), min(right, width + _OUTSIDE)
    box = QRectF(shown[0] + 0.5, top, max(2.0, shown[1] - shown[0] - 1), LANE - 3)
    color = theme.emotion_color(clip.emotion) if isinstance(clip, EmotionClip) else QColor(colors.rows[3])
    if right - left < 8:
        painter.fillRect(box, mix(QColor(colors.accent) if selected else color, 0.7))
        return
    painter.setPen(QPen(QColor(colors.accent), 2) if selected else QPen(mix(color, 0.9), 1))
    painter.setBrush(mix(color, BAR))
    painter.drawRoundedRect(box, 5, 5)
    painter.setPen(Qt.PenStyle.NoPen)
    if isinstance(clip, EmotionClip):
        painter.setBrush(mix(color, HILL))
        painter.drawPolygon(_hill(clip, left, right, box, scale.px_per_frame))
        if selected or picture.hover == item:
            painter.setBrush(QColor(colors.text))
            for x in (left + clip.ease_in * scale.px_per_frame, right - clip.ease_out * scale.px_per_frame):
                painter.drawEllipse(QPointF(x, box.top() + 6), 3.2, 3.2)
    else:
        length = box.width() * min(1.0, clip.amount)
        painter.fillRect(QRectF(box.left() + 1, box.bottom() - 4, length - 2, 3), mix(color, 0.8))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    name = clip.emotion if isinstance(clip, EmotionClip) else clip.style
    amount = clip.intensity if isinstance(clip, EmotionClip) else clip.amount
    label = f"{picture.names.get(name, name.replace('_', ' ').capitalize())}  {amount * 100:.0f} %"
    text = QRectF(max(box.left(), 0) + 8, box.top(), box.right() - max(box.left(), 0) - 12, box.height())
    if text.width() > 12:
        painter.setPen(QColor(colors.text))
        short = QFontMetricsF(painter.font()).elidedText(label, Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, short)


def _hill(clip: EmotionClip, left: float, right: float, box: QRectF, px_per_frame: float) -> QPolygonF:
    """The clip's weight over time inside its bar."""
    length = max(right - left, 1.0)
    rise, fall = clip.ease_in * px_per_frame, clip.ease_out * px_per_frame
    shrink = min(1.0, length / max(rise + fall, 1e-6))
    rise, fall = max(rise * shrink, 1e-6), max(fall * shrink, 1e-6)
    steps = np.linspace(0, 1, 15)
    x = np.clip(np.concatenate([left + rise * steps, right - fall * steps[::-1]]), box.left() + 1, box.right() - 1)
    weight = ease((x - left) / rise) * ease((right - x) / fall) * min(1.0, clip.intensity)
    y = box.bottom() - 1 - weight * (box.height() - 2)
    points = [QPointF(float(x[0]), box.bottom() - 1), *map(QPointF, x.tolist(), y.tolist())]
    return QPolygonF([*points, QPointF(float(x[-1]), box.bottom() - 1)])
