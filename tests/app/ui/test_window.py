"""The window: starts without torch, every command is there and works, panels show the project."""

from __future__ import annotations

import subprocess
import sys

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QComboBox, QLineEdit, QMenu, QPlainTextEdit, QPushButton

from app.core import commands
from app.core.project import Key
from app.ui import theme
from app.ui.actions import ACTIONS
from app.ui.main_window import MainWindow
from app.ui.session import Session
from app.ui.timeline import clips
from app.ui.timeline.headers import HEADER
from app.ui.timeline.layout import RULER, Item
from tests.app.ui.conftest import QuickStudio


def test_opening_the_window_imports_no_heavy_package():
    code = (
        "import sys\n"
        "from app.ui.application import create_window\n"
        "app, window = create_window(['soliloquy'], asks=False)\n"
        "app.processEvents()\n"
        "heavy = ('torch', 'cv2', 'mediapipe', 'numba', 'scipy', 'librosa', 'pyqtgraph')\n"
        "heavy = [n for n in heavy if n in sys.modules]\n"
        "print('heavy:', heavy, window.isVisible())\n"
        "window.close()\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "heavy: [] True" in result.stdout, result.stderr


def test_every_command_is_in_a_menu_and_has_a_handler(window):
    listed = set()
    for menu in window.menuBar().findChildren(QMenu):
        listed |= {action.property("action_id") for action in menu.actions()}
    assert {spec.id for spec in ACTIONS} <= listed
    assert set(window._handlers) == {spec.id for spec in ACTIONS}


def test_everything_that_can_be_used_has_a_name(window):
    kinds = (QAbstractButton, QAbstractSlider, QComboBox, QLineEdit, QPlainTextEdit)
    nameless = []
    for panel in (
        window.media,
        window.transcript,
        window.presets,
        window.inspector,
        window.transport,
        window.curves,
        window.timeline,
    ):
        for kind in kinds:
            for widget in panel.findChildren(kind):
                inner = type(widget).__name__ == "QScrollBar" or isinstance(widget.parent(), QLineEdit)
                inner = inner or widget.objectName().startswith("qt_")
                parent_named = widget.parent() is not None and widget.parent().accessibleName()
                said = widget.accessibleName() or widget.toolTip() or getattr(widget, "text", str)()
                placeholder = widget.placeholderText() if isinstance(widget, QLineEdit) else ""
                if not (inner or said or placeholder or parent_named):
                    nameless.append(f"{panel.objectName()} {widget}")
    assert nameless == []


@pytest.mark.parametrize("name", ["dark", "light"])
def test_words_keep_their_contrast(name):
    colors = theme.THEMES[name]
    for surface in (colors.canvas, colors.window, colors.panel, colors.control, colors.hover, colors.selection):
        assert theme.contrast(colors.text, surface) >= 4.5, surface
    for surface in (colors.canvas, colors.window, colors.panel):
        assert theme.contrast(colors.muted, surface) >= 4.5, surface
        assert theme.contrast(colors.accent_text, surface) >= 4.5, surface
        assert theme.contrast(colors.danger, surface) >= 4.5, surface
        assert theme.contrast(colors.accent, surface) >= 3.0, surface
    assert theme.contrast(colors.on_accent, colors.accent) >= 4.5
    for color in theme.EMOTION_COLORS.values():  # words on clips of the timeline
        filled = theme.over(color, theme.over(color, colors.canvas, clips.BAR), clips.HILL)
        assert theme.contrast(colors.text, filled) >= 4.5, color


def test_contrast_is_that_of_wcag():
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_dropped_files_are_used(window, qtbot, portrait, voice):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(portrait)), QUrl.fromLocalFile(str(voice))])
    drop = QDropEvent(
        QPointF(100, 100), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    window.dropEvent(drop)
    qtbot.waitUntil(lambda: window.session.image(0) is not None and window.session.speech is not None, timeout=8000)
    assert not window.viewer.empty
    assert window.media.portrait_name.text() == portrait.name
    assert window.session.words()


def test_clicking_the_ruler_moves_the_playhead(filled, qtbot):
    view = filled.timeline.view
    x = HEADER + round(view.scale.x(20.5))
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(x, 24))
    assert filled.session.playhead == 20
    qtbot.waitUntil(lambda: filled.session.image(20) is not None)
    assert filled.transport.timecode.text().endswith("20")


