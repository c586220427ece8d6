"""How emotion and style clips look: a bar whose filling is the clip's envelope."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF

from app.core.controls import ease
from app.core.project import EmotionClip, StyleClip
from app.ui import theme
from app.ui.timeline.layout import LANE, Item, Row
from app.ui.timeline.picture import Picture, Shortener, hint, mix

BAR = 0.22
HILL = 0.40
"""Opacities of a bar and of its filling, such that words upon both keep a contrast of 4.5 : 1."""
_PLAIN = 16.0
"""Bars narrower than this are plain, in pixels."""
_SMALL = 40.0
"""Bars narrower than this have plain corners, which are quicker to draw, in pixels."""
_OUTSIDE = 12.0
"""How far beyond the view bars are drawn, so that their ends are not seen where they do not end, in pixels."""


_STEPS = [(i / 10, float(weight)) for i, weight in enumerate(ease(np.linspace(0, 1, 11)))]
"""Points of a rise: part of the way, weight there."""


@lru_cache(64)
def _inks(rgb: int) -> tuple[QPen, QBrush, QBrush, QColor]:
    """Outline, bar, hill and, for very short clips, the plain colour."""
    color = QColor(rgb)
    return QPen(mix(color, 0.9), 1), QBrush(mix(color, BAR)), QBrush(mix(color, HILL)), mix(color, 0.7)


def paint_clips(painter: QPainter, picture: Picture, row: Row, width: float) -> None:
    """All clips of a row."""
    clips = picture.scene.clips(row.kind)
    if not clips:
        emotion = row.kind == "emotions"
        text = "Double-click or press E to add an emotion" if emotion else "Press Y to add a speaking style"
        hint(painter, row, width, text)
    shorten = Shortener(painter.font())
    for index, clip in enumerate(clips):
        left, right = picture.scale.x(clip.start), picture.scale.x(picture.scene.end(clip))
        if right >= 0 and left <= width:
            place = left, right, picture.scene.lane_top(row, index), width
            _paint(painter, picture, clip, Item(row.kind, index), place, shorten)


def _paint(
    painter: QPainter,
    picture: Picture,
    clip: EmotionClip | StyleClip,
    item: Item,
    place: tuple[float, float, float, float],
    shorten: Shortener,
) -> None:
    """Draw one clip; ``place`` is its left, right and top, and the width of the view."""
    colors, scale = theme.current(), picture.scale
    left, right, top, width = place
    selected = item in picture.selection
    shown = max(left, -_OUTSIDE), min(right, width + _OUTSIDE)
    box = QRectF(shown[0] + 0.5, top, max(2.0, shown[1] - shown[0] - 1), LANE - 3)
    color = theme.emotion_color(clip.emotion) if isinstance(clip, EmotionClip) else QColor(colors.rows[3])
    outline, bar, hill, plain = _inks(color.rgb())
    if right - left < _PLAIN:
        painter.fillRect(box, mix(QColor(colors.accent), 0.7) if selected else plain)
        return
    painter.setPen(QPen(QColor(colors.accent), 2) if selected else outline)
    painter.setBrush(bar)
    if box.width() < _SMALL and not selected:
        painter.drawRect(box)
    else:
        painter.drawRoundedRect(box, 5, 5)
    painter.setPen(Qt.PenStyle.NoPen)
    if isinstance(clip, EmotionClip):
        painter.setBrush(hill)
        painter.drawPolygon(_hill(clip, left, right, box, scale.px_per_frame))
        if selected or picture.hover == item:
            painter.setBrush(QColor(colors.text))
            for x in (left + clip.ease_in * scale.px_per_frame, right - clip.ease_out * scale.px_per_frame):
                painter.drawEllipse(QPointF(x, box.top() + 6), 3.2, 3.2)
    else:
        length = box.width() * min(1.0, clip.amount)
        painter.fillRect(QRectF(box.left() + 1, box.bottom() - 4, length - 2, 3), plain)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    text = QRectF(max(box.left(), 0) + 8, box.top(), box.right() - max(box.left(), 0) - 12, box.height())
    if text.width() < 24:
        return
    name = clip.emotion if isinstance(clip, EmotionClip) else clip.style
    amount = clip.intensity if isinstance(clip, EmotionClip) else clip.amount
    label = f"{picture.names.get(name, name.replace('_', ' ').capitalize())}  {amount * 100:.0f} %"
    painter.setPen(QColor(colors.text))
    painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shorten(label, text.width()))


def _hill(clip: EmotionClip, left: float, right: float, box: QRectF, px_per_frame: float) -> QPolygonF:
    """The clip's weight over time inside its bar."""
    rise, fall = clip.ease_in * px_per_frame, clip.ease_out * px_per_frame
    shrink = min(1.0, max(right - left, 1.0) / max(rise + fall, 1e-6))
    rise, fall = rise * shrink, fall * shrink
    low, high, base = box.left() + 1, box.right() - 1, box.bottom() - 1
    size = min(1.0, clip.intensity) * (box.height() - 2)
    steps = [(left + rise * part, weight) for part, weight in _STEPS]
    steps += [(right - fall * part, weight) for part, weight in reversed(_STEPS)]
    points = [QPointF(min(max(x, low), high), base - weight * size) for x, weight in steps]
    return QPolygonF([QPointF(low, base), *points, QPointF(high, base)])
