"""How the tracks look: one function a kind of row, all drawing only what is visible."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen, QPolygonF

from app.core.controls import sample_keys
from app.ui import theme
from app.ui.timeline.clips import paint_clips
from app.ui.timeline.layout import RULER, Item, Row, SegmentTimes
from app.ui.timeline.picture import Picture, hint, mix
from app.ui.timeline.scale import TimeScale, ruler_label, ruler_step
from engines.api import Performance

VOWELS = frozenset(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])
DENSE_PX = 4
"""Segments narrower than this on average are drawn as one strip, in pixels."""
DASH_PX = 1.0


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


def _voice(painter: QPainter, picture: Picture, row: Row, width: float) -> None:
    colors = theme.current()
    if picture.peaks is None:
        hint(painter, row, width, "Drop a recording here, or press Ctrl+Shift+O" if not picture.busy else picture.busy)
        return
    rate = float(picture.rate)
    first, last = picture.scale.span(width)
    if picture.show_spectrogram and picture.spectrogram is not None:
        _spectrogram(painter, picture, row, width)
        return
    columns = max(1, int(width))
    low, high = picture.peaks.columns(first / rate, last / rate, columns)
    middle, half = row.height / 2, row.height / 2 - 4
    # The square root lifts quiet speech; half a pixel is always there, as a base line.
    top, bottom = middle - np.sqrt(np.abs(high)) * half - 0.5, middle + np.sqrt(np.abs(low)) * half + 0.5
    y = np.arange(row.height)[:, None]
    coverage = np.clip(np.minimum(bottom, y + 1) - np.maximum(top, y), 0, 1)
    painter.drawImage(QPointF(0, row.top), tinted(coverage, QColor(colors.wave)))


def tinted(coverage: np.ndarray, color: QColor) -> QImage:
    """A picture in one colour.

    Parameters
    ----------
    coverage : float (H, W), 0 clear to 1 full
    """
    levels = np.arange(256, dtype=np.uint32)
    table = levels << 24
    for shift, value in ((16, color.red()), (8, color.green()), (0, color.blue())):
        table |= (levels * value // 255) << shift
    pixels = table[(coverage * 255).astype(np.uint8)]
    height, width = coverage.shape
    image = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_ARGB32_Premultiplied)
    return image.copy()


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
            hint(painter, row, width, picture.busy or "No words yet: type what is said in the transcript")
        return
    rate, scale = float(picture.rate), picture.scale
    times = SegmentTimes.of(segments)
    first, last = scale.span(width)
    visible = times.between(first / rate, last / rate)
    base = QColor(colors.rows[0 if row.kind == "words" else 1])
    if len(visible) * DENSE_PX > width:
        _dense(painter, picture, row, width, times, visible, base)
        return
    metrics = QFontMetricsF(painter.font())
    for index in visible:
        segment = segments[index]
        left, right = scale.x(segment.start_s * rate), scale.x(segment.end_s * rate)
        if segment.label in ("SIL", ""):
            continue
        box = QRectF(left + 0.5, row.top + 3, max(1.5, right - left - 1), row.height - 6)
        selected = Item(row.kind, index) in picture.selection
        vowel = segment.label.rstrip("012") in VOWELS
        fill = mix(base, 0.42 if row.kind == "words" or vowel else 0.22)
        if right - left < 5:
            painter.fillRect(box, mix(QColor(colors.accent), 0.6) if selected else fill)
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
            if len(short) > 1:
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, short)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _dense(
    painter: QPainter, picture: Picture, row: Row, width: float, times: SegmentTimes, visible: range, base: QColor
) -> None:
    """Segments too narrow to tell apart: how full each pixel column is."""
    columns = max(1, int(width))
    part = slice(visible.start, visible.stop)
    rate = float(picture.rate)
    left = np.clip((times.start_s[part] * rate - picture.scale.offset) * picture.scale.px_per_frame, 0, columns)
    right = np.clip((times.end_s[part] * rate - picture.scale.offset) * picture.scale.px_per_frame, 0, columns)
    filled = np.zeros(columns + 2)
    for edge, sign in ((left, 1.0), (right, -1.0)):  # the integral of the steps, split between neighbouring columns
        whole = edge.astype(np.int64)
        rest = edge - whole
        np.add.at(filled, whole, sign * (1 - rest))
        np.add.at(filled, whole + 1, sign * rest)
    coverage = np.clip(np.cumsum(filled)[:columns], 0, 1) * 0.42
    strip = np.repeat(coverage[None], row.height - 6, 0)
    painter.drawImage(QPointF(0, row.top + 3), tinted(strip, base))


def line_points(values: np.ndarray, scale: TimeScale, width: float, row: Row, low: float, high: float) -> QPolygonF:
    """A curve as screen points: every visible frame, or about one a pixel when zoomed out."""
    first, last = scale.span(width)
    begin, stop = max(0, int(first)), min(len(values), int(last) + 2)
    if stop - begin < 2:
        return QPolygonF()
    step = max(1, int(1.5 * (stop - begin) / max(width, 1)))
    frames = np.arange(begin, stop, step)
    part = np.clip((values[begin:stop:step] - low) / max(high - low, 1e-6), 0, 1)
    y = row.top + row.height - 4 - part * (row.height - 8)
    x = (frames - scale.offset) * scale.px_per_frame
    return QPolygonF(list(map(QPointF, x.tolist(), y.tolist())))


def _motion(painter: QPainter, picture: Picture, row: Row, width: float) -> None:
    """Automatic motion as thin lines, keys as diamonds over them."""
    colors = theme.current()
    performance = picture.performance
    color = QColor(colors.rows[{"pose": 4, "gaze": 5, "blink": 6, "curve": 7}[row.kind]])
    if performance is not None and len(performance) > 1:
        lines: list[tuple[np.ndarray, float, float, Qt.PenStyle]] = []
        if row.kind == "pose":
            styles = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)
            reach = picture.reach("pose", performance.head[:, :3])
            lines = [(performance.head[:, i], -reach, reach, styles[i]) for i in range(3)]
        elif row.kind == "gaze":
            reach = picture.reach("gaze", performance.gaze)
            lines = [
                (performance.gaze[:, 0], -reach, reach, Qt.PenStyle.SolidLine),
                (performance.gaze[:, 1], -reach, reach, Qt.PenStyle.DashLine),
            ]
        else:
            values = _channel(performance, "eyeBlinkLeft" if row.kind == "blink" else row.channel)
            if values is not None:
                lines = [(values, 0.0, 1.0, Qt.PenStyle.SolidLine)]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        dashes = picture.scale.px_per_frame > DASH_PX  # dashes along thousands of points are slow and unreadable
        for number, (values, low, high, style) in enumerate(lines):
            shade = mix(color, 0.75 - 0.15 * number)
            painter.setPen(QPen(shade, 1.2, style if dashes else Qt.PenStyle.SolidLine))
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
    "voice": _voice, "words": _segments, "phones": _segments, "emotions": paint_clips, "styles": paint_clips,
    "pose": _motion, "gaze": _motion, "blink": _motion, "curve": _motion,
}  # fmt: skip
