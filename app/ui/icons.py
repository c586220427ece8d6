"""The window's icons: own line drawings on a 24-unit grid, rendered in the theme's colours at any size."""

from __future__ import annotations

import tempfile
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_FILLED: Final = {"play", "pause", "stop", "key", "marker", "app"}
PATHS: Final[dict[str, str]] = {
    "play": "M7 4.5 L19 12 L7 19.5 Z",
    "pause": "M6.5 5 H10 V19 H6.5 Z M14 5 H17.5 V19 H14 Z",
    "stop": "M6 6 H18 V18 H6 Z",
    "start": "M6 5 V19 M18 5.5 L9.5 12 L18 18.5 Z",
    "end": "M18 5 V19 M6 5.5 L14.5 12 L6 18.5 Z",
    "previous": "M15 5.5 L7.5 12 L15 18.5",
    "next": "M9 5.5 L16.5 12 L9 18.5",
    "loop": "M5 11 A6 6 0 0 1 11 6 H18 M15 3 L18.5 6 L15 9 M19 13 A6 6 0 0 1 13 18 H6 M9 15 L5.5 18 L9 21",
    "in": "M9 5 H5 V19 H9 M10 12 H20 M16 8.5 L20 12 L16 15.5",
    "out": "M15 5 H19 V19 H15 M14 12 H4 M8 8.5 L4 12 L8 15.5",
    "undo": "M9 5 L4.5 9.5 L9 14 M5 9.5 H14 A5 5 0 0 1 14 19.5 H9",
    "redo": "M15 5 L19.5 9.5 L15 14 M19 9.5 H10 A5 5 0 0 0 10 19.5 H15",
    "open": "M3.5 18.5 V6 H9.5 L11.5 8.5 H20 V18.5 Z",
    "save": "M5 4.5 H16 L19.5 8 V19.5 H5 Z M8 4.5 V9 H14.5 V4.5 M8 19.5 V13.5 H16 V19.5",
    "new": "M6 3.5 H14 L18.5 8 V20.5 H6 Z M13.5 4 V8.5 H18",
    "export": "M12 15 V4 M7.5 8 L12 3.5 L16.5 8 M4.5 14 V19.5 H19.5 V14",
    "import": "M12 4 V15 M7.5 11 L12 15.5 L16.5 11 M4.5 14 V19.5 H19.5 V14",
    "portrait": "M12 4 A4 4 0 0 1 12 12 A4 4 0 0 1 12 4 Z M4.5 20 C4.5 15.5 8 14 12 14 C16 14 19.5 15.5 19.5 20",
    "voice": "M4 10 V14 M8 7 V17 M12 4 V20 M16 7.5 V16.5 M20 10 V14",
    "split": "M12 3 V21 M9 8 H3.5 V16 H9 M15 8 H20.5 V16 H15",
    "snap": "M6 4 V12 A6 6 0 0 0 18 12 V4 H14 V12 A2 2 0 0 1 10 12 V4 Z M6 8 H10 M14 8 H18",
    "ripple": "M3 12 H9 M6 8.5 L9.5 12 L6 15.5 M12 5 V19 H20 V5 Z",
    "zoom_in": "M10.5 4 A6.5 6.5 0 0 1 10.5 17 A6.5 6.5 0 0 1 10.5 4 Z M15.5 15.5 L20.5 20.5 "
    "M7.5 10.5 H13.5 M10.5 7.5 V13.5",
    "zoom_out": "M10.5 4 A6.5 6.5 0 0 1 10.5 17 A6.5 6.5 0 0 1 10.5 4 Z M15.5 15.5 L20.5 20.5 M7.5 10.5 H13.5",
    "fit": "M4 9 V4 H9 M15 4 H20 V9 M20 15 V20 H15 M9 20 H4 V15",
    "delete": "M5 7 H19 M9.5 7 V4 H14.5 V7 M7 7 L8 20 H16 L17 7 M10.5 10.5 V16.5 M13.5 10.5 V16.5",
    "copy": "M8.5 8.5 H19.5 V19.5 H8.5 Z M15.5 8.5 V4.5 H4.5 V15.5 H8.5",
    "paste": "M7 5.5 H5 V20 H19 V5.5 H17 M8.5 3.5 H15.5 V7.5 H8.5 Z",
    "cut": "M6.5 15 A2.5 2.5 0 0 1 6.5 20 A2.5 2.5 0 0 1 6.5 15 Z M17.5 15 A2.5 2.5 0 0 1 17.5 20 "
    "A2.5 2.5 0 0 1 17.5 15 Z M8 15.5 L17 4 M16 15.5 L7 4",
    "bake": "M4.5 5 H19.5 M12 5 V14.5 M8 11 L12 15 L16 11 M4.5 16 V20 H19.5 V16",
    "plus": "M12 5 V19 M5 12 H19",
    "minus": "M5 12 H19",
    "close": "M6 6 L18 18 M18 6 L6 18",
    "judge": "M4.5 19.5 A8.5 8.5 0 1 1 19.5 19.5 M12 14.5 L16 8.5 M4 14 H6 M12 5.5 V7.5 M20 14 H18",
    "check": "M4.5 12.5 L9.5 17.5 L19.5 6.5",
    "chevron": "M5 9 L12 16 L19 9",
    "mute": "M4 9.5 H8 L13 5 V19 L8 14.5 H4 Z M17 9.5 L21 14.5 M21 9.5 L17 14.5",
    "sound": "M4 9.5 H8 L13 5 V19 L8 14.5 H4 Z M16.5 9 A4 4 0 0 1 16.5 15 M18.5 6 A8 8 0 0 1 18.5 18",
    "solo": "M12 4 A8 8 0 0 1 12 20 A8 8 0 0 1 12 4 Z M14.5 9.5 C13 8 9.5 8.5 9.5 10.3 C9.5 12.5 14.5 11.5 14.5 13.8 "
    "C14.5 15.8 11 16 9.3 14.5",
    "wipe": "M4 5 H20 V19 H4 Z M12 3 V21 M14.5 9 L17.5 12 L14.5 15 M9.5 9 L6.5 12 L9.5 15",
    "mesh": "M12 3.5 L19.5 8 V16 L12 20.5 L4.5 16 V8 Z M4.5 8 L12 12 L19.5 8 M12 12 V20.5",
    "landmarks": "M8 9 h0.1 M16 9 h0.1 M12 13 h0.1 M8.5 17 h0.1 M12 18 h0.1 M15.5 17 h0.1 M6 6 h0.1 M18 6 h0.1",
    "safe": "M3.5 5 H20.5 V19 H3.5 Z M6.5 8 H17.5 V16 H6.5 Z",
    "onion": "M9.5 5 A7 7 0 0 1 9.5 19 A7 7 0 0 1 9.5 5 Z M14.5 5 A7 7 0 0 1 14.5 19",
    "pose": "M12 3.5 C16 3.5 18 7 18 11 C18 15.5 15 20.5 12 20.5 C9 20.5 6 15.5 6 11 C6 7 8 3.5 12 3.5 Z "
    "M2 12 L4 10 M2 12 L4 14 M22 12 L20 10 M22 12 L20 14",
    "head": "M12 3.5 C16 3.5 18 7 18 11 C18 15.5 15 20.5 12 20.5 C9 20.5 6 15.5 6 11 C6 7 8 3.5 12 3.5 Z "
    "M9.3 10.5 h0.1 M14.7 10.5 h0.1 M9.8 15 C11 16.3 13 16.3 14.2 15",
    "eye": "M2.5 12 C6 6.5 9 5.5 12 5.5 C15 5.5 18 6.5 21.5 12 C18 17.5 15 18.5 12 18.5 C9 18.5 6 17.5 2.5 12 Z "
    "M12 9 A3 3 0 0 1 12 15 A3 3 0 0 1 12 9 Z",
    "emotion": "M12 3.5 A8.5 8.5 0 0 1 12 20.5 A8.5 8.5 0 0 1 12 3.5 Z M9 9.5 h0.1 M15 9.5 h0.1 "
    "M8 14 C10 17 14 17 16 14",
    "style": "M4 7 H12 M16 7 H20 M14 5 V9 M4 12 H7 M11 12 H20 M9 10 V14 M4 17 H14 M18 17 H20 M16 15 V19",
    "curve": "M3 18 C9 18 9 6 12 6 C15 6 15 18 21 18",
    "settings": "M4 7 H12 M16 7 H20 M14 5 V9 M4 12 H7 M11 12 H20 M9 10 V14 M4 17 H14 M18 17 H20 M16 15 V19",
    "queue": "M4 6 H20 M4 12 H20 M4 18 H13 M16.5 16 V21 L20.5 18.5 Z",
    "reveal": "M3.5 18.5 V6 H9.5 L11.5 8.5 H20 V18.5 Z M12 11 V16 M9.5 13.5 L12 11 L14.5 13.5",
    "retry": "M19 12 A7 7 0 1 1 16.5 6.5 M17 3 V7 H13",
    "search": "M10.5 4 A6.5 6.5 0 0 1 10.5 17 A6.5 6.5 0 0 1 10.5 4 Z M15.5 15.5 L20.5 20.5",
    "dice": "M5 5 H19 V19 H5 Z M9 9 h0.1 M15 9 h0.1 M12 12 h0.1 M9 15 h0.1 M15 15 h0.1",
    "warning": "M12 4 L21 19.5 H3 Z M12 10 V14 M12 16.8 h0.1",
    "info": "M12 3.5 A8.5 8.5 0 0 1 12 20.5 A8.5 8.5 0 0 1 12 3.5 Z M12 11 V16.5 M12 7.8 h0.1",
    "key": "M12 5 L19 12 L12 19 L5 12 Z",
    "marker": "M6 4 H18 V14 L12 20 L6 14 Z",
    "transcript": "M4 6 H20 M4 10 H20 M4 14 H20 M4 18 H13",
    "app": "M12 2.5 C17 2.5 20 6 20 11 C20 17 16 21.5 12 21.5 C8 21.5 4 17 4 11 C4 6 7 2.5 12 2.5 Z",
}