def drag(widget, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 6):
        QTest.mouseMove(widget, start + (end - start) * (step / 5))
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=end)


def test_dragging_a_clip_moves_it_in_one_step(filled):
    session, view = filled.session, filled.timeline.view
    session.attempt("Add", commands.add_emotion, "happy", 5, 20)
    steps = session.history.position
    row = next(r for r in view.picture.scene.rows if r.kind == "emotions")
    y = RULER + row.top + 20
    view.snapping = False
    start = QPoint(HEADER + round(view.scale.x(12)), y)
    drag(view, start, start + QPoint(round(10 * view.scale.px_per_frame), 0))
    assert session.project.emotions[0].start == 15
    assert session.history.position == steps + 1
    assert session.selection == {Item("emotions", 0)}
    assert filled.inspector.currentWidget() is filled.inspector.selection
    session.undo()
    assert session.project.emotions[0].start == 5


def test_a_box_selects_keys_and_delete_removes_them(filled):
    session, view = filled.session, filled.timeline.view
    session.attempt("Key", commands.set_keys, "pose.yaw_deg", [Key(10, 1.0), Key(20, 2.0), Key(40, 0.0)])
    row = next(r for r in view.picture.scene.rows if r.kind == "pose")
    top = RULER + row.top + 3
    left = HEADER + round(view.scale.x(5))
    drag(view, QPoint(left, top), QPoint(HEADER + round(view.scale.x(25)), top + 36))
    assert session.selection == {Item("pose.yaw_deg", 10), Item("pose.yaw_deg", 20)}
    filled.actions_by_id["edit.delete"].trigger()
    assert [k.frame for k in session.project.curves[0].keys] == [40]


def test_the_inspector_changes_the_selected_clip_in_one_step(filled):
    session = filled.session
    session.attempt("Add", commands.add_emotion, "happy", 5, 30)
    session.select(frozenset({Item("emotions", 0)}))
    steps = session.history.position
    from app.ui.widgets import ValueSlider

    slider = next(s for s in filled.inspector.selection.findChildren(ValueSlider) if s.label.text() == "Intensity")
    slider.slider.setSliderDown(True)
    for value in (40, 45, 50):
        slider.slider.setValue(value)
    slider.slider.setSliderDown(False)
    slider.finished.emit()
    assert session.project.emotions[0].intensity == 0.5
    assert session.history.position == steps + 1


def test_commands_of_the_direct_menu(filled):
    session, act = filled.session, filled.actions_by_id
    session.seek(20)
    for name in ("direct.nod", "direct.blink", "direct.key_gaze", "direct.key_pose", "play.marker", "play.in"):
        act[name].trigger()
    channels = {curve.channel for curve in session.project.curves}
    assert {"pose.pitch_deg", "blink", "gaze.yaw_deg", "pose.yaw_deg"} <= channels
    assert session.project.markers[0].frame == 20
    assert session.project.in_frame == 20
    filled.editing.use_preset("emotions", "sad")
    filled.editing.use_preset("styles", "clear")
    filled.editing.use_preset("heads", "lively")
    assert session.project.emotions[0].emotion == "sad"
    assert session.project.styles[0].style == "clear"
    assert session.project.auto.character == "lively"
    while session.history.can_undo:
        session.undo()
    assert session.project.emotions == ()
    while session.history.can_redo:
        session.redo()
    assert session.project.emotions[0].emotion == "sad"


def test_copying_and_pasting_at_the_playhead(filled):
    session, act = filled.session, filled.actions_by_id
    session.attempt("Add", commands.add_emotion, "happy", 0, 10)
    act["edit.select_all"].trigger()
    act["edit.copy"].trigger()
    session.seek(25)
    act["edit.paste"].trigger()
    assert [c.start for c in session.project.emotions] == [0, 25]
    act["edit.duplicate"].trigger()
    assert [c.start for c in session.project.emotions] == [0, 25, 35]


def test_handles_pose_the_head(filled):
    filled.tracks._on_handle_pressed("head")
    filled.tracks._on_handle("head", 0.1, 0.0)
    filled.tracks._on_handle("head", 0.2, 0.0)
    filled.session.edit_ended()
    curve = commands.curve(filled.session.project, "pose.yaw_deg")
    assert curve is not None
    assert curve.keys[0].value == pytest.approx(12)
    filled.session.undo()
    assert commands.curve(filled.session.project, "pose.yaw_deg") is None


