"""Puppetry, lifted styles and emotions, and footage in the window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from app.core import commands, presets, references
from app.core.presets import Emotion, HeadCharacter, Style
from app.core.project import Project
from app.ui import widgets
from app.ui.reference_dialogs import EmotionDialog, FootageDialog, StyleDialog
from engines.api import Performance
from engines.errors import InputError


@pytest.fixture
def clipped(window: Any, tmp_path: Path) -> Any:
    """The window with a clip that moves the face."""
    session = window.session
    session.do("Clip", session.project.with_(performance=str(tmp_path / "clip.npz")))
    return window


def test_the_page_is_there_only_with_a_clip(clipped: Any) -> None:
    inspector = clipped.inspector
    index = inspector.indexOf(inspector.clip)
    assert inspector.isTabVisible(index)
    assert inspector.clip.name.text() == "clip.npz"
    clipped.session.undo()
    assert not inspector.isTabVisible(index)


def test_parts_are_set_alone_and_in_groups_and_undone(clipped: Any) -> None:
    session, page = clipped.session, clipped.inspector.clip
    page.parts["head"].box.setValue(50)
    assert dict(session.project.puppet.parts) == {"head": 0.5}
    pose = next(b for b in page.findChildren(type(page.voice)) if b.property("group") == "pose")
    pose.click()
    assert dict(session.project.puppet.parts) == dict.fromkeys(("gaze", "mouth", "eyes", "brows", "cheeks"), 0.0)
    assert page.parts["mouth"].value() == 0
    session.undo()
    session.undo()
    assert session.project.puppet.parts == ()
    assert page.parts["head"].value() == 1


def test_motion_is_relative_to_a_moment(clipped: Any, qtbot: Any) -> None:
    session, page = clipped.session, clipped.inspector.clip
    assert not page.moment.isEnabled()
    page.relative.click()
    assert session.project.puppet.relative
    assert page.moment.isEnabled()
    page.moment.setValue(0.8)
    assert session.project.puppet.neutral_s == 0.8
    busy = Performance.rest(50, session.rate).with_(weights=np.ones((50, 52)))
    weights = busy.weights.copy()
    weights[30] = 0
    session.studio.imported = lambda project, **_: busy.with_(weights=weights)
    page.calmest.click()
    qtbot.waitUntil(lambda: session.project.puppet.neutral_s == 1.2, timeout=4000)
    page.absolute.click()
    assert not session.project.puppet.relative


def test_a_clip_gets_a_new_voice(clipped: Any, voice: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session, page = clipped.session, clipped.inspector.clip
    assert not page.dub.isEnabled()
    monkeypatch.setattr(clipped.files, "choose", lambda *_: voice)
    page.voice.click()
    assert session.project.puppet.dub
    assert Path(session.project.voice) == voice
    assert session.project.performance.endswith("clip.npz")
    assert page.dub.isChecked()
    page.dub.click()
    assert not session.project.puppet.dub


def test_dubbing_without_a_clip_says_what_is_missing(window: Any) -> None:
    told: list[str] = []
    window.session.told.connect(lambda text, _: told.append(text))
    window.actions_by_id["direct.dub"].trigger()
    assert "needs a clip" in told[0]


def test_a_style_is_lifted_into_the_presets(session: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def lift(studio: Any, clip: Path, name: str, voice: Path | None, **_: Any) -> tuple[Style, HeadCharacter]:
        asked.append((clip, name, voice))
        return Style(name, jaw=1.4), HeadCharacter(name, yaw_deg=6)

    monkeypatch.setattr(references, "lift_style", lift)
    dialog = StyleDialog(session)
    qtbot.addWidget(dialog)
    assert not dialog.start.isEnabled()
    dialog.clip.set_path(Path("/clips/ann.mp4"))
    with qtbot.waitSignal(dialog.made, timeout=4000):
        dialog.start.click()
    assert asked == [(Path("/clips/ann.mp4"), "ann", None)]
    assert presets.style("ann").jaw == 1.4
    assert presets.head("ann").yaw_deg == 6
    assert "140%" in dialog.note.text()
    assert dialog.start.isEnabled()


def test_an_emotion_is_lifted_and_what_is_wrong_is_said(
    session: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def lift(studio: Any, emotional: Path, neutral: Path, name: str, **more: Any) -> Emotion:
        asked.append((more["by_voice"], more["pleasant"]))
        if neutral.stem == "same":
            raise InputError("They hardly differ.")
        return Emotion(name, "Lifted", weights={"mouthSmile": 0.5})

    monkeypatch.setattr(references, "lift_emotion", lift)
    dialog = EmotionDialog(session)
    qtbot.addWidget(dialog)
    dialog.emotional.set_path(Path("/a/glee.wav"))
    assert not dialog.start.isEnabled()
    dialog.neutral.set_path(Path("/a/same.wav"))
    assert not dialog.by_voice.isEnabled()
    dialog.mood.setCurrentIndex(1)
    dialog.start.click()
    qtbot.waitUntil(lambda: dialog.note.text() == "They hardly differ.", timeout=4000)
    dialog.emotional.set_path(Path("/a/glee.mp4"))
    dialog.neutral.set_path(Path("/a/calm.mp4"))
    assert not dialog.mood.isEnabled()
    dialog.by_voice.setChecked(True)
    assert dialog.mood.isEnabled()
    with qtbot.waitSignal(dialog.made, timeout=4000):
        dialog.start.click()
    assert asked == [(False, True), (True, True)]
    assert presets.emotion("glee").weights == {"mouthSmile": 0.5}


def test_lifted_presets_appear_in_the_panel(window: Any) -> None:
    presets.save(Style("Ann"))
    window.references._on_made()
    assert ("styles", "ann") in window.presets._chips


def test_the_menus_open_the_dialogs(window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    def show(dialog: Any) -> bool:
        shown.append(dialog.windowTitle())
        dialog.reject()
        return False

    monkeypatch.setattr(widgets, "run_dialog", show)
    for action in ("direct.lift_style", "direct.lift_emotion", "tools.footage", "tools.teach"):
        window.actions_by_id[action].trigger()
    assert shown == ["Style from a clip", "Emotion from references", "Footage for training", "Teach from a video"]


def test_footage_is_made_and_reported(session: Any, qtbot: Any, tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "broken.mp4").write_bytes(b"no video")
    dialog = FootageDialog(session)
    qtbot.addWidget(dialog)
    dialog.clips.set_path(tmp_path / "clips")
    assert not dialog.start.isEnabled()
    dialog.folder.set_path(tmp_path / "out")
    dialog.start.click()
    qtbot.waitUntil(lambda: "unreadable" in dialog.note.text(), timeout=4000)
    from engines.capture.footage import Dropped, Footage

    text = dialog.finished_with(Footage(tmp_path, 256, session.rate, "ffhq", (), (Dropped("a.mp4", 0, 50, "blur"),)))
    assert text.startswith("0 clips")
    assert "2.0 s (0.0-2.0): blur" in dialog.report.toPlainText()


def test_dubbed_shots_are_listened_to(session: Any, qtbot: Any, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(16000, np.float32), 16000)
    project = commands.dub(Project(performance=str(tmp_path / "c.npz")), str(tmp_path / "a.wav"))
    session.do("Dub", project)
    qtbot.waitUntil(lambda: "analyse" in session.studio.calls, timeout=4000)
