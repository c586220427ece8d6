"""Talking-video corpora: mouth geometry measured on video beside its sound, to fit and to score the readout.

A corpus is a folder with, per clip, ``NAME.npz`` (``fps``, ``geometry`` (T, G) named by ``geom_names``, ``valid`` (T,),
``speaker``) and ``NAME.flac``; ``sync.json`` (``shift``: how many 20 ms steps to delay the video's curves so that they
meet the sound) and ``phones.json`` (``align``: [label, start s, end s] as
pocketsphinx counts, ``text``: [start s, end s, text, log probability, ...]) are optional, and so are clips in them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.errors import InputError
from engines.speech import readout, recognise, sphinx, whisper
from engines.speech.analysis import cut_at_pauses
from engines.speech.audio import ANALYSIS_RATE
from engines.speech.prosody import CONTEXT, HOP, RATE, tracks
from engines.speech.readout import GEOMETRY, LAYERS, PHONES
from engines.speech.segment import Segment


@dataclass(frozen=True, eq=False)
class Clip:
    """One talking clip.

    Attributes
    ----------
    name, speaker
    fps : of the video
    geometry : float64 (T, K), columns `GEOMETRY`, units of the distance between the outer eye corners
    valid : bool (T,)
    delay_s : frame ``i`` shows what is heard at second ``i / fps + delay_s``
    phones : forced alignment, empty if unknown
    text : what is said as far as known
    sound : path of the recording
    """

    name: str
    speaker: str
    fps: float
    geometry: np.ndarray
    valid: np.ndarray
    delay_s: float
    phones: tuple[Segment, ...]
    text: str
    sound: Path

    @property
    def fold(self) -> str:
        """Clips that must not be split between fitting and scoring: GRID's speakers share their sentences."""
        return "grid" if self.name.startswith("grid") else self.speaker

    def frame_times_s(self) -> np.ndarray:
        """Second of the recording that each video frame shows : (T,)."""
        return np.arange(len(self.geometry)) / self.fps + self.delay_s


def load_clips(folder: Path) -> list[Clip]:
    """Every clip of a corpus, by name.

    Raises
    ------
    InputError
        If the folder holds no clip, or a clip has no sound.
    """
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise InputError(f"{folder} holds no clip (NAME.npz beside NAME.flac).")
    shift = _optional(folder / "sync.json").get("shift", {})
    spoken = _optional(folder / "phones.json")
    clips = []
    for file in files:
        name = file.stem
        sound = file.with_suffix(".flac")
        if not sound.exists():
            raise InputError(f"The clip {name} has no sound: {sound} is missing.")
        with np.load(file, allow_pickle=True) as data:
            columns = [str(c) for c in data["geom_names"]]
            geometry = data["geometry"][:, [columns.index(c) for c in GEOMETRY]].astype(np.float64)
            fps, valid, speaker = float(data["fps"]), data["valid"].astype(bool), str(data["speaker"])
        entry = spoken.get(name, {})
        spans = ((p, max(0.0, a + sphinx.WINDOW_S), b + sphinx.WINDOW_S) for p, a, b in entry.get("align", ()))
        phones = tuple(Segment(a, b, p) for p, a, b in spans if b > a)
        # Whisper's own estimate says which transcripts hold.
        text = " ".join(part[2].strip() for part in entry.get("text", ()) if part[3] >= recognise.TRUSTED)
        clips.append(Clip(name, speaker, fps, geometry, valid, 0.02 * shift.get(name, 0), phones, text, sound))
    return clips


def _optional(path: Path) -> dict:
    return json.loads(path.read_text()) if path.exists() else {}


def encode(sound: np.ndarray) -> np.ndarray:
    """What the readout reads of a sound, cut as `engines.speech.analysis.analyse` cuts : float32 (T, FEATURES)."""
    loudness, _ = tracks(np.pad(sound, CONTEXT))
    parts, margin = [], RATE
    for start, stop in cut_at_pauses(loudness):
        first = max(0, start - margin)
        states = whisper.encode(sound[first * HOP : (stop + margin) * HOP], LAYERS)
        parts.append(np.concatenate(states, 1)[start - first : stop - first])
    return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class Example:
    """A clip as the fitting sees it, at 50 Hz.

    Attributes
    ----------
    features : float32 (T, FEATURES)
    target : float32 (T, K), standardised over the clip
    valid : bool (T,)
    phones : int64 (T,), class of `PHONES` or -1
    """

    features: np.ndarray
    target: np.ndarray
    valid: np.ndarray
    phones: np.ndarray