def test_playing_moves_the_playhead_on_a_timer_without_a_sound_device(filled, qtbot):
    filled.player._want_sound = False
    filled.actions_by_id["play.toggle"].trigger()
    qtbot.waitUntil(lambda: filled.session.playhead > 8, timeout=4000)
    assert filled.player.playing
    qtbot.waitUntil(lambda: filled.session.playhead > 30, timeout=4000)
    assert filled.playing.dropped < filled.playing.shown
    filled.actions_by_id["play.stop"].trigger()
    assert not filled.player.playing
    filled.actions_by_id["play.loop"].setChecked(True)
    filled.session.seek(46)
    filled.actions_by_id["play.toggle"].trigger()
    qtbot.waitUntil(lambda: filled.session.playhead < 10, timeout=4000)
    filled.actions_by_id["play.stop"].trigger()


def test_both_themes_draw_every_panel(filled, qtbot):
    for light in (True, False):
        filled.actions_by_id["view.theme"].setChecked(light)
        for dock in filled.docks.values():
            dock.raise_()
            assert not filled.grab().isNull()


def test_saving_and_opening(filled, qtbot, tmp_path):
    session = filled.session
    session.attempt("Add", commands.add_emotion, "happy", 0, 10)
    path = tmp_path / "shot.soliloquy"
    assert filled.files._save(path)
    assert not session.history.dirty
    saved = session.project
    filled.files.open_project(path)
    assert session.project == saved
    assert filled.preferences.recent == [path]
    assert filled.windowTitle().startswith("shot")


def test_unsaved_work_is_on_disk_within_seconds_and_gone_when_all_is_well(filled, qtbot):
    from app.core import folders

    filled.session.attempt("Add", commands.add_emotion, "happy", 0, 10)
    folder = folders.state() / "recovery"
    qtbot.waitUntil(lambda: len(list(folder.glob("*.json"))) == 1, timeout=4000)
    filled.close()
    assert list(folder.glob("*.json")) == []


def test_what_a_crash_left_is_offered_and_taken_up(window, qtbot, tmp_path):
    import json

    from app.core import folders, project_file, safety
    from app.core.project import Project
    from app.ui.recovery import RecoveryDialog

    folder = folders.state() / "recovery"
    folder.mkdir(parents=True, exist_ok=True)
    lost = commands.add_emotion(Project(name="Lost"), "sad", 0, 30)
    data = {"pid": 999_999_99, "host": "elsewhere", "time": 1.0, "path": None, "project": project_file.to_data(lost)}
    (folder / "x.json").write_text(json.dumps(data))
    dialog = RecoveryDialog(safety.recoveries(), window)
    qtbot.addWidget(dialog)
    assert "Lost" in dialog.list.item(0).text()
    dialog._recover()
    window.files.recover(dialog.chosen)
    assert window.session.project == lost
    assert window.session.history.dirty
    qtbot.waitUntil(lambda: not (folder / "x.json").exists(), timeout=3000)


def test_exports_run_in_the_queue(filled, qtbot, tmp_path):
    from app.ui.export_dialog import ExportDialog

    dialog = ExportDialog(filled.session, filled.preferences, filled)
    qtbot.addWidget(dialog)
    dialog.path.setText(str(tmp_path / "out.unknown"))
    assert not dialog.go.isEnabled()
    dialog.path.setText(str(tmp_path / "out.mp4"))
    assert dialog.go.isEnabled()
    dialog.also[".csv"].setChecked(True)
    request = dialog.request()
    assert [p.name for p in request.outputs] == ["out.mp4", "out.csv"]
    entry = filled.queue.add(request)
    with qtbot.waitSignal(filled.queue.notified, timeout=5000):
        pass
    assert (tmp_path / "out.mp4").exists()
    card = filled.queue._cards[entry.id]
    assert card.state.text() == "Done"
    assert not card.buttons["reveal"].isHidden()
    filled.queue.queue.remove(entry.id)
    qtbot.waitUntil(lambda: not filled.queue._cards)


def test_the_palette_runs_commands(filled, qtbot):
    from app.ui.command_palette import CommandPalette

    palette = CommandPalette(filled.actions_by_id, filled)
    qtbot.addWidget(palette)
    palette.line.setText("nod")
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert commands.curve(filled.session.project, "pose.pitch_deg") is not None


