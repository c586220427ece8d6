"""The column left of the tracks: names, colours, a curve's mute and solo switches, the share of the voice's mood."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from app.ui import icons, theme
from app.ui.timeline.curves_model import channel_name
from app.ui.timeline.layout import RULER, Row
from app.ui.timeline.picture import Picture

HEADER: Final = 148
_BUTTON: Final = 20
_TRACK_COLORS: Final = {
    "words": 0, "phones": 1, "emotions": 2, "heard": 2, "styles": 3, "pose": 4, "gaze": 5, "blink": 6, "curve": 7,
}  # fmt: skip


def _buttons(row: Row) -> tuple[str, ...]:
    if row.kind in ("curve", "pose", "gaze", "blink"):
        return ("curve", "solo", "mute")
    return {"emotions": ("add",), "styles": ("add",), "heard": ("bake",)}.get(row.kind, ())


def share_box(row: Row, top: float) -> QRectF:
    """Where the slider of the mood's share lies."""
    return QRectF(18, top + row.height - 18, 68, 14)


def share_at(row: Row, x: float) -> float:
    """The share that a press at ``x`` asks for."""
    box = share_box(row, 0)
    return min(max((x - box.left()) / box.width(), 0.0), 1.0)


def _paint_share(painter: QPainter, picture: Picture, row: Row, top: float) -> None:
    colors, share = theme.current(), picture.scene.project.auto_emotion
    box = share_box(row, top)
    middle, x = box.center().y(), box.left() + box.width() * share
    painter.setPen(QPen(QColor(colors.strong), 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawLine(QPointF(box.left(), middle), QPointF(box.right(), middle))
    if share > 0:
        painter.setPen(QPen(QColor(colors.accent), 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(box.left(), middle), QPointF(x, middle))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colors.text))
    painter.drawEllipse(QPointF(x, middle), 5, 5)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QColor(colors.muted))
    words = QRectF(box.right() + 8, box.top() - 2, 44, 18)
    painter.drawText(
        words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, f"{share:.0%}".replace("%", " %")
    )


def _box(row: Row, number: int, top: float) -> QRectF:
    """Where the ``number``-th button from the right lies."""
    middle = 4 if row.kind == "heard" else min(row.height / 2 - 10, 14)
    return QRectF(HEADER - 6 - _BUTTON * (number + 1), top + middle, _BUTTON, _BUTTON)


def paint_headers(painter: QPainter, picture: Picture, height: float, scroll: float) -> None:
    """Draw the column."""
    colors = theme.current()
    painter.save()
    painter.fillRect(QRectF(0, 0, HEADER, height + 40), QColor(colors.panel))
    painter.setClipRect(QRectF(0, RULER, HEADER, height - RULER))
    metrics = QFontMetricsF(painter.font())
    for row in picture.scene.rows:
        top = row.top + RULER - scroll
        if top > height or top + row.height < RULER:
            continue
        if row.kind in _TRACK_COLORS:
            painter.fillRect(QRectF(0, top + 2, 3, row.height - 4), QColor(colors.rows[_TRACK_COLORS[row.kind]]))
        buttons = _buttons(row)
        there = len(buttons) if picture.scene.curves(row) else min(1, len(buttons))
        room = HEADER - 18 - _BUTTON * there
        label = row.label if row.kind != "curve" else _spaced(row.label)
        painter.setPen(QColor(colors.text))
        painter.drawText(
            QRectF(12, top, room, row.height - (18 if row.kind == "heard" else 0)),
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
            metrics.elidedText(label, Qt.TextElideMode.ElideRight, room),
        )
        if row.kind == "heard":
            _paint_share(painter, picture, row, top)
        for number, what in enumerate(buttons):
            _paint_button(painter, picture, row, what, _box(row, number, top))
        painter.setPen(QColor(colors.line))
        painter.drawLine(QPointF(0, top + row.height - 0.5), QPointF(HEADER, top + row.height - 0.5))
    painter.restore()
    painter.fillRect(QRectF(0, 0, HEADER, RULER), QColor(colors.window))
    painter.setPen(QPen(QColor(colors.line), 1))
    painter.drawLine(QPointF(HEADER - 0.5, 0), QPointF(HEADER - 0.5, height + 40))


def _paint_button(painter: QPainter, picture: Picture, row: Row, what: str, box: QRectF) -> None:
    colors = theme.current()
    curves = picture.scene.curves(row)
    on = (what == "mute" and any(c.mute for c in curves)) or (what == "solo" and any(c.solo for c in curves))
    if what in ("mute", "solo") and not curves:
        return
    if on:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.selection))
        painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 4, 4)
        painter.setBrush(Qt.BrushStyle.NoBrush)
    name = {"add": "plus", "bake": "bake", "curve": "curve", "solo": "solo", "mute": "mute" if on else "sound"}[what]
    ratio = painter.device().devicePixelRatioF()
    picture_of = icons.pixmap(name, colors.accent_text if on else colors.muted, 14, ratio)
    painter.drawPixmap(QPointF(box.left() + 3, box.top() + 3), picture_of)


def _spaced(channel: str) -> str:
    """``mouthSmileLeft`` as words, the side short: ``Mouth smile L``."""
    if "." in channel:
        return channel_name(channel)
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in channel)
    return (words[:1].upper() + words[1:]).replace(" left", " L").replace(" right", " R")


def header_hit(picture: Picture, x: float, y: float, scroll: float) -> tuple[Row, str] | None:
    """The row and button under a position of the header column."""
    if y < RULER:
        return None
    row = picture.scene.row_at(y - RULER + scroll)
    if row is None:
        return None
    for number, what in enumerate(_buttons(row)):
        if _box(row, number, row.top + RULER - scroll).contains(QPointF(x, y)):
            return row, what
    if row.kind == "heard" and share_box(row, row.top + RULER - scroll).adjusted(-8, -4, 8, 4).contains(QPointF(x, y)):
        return row, "share"
    return None
