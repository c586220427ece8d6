"""The emotion that a voice tells by its sound: arousal, valence and shares of emotions over time, and clips of them.

Five cues are read from the prosody, each over about a second: how high and how loud the voice is against its own mean,
how sharp it sounds, how much its pitch moves, how fast it speaks. Each emotion asks for a combination of them, after
the cue tables of Juslin & Laukka 2003, "Communication of emotions in vocal expression and music performance"
(table 11), and Scherer 2003, "Vocal communication of emotion". What fits best gets the share; a voice that shows little
gets none. A voice tells much about arousal and little about valence: a proposal to be directed, not a measurement.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from app.core import presets
from app.core.passes.scene import TRACK_RATE
from app.core.project import EmotionClip, Project
from engines.timebase import frame_times, parse_rate

if TYPE_CHECKING:
    from engines.speech.analysis import SpeechAnalysis
    from engines.speech.segment import Segment

CUES: Final = ("level", "loudness", "brightness", "movement", "tempo")
EMOTIONS: Final[dict[str, tuple[float, ...]]] = {
    "happy": (0.6, 0.4, 0.3, 0.9, 0.5),
    "angry": (0.4, 0.9, 1.0, 0.4, 0.6),
    "sad": (-0.6, -0.7, -0.6, -0.8, -0.8),
    "afraid": (0.9, -0.2, 0.1, -0.5, 0.5),
    "surprised": (1.0, 0.3, 0.2, 0.9, -0.3),
}
"""What each emotion (preset id) asks of `CUES`, in deviations of a lively speaker."""
AROUSAL: Final = (0.25, 0.3, 0.25, 0.1, 0.1)
"""Weights of `CUES` in arousal."""
VOWELS: Final = frozenset(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])
_WINDOW_S, _SMOOTH_S = 0.7, 0.35
_THRESHOLD, _FULL = 0.35, 1.2
"""How far along an emotion's direction its share begins, and is 1."""
_LEVEL_ST, _LOUDNESS_DB, _BRIGHTNESS_DB, _MOVEMENT_ST, _TEMPO_HZ = 2.5, 4.0, 5.0, 1.0, 1.2
"""The size of one deviation."""
_NORMAL_BRIGHTNESS_DB, _NORMAL_MOVEMENT_ST, _NORMAL_TEMPO_HZ = -12.0, 2.6, 4.5
"""What is normal whoever speaks; how high and how loud somebody is says nothing across speakers and microphones."""
_LEAST_CLIP_S, _LEAST_SHARE = 0.4, 0.12


@dataclass(frozen=True, eq=False)
class Mood:
    """What was heard, 50 values a second (or one a frame, see `at_frames`).

    Attributes
    ----------
    emotions : preset ids, the columns of ``shares``
    shares : float32 (N, E), 0 to 1; rows sum to 1 or less
    arousal, valence : float32 (N,), -1 to 1
    """

    emotions: tuple[str, ...]
    shares: np.ndarray
    arousal: np.ndarray
    valence: np.ndarray

    def __len__(self) -> int:
        return len(self.arousal)

    def at_frames(self, count: int, rate: Fraction) -> Mood:
        """The same at the frames of a shot."""
        at = np.clip(np.round(frame_times(count, rate) * TRACK_RATE).astype(np.int64), 0, max(0, len(self) - 1))
        return replace(self, shares=self.shares[at], arousal=self.arousal[at], valence=self.valence[at])


@lru_cache(4)
def listen(speech: SpeechAnalysis) -> Mood | None:
    """Read the emotion of a voice; None where too little is spoken (half a second) to tell."""
    found = cues(speech)
    if found is None:
        return None
    names = tuple(EMOTIONS)
    directions = np.array([EMOTIONS[name] for name in names])
    along = found @ (directions / np.linalg.norm(directions, axis=1, keepdims=True)).T
    fit = np.clip((along - _THRESHOLD) / (_FULL - _THRESHOLD), 0, 1)
    best = fit.max(1, keepdims=True)
    fit = fit * (fit / np.maximum(best, 1e-9)) ** 3  # what fits second best keeps little, so that faces stay readable
    fit *= best / np.maximum(fit.sum(1, keepdims=True), 1e-9)
    shares = _spread(fit, _SMOOTH_S)
    valence = shares @ np.array([presets.emotion(name).valence for name in names])
    arousal = np.tanh(_spread(found @ np.array(AROUSAL), _SMOOTH_S))
    return Mood(names, shares.astype(np.float32), arousal.astype(np.float32), valence.astype(np.float32))