def test_the_shortcut_editor_changes_and_forgets(window, qtbot):
    from app.ui.shortcuts import ShortcutsDialog

    dialog = ShortcutsDialog(window.shortcuts, window)
    qtbot.addWidget(dialog)
    dialog.tree.setCurrentItem(dialog._items["play.loop"])
    dialog.edit.setKeySequence("Ctrl+J")
    dialog._assign()
    dialog.reject()
    assert window.shortcuts.keys("play.loop") == ("\\",)
    dialog.tree.setCurrentItem(dialog._items["play.loop"])
    dialog.edit.setKeySequence("Ctrl+J")
    dialog._assign()
    dialog.accept()
    window.apply_shortcuts()
    assert window.actions_by_id["play.loop"].shortcut().toString() == "Ctrl+J"


def test_the_curve_editor_adds_and_drags_keys(filled, qtbot):
    session = filled.session
    filled.show_curves(("jawOpen",))
    canvas = filled.curves.canvas
    at = QPoint(round(canvas.axes.scale.x(10)), 20 + round(canvas.axes.y(0.5)))
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=at)
    curve = commands.curve(session.project, "jawOpen")
    assert curve is not None
    assert curve.keys[0].value == pytest.approx(0.5, abs=0.05)
    at = QPoint(round(canvas.axes.scale.x(10)), 20 + round(canvas.axes.y(curve.keys[0].value)))
    drag(canvas, at, at + QPoint(round(5 * canvas.axes.scale.px_per_frame), 0))
    moved = commands.curve(session.project, "jawOpen")
    assert moved is not None
    assert moved.keys[0].frame == 15
    frame = moved.keys[0].frame
    session.attempt("Key", commands.set_keys, "jawOpen", [Key(frame + 8, 0.25)])
    session.select(frozenset({Item("jawOpen", frame), Item("jawOpen", frame + 8)}))
    slower = next(b for b in filled.inspector.selection.findChildren(QPushButton) if b.text() == "Slower")
    slower.click()
    assert Item("jawOpen", frame + 10) in session.selection
    filled.curves.mute.click()
    assert commands.curve(session.project, "jawOpen").mute


def test_the_weights_dialog_says_what_is_missing_and_refuses_what_is_wrong(window, qtbot, tmp_path):
    from PySide6.QtWidgets import QLabel

    from app.ui.weights_dialog import WeightsDialog
    from engines import weights

    dialog = WeightsDialog(window.session, window)
    qtbot.addWidget(dialog)
    words = " ".join(label.text() for label in dialog.findChildren(QLabel))
    for status in weights.statuses():
        assert status.entry.name in words
        assert status.entry.licence in words
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("no network")
    dialog.add(wrong)
    qtbot.waitUntil(lambda: dialog.add_file.isEnabled(), timeout=20_000)
    assert "wrong.txt" in dialog.note.text()
    assert not dialog.bar.isVisible()
    dialog.reject()


