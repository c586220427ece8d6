"""The look of the window: two palettes with one accent, spacing, and the style sheet made from them.

Every text colour keeps a contrast of 4.5 : 1 or more against the surfaces it is used on (WCAG 2.2 AA), in both themes.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from typing import Final

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory


@dataclass(frozen=True)
class Theme:
    """Colours as ``#rrggbb``.

    Attributes
    ----------
    canvas : behind the picture and the timeline's rows
    window, panel, control, hover : surfaces, from the back to the front
    line : thin borders; ``strong`` for borders that must be seen (inputs)
    text, muted, faint : primary and secondary words; ``faint`` only for decoration and disabled items
    accent, on_accent : the one highlight and words upon it; ``accent_text`` is the accent used as words
    danger, good : states, always beside words or a shape
    """

    name: str
    canvas: str
    window: str
    panel: str
    control: str
    hover: str
    line: str
    strong: str
    text: str
    muted: str
    faint: str
    accent: str
    on_accent: str
    accent_text: str
    selection: str
    danger: str
    good: str
    wave: str
    rows: tuple[str, ...]
    """Colours of the timeline's tracks: words, phones, emotion, style, pose, gaze, blink, curves."""


DARK: Final = Theme(
    name="dark",
    canvas="#131417",
    window="#191b1f",
    panel="#202329",
    control="#2b2f37",
    hover="#363b45",
    line="#2c3038",
    strong="#4a505c",
    text="#e8eaee",
    muted="#a7aeba",
    faint="#6b7280",
    accent="#f2a950",
    on_accent="#1d1405",
    accent_text="#f4b468",
    selection="#4a3a24",
    danger="#ff8a7a",
    good="#7fd1a0",
    wave="#6f8ba6",
    rows=("#8fa3bd", "#7f93ad", "#d98a6a", "#8fb573", "#6fa8dc", "#63b7b0", "#b492d6", "#d3b65f"),
)
LIGHT: Final = Theme(
    name="light",
    canvas="#e4e6ea",
    window="#eef0f3",
    panel="#f8f9fb",
    control="#ffffff",
    hover="#e3e7ee",
    line="#d3d7de",
    strong="#8b93a0",
    text="#1b1e24",
    muted="#525a67",
    faint="#9aa1ad",
    accent="#b35c00",
    on_accent="#ffffff",
    accent_text="#8f4a00",
    selection="#fbe3c6",
    danger="#b3261e",
    good="#1d6b3f",
    wave="#5b7793",
    rows=("#53687f", "#5d7087", "#b35f3c", "#557a38", "#35709f", "#27766f", "#7a55a5", "#8a6d14"),
)
THEMES: Final = {"dark": DARK, "light": LIGHT}

SPACE: Final = 8
"""The unit of all spacing, in pixels."""

EMOTION_COLORS: Final = {
    "neutral": "#8b93a0", "happy": "#d9a441", "sad": "#5f88c9", "angry": "#d0604f", "afraid": "#8f6fc2",
    "surprised": "#d98cb3", "disgusted": "#7d9c4f", "contempt": "#a07a5c", "sarcastic": "#b08a6a",
    "confident": "#c98a3f", "bored": "#7d8794", "playful": "#e0a06a", "confused": "#9a86b8", "excited": "#e08a3c",
    "tired": "#6f7f93", "flirtatious": "#cf7f93",
}  # fmt: skip