def cues(speech: SpeechAnalysis) -> np.ndarray | None:
    """The cues over time : float64 (N, 5) in the order of `CUES`, in deviations; None where too little is spoken."""
    pitch, loudness = np.asarray(speech.pitch_hz, np.float64), np.asarray(speech.loudness_db, np.float64)
    speaking = np.asarray(speech.speaking, bool)
    voiced = (pitch > 0) & speaking
    if speech.silent or voiced.sum() < 25:
        return None
    semitones = 12 * np.log2(np.where(voiced, pitch, 1.0))
    semitones -= semitones[voiced].mean()
    level = local_mean(semitones, voiced)
    movement = np.sqrt(np.maximum(local_mean(semitones**2, voiced) - level**2, 0))
    loud = local_mean(loudness - loudness[speaking].mean(), speaking)
    scaled = [level / _LEVEL_ST, loud / _LOUDNESS_DB]
    bright = local_mean(np.asarray(speech.brightness_db, np.float64), voiced)
    beats = syllables(speech.phones, len(pitch))
    tempo = local_mean(beats, speaking, 1.5 * _WINDOW_S) * TRACK_RATE
    for track, normal, deviation in (
        (bright, _NORMAL_BRIGHTNESS_DB, _BRIGHTNESS_DB),
        (movement, _NORMAL_MOVEMENT_ST, _MOVEMENT_ST),
        (tempo, _NORMAL_TEMPO_HZ, _TEMPO_HZ),
    ):
        known = bool(np.ptp(track))  # an analysis may lack phones or sharpness
        usual = 0.5 * (track[voiced].mean() + normal)  # half of what is usual for everybody, half for this speaker
        scaled.append((track - usual) / deviation if known else np.zeros(len(pitch)))
    # In a long pause there is nothing to read: what was heard before it fades.
    present = np.clip(2.5 * _spread(speaking.astype(np.float64), _WINDOW_S), 0, 1)
    return np.clip(np.stack(scaled, 1), -2.0, 2.0) * present[:, None]


def local_mean(values: np.ndarray, where: np.ndarray, window_s: float = _WINDOW_S) -> np.ndarray:
    """Mean of ``values`` about each moment, of those at which ``where`` holds : float64 (N,)."""
    weight, total = _spread(where.astype(np.float64), window_s), _spread(np.where(where, values, 0.0), window_s)
    return np.asarray(total / np.maximum(weight, 1e-3))


def _spread(values: np.ndarray, window_s: float) -> np.ndarray:
    """``values`` smoothed along time, with nothing before the beginning and after the end."""
    from scipy.ndimage import gaussian_filter1d  # here, so that the window opens without it

    return np.asarray(gaussian_filter1d(values, window_s * TRACK_RATE, axis=0, mode="constant", truncate=3.0))


def syllables(phones: Iterable[Segment], count: int) -> np.ndarray:
    """1 where a vowel begins, else 0 : float64 (count,), 50 a second."""
    beats = np.zeros(count)
    starts = [p.start_s for p in phones if p.label.rstrip("012") in VOWELS]
    at = np.round(np.array(starts, np.float64) * TRACK_RATE).astype(np.int64)
    np.add.at(beats, at[(at >= 0) & (at < count)], 1.0)
    return beats


def bake(project: Project, mood: Mood, share: float, count: int) -> Project:
    """The project with what was heard as emotion clips of its own instead of the automatic share.

    Parameters
    ----------
    share : how strongly, 0 to 1
    count : frames of the shot
    """
    at = mood.at_frames(count, parse_rate(project.rate))
    least = max(2, round(_LEAST_CLIP_S * float(parse_rate(project.rate))))
    clips = [
        clip
        for name, weight in zip(at.emotions, at.shares.T, strict=True)
        for clip in _clips(name, weight, share, least)
    ]
    merged = sorted([*project.emotions, *clips], key=lambda clip: clip.start)
    return project.with_(emotions=tuple(merged), auto_emotion=0.0)


def _clips(name: str, weight: np.ndarray, share: float, least: int) -> list[EmotionClip]:
    """Each hill of a weight over time as one clip: as high as the hill, its eases as long as the hill's flanks."""
    inside = np.concatenate([[0], (weight > 0.3 * _LEAST_SHARE).astype(np.int8), [0]])
    found: list[EmotionClip] = []
    for start, stop in np.flatnonzero(np.diff(inside)).reshape(-1, 2).tolist():
        hill = weight[start:stop]
        top = float(hill.max())
        if top < _LEAST_SHARE or stop - start < least:
            continue
        high = np.flatnonzero(hill >= 0.85 * top)
        rise, fall = int(high[0]), int(len(hill) - 1 - high[-1])
        found.append(EmotionClip(start, stop, name, round(share * top, 3), rise, fall))
    return found