def example(clip: Clip, features: np.ndarray, speed: float = 1.0) -> Example:
    """Targets beside features.

    Parameters
    ----------
    features : (T, FEATURES) of the clip's sound played ``speed`` times as fast
    """
    t_s = np.arange(len(features)) / RATE * speed
    frame = (t_s - clip.delay_s) * clip.fps
    rows = np.arange(len(clip.geometry))
    geometry = np.stack([np.interp(frame, rows, column) for column in clip.geometry.T], 1)
    valid = (np.interp(frame, rows, clip.valid) > 0.99) & (frame >= 0) & (frame <= rows[-1])
    spread = geometry[valid].std(0)
    target = ((geometry - geometry[valid].mean(0)) / np.maximum(spread, 1e-6)).astype(np.float32)
    labels = np.full(len(t_s), -1)
    for phone in clip.phones:
        if phone.label in PHONES:
            labels[(t_s >= phone.start_s) & (t_s < phone.end_s)] = PHONES.index(phone.label)
    return Example(features, target, valid, labels)


def altered(sound: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """The sound as from another mouth, microphone and room, and how many times as fast it now is.

    Played faster or slower (which moves pitch and formants), filtered, reverberated, with coloured noise, at another
    level.
    """
    import soxr
    from scipy.signal import fftconvolve

    rate = round(ANALYSIS_RATE * float(np.exp(rng.uniform(-0.2, 0.2))))
    y = soxr.resample(sound, rate, ANALYSIS_RATE).astype(np.float32)
    spectrum = np.fft.rfft(y)
    f = np.linspace(0, 1, len(spectrum))
    bumps = [rng.uniform(-6, 6) * np.exp(-0.5 * ((f - rng.random()) / rng.uniform(0.05, 0.4)) ** 2) for _ in range(3)]
    y = np.fft.irfft(spectrum * 10 ** (np.sum(bumps, 0) / 20), len(y)).astype(np.float32)
    if rng.random() < 0.5:
        length = int(rng.uniform(0.05, 0.3) * ANALYSIS_RATE)
        room = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
        room *= rng.uniform(0.06, 0.45) / np.sqrt((room**2).sum())
        room[0] = 1
        y = fftconvolve(y, room)[: len(y)].astype(np.float32)
    if rng.random() < 0.7:
        noise = np.fft.rfft(rng.standard_normal(len(y)))
        hiss = np.fft.irfft(noise * (np.arange(len(noise)) + 1.0) ** (-rng.uniform(0, 2) / 2), len(y))
        level = np.sqrt((y**2).mean()) * 10 ** (-rng.uniform(10, 40) / 20)
        y = y + (hiss / hiss.std() * level).astype(np.float32)
    return y * np.float32(10 ** (rng.uniform(-12, 6) / 20)), rate / ANALYSIS_RATE


def typical_motion(clips: list[Clip]) -> dict[str, np.ndarray]:
    """What `engines.speech.mouth` needs to give normalised tracks a size.

    Returns
    -------
    ``unit/mean`` and ``unit/sd`` (K,), medians over clips in eye distances; ``rest`` (K,), the normalised mouth of
    frames whose lips touch or nearly do
    """
    means, spreads, rests = [], [], []
    shut = GEOMETRY.index("aperture")
    for clip in clips:
        g = clip.geometry[clip.valid]
        means.append(g.mean(0))
        spreads.append(g.std(0))
        z = (g - g.mean(0)) / g.std(0)
        rests.append(z[z[:, shut] <= np.quantile(z[:, shut], 0.1)].mean(0))
    return {
        "unit/mean": np.median(means, 0).astype(np.float32),
        "unit/sd": np.median(spreads, 0).astype(np.float32),
        "rest": np.median(rests, 0).astype(np.float32),
    }


def save_readout(path: Path, arrays: dict[str, np.ndarray]) -> readout.Readout:
    """Write a readout in half precision (statistics in single) and read it back as it will be used."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = {name: a.astype(np.float16) if a.dtype.kind == "f" and a.size > 10_000 else a for name, a in arrays.items()}
    with path.open("wb") as file:
        np.savez_compressed(file, **small)
    return readout.read(path)
