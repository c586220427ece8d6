"""Presets: all of ours are sound, the user's replace them, mistakes are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.core import presets
from engines.errors import InputError

BASIC = {"happy", "sad", "angry", "surprised", "afraid", "disgusted", "contempt", "neutral"}
EXTENDED = {"sarcastic", "confident", "bored", "playful", "confused", "excited", "tired", "flirtatious"}


def test_every_preset_can_be_read() -> None:
    assert set(presets.load_all("emotions")) >= BASIC | EXTENDED
    assert len(presets.load_all("styles")) >= 8
    assert len(presets.load_all("heads")) >= 6
    assert presets.load_all("export")
    assert not presets.emotion("neutral").vector().any()


def test_no_emotion_presses_opposite_units_at_once() -> None:
    for emotion in presets.load_all("emotions").values():
        vector = emotion.vector()
        assert vector.min() >= 0
        assert vector.max() <= 1
        assert -1 <= emotion.valence <= 1


@pytest.mark.parametrize(
    ("kind", "preset_id"), [("emotions", "happy"), ("styles", "whispered"), ("export", "web-720p")]
)
def test_a_preset_written_is_the_preset_read(kind: str, preset_id: str, tmp_path: Path) -> None:
    preset = presets.load(kind, preset_id)
    shared = presets.share(kind, preset_id, tmp_path)
    assert presets.read(kind, shared) == preset
    (tmp_path / "again.toml").write_text(presets.dumps(preset))
    assert presets.read(kind, tmp_path / "again.toml") == preset


def test_the_users_own_take_the_place_of_ours() -> None:
    own = presets.Emotion("Happy", weights={"mouthSmile": 0.1})
    assert presets.save(own) == "happy"
    assert presets.emotion("happy") == own
    presets.delete("emotions", "happy")
    assert presets.emotion("happy") != own
    with pytest.raises(InputError, match="not one of your own"):
        presets.delete("emotions", "happy")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "X"\ntempo = 1', "unknown field 'tempo'"),
        ("valence = 0.1", "lacks 'name'"),
        ('name = "X"\nvalence = "high"', "'valence' cannot be"),
        ('name = "X"\n[weights]\nsmile = 1', "no ARKit unit"),
        ('name = "X"\n[weights]\nmouthSmile = 7', "between -1 and 1"),
        ("name = ", "cannot be read"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        presets.install("emotions", path)


def test_a_damaged_preset_of_the_user_hides_only_itself() -> None:
    (presets.user_folder("emotions") / "broken.toml").write_text("name = ")
    assert "broken" not in presets.load_all("emotions")
    with pytest.raises(InputError, match="no preset 'gleeful'"):
        presets.emotion("gleeful")


def test_one_sided_weights() -> None:
    vector = presets.Emotion("X", weights={"mouthSmileLeft": 0.5, "browDown": 0.2}).vector()
    assert np.count_nonzero(vector) == 3
