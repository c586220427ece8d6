"""What lies under the pointer in words, for tool tips."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.ui.timeline.layout import Hit
from app.ui.timeline.picture import Picture
from engines.timebase import timecode


def _tr(text: str) -> str:
    return QCoreApplication.translate("Timeline", text)


def describe(picture: Picture, target: Hit, frame: int) -> str:
    """The item under the pointer, or the voice's mood at the frame; nothing where there is nothing."""
    scene, item = picture.scene, target.item
    if item is None:
        return _mood(picture, target, frame)
    if item.row in ("words", "phones"):
        segment = scene.segments(item.row)[item.index]
        length = segment.end_s - segment.start_s
        return f"{segment.label}  {segment.start_s:.2f} s, {length * 1000:.0f} ms, {segment.confidence:.0%} sure"
    if item.row in ("emotions", "styles"):
        clip = scene.clips(item.row)[item.index]
        start, end = (timecode(f, picture.rate) for f in (clip.start, scene.end(clip)))
        name = getattr(clip, "emotion", "") or getattr(clip, "style", "")
        return f"{picture.names.get(name, name)}  {start} to {end}"
    if item.row == "markers":
        return scene.project.markers[item.index].name
    values = (
        f"{curve.channel} = {key.value:.3g}"
        for curve in scene.project.curves
        for key in curve.keys
        if key.frame == item.index and (target.row is None or curve.channel in target.row.channels())
    )
    return "\n".join(values)


def _mood(picture: Picture, target: Hit, frame: int) -> str:
    mood, names = picture.mood, picture.names
    if target.row is None or target.row.kind != "heard" or mood is None or not 0 <= frame < len(mood):
        return ""
    found = sorted(zip(mood.shares[frame].tolist(), mood.emotions, strict=True), reverse=True)
    shares = ", ".join(f"{names.get(name, name)} {share:.0%}" for share, name in found if share >= 0.05)
    levels = _tr("arousal %+.2f (line), valence %+.2f (dashes)") % (mood.arousal[frame], mood.valence[frame])
    return f"{shares or _tr('No clear mood')}\n{levels}"
