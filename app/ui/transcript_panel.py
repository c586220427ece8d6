"""What is said: the transcript that the words are aligned from, and what was heard without one."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPlainTextEdit, QPushButton

from app.core import commands
from app.ui.session import Session
from app.ui.widgets import Panel, form_row, guard_wheel, heading, muted, rule, show_icon

LANGUAGES = {
    "en": "English", "de": "German", "es": "Spanish", "fr": "French", "it": "Italian", "pt": "Portuguese",
    "nl": "Dutch", "pl": "Polish", "sv": "Swedish", "da": "Danish", "fi": "Finnish", "cs": "Czech", "el": "Greek",
    "tr": "Turkish", "ru": "Russian", "uk": "Ukrainian", "ar": "Arabic", "hi": "Hindi", "id": "Indonesian",
    "ja": "Japanese", "ko": "Korean", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


class TranscriptPanel(Panel):
    """The left dock's second page."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        column = self.column
        column.addWidget(heading(self.tr("What is said")))
        self.language = QComboBox()
        for code, name in LANGUAGES.items():
            self.language.addItem(name, code)
        guard_wheel(self.language)
        column.addLayout(form_row(self.tr("Language"), self.language))
        self.text = QPlainTextEdit()
        self.text.setPlaceholderText(
            self.tr(
                "Type the words of the recording for exact lip sync, or leave this empty: they are then recognised."
            )
        )
        self.text.setAccessibleName(self.tr("Transcript"))
        self.text.setMinimumHeight(96)
        self.text.setTabChangesFocus(True)
        column.addWidget(self.text, 1)
        self.apply = QPushButton(self.tr("Align words to the voice"))
        self.apply.clicked.connect(self._apply_text)
        column.addWidget(self.apply)
        self.heard = muted("")
        column.addWidget(self.heard)
        column.addWidget(rule())
        self.import_words = QPushButton(self.tr("Import…"))
        self.import_words.setToolTip(self.tr("Words and phones with their times from SRT, VTT or TextGrid"))
        show_icon(self.import_words, "import")
        self.export_words = QPushButton(self.tr("Export…"))
        self.export_words.setToolTip(self.tr("Words and phones with their times as SRT or TextGrid"))
        show_icon(self.export_words, "export")
        row = QHBoxLayout()
        row.addWidget(self.import_words)
        row.addWidget(self.export_words)
        column.addLayout(row)
        self.text.textChanged.connect(self._mark)
        self.language.currentIndexChanged.connect(self._mark)
        session.project_changed.connect(self.reload)
        session.speech_changed.connect(self.reload)
        self._shown_text = ""
        self.reload()

    def reload(self, *_: object) -> None:
        session, project = self._session, self._session.project
        if project.speech.text != self._shown_text:
            self._shown_text = project.speech.text
            self.text.blockSignals(True)
            self.text.setPlainText(project.speech.text)
            self.text.blockSignals(False)
        index = self.language.findData(project.speech.language)
        self.language.blockSignals(True)
        self.language.setCurrentIndex(max(0, index))
        self.language.blockSignals(False)
        words = " ".join(word.label for word in session.words())
        self.heard.setText(self.tr("Heard: %s") % words if words and not project.speech.text else "")
        self.export_words.setEnabled(bool(words))
        self._mark()

    def _mark(self) -> None:
        speech = self._session.project.speech
        changed = self.text.toPlainText().strip() != speech.text or self.language.currentData() != speech.language
        self.apply.setEnabled(changed)

    def _apply_text(self) -> None:
        self._shown_text = self.text.toPlainText().strip()
        self._session.attempt(
            self.tr("Change transcript"), commands.set_text, self._shown_text, self.language.currentData()
        )
