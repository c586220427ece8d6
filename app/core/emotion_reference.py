"""Emotions lifted from references: the difference between an emotional and a neutral clip, or two voices, as a preset.

Clips show the face: both are explained with the head of the neutral one (`engines.capture.compare`), and what the
emotional face holds beyond the neutral one becomes the preset's weights. `GAINS` gives back what capture loses.

Voices only hint at it. `VoiceCues` says how a recording sounds; `emotion_from_voices` lays the difference of two along
what listeners use to tell emotions apart (Juslin & Laukka 2003, "Communication of emotions in vocal expression and
music performance", table 11; Scherer 2003, "Vocal communication of emotion") and mixes the faces of the studio's own
presets in those shares. It tells arousal well and valence poorly: loud joy and hot anger are easily taken for each
other, so an artist may say whether the mood is pleasant. A face that no preset has cannot come out of it. That the
direction from a neutral to an emotional voice tells an emotion without a name is the idea of C-MET
(github.com/ChanHyeok-Choi/C-MET), which learns the map to a face.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from app.core import presets
from app.core.presets import Emotion
from app.core.style_reference import Habits
from engines import arkit
from engines.errors import InputError

if TYPE_CHECKING:
    from engines.capture.compare import Held
    from engines.speech.analysis import SpeechAnalysis
    from engines.speech.audio import Voice

GAINS: Final = {
    "brow": 2.0, "eyeWide": 2.0, "eyeSquint": 2.0, "mouthSmile": 1.7, "mouthFrown": 1.7, "mouthDimple": 1.7,
    "mouthStretch": 1.3,
}  # fmt: skip
"""Rendered presets at full strength come back weaker by about these factors (`tests.benchmarks.emotion_reference`)."""
NOT_HELD: Final = ("eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "mouthClose", "mouthFunnel", "mouthPucker",
                   "mouthShrugUpper", "mouthRollUpper", "jawLeft", "jawRight", "mouthLeft", "mouthRight")  # fmt: skip
"""Units that belong to gaze and speech, or that medians of speaking mouths tell wrongly."""
SMILE_IN_BROWS: Final = 0.45
"""Landmarks of the brows sink with a smile by this share of it, though nobody frowns."""
SMALLEST: Final = 0.05
CHEEKS: Final = 0.6
"""Landmarks do not show cheeks; they follow a smile this far, as in smiles that are felt (Duchenne)."""


def emotion_from_clips(name: str, emotional: Held, neutral: Held, habits: Habits, usual: Habits) -> Emotion:
    """The difference between two clips of one person as an emotion preset.

    Parameters
    ----------
    emotional, neutral : what the face holds, on the same head
    habits, usual : how it moves in the emotional and in the neutral clip
    """
    change = emotional.weights - neutral.weights
    for brow, smile in zip(arkit.indices("browDown"), arkit.indices("mouthSmile"), strict=True):
        change[brow] -= min(max(change[brow], 0), SMILE_IN_BROWS * max(change[smile], 0))
    skipped = set(arkit.indices(*NOT_HELD))
    weights: dict[str, float] = {}
    for i, unit in enumerate(arkit.NAMES):
        gain = next((g for start, g in GAINS.items() if unit.startswith(start)), 1.0)
        value = float(np.clip(gain * change[i], -0.6, 1.0))
        if i not in skipped and abs(value) >= SMALLEST:
            weights[unit] = round(value, 3)
    for side in ("Left", "Right"):
        smiling = weights.get(f"mouthSmile{side}", 0.0)
        if smiling > 0.25:
            weights[f"cheekSquint{side}"] = round(CHEEKS * smiling, 3)
    turn = np.degrees(emotional.angles_rad - neutral.angles_rad)
    look = np.degrees(emotional.gaze - neutral.gaze).reshape(2, 2).mean(0)
    pitch, yaw, roll = (round(float(v), 1) if abs(v) > 0.7 else 0.0 for v in np.clip(turn, -12, 12))
    gaze_yaw, gaze_pitch = (round(float(v), 1) if abs(v) > 2 else 0.0 for v in np.clip(look, -10, 10))
    shares = _likeness(weights)
    return Emotion(
        name=name,
        summary=f"Lifted from two clips of {habits.duration_s:.0f} and {usual.duration_s:.0f} s",
        valence=_mixed(shares, lambda e: e.valence),
        arousal=_mixed(shares, lambda e: e.arousal),
        weights=paired(weights),
        pitch_deg=pitch,
        yaw_deg=yaw,
        roll_deg=roll,
        gaze_yaw_deg=gaze_yaw,
        gaze_pitch_deg=gaze_pitch,
        head_motion=_ratio(np.hypot(habits.yaw_deg, habits.nod_deg), np.hypot(usual.yaw_deg, usual.nod_deg), 0.4, 2.0),
        blink_rate=_ratio(habits.blinks_per_minute + 10, usual.blinks_per_minute + 10, 0.5, 2.0),
        jaw=_ratio(habits.jaw, usual.jaw, 0.6, 1.6),
        lips=_ratio(habits.lips, usual.lips, 0.6, 1.6),
    )


def _ratio(value: float, usual: float, low: float, high: float) -> float:
    return round(float(np.clip((value + 1e-3) / (usual + 1e-3), low, high)), 2)


# --- voices ---


@dataclass(frozen=True)
class VoiceCues:
    """How a voice sounds, whatever it says.

    Attributes
    ----------
    pitch_st : median pitch in semitones above 1 Hz
    movement_st : deviation of the pitch about its slow mean, semitones
    loudness_db : mean level while speaking, relative to full scale
    brightness_db : energy from 1 to 5 kHz over that from 50 Hz to 1 kHz while voiced (the alpha ratio of Eyben et al.
        2016, "The Geneva minimalistic acoustic parameter set", turned round): high when a voice is pressed
    syllables_hz : vowels a second while speaking
    """

    pitch_st: float
    movement_st: float
    loudness_db: float
    brightness_db: float
    syllables_hz: float


DEVIATIONS: Final = VoiceCues(3.0, 1.0, 5.0, 4.0, 1.2)
"""What counts as one deviation between moods of one speaker."""
LOUDNESS_TRUST: Final = 0.3
"""Recording levels differ for other reasons, too."""
FARTHEST: Final = 1.3
"""Larger differences, in deviations, tell of another speaker or room."""
MOMENTS: Final = ("surprised",)
"""Emotions that last a moment; the mood of a whole recording is none of them."""
SELDOM: Final = {"afraid": 0.8}
"""What seldom fills a recording has to be heard the more plainly: fear and anger sound alike but for how a voice is
pressed, and recordings differ in that, too."""
QUIET, FULL = 0.25, 1.0
"""How far along an emotion's direction, in deviations, its share begins; how large a difference makes it 1."""


