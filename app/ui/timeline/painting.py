"""How the tracks look: one function a kind of row, all drawing only what is visible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QPolygonF

from app.core.controls import sample_keys
from app.core.project import EmotionClip, StyleClip
from app.ui import theme
from app.ui.timeline.layout import LANE, RULER, Item, Row, Scene
from app.ui.timeline.scale import TimeScale, ruler_label, ruler_step
from app.ui.timeline.waveform import Peaks
from engines.api import Performance

VOWELS = frozenset(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])
LEAST_RANGE_RAD = 0.08
"""Head and eye motion smaller than this is not drawn any larger."""


@dataclass
class Picture:
    """Everything that the painter reads."""

    scene: Scene
    scale: TimeScale
    rate: Fraction
    selection: frozenset[Item] = frozenset()
    performance: Performance | None = None
    peaks: Peaks | None = None
    spectrogram: np.ndarray | None = None
    show_spectrogram: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    """Preset id -> name for people."""
    hover: Item | None = None
    busy: str = ""
    """What is being worked on while words and motion are missing."""


def mix(color: QColor, alpha: float) -> QColor:
    result = QColor(color)
    result.setAlphaF(alpha)
    return result


def paint_ruler(painter: QPainter, picture: Picture, width: float) -> None:
    """Timecode, in and out points, markers."""
    colors = theme.current()
    scale, project = picture.scale, picture.scene.project
    painter.fillRect(QRectF(0, 0, width, RULER), QColor(colors.window))
    first_in, last_out = project.in_frame, project.out_frame
    if first_in is not None or last_out is not None:
        left = scale.x(first_in or 0)
        right = scale.x(picture.scene.total if last_out is None else last_out + 1)
        painter.fillRect(QRectF(left, RULER - 4, right - left, 4), QColor(colors.accent))
    label, tick = ruler_step(scale.px_per_frame, picture.rate)
    first, last = scale.span(width)
    start = int(max(0, first) // tick) * tick
    small = painter.font()
    painter.setPen(QColor(colors.muted))
    for frame in range(start, int(last) + 1, tick):
        x = round(scale.x(frame)) + 0.5
        if frame % label == 0:
            painter.setPen(QColor(colors.strong))
            painter.drawLine(QPointF(x, 17), QPointF(x, RULER - 4))
            painter.setPen(QColor(colors.muted))
            painter.drawText(QPointF(x + 4, 13), ruler_label(frame, picture.rate, label))
        else:
            painter.setPen(QColor(colors.line))
            painter.drawLine(QPointF(x, 22), QPointF(x, RULER - 4))
    painter.setFont(small)
    end = scale.x(picture.scene.total)
    if end < width:
        painter.fillRect(QRectF(end, 0, width - end, RULER), mix(QColor(colors.canvas), 0.65))
    for index, marker in enumerate(project.markers):
        x = scale.x(marker.frame)
        color = theme.marker_color(marker.color)
        shape = QPolygonF([QPointF(x - 5, 1), QPointF(x + 5, 1), QPointF(x + 5, 8), QPointF(x, 14), QPointF(x - 5, 8)])
        selected = Item("markers", index) in picture.selection
        painter.setPen(QPen(QColor(colors.text if selected else colors.window), 1.4 if selected else 1))
        painter.setBrush(color)
        painter.drawPolygon(shape)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def paint_rows(painter: QPainter, picture: Picture, width: float, height: float, scroll: float) -> None:
    """All visible rows, below the ruler."""
    colors = theme.current()
    painter.fillRect(QRectF(0, RULER, width, height - RULER), QColor(colors.canvas))
    painter.save()
    painter.setClipRect(QRectF(0, RULER, width, height - RULER))
    painter.translate(0, RULER - scroll)
    _grid(painter, picture, width, scroll, height)
    for row in picture.scene.rows:
        if row.top + row.height < scroll or row.top > scroll + height:
            continue
        _ROWS[row.kind](painter, picture, row, width)
        painter.setPen(QColor(colors.line))
        painter.drawLine(QPointF(0, row.top + row.height - 0.5), QPointF(width, row.top + row.height - 0.5))
    end = picture.scale.x(picture.scene.total)
    if end < width:
        painter.fillRect(QRectF(end, scroll, width - end, height), mix(QColor(colors.window), 0.72))
    painter.restore()


def _grid(painter: QPainter, picture: Picture, width: float, scroll: float, height: float) -> None:
    label, _ = ruler_step(picture.scale.px_per_frame, picture.rate)
    first, last = picture.scale.span(width)
    painter.setPen(mix(QColor(theme.current().line), 0.7))
    for frame in range(int(max(0, first) // label) * label, int(last) + 1, label):
        x = round(picture.scale.x(frame)) + 0.5
        painter.drawLine(QPointF(x, scroll), QPointF(x, scroll + height))


def _hint(painter: QPainter, row: Row, width: float, text: str) -> None:
    painter.setPen(QColor(theme.current().muted))
    box = QRectF(12, row.top, width - 24, row.height)
    painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)


def _voice(painter: QPainter, picture: Picture, row: Row, width: float) -> None:
    colors = theme.current()
    if picture.peaks is None:
        _hint(painter, row, width, "Drop a recording here, or press Ctrl+Shift+O" if not picture.busy else picture.busy)
        return
    rate = float(picture.rate)
    first, last = picture.scale.span(width)
    if picture.show_spectrogram and picture.spectrogram is not None:
        _spectrogram(painter, picture, row, width)
        return
    columns = max(1, int(width))
    low, high = picture.peaks.columns(first / rate, last / rate, columns)
    middle, half = row.top + row.height / 2, row.height / 2 - 4
    painter.setPen(mix(QColor(colors.wave), 0.35))
    painter.drawLine(QPointF(0, middle), QPointF(width, middle))
    x = np.arange(columns) + 0.5
    top, bottom = middle - np.sqrt(np.abs(high)) * half, middle + np.sqrt(np.abs(low)) * half
    outline = [QPointF(a, b) for a, b in zip(x, top, strict=True)]
    outline += [QPointF(a, b) for a, b in zip(x[::-1], bottom[::-1], strict=True)]
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colors.wave))
    painter.drawPolygon(QPolygonF(outline))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _spectrogram(painter: QPainter, picture: Picture, row: Row, width: float) -> None:
    data = picture.spectrogram
    assert data is not None
    per_frame = 100.0 / float(picture.rate)
    first, last = picture.scale.span(width)
    begin, stop = int(max(0, first * per_frame)), int(min(data.shape[1], last * per_frame + 2))
    if stop <= begin:
        return
    step = max(1, (stop - begin) // 4000)
    part = np.ascontiguousarray(data[:, begin:stop:step])
    image = QImage(part.data, part.shape[1], part.shape[0], part.strides[0], QImage.Format.Format_Indexed8).copy()
    image.setColorTable(_heat())
    left, right = picture.scale.x(begin / per_frame), picture.scale.x(stop / per_frame)
    painter.drawImage(QRectF(left, row.top + 1, right - left, row.height - 2), image)


def _heat() -> list[int]:
    low, high = QColor(theme.current().canvas), QColor(theme.current().accent)
    middle = QColor(theme.current().wave)
    table = []
    for value in range(256):
        part = value / 255
        one, other, t = (low, middle, part * 2) if part < 0.5 else (middle, high, part * 2 - 1)
        rgb = [round(a + (b - a) * t) for a, b in zip(one.getRgb()[:3], other.getRgb()[:3], strict=True)]  # type: ignore[index]
        table.append(QColor(*rgb).rgb())
    return table


def _segments(painter: QPainter, picture: Picture, row: Row, width: float) -> None:
    colors = theme.current()
    segments = picture.scene.segments(row.kind)
    if not segments:
        if row.kind == "words" and (picture.busy or picture.peaks is not None):
            _hint(painter, row, width, picture.busy or "No words yet: type what is said in the transcript")
        return
    rate, scale = float(picture.rate), picture.scale
    metrics = QFontMetricsF(painter.font())
    base = QColor(colors.rows[0 if row.kind == "words" else 1])
    for index, segment in enumerate(segments):
        left, right = scale.x(segment.start_s * rate), scale.x(segment.end_s * rate)
        if right < 0 or left > width or segment.label in ("SIL", ""):
            continue
        box = QRectF(left + 0.5, row.top + 3, max(1.5, right - left - 1), row.height - 6)
        selected = Item(row.kind, index) in picture.selection
        vowel = segment.label.rstrip("012") in VOWELS
        fill = mix(base, 0.42 if row.kind == "words" or vowel else 0.22)
        if right - left < 5:
            painter.fillRect(box, fill)
            continue
        painter.setPen(QPen(QColor(colors.accent), 1.6) if selected else Qt.PenStyle.NoPen)
        painter.setBrush(mix(QColor(colors.accent), 0.3) if selected else fill)
        painter.drawRoundedRect(box, 3, 3)
        if segment.confidence < 0.5:  # unsure: a dotted line under it
            painter.setPen(QPen(QColor(colors.text), 1.2, Qt.PenStyle.DotLine))
            painter.drawLine(box.bottomLeft() + QPointF(2, -1), box.bottomRight() + QPointF(-2, -1))
        text = segment.label if row.kind == "words" else segment.label.lower()
        if metrics.horizontalAdvance(text) <= box.width() - 4:
            painter.setPen(QColor(colors.text))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        elif row.kind == "words" and box.width() > 22:
            painter.setPen(QColor(colors.text))
            short = metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width() - 4)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, short)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _clips(painter: QPainter, picture: Picture, row: Row, width: float) -> None:
    clips = picture.scene.clips(row.kind)
    if not clips:
        what = (
            "Double-click or press E to add an emotion" if row.kind == "emotions" else "Press Y to add a speaking style"
        )
        _hint(painter, row, width, what)
    for index, clip in enumerate(clips):
        left, right = picture.scale.x(clip.start), picture.scale.x(picture.scene.end(clip))
        if right < 0 or left > width:
            continue
        box = QRectF(left + 0.5, picture.scene.lane_top(row, index), max(3.0, right - left - 1), LANE - 3)
        _clip(painter, picture, clip, box, Item(row.kind, index))


def _clip(painter: QPainter, picture: Picture, clip: EmotionClip | StyleClip, box: QRectF, item: Item) -> None:
    colors = theme.current()
    selected = item in picture.selection
    if isinstance(clip, EmotionClip):
        color, name, amount = theme.emotion_color(clip.emotion), clip.emotion, clip.intensity
    else:
        color, name, amount = QColor(colors.rows[3]), clip.style, clip.amount
    shape = QPainterPath()
    shape.addRoundedRect(box, 5, 5)
    painter.fillPath(shape, mix(color, 0.26))
    painter.save()
    painter.setClipPath(shape, Qt.ClipOperation.IntersectClip)
    if isinstance(clip, EmotionClip):
        px = picture.scale.px_per_frame
        high = box.bottom() - (box.height() - 2) * min(1.0, amount)
        rise = min(clip.ease_in * px, box.width())
        fall = min(clip.ease_out * px, box.width() - rise)
        hill = QPainterPath(box.bottomLeft())
        hill.cubicTo(box.left() + rise / 2, box.bottom(), box.left() + rise / 2, high, box.left() + rise, high)
        hill.lineTo(box.right() - fall, high)
        hill.cubicTo(box.right() - fall / 2, high, box.right() - fall / 2, box.bottom(), box.right(), box.bottom())
        painter.fillPath(hill, mix(color, 0.55))
        if selected or picture.hover == item:
            painter.setBrush(QColor(colors.text))
            painter.setPen(Qt.PenStyle.NoPen)
            for x in (box.left() + rise, box.right() - fall):
                painter.drawEllipse(QPointF(x, box.top() + 6), 3.2, 3.2)
    else:
        painter.fillRect(QRectF(box.left(), box.bottom() - 4, box.width() * min(1.0, amount), 4), mix(color, 0.8))
    painter.setPen(QColor(colors.text))
    label = f"{picture.names.get(name, name.replace('_', ' ').capitalize())}  {amount * 100:.0f} %"
    text = QRectF(max(box.left(), 0) + 8, box.top(), box.right() - max(box.left(), 0) - 12, box.height())
    if text.width() > 12:
        short = QFontMetricsF(painter.font()).elidedText(label, Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, short)
    painter.restore()
    painter.setPen(QPen(QColor(colors.accent), 2) if selected else QPen(mix(color, 0.9), 1))
    painter.drawPath(shape)


def line_points(values: np.ndarray, scale: TimeScale, width: float, row: Row, low: float, high: float) -> QPolygonF:
    """A curve as screen points: every visible frame, or about one a pixel when zoomed out."""
    first, last = scale.span(width)
    begin, stop = max(0, int(first)), min(len(values), int(last) + 2)
    if stop - begin < 2:
        return QPolygonF()
    step = max(1, int((stop - begin) / max(width, 1)))
    frames = np.arange(begin, stop, step)
    part = np.clip((values[begin:stop:step] - low) / max(high - low, 1e-6), 0, 1)
    y = row.top + row.height - 4 - part * (row.height - 8)
    x = (frames - scale.offset) * scale.px_per_frame
    return QPolygonF([QPointF(a, b) for a, b in zip(x, y, strict=True)])


def _motion(painter: QPainter, picture: Picture, row: Row, width: float) -> None:
    """Automatic motion as thin lines, keys as diamonds over them."""
    colors = theme.current()
    performance = picture.performance
    color = QColor(colors.rows[{"pose": 4, "gaze": 5, "blink": 6, "curve": 7}[row.kind]])
    if performance is not None and len(performance) > 1:
        lines: list[tuple[np.ndarray, float, float, Qt.PenStyle]] = []
        if row.kind == "pose":
            styles = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)
            reach = max(LEAST_RANGE_RAD, float(np.abs(performance.head[:, :3]).max()))
            lines = [(performance.head[:, i], -reach, reach, styles[i]) for i in range(3)]
        elif row.kind == "gaze":
            mean = (performance.gaze[:, :2] + performance.gaze[:, 2:]) / 2
            reach = max(LEAST_RANGE_RAD, float(np.abs(mean).max()))
            lines = [
                (mean[:, 0], -reach, reach, Qt.PenStyle.SolidLine),
                (mean[:, 1], -reach, reach, Qt.PenStyle.DashLine),
            ]
        else:
            values = _channel(performance, "eyeBlinkLeft" if row.kind == "blink" else row.channel)
            if values is not None:
                lines = [(values, 0.0, 1.0, Qt.PenStyle.SolidLine)]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for values, low, high, style in lines:
            painter.setPen(QPen(mix(color, 0.75), 1.2, style))
            painter.drawPolyline(line_points(values, picture.scale, width, row, low, high))
    curves = picture.scene.curves(row)
    if row.kind == "curve" and curves:
        curve = curves[0]
        keyed = sample_keys(curve.keys, picture.scene.total)
        reach = max(1.0, float(np.abs(keyed).max(initial=0)))
        pen = QPen(QColor(colors.text if not curve.mute else colors.faint), 1.5)
        painter.setPen(pen)
        painter.drawPolyline(
            line_points(keyed, picture.scale, width, row, min(0.0, float(keyed.min(initial=0))), reach)
        )
    frames: dict[int, list[Any]] = {}
    for curve in curves:
        for key in curve.keys:
            frames.setdefault(key.frame, []).append((curve, key))
    for frame, entries in frames.items():
        x = picture.scale.x(frame)
        if -8 <= x <= width + 8:
            selected = any(Item(curve.channel, key.frame) in picture.selection for curve, key in entries)
            step = all(key.interpolation == "step" for _, key in entries)
            muted = all(curve.mute for curve, _ in entries)
            key_shape(painter, QPointF(x, row.top + row.height / 2), color, selected, step, muted)


def _channel(performance: Performance, name: str) -> np.ndarray | None:
    from engines import arkit

    return performance.channel(name) if name in arkit.INDEX else None


def key_shape(
    painter: QPainter, at: QPointF, color: QColor, selected: bool, step: bool = False, muted: bool = False
) -> None:
    """A diamond, a square where the value jumps, hollow when muted."""
    colors = theme.current()
    painter.setPen(QPen(QColor(colors.text if selected else colors.canvas), 1.6 if selected else 1.0))
    painter.setBrush(Qt.BrushStyle.NoBrush if muted else QColor(colors.accent) if selected else color)
    if muted:
        painter.setPen(QPen(color, 1.4))
    if step:
        painter.drawRect(QRectF(at.x() - 4.5, at.y() - 4.5, 9, 9))
    else:
        r = 6.0
        painter.drawPolygon(
            QPolygonF([at + QPointF(0, -r), at + QPointF(r, 0), at + QPointF(0, r), at + QPointF(-r, 0)])
        )
    painter.setBrush(Qt.BrushStyle.NoBrush)


_ROWS = {
    "voice": _voice, "words": _segments, "phones": _segments, "emotions": _clips, "styles": _clips,
    "pose": _motion, "gaze": _motion, "blink": _motion, "curve": _motion,
}  # fmt: skip