def _channel(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def luminance(color: str) -> float:
    """Relative luminance of an sRGB colour, 0 to 1 (WCAG 2.2)."""
    red, green, blue = (_channel(int(color[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def over(color: str, ground: str, opacity: float) -> str:
    """The colour seen where ``color`` lies on ``ground`` with an opacity of 0 to 1."""
    pairs = ((int(color[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a * opacity + b * (1 - opacity)):02x}" for a, b in pairs)


MARKER_COLORS: Final = {
    "blue": "#5b8fd9", "red": "#d95f55", "green": "#5fa867", "orange": "#d98a3d", "purple": "#9a76c9",
    "teal": "#3fa39b",
}  # fmt: skip


def marker_color(name: str) -> QColor:
    """The colour of a marker by its name in the project; other valid colour names are taken as they are."""
    if name in MARKER_COLORS:
        return QColor(MARKER_COLORS[name])
    return QColor(name) if QColor.isValidColorName(name) else QColor(MARKER_COLORS["blue"])


_current: Theme = DARK
_styled: QApplication | None = None
"""The application that has got its style and font."""


def current() -> Theme:
    """The theme in use."""
    return _current


def emotion_color(emotion: str) -> QColor:
    """The colour of an emotion's clips; an unknown emotion gets a stable hue of its own."""
    known = EMOTION_COLORS.get(emotion)
    if known:
        return QColor(known)
    return QColor.fromHsl(sum(map(ord, emotion)) * 47 % 360, 90, 140)


_SHEET: Final = Template("""
* { outline: none; }
QMainWindow, QDialog { background: $window; }
QMainWindow::separator { background: $canvas; width: 5px; height: 5px; }
QMainWindow::separator:hover { background: $accent; }
QWidget { color: $text; font-size: ${size}px; }
QToolTip { background: $control; color: $text; border: 1px solid $strong; padding: 4px 6px; }
QMenuBar { background: $window; padding: 2px 6px; }
QMenuBar::item { padding: 4px 9px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $panel; border: 1px solid $strong; padding: 5px; }
QMenu::item { padding: 5px 26px 5px 24px; border-radius: 4px; }
QMenu::item:selected { background: $hover; }
QMenu::item:disabled { color: $faint; }
QMenu::separator { height: 1px; background: $line; margin: 5px 8px; }
QMenu::icon { padding-left: 6px; }
QDockWidget { titlebar-close-icon: none; font-weight: 600; }
QDockWidget::title { background: $window; padding: 7px 10px; text-align: left; }
QTabBar { background: $window; qproperty-drawBase: 0; }
QTabBar::tab { background: transparent; color: $muted; padding: 7px 12px; border: none;
  border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: $text; border-bottom: 2px solid $accent; }
QTabBar::tab:hover { color: $text; }
QTabWidget::pane { border: none; }
QStatusBar { background: $window; color: $muted; border-top: 1px solid $line; }
QStatusBar::item { border: none; }
QStatusBar QLabel { color: $muted; padding: 0 8px; }
#panel, QScrollArea#panel > QWidget > QWidget, QStackedWidget#panel { background: $panel; }
#canvas { background: $canvas; }
#bar { background: $panel; border: none; border-top: 1px solid $line; border-bottom: 1px solid $line; }
QScrollArea { border: none; background: $panel; }
QLabel { background: transparent; }
QLabel#title { font-size: ${title}px; font-weight: 600; }
QLabel#heading { font-weight: 600; color: $text; padding-top: 6px; }
QLabel#muted { color: $muted; }
QLabel#reason { color: $muted; font-size: ${small}px; }
QLabel#danger { color: $danger; }
QLabel#timecode { font-family: $mono; font-size: ${title}px; color: $accent_text; }
QLabel#thumb { background: $canvas; border: 1px solid $line; border-radius: 6px; color: $muted; }
QPushButton { background: $control; border: 1px solid $strong; border-radius: 6px; padding: 5px 12px;
  min-height: 16px; }
QPushButton:hover { background: $hover; }
QPushButton:focus, QToolButton:focus, QComboBox:focus, QLineEdit:focus, QAbstractSpinBox:focus, QPlainTextEdit:focus,
QListView:focus, QTreeView:focus, QTableView:focus { border: 1px solid $accent; }
QPushButton:pressed, QPushButton:checked { background: $selection; border-color: $accent; }
QPushButton:disabled { color: $faint; background: $panel; border-color: $line; }
QPushButton#primary { background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton#primary:disabled { background: $control; color: $faint; border-color: $line; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 6px; padding: 4px; }
QToolButton:hover { background: $hover; }
QToolButton:checked { background: $selection; }
QToolButton:disabled { color: $faint; }
QToolButton#chip { background: $control; border: 1px solid $line; border-radius: 11px; padding: 3px 9px; }
QToolButton#chip:hover { background: $hover; border-color: $strong; }
QToolButton#chip:focus { border-color: $accent; }
QToolButton#chip:checked { background: $selection; border-color: $accent; }
QToolButton#chip:disabled { background: $panel; border-color: $line; }
QToolButton::menu-indicator { image: none; width: 0; }
QLineEdit, QAbstractSpinBox, QComboBox, QPlainTextEdit { background: $control; border: 1px solid $strong;
  border-radius: 5px; padding: 3px 7px; selection-background-color: $accent; selection-color: $on_accent;
  min-height: 18px; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled { color: $faint; border-color: $line;
  background: $panel; }
QAbstractSpinBox { padding: 3px 4px; }
QAbstractSpinBox > QLineEdit { border: none; padding: 0 3px; background: transparent; min-height: 0; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { width: 0; border: none; }
QComboBox::drop-down, QDateEdit::drop-down { border: none; width: 20px; }
QComboBox::down-arrow, QDateEdit::down-arrow { image: url($chevron); width: 10px; height: 10px; }
QComboBox QAbstractItemView { background: $panel; border: 1px solid $strong; selection-background-color: $hover;
  selection-color: $text; padding: 4px; }
QCheckBox { spacing: 8px; background: transparent; }
QCheckBox:disabled, QLabel:disabled { color: $faint; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid $strong; border-radius: 4px; background: $control; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url($check); }
QCheckBox::indicator:disabled { border-color: $line; }
QCheckBox:focus { color: $accent_text; }
QSlider { background: transparent; min-height: 18px; }
QSlider::groove:horizontal { height: 4px; background: $strong; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::sub-page:horizontal:disabled { background: $strong; }
QSlider::handle:horizontal { width: 14px; height: 14px; margin: -5px 0; border-radius: 7px; background: $text; }
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus { background: $accent; }
QSlider::handle:horizontal:disabled { background: $faint; }
QListView, QTreeView, QTableView { background: $panel; border: 1px solid transparent;
  alternate-background-color: $window; selection-background-color: transparent; }
QTreeView::branch, QTreeView::branch:selected { background: transparent; }
QListView::item, QTreeView::item { padding: 4px; border-radius: 5px; }
QListView::item:selected, QTreeView::item:selected, QTableView::item:selected { background: $selection; color: $text; }
QListView::item:hover, QTreeView::item:hover { background: $hover; }
QHeaderView::section { background: $window; color: $muted; border: none; padding: 5px 8px; }
QProgressBar { background: $control; border: none; border-radius: 3px; height: 6px; max-height: 6px; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }
QScrollBar:vertical { background: transparent; width: 11px; }
QScrollBar:horizontal { background: transparent; height: 11px; }
QScrollBar::handle { background: $strong; border-radius: 4px; margin: 2px; min-height: 28px; min-width: 28px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page { background: none; border: none;
  width: 0; height: 0; }
QFrame#rule { background: $line; max-height: 1px; border: none; }
QFrame#card { background: $window; border: 1px solid $line; border-radius: 8px; }
QFrame#card:hover { border-color: $strong; }
QFrame#notice { background: $selection; border: 1px solid $accent; border-radius: 8px; }
""")


def _families() -> list[str]:
    wanted = ("Inter", "SF Pro Text", "Segoe UI", "Ubuntu", "Noto Sans", "Cantarell", "DejaVu Sans")
    there = set(QFontDatabase.families())
    return [family for family in wanted if family in there][:1] or [QFont().family()]


def apply(app: QApplication, name: str) -> Theme:
    """Dress the whole application in the theme called ``dark`` or ``light``."""
    global _current, _styled
    from app.ui import icons

    theme = THEMES.get(name, DARK)
    _current = theme
    font = QFont(_families())
    size = 12 if "DejaVu" in font.family() else 13
    font.setPixelSize(size)
    # Each of these makes every widget think its looks over again, so the ones that never change are set once.
    if _styled is not app:
        _styled = app
        style = QStyleFactory.create("Fusion")
        if style is not None:
            app.setStyle(style)
        app.setFont(font)
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, color in (
        (roles.Window, theme.window), (roles.WindowText, theme.text), (roles.Base, theme.control),
        (roles.AlternateBase, theme.panel), (roles.Text, theme.text), (roles.Button, theme.control),
        (roles.ButtonText, theme.text), (roles.Highlight, theme.accent), (roles.HighlightedText, theme.on_accent),
        (roles.ToolTipBase, theme.control), (roles.ToolTipText, theme.text), (roles.PlaceholderText, theme.muted),
        (roles.Link, theme.accent_text),
    ):  # fmt: skip
        palette.setColor(role, QColor(color))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.faint))
    app.setPalette(palette)
    values = {key: value for key, value in vars(theme).items() if isinstance(value, str)}
    mono = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
    app.setStyleSheet(
        _SHEET.substitute(
            values,
            size=size,
            title=size + 4,
            small=size - 1,
            mono=f'"{mono}"',
            chevron=icons.image_file("chevron", theme.muted),
            check=icons.image_file("check", theme.on_accent),
        )
    )
    icons.clear()
    return theme
