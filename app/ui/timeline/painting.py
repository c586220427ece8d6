"""How the tracks look: one function a kind of row, all drawing only what is visible."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from app.core.controls import sample_keys
from app.core.project import Curve, Key
from app.ui import theme
from app.ui.timeline import strips
from app.ui.timeline.bands import Line, draw_lines, draw_strip, paint_mood
from app.ui.timeline.clips import paint_clips
from app.ui.timeline.layout import RULER, Item, Row, SegmentTimes
from app.ui.timeline.picture import Picture, Shortener, hint, mix
from app.ui.timeline.scale import ruler_label, ruler_step
from engines.api import Performance

VOWELS = frozenset(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])
DENSE_PX = 4
"""Segments narrower than this on average are drawn as one strip, in pixels."""
DASH_PX = 1.0
_BOTH_PX = 112.0
"""Room from which the ruler says the frame beside the timecode."""


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
            code = ruler_label(frame, picture.rate, label)
            painter.drawText(QPointF(x + 4, 13), code)
            if frame and label * scale.px_per_frame >= _BOTH_PX:
                after = x + 10 + painter.fontMetrics().horizontalAdvance(code)
                painter.setPen(QColor(colors.faint))
                painter.drawText(QPointF(after, 13), str(frame))
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
    ratio = painter.device().devicePixelRatioF()
    height = round(row.height * ratio)
    low, high = picture.peaks.columns(first / rate, last / rate, max(1, round(width * ratio)))
    middle, half = height / 2, height / 2 - 4 * ratio
    # The square root lifts quiet speech; half a pixel is always there, as a base line.
    top, bottom = middle - np.sqrt(np.abs(high)) * half - 0.5, middle + np.sqrt(np.abs(low)) * half + 0.5
    draw_strip(painter, strips.band(top, bottom, height), QColor(colors.wave), row.top)


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
    shorten = Shortener(painter.font())
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
        if box.width() > 7:
            short = shorten(text, box.width() - 4)
            if short == text or (row.kind == "words" and len(short) > 1 and box.width() > 22):
                painter.setPen(QColor(colors.text))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, short)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _dense(
    painter: QPainter, picture: Picture, row: Row, width: float, times: SegmentTimes, visible: range, base: QColor
) -> None:
    """Segments too narrow to tell apart: how full each pixel column is."""
    part, rate, ratio = slice(visible.start, visible.stop), float(picture.rate), painter.device().devicePixelRatioF()
    columns = strips.Columns.of(picture.scale, width, ratio)
    full = strips.filled(times.start_s[part] * rate, times.end_s[part] * rate, columns) * 0.42
    draw_strip(painter, np.repeat(full[None], round((row.height - 6) * ratio), 0), base, row.top + 3)


def _motion(painter: QPainter, picture: Picture, row: Row, width: float) -> None:
    """Automatic motion as thin lines, keys as diamonds over them."""
    colors = theme.current()
    performance = picture.performance
    color = QColor(colors.rows[{"pose": 4, "gaze": 5, "blink": 6, "curve": 7}[row.kind]])
    if performance is not None and len(performance) > 1:
        lines: list[Line] = []
        dashes = picture.scale.px_per_frame > DASH_PX
        if row.kind == "pose":
            reach = picture.reach("pose", performance.head[:, :3])
            lines = [(performance.head[:, i], -reach, reach, _dash(i, dashes), 0.75 - 0.15 * i) for i in range(3)]
        elif row.kind == "gaze":
            reach = picture.reach("gaze", performance.gaze)
            lines = [(performance.gaze[:, i], -reach, reach, _dash(i, dashes), 0.75 - 0.15 * i) for i in range(2)]
        else:
            values = _channel(performance, "eyeBlinkLeft" if row.kind == "blink" else row.channel)
            if values is not None:
                lines = [(values, 0.0, 1.0, None, 0.75)]
        if lines:
            draw_lines(painter, picture, row, width, lines, color)
    curves = picture.scene.curves(row)
    if row.kind == "curve" and curves:
        curve = curves[0]
        keyed = sample_keys(curve.keys, picture.scene.total)
        reach = max(1.0, float(np.abs(keyed).max(initial=0)))
        shade = QColor(colors.text if not curve.mute else colors.faint)
        low = min(0.0, float(keyed.min(initial=0)))
        draw_lines(painter, picture, row, width, [(keyed, low, reach, None, 1.0)], shade)
    _keys(painter, picture, row, curves, width, color)


def _keys(painter: QPainter, picture: Picture, row: Row, curves: list[Curve], width: float, color: QColor) -> None:
    """The keys in view, those of several channels on one frame as one."""
    first, last = picture.scale.frame(-8), picture.scale.frame(width + 8)
    frames: dict[int, list[tuple[Curve, Key]]] = {}
    for curve in curves:
        begin = bisect_left(curve.keys, first, key=_frame_of)
        for key in curve.keys[begin : bisect_left(curve.keys, last, key=_frame_of)]:
            frames.setdefault(key.frame, []).append((curve, key))
    for frame, entries in frames.items():
        selected = any(Item(curve.channel, key.frame) in picture.selection for curve, key in entries)
        step = all(key.interpolation == "step" for _, key in entries)
        muted = all(curve.mute for curve, _ in entries)
        at = QPointF(picture.scale.x(frame), row.top + row.height / 2)
        key_shape(painter, at, color, selected, step, muted)


def _frame_of(key: Key) -> int:
    return key.frame


def _dash(number: int, dashes: bool) -> tuple[float, float] | None:
    """Dashes of the ``number``-th line of a row; zoomed out they would be unreadable."""
    return (None, (7.0, 3.0), (2.0, 3.0))[number] if dashes else None


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
    "voice": _voice, "words": _segments, "phones": _segments, "emotions": paint_clips, "heard": paint_mood,
    "styles": paint_clips,
    "pose": _motion, "gaze": _motion, "blink": _motion, "curve": _motion,
}  # fmt: skip
