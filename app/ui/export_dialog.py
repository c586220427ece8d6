"""What to export: preset, files, size, frame rate, range and the options of the format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.core import commands, own_presets, presets
from app.export import formats
from app.ui.preferences import Preferences
from app.ui.render_queue import ExportRequest
from app.ui.session import Session
from app.ui.widgets import ValueSlider, form_row, guard_wheel, heading, muted, reason, rule, set_reason
from engines.api import RenderOptions
from engines.errors import StudioError
from engines.timebase import RATES, timecode

_KINDS = {
    "video": "Video",
    "pictures": "Frames",
    "sound": "Sound",
    "curves": "Curves",
    "scene": "3D",
    "editorial": "Editing",
}


class ExportDialog(QDialog):
    """Collects an `ExportRequest`.

    Signals
    -------
    menu_wanted : (kind, id, place on the screen) for what can be done with a preset
    """

    menu_wanted = Signal(str, str, QPoint)

    def __init__(self, session: Session, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Export"))
        self.resize(760, 560)
        self._session, self._preferences = session, preferences
        outer = QVBoxLayout(self)
        body = QHBoxLayout()
        body.setSpacing(16)
        left = QVBoxLayout()
        left.addWidget(heading(self.tr("Preset")))
        self.presets = QListWidget()
        self.presets.setFixedWidth(230)
        self.presets.setWordWrap(True)
        self.presets.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.presets.customContextMenuRequested.connect(self._on_menu)
        self._fill_presets()
        left.addWidget(self.presets, 1)
        keep = QPushButton(self.tr("Save as preset…"))
        keep.setToolTip(self.tr("Keep these settings; right-click a preset to rename, share or delete it"))
        keep.clicked.connect(self.save_preset)
        left.addWidget(keep)
        body.addLayout(left)
        form = QVBoxLayout()
        form.setSpacing(8)
        self._build_target(form)
        self._build_picture(form)
        self._build_options(form)
        form.addStretch(1)
        body.addLayout(form, 1)
        outer.addLayout(body, 1)
        self.problem = reason()
        self.problem.setObjectName("danger")
        outer.addWidget(self.problem)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.go = QPushButton(self.tr("Add to render queue"))
        self.go.setObjectName("primary")
        self.go.setDefault(True)
        buttons.addButton(self.go, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        outer.addWidget(buttons)
        self.presets.currentItemChanged.connect(self._on_preset)
        first = next((i for i, n in enumerate(self._presets) if n == "web-1080p"), 0)
        self.presets.setCurrentRow(first)
        self.path.setFocus()

    def _build_target(self, form: QVBoxLayout) -> None:
        form.addWidget(heading(self.tr("File")))
        row = QHBoxLayout()
        self.path = QLineEdit()
        self.path.setAccessibleName(self.tr("File"))
        self.path.textChanged.connect(self._check)
        browse = QPushButton(self.tr("Choose…"))
        browse.clicked.connect(self._browse)
        row.addWidget(self.path, 1)
        row.addWidget(browse)
        form.addLayout(row)
        form.addWidget(muted(self.tr("Also write, under the same name:")))
        self.also: dict[str, QCheckBox] = {}
        grid = QGridLayout()
        for number, kind in enumerate(f for f in formats() if f.writes and f.kind in ("curves", "scene", "editorial")):
            box = QCheckBox(kind.suffixes[0])
            box.setToolTip(f"{kind.name} ({_KINDS[kind.kind]})")
            box.setAccessibleName(kind.name)
            self.also[kind.suffixes[0]] = box
            grid.addWidget(box, number // 5, number % 5)
        form.addLayout(grid)
        form.addWidget(rule())

    def _build_picture(self, form: QVBoxLayout) -> None:
        form.addWidget(heading(self.tr("Picture and time")))
        self.width_box, self.height_box = QSpinBox(), QSpinBox()
        for box, name in ((self.width_box, self.tr("Width")), (self.height_box, self.tr("Height"))):
            box.setRange(0, 8192)
            box.setSpecialValueText(self.tr("automatic"))
            box.setSuffix(" px")
            box.setAccessibleName(name)
            guard_wheel(box)
        form.addLayout(form_row(self.tr("Size"), self.width_box, self.height_box))
        self.rate = QComboBox()
        self.rate.addItem(self.tr("Project (%s)") % self._session.project.rate, "")
        for name in RATES:
            self.rate.addItem(name, name)
        form.addLayout(form_row(self.tr("Frame rate"), self.rate))
        self.range = QComboBox()
        start, stop = self._session.range
        rate = self._session.rate
        limited = self._session.project.in_frame is not None or self._session.project.out_frame is not None
        if limited:
            text = self.tr("In to out (%s to %s)") % (timecode(start, rate), timecode(stop - 1, rate))
            self.range.addItem(text, "range")
        self.range.addItem(self.tr("Whole shot (%d frames)") % self._session.total, "all")
        form.addLayout(form_row(self.tr("Range"), self.range))
        self.alpha = QCheckBox(self.tr("Only the head, on a transparent background"))
        form.addWidget(self.alpha)

    def _build_options(self, form: QVBoxLayout) -> None:
        self.codec = QComboBox()
        self.codec.addItem("H.264", "h264")
        self.codec.addItem("HEVC (H.265)", "hevc")
        form.addLayout(form_row(self.tr("Codec"), self.codec))
        self.quality = ValueSlider(self.tr("Quality"), 0, 100, 1, 1, "", 80)
        self.quality.set_value(80)
        form.addWidget(self.quality)
        self.hardware = QCheckBox(self.tr("Encode on the graphics card if that works"))
        form.addWidget(self.hardware)
        self.sign = QCheckBox(self.tr("Add a provenance record (Content Credentials) to videos"))
        self.sign.setChecked(True)
        form.addWidget(self.sign)
        self.note = QLabel()
        self.note.setObjectName("muted")
        self.note.setWordWrap(True)
        form.addWidget(self.note)

    def _fill_presets(self) -> None:
        self._presets = presets.load_all("export")
        self.presets.blockSignals(True)
        self.presets.clear()
        for name, preset in self._presets.items():
            item = QListWidgetItem(preset.name)
            item.setToolTip(preset.summary)
            item.setData(Qt.ItemDataRole.UserRole, name)
            font = item.font()
            font.setItalic(own_presets.is_own("export", name))
            item.setFont(font)
            self.presets.addItem(item)
        self.presets.blockSignals(False)

    def _show(self, preset_id: str) -> None:
        names = list(self._presets)
        self.presets.setCurrentRow(names.index(preset_id) if preset_id in names else 0)

    def _on_menu(self, at: QPoint) -> None:
        item = self.presets.itemAt(at)
        if item is not None:
            name = str(item.data(Qt.ItemDataRole.UserRole))
            self.menu_wanted.emit("export", name, self.presets.viewport().mapToGlobal(at))
            self._fill_presets()
            self._show(name)

    def save_preset(self) -> None:
        """Ask for a name and keep the settings under it."""
        name, ok = QInputDialog.getText(self, self.tr("Save preset"), self.tr("Name"))
        if not ok or not name.strip():
            return
        suffix = _suffix_of(Path(self.path.text()))
        options = {
            **self.preset().options,
            "codec": str(self.codec.currentData()),
            "quality": round(self.quality.value()),
        }
        preset = presets.ExportPreset(
            own_presets.free_name("export", name.strip()),
            suffix or self.preset().suffix,
            self.tr("Saved from the export window"),
            (self.width_box.value(), self.height_box.value()),
            str(self.rate.currentData() or ""),
            self.alpha.isChecked(),
            options if suffix == ".mp4" or suffix == self.preset().suffix else {},
        )
        try:
            saved = presets.save(preset)
        except StudioError as error:
            set_reason(self.problem, str(error))
            return
        self._fill_presets()
        self._show(saved)

    def preset(self) -> presets.ExportPreset:
        item = self.presets.currentItem()
        found: presets.ExportPreset = self._presets[str(item.data(Qt.ItemDataRole.UserRole))]
        return found

    def _on_preset(self, *_: object) -> None:
        preset = self.preset()
        folder = self._preferences.folder("export") or str(Path.home())
        name = self._session.project.name or "Untitled"
        current = Path(self.path.text()) if self.path.text() else Path(folder) / name
        for suffix in sorted((s for f in formats() for s in f.suffixes), key=len, reverse=True):
            if current.name.lower().endswith(suffix):
                current = current.with_name(current.name[: -len(suffix)])
                break
        self.path.setText(str(current.with_name(current.name + preset.suffix)))
        self.width_box.setValue(preset.size[0])
        self.height_box.setValue(preset.size[1])
        self.rate.setCurrentIndex(max(0, self.rate.findData(preset.rate)))
        self.alpha.setChecked(preset.alpha)
        self.codec.setCurrentIndex(max(0, self.codec.findData(preset.options.get("codec", "h264"))))
        self.quality.set_value(float(preset.options.get("quality", 80)))
        self.note.setText(preset.summary)

    def _browse(self) -> None:
        filters = ";;".join(f"{f.name} ({' '.join('*' + s for s in f.suffixes)})" for f in formats() if f.writes)
        chosen, _ = QFileDialog.getSaveFileName(self, self.tr("Export to"), self.path.text(), filters)
        if chosen:
            self.path.setText(chosen)

    def _check(self) -> None:
        path = Path(self.path.text())
        known = [f for f in formats() if f.writes and any(path.name.lower().endswith(s) for s in f.suffixes)]
        problem = ""
        if not known:
            endings = " ".join(sorted({s for f in formats() if f.writes for s in f.suffixes}))
            problem = self.tr("The file needs one of these endings: %s") % endings
        elif not path.parent.is_dir():
            problem = self.tr("There is no folder %s.") % path.parent
        if hasattr(self, "problem"):
            set_reason(self.problem, problem)
            self.go.setEnabled(not problem)
            kind = known[0] if known else None
            video = kind is not None and kind.kind == "video"
            self.codec.setEnabled(kind is not None and kind.id == "mp4")
            self.quality.setEnabled(video)
            self.hardware.setEnabled(kind is not None and kind.id == "mp4")
            self.sign.setEnabled(video)
            self.alpha.setEnabled(kind is not None and kind.alpha)
            for suffix, box in self.also.items():
                box.setEnabled(not path.name.lower().endswith(suffix))

    def request(self) -> ExportRequest:
        """What was chosen, with the project as it is now."""
        project = self._session.project
        if self.range.currentData() == "all":
            project = replace(project, in_frame=None, out_frame=None)
        path = Path(self.path.text())
        suffix = _suffix_of(path)
        stem = path.name[: -len(suffix)] if suffix else path.stem
        outputs = [path]
        outputs += [path.with_name(stem + s) for s, box in self.also.items() if box.isChecked() and box.isEnabled()]
        options = {
            **self.preset().options,
            "codec": str(self.codec.currentData()),
            "quality": round(self.quality.value()),
            "hardware": self.hardware.isChecked() and self.hardware.isEnabled(),
            "sign": self.sign.isChecked(),
        }
        options.pop("format", None)
        width, height = self.width_box.value(), self.height_box.value()
        size = (width, height) if width or height else None
        self._preferences.set_folder("export", path)
        rate = str(self.rate.currentData() or "")
        if rate:
            project = commands.set_rate(project, rate)
        alpha = self.alpha.isChecked() and self.alpha.isEnabled()
        render = RenderOptions(size=size or project.size, alpha=alpha, device=self._session.device)
        return ExportRequest(project, tuple(outputs), options, render)


def _suffix_of(path: Path) -> str:
    """The ending that decides a file's format, or nothing."""
    endings = sorted((s for f in formats() for s in f.suffixes), key=len, reverse=True)
    return next((s for s in endings if path.name.lower().endswith(s)), "")
