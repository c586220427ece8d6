"""Rows drawn as pixels (`app.ui.timeline.strips`): lines of motion, and the mood that the voice tells."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from app.ui import theme
from app.ui.timeline import strips
from app.ui.timeline.layout import Row
from app.ui.timeline.picture import Picture, Shortener, hint

_NAMED, _NAMED_PX = 0.2, 44.0
"""Share and width from which a stretch of a mood gets its name."""


def draw_strip(painter: QPainter, coverage: np.ndarray, color: QColor, top: float) -> None:
    """Draw pixels of one colour at their own size, from the left edge on.

    Parameters
    ----------
    coverage : float (H, W), 0 clear to 1 full, in device pixels
    """
    pixels = strips.premultiplied(coverage, (color.red(), color.green(), color.blue()))
    height, width = pixels.shape
    image = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(painter.device().devicePixelRatioF())
    painter.drawImage(QPointF(0, top), image)


Line = tuple[np.ndarray, float, float, tuple[float, float] | None, float]
"""Values a frame, the values at the bottom and at the top of the row, dashes, opacity."""


def draw_lines(painter: QPainter, picture: Picture, row: Row, width: float, lines: list[Line], color: QColor) -> None:
    """Curves of one row in one colour; dashes and opacity tell them apart."""
    ratio = painter.device().devicePixelRatioF()
    columns, height = strips.Columns.of(picture.scale, width, ratio), round(row.height * ratio)
    total = np.zeros((height, len(columns)), np.float32)
    for values, low, high, dash, opacity in lines:
        if len(values) > 1:
            scaled = None if dash is None else (dash[0] * ratio, dash[1] * ratio)
            drawn = strips.line(values, columns, height, (low, high), 4 * ratio, 1.3 * ratio, scaled)
            np.maximum(total, drawn * np.float32(opacity), out=total)
    draw_strip(painter, total, color, row.top)


def paint_mood(painter: QPainter, picture: Picture, row: Row, width: float) -> None:
    """What the voice tells: shares of emotions as stacked bands, arousal as a line and valence as a dashed one."""
    mood = picture.mood
    if mood is None or len(mood) < 2:
        if picture.scene.phones and not picture.busy:
            hint(painter, row, width, "Too little is spoken to read a mood from the voice")
        return
    ratio = painter.device().devicePixelRatioF()
    columns, height = strips.Columns.of(picture.scale, width, ratio), round(row.height * ratio)
    at = np.clip(np.round((columns.edges[:-1] + columns.edges[1:]) / 2), -1, len(mood)).astype(np.int64)
    shares = np.where(((at >= 0) & (at < len(mood)))[:, None], mood.shares[np.clip(at, 0, len(mood) - 1)], 0.0)
    share = picture.scene.project.auto_emotion
    opacity = 0.22 if share <= 0 else 0.35 + 0.4 * share  # faint: it is only offered, not used
    bottom = np.full(len(columns), height - 2 * ratio)
    for name, column in zip(mood.emotions, shares.T, strict=True):
        top = bottom - column * (height - 6 * ratio)
        draw_strip(painter, strips.band(top, bottom, height) * np.float32(opacity), theme.emotion_color(name), row.top)
        bottom = top
    _name_moods(painter, picture, row, width, at, shares)
    tell = 1.0 if share > 0 else 0.6
    lines: list[Line] = [
        (mood.arousal, -0.7, 0.7, None, 0.85 * tell),
        (mood.valence, -0.7, 0.7, (5.0, 4.0), 0.6 * tell),
    ]
    draw_lines(painter, picture, row, width, lines, QColor(theme.current().text))


def _name_moods(
    painter: QPainter, picture: Picture, row: Row, width: float, at: np.ndarray, shares: np.ndarray
) -> None:
    """Write each mood once into every stretch in which it prevails."""
    mood = picture.mood
    assert mood is not None
    best = np.where(shares.max(1) >= _NAMED, shares.argmax(1), -1)
    edges = np.flatnonzero(np.diff(np.concatenate([[-2], best, [-2]])))
    shorten = Shortener(painter.font())
    painter.setPen(QColor(theme.current().text))
    per_column = width / len(at)
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if best[start] < 0 or (stop - start) * per_column < _NAMED_PX:
            continue
        emotion = mood.emotions[int(best[start])]
        box = QRectF(start * per_column + 4, row.top + 2, (stop - start) * per_column - 8, 16)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, shorten(picture.names.get(emotion, emotion), box.width()))