def listen(speech: SpeechAnalysis, voice: Voice) -> VoiceCues:
    """Read the cues of a voice.

    Raises
    ------
    InputError
        If there is less than a second of voiced speech in it.
    """
    from app.core.passes import heard
    from engines.speech.prosody import RATE

    pitch = np.asarray(speech.pitch_hz, np.float64)
    speaking = np.asarray(speech.speaking, bool)
    voiced = (pitch > 0) & speaking
    if speech.silent or voiced.sum() < RATE:
        raise InputError(
            f"In {voice.path} there is too little speech to tell an emotion from. Use 2 s or more of talk."
        )
    semitones = 12 * np.log2(np.where(voiced, pitch, 1.0))
    loudness = np.asarray(speech.loudness_db, np.float64)
    vowels = heard.syllables(speech.phones, len(pitch)).sum()
    moving = np.sqrt(np.mean((semitones - heard.local_mean(semitones, voiced))[voiced] ** 2))
    return VoiceCues(
        pitch_st=float(np.median(semitones[voiced])),
        movement_st=float(moving),
        loudness_db=float(10 * np.log10(np.mean(10 ** (loudness[speaking] / 10)))),
        brightness_db=_brightness(voice, voiced),
        syllables_hz=float(vowels / max(speaking.sum() / RATE, 0.5)),
    )


