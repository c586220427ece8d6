"""A way of speaking is found in a performance, becomes a preset, and shows again on another voice."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from app.core import presets, references
from app.core.cache import DiskCache
from app.core.passes.style import later, smoothed
from app.core.perform import perform
from app.core.presets import Style
from app.core.project import Project, StyleClip
from app.core.studio import Studio
from app.core.style_reference import blinks, character_of, measure, style_of
from engines import arkit
from engines.api import Performance
from engines.errors import InputError
from engines.speech.analysis import SpeechAnalysis
from tests.app.core.passes.test_passes import make_speech

RATE = Fraction(25)


def chatter(seconds: float, seed: int) -> SpeechAnalysis:
    """A voice whose mouth does something."""
    plain = make_speech(seconds)
    t = np.arange(len(plain)) / 50
    rng = np.random.default_rng(seed)
    waves = {
        name: (
            plain.speaking * sum(np.sin(2 * np.pi * f * t + rng.uniform(0, 6)) for f in (1.3, 2.6, 4.1)) * 0.8
        ).astype(np.float32)
        for name in plain.mouth
    }
    return replace(plain, mouth=waves, voice_digest=str(seed))


WORDS, OTHER = chatter(12, 1), chatter(12, 2)
NATURAL = perform(Project(), WORDS)
WIDE = Style("Wide", jaw=1.7, lips=1.6, smoothing_s=0.03, blink_rate=2.0, brows=3.0, lean=0.3, head_motion=1.8)
TIGHT = Style("Tight", jaw=0.5, lips=0.6, brows=0.4, lean=-0.2, head_motion=0.5)


def speak(style: Style | None, speech: SpeechAnalysis, *others: tuple[str, float]) -> Performance:
    clips = () if style is None else (StyleClip(0, None, presets.save(style)),)
    return perform(Project(styles=(*clips, *(StyleClip(0, None, i, a) for i, a in others))), speech)


@pytest.mark.parametrize("truth", [WIDE, TIGHT])
def test_a_style_is_found_again(truth: Style) -> None:
    found = style_of("Found", speak(truth, WORDS), NATURAL, own_words=True)
    assert found.jaw == pytest.approx(truth.jaw, rel=0.2)
    assert found.lips == pytest.approx(truth.lips, rel=0.25)
    assert found.smoothing_s == pytest.approx(truth.smoothing_s, abs=0.012)
    assert found.lean == pytest.approx(truth.lean, abs=0.15)
    assert found.head_motion == pytest.approx(truth.head_motion, rel=0.3)
    assert np.sign(found.brows - 1) == np.sign(truth.brows - 1)
    assert found.lag_s == 0


def test_lifted_styles_differ_on_another_voice_as_their_clips_do() -> None:
    wide, tight = (style_of(s.name, speak(s, WORDS), NATURAL, True) for s in (WIDE, TIGHT))
    a, b, plain = (measure(speak(s, OTHER)) for s in (wide, tight, None))
    assert a.jaw > 1.3 * plain.jaw > 1.6 * b.jaw
    assert a.lips > 1.15 * plain.lips > 1.3 * b.lips
    assert a.jaw_hz < 0.95 * b.jaw_hz
    assert a.lean > 0.05 > -0.02 > b.lean
    assert a.yaw_deg > 1.5 * b.yaw_deg


def test_two_styles_mix_along_the_track() -> None:
    wide, tight = presets.save(WIDE), presets.save(TIGHT)
    mixed = measure(speak(None, OTHER, (wide, 0.5), (tight, 0.5)))
    assert measure(speak(TIGHT, OTHER)).jaw < mixed.jaw < measure(speak(WIDE, OTHER)).jaw


def test_a_lag_is_found_and_kept() -> None:
    late = NATURAL.with_(weights=later(NATURAL.weights, 1.5))
    found = style_of("Late", late, NATURAL, own_words=True)
    assert found.lag_s == pytest.approx(0.06, abs=0.011)
    assert style_of("Late", late, NATURAL, own_words=False).lag_s == 0
    far = NATURAL.with_(weights=later(NATURAL.weights, 5))
    assert style_of("Far", far, NATURAL, own_words=True).lag_s == 0


def test_a_still_face_gives_a_valid_style() -> None:
    still = Performance.rest(200, RATE)
    style = style_of("Still", still, NATURAL, own_words=True)
    assert presets.parse("styles", {"name": "x", "jaw": style.jaw}, "x").jaw == style.jaw == 0.25
    assert character_of("Still", still, NATURAL).pitch_deg > 0
    with pytest.raises(InputError, match="5 to 60 s"):
        measure(still.slice(0, 20))


def test_blinks_are_counted_once_each() -> None:
    weights = np.zeros((100, 52))
    for at in (10, 40, 70):
        weights[at : at + 4, list(arkit.indices("eyeBlink"))] = np.array([0.6, 0.45, 1.0, 0.35])[:, None]
    assert blinks(weights) == 3


def test_smoothing_slows_and_sharpening_quickens() -> None:
    wave = np.sin(np.arange(200) * 0.9)[:, None] + np.sin(np.arange(200) * 0.1)[:, None]
    slow, quick = (np.abs(np.diff(smoothed(wave, s), axis=0)).mean() for s in (1.5, -1.5))
    assert slow < np.abs(np.diff(wave, axis=0)).mean() < quick
    assert np.allclose(smoothed(np.ones((20, 2)), -2), 1)


def test_a_style_is_lifted_from_curves(tmp_path: Path) -> None:
    from app.export import Take, write

    write(Take(performance=NATURAL, rate=RATE), tmp_path / "talk.npz")
    studio = Studio(DiskCache(tmp_path / "cache"))
    style, nothing = references.lift_style(studio, tmp_path / "talk.npz", "Talk")
    assert nothing is None
    apart, character = references.lift_style(studio, tmp_path / "talk.npz", "Talk", head=True)
    assert character is not None
    assert style.name == character.name == "Talk"
    assert apart == replace(style, head_motion=1.0, brows=1.0), "what is in the head preset is not in the style, too"
    assert presets.load("styles", presets.save(style)) == style
    with pytest.raises(InputError, match="no clip"):
        references.lift_style(studio, tmp_path / "none.mp4", "None")