def test_a_killed_window_loses_at_most_seconds(qtbot, tmp_path):
    """Kill -9 two seconds after an edit: the next start finds the edit."""
    import os
    import signal
    import time

    from app.core import safety

    code = (
        "import time\n"
        "from app.core import commands\n"
        "from app.ui.application import create_window\n"
        "app, window = create_window(['soliloquy'], asks=False)\n"
        "window.session.attempt('Add', commands.add_emotion, 'happy', 3, 33)\n"
        "print('edited', flush=True)\n"
        "app.exec()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "edited"
    folder = tmp_path / "soliloquy-home" / "state" / "recovery"
    deadline = time.monotonic() + 5
    while not list(folder.glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    found = safety.recoveries()
    assert [r.project.emotions[0].start for r in found] == [3]


def test_earlier_versions_can_be_brought_back(filled, tmp_path):
    session, path = filled.session, tmp_path / "shot.soliloquy"
    filled.files._save(path)
    first = session.project
    session.attempt("Add", commands.add_emotion, "happy", 0, 10)
    filled.files._save(path)
    filled._fill_backups()
    versions = [action for action in filled.backups_menu.actions() if action.data()]
    assert len(versions) == 1
    versions[0].trigger()
    assert session.project == first
    session.undo()
    assert session.project.emotions


def test_everything_on_the_timeline_is_reached_by_keys(filled):
    session, act = filled.session, filled.actions_by_id
    session.attempt("Add", commands.add_emotion, "happy", 15, 30)
    session.seek(0)
    seen = []
    for _ in range(9):
        act["edit.select_next"].trigger()
        seen += sorted(session.selection)
    assert {item.row for item in seen} == {"words", "phones", "emotions"}
    session.select(frozenset({Item("emotions", 0)}))
    act["edit.nudge_right"].trigger()
    act["edit.nudge_right"].trigger()
    assert session.project.emotions[0].start == 17
    act["edit.nudge_left"].trigger()
    assert session.project.emotions[0].start == 16


def test_a_word_under_the_playhead_is_split(filled):
    session = filled.session
    session.seek(8)
    session.select(frozenset({Item("words", 0)}))
    filled.actions_by_id["edit.split"].trigger()
    assert [w.label for w in session.words()] == ["one", "one", "two"]


def test_devices_that_are_not_there_say_why(window):
    box = window.inspector.shot.device
    disabled = [box.itemText(i) for i in range(box.count()) if not box.model().item(i).isEnabled()]
    assert all("(" in text for text in disabled)
    window.session.set_device("cpu")
    window.status.refresh()
    assert "processor" in window.status.engine.text()


def test_the_empty_viewer_leads_to_files_and_to_the_demo(window, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(window.files, "choose", lambda kind, *_: asked.append(kind))
    QTest.mouseClick(window.viewer, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    assert asked == ["portrait"]
    QTest.mouseClick(window.viewer, Qt.MouseButton.LeftButton, pos=window.viewer._demo_link().center().toPoint())
    assert window.session.project.name == "Demo"
    assert window.session.project.speech.text


def test_space_presses_a_button_reached_by_tab_and_plays_elsewhere(filled, qtbot):
    filled.activateWindow()
    button = filled.presets.add
    filled.left.setCurrentWidget(filled.presets)
    button.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(button.hasFocus, timeout=2000)
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert len(filled.session.project.emotions) == 1
    assert not filled.player.playing
    filled.timeline.view.setFocus()
    QTest.keyClick(filled.timeline.view, Qt.Key.Key_Space)
    assert filled.player.playing
    filled.player.stop()
    slider = filled.inspector.motion.share.slider
    filled.inspector.setCurrentWidget(filled.inspector.motion)
    slider.setFocus(Qt.FocusReason.TabFocusReason)
    before = filled.session.playhead
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert filled.session.project.auto_emotion == pytest.approx(0.01)
    assert filled.session.playhead == before


def test_a_double_click_in_a_gap_adds_a_word(filled):
    filled.tracks._on_empty("words", 40)
    assert [w.label for w in filled.session.words()] == ["one", "two", "word"]
    assert filled.session.selection == {Item("words", 2)}
    filled.session.undo()
    filled.tracks._on_empty("words", 6)  # no room under a word
    assert len(filled.session.words()) == 2


def test_icons_follow_the_theme(filled):
    """Those of buttons with words, too, and of playback while it runs."""
    toggle, play = filled.actions_by_id["view.theme"], filled.actions_by_id["play.toggle"]
    filled.player.stop()
    buttons = [b for b in filled.findChildren(QPushButton) if b.property("icon_name")]
    assert len(buttons) >= 2
    before = [b.icon().cacheKey() for b in buttons]
    filled.transport._on_playing(True)
    playing = play.icon().pixmap(24, 24).toImage()
    toggle.setChecked(True)
    assert all(b.icon().cacheKey() != key for b, key in zip(buttons, before, strict=True))
    filled.transport._on_playing(True)
    light = play.icon().pixmap(24, 24).toImage()
    toggle.setChecked(False)
    assert play.icon().pixmap(24, 24).toImage() == playing != light


def test_keys_belong_to_the_timeline_from_the_start(filled, qtbot):
    """In a window with a kept layout, too: else the first button would have them, and Space would press it."""
    filled.close()
    again = MainWindow(asks=False, session=Session(studio=QuickStudio()))
    qtbot.addWidget(again)
    again.show()
    again.activateWindow()
    qtbot.waitUntil(again.timeline.view.hasFocus, timeout=2000)
    again.show_judge()
    assert again.timeline.view.hasFocus()
    again.close()
