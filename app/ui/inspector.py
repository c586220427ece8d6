"""The right dock: what is selected, how the face moves by itself, the shot's settings, the engine's own numbers."""

from __future__ import annotations

from PySide6.QtWidgets import QTabWidget, QWidget

from app.ui.inspector_clip import ClipPage
from app.ui.inspector_engine import EnginePage
from app.ui.inspector_motion import MotionPage
from app.ui.inspector_selection import SelectionPage
from app.ui.inspector_shot import ShotPage
from app.ui.session import Session


class Inspector(QTabWidget):
    """Three pages, the engine's own sliders and the clip where there are any; selecting something shows the first."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumWidth(318)
        self.setDocumentMode(True)
        self.setAccessibleName(self.tr("Inspector"))
        self._session = session
        self.selection = SelectionPage(session)
        self.motion = MotionPage(session)
        self.shot = ShotPage(session)
        self.addTab(self.selection, self.tr("Selection"))
        self.addTab(self.motion, self.tr("Motion"))
        self.addTab(self.shot, self.tr("Shot"))
        self.engine = EnginePage(session)
        self.addTab(self.engine, self.tr("Engine"))
        self.engine.filled.connect(self._on_engine)
        self._on_engine(self.engine.shown)
        self.clip = ClipPage(session)
        self.addTab(self.clip, self.tr("Clip"))
        self.clip.filled.connect(self._on_clip)
        self._on_clip(self.clip.shown)
        self.setCurrentWidget(self.motion)
        session.selection_changed.connect(self._on_selection)

    def _on_engine(self, shown: bool) -> None:
        self.setTabVisible(self.indexOf(self.engine), shown)

    def _on_clip(self, shown: bool) -> None:
        self.setTabVisible(self.indexOf(self.clip), shown)

    def _on_selection(self) -> None:
        if self._session.selection:
            self.setCurrentWidget(self.selection)
