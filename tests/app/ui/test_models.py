"""Models of the window, without Qt."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import commands, presets
from app.core.project import Project
from app.ui import captions, emotion_model, viewer_model
from app.ui.actions import ACTIONS, BY_ID
from app.ui.frame_cache import FrameCache
from app.ui.palette_model import rank, score
from app.ui.shortcuts_model import Shortcuts
from app.ui.viewer_model import ViewTransform
from engines.errors import InputError

# --- actions and shortcuts ---


def test_no_two_commands_share_keys():
    taken: dict[str, str] = {}
    for action in ACTIONS:
        for key in action.keys:
            assert key.casefold() not in taken, f"{key}: {action.id} and {taken.get(key.casefold())}"
            taken[key.casefold()] = action.id


def test_the_keys_that_editors_share_are_there():
    wanted = {
        "Space": "play.toggle", "J": "play.reverse", "K": "play.stop", "L": "play.forward", "I": "play.in",
        "O": "play.out", "M": "play.marker", "S": "edit.split", "Shift+S": "edit.split_all", "Ctrl+Z": "edit.undo",
        "Ctrl+Shift+Z": "edit.redo", "Ctrl+Y": "edit.redo", "Ctrl+E": "file.export", "=": "view.timeline_in",
        "+": "view.timeline_in", "-": "view.timeline_out", "0": "view.timeline_fit", "\\": "play.loop",
        "Left": "play.previous_frame", "Right": "play.next_frame", "Ctrl+P": "edit.snap", ",": "edit.nudge_left",
        ".": "edit.nudge_right", "Alt+Left": "play.previous_edit", "Alt+Right": "play.next_edit",
        "PgUp": "play.back_second", "PgDown": "play.forward_second", "Shift+PgUp": "play.back_2",
        "Ctrl+PgUp": "play.back_5", "Ctrl+Shift+PgUp": "play.back_10", "Shift+PgDown": "play.forward_2",
        "Ctrl+PgDown": "play.forward_5", "Ctrl+Shift+PgDown": "play.forward_10", "<": "play.previous_marker",
        ">": "play.next_marker", "Shift+M": "play.next_marker", "Ctrl+Shift+M": "play.previous_marker",
        "Q": "edit.trim_start", "W": "edit.trim_end",
    }  # fmt: skip
    assert {key: next(a.id for a in ACTIONS if key in a.keys) for key in wanted} == wanted


def test_new_keys_are_taken_from_their_old_command(tmp_path: Path):
    shortcuts = Shortcuts(tmp_path / "keys.json")
    shortcuts.set("play.loop", ("S",))
    assert shortcuts.keys("edit.split") == ()
    shortcuts.save()
    again = Shortcuts(tmp_path / "keys.json")
    assert again.keys("play.loop") == ("S",)
    assert again.keys("edit.split") == ()
    again.reset("edit.split")
    assert again.keys("edit.split") == BY_ID["edit.split"].keys
    assert again.keys("play.loop") == ()
    again.reset()
    again.save()
    assert json.loads((tmp_path / "keys.json").read_text()) == {}


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"no.such": ["X"], "play.loop": 3}'])
def test_a_damaged_shortcut_file_counts_as_none(tmp_path: Path, text: str):
    path = tmp_path / "keys.json"
    path.write_text(text)
    assert Shortcuts(path).keys("play.loop") == BY_ID["play.loop"].keys


def test_the_palette_finds_what_is_typed():
    names = {a.id: f"{a.menu}: {a.text}" for a in ACTIONS}
    assert rank("undo", names)[0] == "edit.undo"
    assert rank("add emo", names)[0] == "direct.emotion"
    assert "view.theme" in rank("lgt", names)
    assert rank("qqqq", names) == []
    assert len(rank("", names)) == len(names)
    assert score("x", "abc") is None


# --- viewer ---


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.2, 4), st.floats(0, 800), st.floats(0, 600))
def test_the_picture_point_under_the_pointer_stays_there(u, v, factor, x, y):
    view = ViewTransform((512, 400), (800, 600))
    point = view.to_image(*view.to_widget(u, v))
    assert point == pytest.approx((u, v), abs=1e-9)
    before = view.to_image(x, y)
    view.zoom_at(factor, x, y)
    assert view.to_image(x, y) == pytest.approx(before, abs=1e-6)


def test_fitting_shows_the_whole_picture():
    view = ViewTransform((1000, 500), (400, 400))
    left, top = view.to_widget(0, 0)
    right, bottom = view.to_widget(1, 1)
    assert left >= 0
    assert right <= 400
    assert bottom - top == pytest.approx((right - left) / 2)


def test_dragging_handles_writes_keys():
    project = viewer_model.key_drag(Project(), 10, "head", 0.25, -0.1)
    yaw, pitch = commands.curve(project, "pose.yaw_deg"), commands.curve(project, "pose.pitch_deg")
    assert yaw is not None
    assert pitch is not None
    assert yaw.keys[0].frame == 10
    assert yaw.keys[0].value == pytest.approx(15)
    assert pitch.keys[0].value == pytest.approx(6)
    smile = viewer_model.key_drag(Project(), 0, "mouthLeft", 0, -0.05)
    assert {c.channel for c in smile.curves} == {"mouthSmileLeft"}
    far = viewer_model.key_drag(Project(), 0, "head", 50, 0)
    assert far.curves[0].keys[0].value == 45


def test_handles_of_the_subjects_left_are_on_the_pictures_right():
    landmarks = np.zeros((478, 3))
    landmarks[61], landmarks[291] = (40, 70, 0), (60, 70, 0)
    landmarks[10], landmarks[152] = (50, 10, 0), (50, 90, 0)
    face = viewer_model.face_points(landmarks, 100, 100)
    assert face.points["mouthLeft"][0] > face.points["mouthRight"][0]
    assert face.size == pytest.approx(0.8)


# --- emotions ---


def test_a_point_on_an_emotion_is_that_emotion():
    emotions = presets.load_all("emotions")
    for name in ("happy", "sad", "angry"):
        parts = emotion_model.blend(emotions, emotions[name].valence, emotions[name].arousal)
        assert parts[0].emotion == name
        assert parts[0].intensity > 0.9


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_blends_are_never_too_strong(valence, arousal):
    emotions = presets.load_all("emotions")
    parts = emotion_model.blend(emotions, valence, arousal)
    assert sum(p.intensity for p in parts) <= 1.02
    assert len({p.emotion for p in parts}) == len(parts) <= 2
    assert emotion_model.describe(parts, emotions)


def test_new_clips_fit_into_the_shot():
    assert emotion_model.clip_span(0, 100, 25) == (0, 50)
    assert emotion_model.clip_span(95, 100, 25) == (88, 100)
    assert emotion_model.clip_span(0, 3, 25)[1] > 0


# --- frames ---


def test_frames_are_forgotten_oldest_first():
    cache = FrameCache(limit_bytes=3 * 300)
    for frame in range(4):
        cache.put("a", frame, np.zeros((10, 10, 3), np.uint8))
    assert not cache.has("a", 0)
    assert cache.missing("a", range(6)) == [0, 4, 5]
    cache.get("a", 1)
    cache.put("a", 9, np.zeros((10, 10, 3), np.uint8))
    assert cache.has("a", 1)
    assert cache.size_bytes == 900
    cache.put("a", 9, np.zeros((5, 10, 3), np.uint8))
    assert cache.size_bytes == 750


# --- words ---


def test_subtitles_become_words(tmp_path: Path):
    path = tmp_path / "a.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nHi <i>there</i>\n\n2\n00:00:03,500 --> 00:00:04,000\nyou\n")
    words, phones = captions.read(path)
    assert [w.label for w in words] == ["Hi", "there", "you"]
    assert words[0].start_s == 1.0
    assert words[1].end_s == pytest.approx(2.0)
    assert phones == ()


def test_text_grids_come_back_as_they_were_written(tmp_path: Path):
    from fractions import Fraction

    from app.core.project import Phone
    from app.export import Take, write
    from engines.api import Performance

    words = (Phone(0.1, 0.5, "say"), Phone(0.6, 0.9, '"yes"'))
    phones = (Phone(0.1, 0.3, "S"), Phone(0.3, 0.5, "EY"))
    take = Take(Performance.rest(50, Fraction(25)), Fraction(25), words=words, phones=phones)
    write(take, tmp_path / "a.TextGrid")
    read_words, read_phones = captions.read(tmp_path / "a.TextGrid")
    assert [(w.label, w.start_s) for w in read_words] == [("say", 0.1), ('"yes"', 0.6)]
    assert [p.label for p in read_phones if p.label != "SIL"] == ["S", "EY"]


def test_files_without_words_are_refused(tmp_path: Path):
    path = tmp_path / "empty.vtt"
    path.write_text("WEBVTT\n")
    with pytest.raises(InputError, match="no words"):
        captions.read(path)
    junk = tmp_path / "junk.TextGrid"
    junk.write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="no words"):
        captions.read(junk)
    with pytest.raises(InputError, match="cannot be read"):
        captions.read(tmp_path / "missing.srt")


# --- playback ---


def test_slow_drawing_makes_the_picture_smaller_before_it_gets_jerky():
    from app.ui.work import PLAY_SIDES, Pace

    pace = Pace()
    pace.measured(0.01, 25)
    assert (pace.side, pace.stride(25)) == (PLAY_SIDES[0], 1)
    for _ in range(8):
        pace.measured(0.1, 25)
    assert pace.side == PLAY_SIDES[-1]
    assert pace.stride(25) == 3
    for _ in range(12):
        pace.measured(0.005, 25)
    assert (pace.side, pace.stride(25)) == (PLAY_SIDES[0], 1)
