"""Directions to choose from: the emotion pad, emotions, speaking styles, poses and characters of head motion."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLayout, QLayoutItem, QPushButton, QSizePolicy, QToolButton, QWidget

from app.core import own_presets, presets
from app.ui import theme
from app.ui.emotion_model import Part, blend, describe, in_order
from app.ui.emotion_pad import EmotionPad
from app.ui.widgets import Panel, clear_layout, heading, icon_button, muted, show_icon


class FlowLayout(QLayout):
    """Puts widgets beside each other and wraps like text."""

    def __init__(self, spacing: int = 6) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self.setSpacing(spacing)
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(QRect(0, 0, width, 0), False)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        return size

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._place(rect, True)

    def _place(self, rect: QRect, move: bool) -> int:
        x, y, line = rect.x(), rect.y(), 0
        for item in self._items:
            size = item.sizeHint()
            if x > rect.x() and x + size.width() > rect.right() + 1:
                x, y, line = rect.x(), y + line + self.spacing(), 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), size))
            x += size.width() + self.spacing()
            line = max(line, size.height())
        return y + line - rect.y()


def color_dot(color: QColor, size: int = 12) -> QIcon:
    """A round colour sample."""
    pixmap = QPixmap(size * 2, size * 2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(color)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawEllipse(3, 3, size * 2 - 6, size * 2 - 6)
    painter.end()
    pixmap.setDevicePixelRatio(2)
    return QIcon(pixmap)


class PresetsPanel(Panel):
    """The left dock's second page.

    Signals
    -------
    chosen : (kind, id) of a preset to use; kind is ``emotions``, ``styles``, ``poses`` or ``heads``
    hovered : (kind, id) to try on the picture; empty strings when the pointer leaves
    blended : a blend of the pad to try, while it is dragged
    placed : a blend of the pad to put on the timeline
    menu_wanted : (kind, id, place on the screen) for what else can be done with a preset
    save_wanted : (place on the screen) the button at the bottom, as ``import_wanted`` and ``folder_wanted``
    """

    chosen = Signal(str, str)
    hovered = Signal(str, str)
    blended = Signal(object)
    placed = Signal(object)
    menu_wanted = Signal(str, str, QPoint)
    save_wanted = Signal(QPoint)
    import_wanted = Signal()
    folder_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.emotions: Mapping[str, presets.Emotion] = {}
        self._parts: tuple[Part, ...] = ()
        column = self.column
        column.addWidget(heading(self.tr("Emotion")))
        self.pad = EmotionPad({})
        self.pad.changed.connect(self._on_pad)
        column.addWidget(self.pad)
        self.blend = muted("")
        self.add = QPushButton(self.tr("Add to timeline"))
        self.add.setObjectName("primary")
        self.add.clicked.connect(self._place)
        column.addWidget(self.blend)
        column.addWidget(self.add)
        self._groups: dict[str, FlowLayout] = {}
        for kind, title in (
            ("emotions", ""),
            ("styles", self.tr("Speaking style")),
            ("poses", self.tr("Pose")),
            ("heads", self.tr("Head motion")),
        ):
            if title:
                column.addWidget(heading(title))
            holder = QWidget()
            flow = FlowLayout()
            holder.setLayout(flow)
            policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
            policy.setHeightForWidth(True)
            holder.setSizePolicy(policy)
            self._groups[kind] = flow
            column.addWidget(holder)
        self._chips: dict[tuple[str, str], QToolButton] = {}
        column.addStretch(1)
        foot = QHBoxLayout()
        self.save = QPushButton(self.tr("Save preset…"))
        show_icon(self.save, "plus")
        self.save.setToolTip(self.tr("Keep the selected emotion or style, or the face or pose at the playhead"))
        self.save.clicked.connect(self._on_save)
        load = icon_button("import", self.tr("Take over a preset file"))
        load.clicked.connect(self.import_wanted)
        folder = icon_button("open", self.tr("Show your presets in the file manager"))
        folder.clicked.connect(self.folder_wanted)
        foot.addWidget(self.save, 1)
        foot.addWidget(load)
        foot.addWidget(folder)
        column.addLayout(foot)
        self.reload()

    def reload(self) -> None:
        """Read the presets again."""
        self.emotions = presets.load_all("emotions")
        self.pad.emotions = self.emotions
        self.pad.update()
        self._chips.clear()
        for kind, flow in self._groups.items():
            clear_layout(flow)
            found = self.emotions if kind == "emotions" else presets.load_all(kind)
            order = in_order(self.emotions) if kind == "emotions" else sorted(found, key=lambda n: (n != "natural", n))
            for name in order:
                flow.addWidget(self._chip(kind, name, found[name]))
        self._on_pad(self.pad.point.x(), self.pad.point.y())

    def names(self) -> dict[str, str]:
        """Names of all emotions and styles by id."""
        found = {name: preset.name for name, preset in self.emotions.items()}
        found.update({name: preset.name for name, preset in presets.load_all("styles").items()})
        return found

    def _chip(self, kind: str, name: str, preset: object) -> QToolButton:
        chip = QToolButton()
        chip.setText(getattr(preset, "name", name))
        chip.setToolTip(getattr(preset, "summary", ""))
        chip.setProperty("preset", f"{kind}/{name}")
        chip.setObjectName("chip")
        if own_presets.is_own(kind, name):
            font = chip.font()
            font.setItalic(True)
            chip.setFont(font)
            tip = self.tr("Your own; right-click to rename, share or delete it")
            chip.setToolTip("\n".join(filter(None, (chip.toolTip(), tip))))
        chip.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        chip.customContextMenuRequested.connect(self._on_menu)
        chip.setCheckable(kind == "heads")
        chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if kind == "emotions":
            chip.setIcon(color_dot(theme.emotion_color(name)))
            chip.setIconSize(QSize(12, 12))
            chip.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        chip.clicked.connect(self._on_chip)
        chip.installEventFilter(self)
        self._chips[kind, name] = chip
        return chip

    def show_character(self, name: str) -> None:
        """Mark the head motion in use."""
        for (kind, other), chip in self._chips.items():
            if kind == "heads":
                chip.setChecked(other == name)

    def set_honours(self, honours: frozenset[str], reasons: Mapping[str, str]) -> None:
        """Grey out what the engine does not honour, and say why."""
        needs = {"emotions": "emotion", "styles": "style", "heads": "pose", "poses": "pose"}
        for (kind, _), chip in self._chips.items():
            usable = needs[kind] in honours
            chip.setEnabled(usable)
            if not usable:
                chip.setToolTip(reasons.get(needs[kind], self.tr("The chosen engine does not honour this.")))
        self.pad.setEnabled("emotion" in honours)
        self.add.setEnabled("emotion" in honours)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind, _, name = str(watched.property("preset") or "").partition("/")
        if kind and event.type() in (QEvent.Type.Enter, QEvent.Type.FocusIn):
            self.hovered.emit(kind, name)
        elif kind and event.type() in (QEvent.Type.Leave, QEvent.Type.FocusOut):
            self.hovered.emit("", "")
        return super().eventFilter(watched, event)

    def _on_chip(self) -> None:
        sender = self.sender()
        kind, _, name = str(sender.property("preset")).partition("/")
        self.chosen.emit(kind, name)

    def _on_menu(self, at: QPoint) -> None:
        chip = self.sender()
        assert isinstance(chip, QToolButton)
        kind, _, name = str(chip.property("preset")).partition("/")
        self.menu_wanted.emit(kind, name, chip.mapToGlobal(at))

    def _on_save(self) -> None:
        self.save_wanted.emit(self.save.mapToGlobal(QPoint(0, 0)))

    def _on_pad(self, valence: float, arousal: float) -> None:
        self._parts = blend(self.emotions, valence, arousal)
        self.blend.setText(describe(self._parts, self.emotions))
        self.blended.emit(self._parts)

    def _place(self) -> None:
        parts = self._parts or (Part("neutral", 1.0),)
        self.placed.emit(parts)