def _brightness(voice: Voice, voiced: np.ndarray) -> float:
    from engines.speech.audio import ANALYSIS_RATE
    from engines.speech.prosody import HOP

    window = 2 * HOP
    hertz = np.fft.rfftfreq(window, 1 / ANALYSIS_RATE)
    low, high = (hertz >= 50) & (hertz < 1000), (hertz >= 1000) & (hertz < 5000)
    sound = np.concatenate(list(voice.blocks()))
    count = min(len(voiced), max(0, (len(sound) - window) // HOP))
    frames = np.lib.stride_tricks.sliding_window_view(sound, window)[::HOP][:count][voiced[:count]]
    power = np.zeros(len(hertz))
    for first in range(0, len(frames), 2000):
        power += (np.abs(np.fft.rfft(frames[first : first + 2000] * np.hanning(window))) ** 2).sum(0)
    return float(10 * np.log10((power[high].sum() + 1e-12) / (power[low].sum() + 1e-12)))


def cue_change(emotional: VoiceCues, neutral: VoiceCues) -> np.ndarray:
    """The difference of two voices in the order of `app.core.passes.heard.CUES`, in deviations : float64 (5,)."""
    fields = ("pitch_st", "loudness_db", "brightness_db", "movement_st", "syllables_hz")
    change = np.array(
        [(getattr(emotional, f) - getattr(neutral, f)) / getattr(DEVIATIONS, f) for f in fields], np.float64
    )
    change = np.clip(change, -FARTHEST, FARTHEST)
    change[1] *= LOUDNESS_TRUST
    return np.asarray(change)


def shares_of(change: np.ndarray, pleasant: bool | None = None) -> dict[str, float]:
    """How strongly each emotion (preset id) shows in a difference of voices, 0 to 1; the two best at most.

    Parameters
    ----------
    pleasant : whether the mood is, if the artist said so
    """
    from app.core.passes.heard import EMOTIONS

    asked = {n: np.array(d) for n, d in EMOTIONS.items() if n not in MOMENTS}
    if pleasant is not None:
        asked = {n: d for n, d in asked.items() if (presets.emotion(n).valence > 0) == pleasant}
    along = {n: SELDOM.get(n, 1.0) * float(change @ d / np.linalg.norm(d)) for n, d in asked.items()}
    best = sorted(along, key=lambda n: along[n], reverse=True)[:2]
    top = along[best[0]]
    if top <= QUIET:
        return {}
    # The direction says which emotion; direction and size together how strong it is.
    strength = float(np.clip((np.sqrt(top * np.linalg.norm(change)) - QUIET) / (FULL - QUIET), 0, 1))
    # What fits second best keeps little, so that the face stays readable.
    kept = {n: (along[n] / top) ** 4 for n in best if along[n] > QUIET}
    shares = {n: strength * share / sum(kept.values()) for n, share in kept.items()}
    return {n: share for n, share in shares.items() if share > 0.02}


def emotion_from_voices(name: str, emotional: VoiceCues, neutral: VoiceCues, pleasant: bool | None = None) -> Emotion:
    """The difference between two voices as an emotion preset: the faces of our presets in the shares that are heard.

    Parameters
    ----------
    pleasant : whether the mood is, if the artist said so; None: as far as the voice tells

    Raises
    ------
    InputError
        If the voices differ too little.
    """
    from app.core.passes.heard import AROUSAL

    change = cue_change(emotional, neutral)
    shares = shares_of(change, pleasant)
    if not shares:
        raise InputError(
            "The two voices differ too little, or in no way that tells an emotion. Say whether the mood is pleasant, "
            "use recordings of one speaker on one microphone, or two clips that show the face."
        )
    vector = sum((share * presets.emotion(n).vector().astype(np.float64) for n, share in shares.items()), np.zeros(52))
    heard = {unit: round(float(v), 3) for unit, v in zip(arkit.NAMES, vector, strict=True) if abs(v) >= SMALLEST}
    told = ", ".join(f"{presets.emotion(n).name.lower()} {share:.2f}" for n, share in shares.items())
    return Emotion(
        name=name,
        summary=f"Lifted from two voices: {told}",
        valence=_mixed(shares, lambda e: e.valence),
        arousal=round(float(np.tanh(change @ np.array(AROUSAL))), 2),
        weights=paired(heard),
        pitch_deg=_mixed(shares, lambda e: e.pitch_deg),
        head_motion=round(float(np.clip(1 + 0.15 * change[[0, 1, 3]].mean(), 0.6, 1.5)), 2),
        blink_rate=round(1 + _mixed(shares, lambda e: e.blink_rate - 1), 2),
        jaw=round(float(np.clip(1 + 0.1 * change[1], 0.8, 1.25)), 2),
        lips=round(1 + _mixed(shares, lambda e: e.lips - 1), 2),
    )


# --- both ---


def paired(weights: dict[str, float]) -> dict[str, float]:
    """Weights as an artist writes them: sides that are within 0.03 of each other by the name without side."""
    result: dict[str, float] = {}
    for unit, value in weights.items():
        name = unit.removesuffix("Left").removesuffix("Right")
        left, right = weights.get(f"{name}Left"), weights.get(f"{name}Right")
        if left is not None and right is not None and abs(left - right) <= 0.03:
            result[name] = round((left + right) / 2, 3)
        else:
            result[unit] = value
    return result


def _mixed(shares: dict[str, float], value: Callable[[Emotion], float]) -> float:
    return round(sum(share * value(presets.emotion(n)) for n, share in shares.items()), 2)


def _likeness(weights: dict[str, float]) -> dict[str, float]:
    """Shares of our presets in a face, by the cosine between their weights; they sum to 1 or less."""
    vector = Emotion("", weights=weights).vector().astype(np.float64)
    size = float(np.linalg.norm(vector))
    if size < SMALLEST:
        return {}
    found: dict[str, float] = {}
    for preset_id in presets.paths("emotions"):
        other = presets.emotion(preset_id).vector().astype(np.float64)
        if np.linalg.norm(other) > 0:
            found[preset_id] = max(0.0, float(vector @ other / (size * np.linalg.norm(other)))) ** 4
    total = sum(found.values())
    strength = min(1.0, size)
    return {n: strength * v / total for n, v in found.items()} if total > 1e-9 else {}