def _svg(name: str, color: str) -> bytes:
    fill = color if name in _FILLED else "none"
    stroke = "none" if name in _FILLED else color
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="{PATHS[name]}" fill="{fill}" '
        f'stroke="{stroke}" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"/></svg>'
    ).encode()


@lru_cache(512)
def pixmap(name: str, color: str, size: int, ratio: float = 1.0) -> QPixmap:
    """One icon as a picture, ``size`` logical pixels square."""
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(_svg(name, color))).render(painter, QRectF(picture.rect()))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


@cache
def icon(name: str) -> QIcon:
    """One icon with its normal, active and disabled looks in the current theme."""
    from app.ui import theme

    colors = theme.current()
    result = QIcon()
    for size in (18, 36):  # Qt scales these for the sizes between, and takes the larger on sharp screens
        for mode, color in (
            (QIcon.Mode.Normal, colors.text),
            (QIcon.Mode.Disabled, colors.faint),
        ):
            result.addPixmap(pixmap(name, color, size), mode, QIcon.State.Off)
        result.addPixmap(pixmap(name, colors.accent_text, size), QIcon.Mode.Normal, QIcon.State.On)
    return result


def app_icon() -> QIcon:
    """The application's own icon: a speaking face."""
    result = QIcon()
    for side in (16, 32, 64, 128):
        picture = QPixmap(QSize(side, side))
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        box = QRectF(picture.rect())
        QSvgRenderer(QByteArray(_svg("app", "#f2a950"))).render(painter, box)
        QSvgRenderer(QByteArray(_face())).render(painter, box)
        painter.end()
        result.addPixmap(picture)
    return result


def _face() -> bytes:
    return (
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><g fill="#1d1405">'
        b'<circle cx="9" cy="10" r="1.3"/><circle cx="15" cy="10" r="1.3"/><ellipse cx="12" cy="15.6" rx="2.6" ry="2"/>'
        b"</g></svg>"
    )


def clear() -> None:
    """Forget drawn icons, after the theme changed."""
    icon.cache_clear()


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="soliloquy-icons-")


def image_file(name: str, color: str) -> str:
    """An icon as an SVG file on disk, for style sheets, which take nothing else. Path with forward slashes."""
    path = Path(_folder().name) / f"{name}-{color.strip('#')}.svg"
    if not path.exists():
        path.write_bytes(_svg(name, color))
    return path.as_posix()
