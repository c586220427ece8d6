"""Do mouth and voice go together: offset, agreement, lips shut at p, b and m.

The voice is read into the mouth that most speakers would make (`engines.speech`), and the mouth in the picture is
measured. The lag at which several measures of both agree best is the offset, as in the ridge method by which the
talking videos that the readout learnt from were synchronised; no net judges the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.ndimage import gaussian_filter1d

from engines.judge.geometry import MOUTH
from engines.judge.observe import Observation
from engines.judge.registry import NotMeasured
from engines.speech.analysis import SpeechAnalysis
from engines.speech.mouth import CLOSERS
from engines.speech.prosody import RATE

if TYPE_CHECKING:
    from engines.judge.evidence import Evidence

CHANNELS: Final = ("aperture", "width", "jaw", "uplip", "lothick", "lolip")
"""Measures of the mouth whose correlations are averaged to find the lag."""
REACH_S: Final = 0.6
"""Offsets beyond this are not looked for."""
CREDIBLE: Final = 0.25
"""Mean correlation below which no offset is believed."""
MOVING: Final = 0.02
"""Range of the aperture, in eye distances, below which a mouth stands still; landmarks tremble by a quarter of it."""

SURE: Final = 0.67
"""Confidence from which a phone counts as heard. Clear English reads .7 and more; below, where language or voice is
strange to the recogniser, the sound moved by 10 ms makes other phones of it."""

_MOOD_S: Final = 0.5
_LEAST_S: Final = 1.5
_LONGEST_CLOSURE_S: Final = 0.25


@dataclass(frozen=True, eq=False)
class Sync:
    """Mouth and voice side by side.

    Attributes
    ----------
    lag_s : (L,) how much later the sound comes than the mouth
    agreement : (L,) mean correlation of `CHANNELS` at each lag
    offset_s : the best lag between the grid's; positive: the sound comes too late
    credible : whether agreement there is high enough to believe it
    aperture_r : correlation of the aperture once the offset is removed
    t_s, heard, seen : the aperture from the voice and in the picture on the sound's clock, in standard deviations
    """

    lag_s: np.ndarray
    agreement: np.ndarray
    offset_s: float
    credible: bool
    aperture_r: float
    t_s: np.ndarray
    heard: np.ndarray
    seen: np.ndarray


def synchronise(take: Observation, speech: SpeechAnalysis) -> Sync:
    """Find the lag between a mouth and a voice.

    Raises
    ------
    NotMeasured
        When there is too little of either.
    """
    seen = _on_sound_clock(take, len(speech))
    count = len(seen)
    if count < _LEAST_S * RATE or take.seen.mean() < 0.5:
        raise NotMeasured("needs a face to be seen for at least 1.5 s of speech")
    heard = np.stack([speech.mouth[name][:count] for name in CHANNELS], 1)
    reach = min(round(REACH_S * RATE), count // 3)
    lags = np.arange(-reach, reach + 1)
    quick_seen, quick_heard = _without_mood(seen), _without_mood(heard)
    agreement = np.array([np.mean(_correlation(quick_seen, quick_heard, lag)) for lag in lags])
    best = int(np.argmax(agreement))
    offset = (lags[best] + _peak(agreement, best)) / RATE
    moving = float(np.ptp(np.percentile(seen[:, 0], [3, 97]))) > MOVING
    credible = moving and bool(agreement[best] > CREDIBLE)
    lag = int(lags[best]) if credible else 0
    r = float(_correlation(seen, heard, lag)[0]) if moving else 0.0
    shown = np.interp(np.arange(count) - (offset * RATE if credible else 0), np.arange(count), seen[:, 0])
    return Sync(
        lags / RATE, agreement, float(offset), credible, r, np.arange(count) / RATE,
        _standardised(heard[:, 0]), _standardised(shown),
    )  # fmt: skip


def offset_ms(evidence: Evidence) -> float:
    sync = evidence.sync
    if not sync.credible:
        raise NotMeasured(
            f"mouth and voice agree at no lag (best mean r {sync.agreement.max():.2f}): no offset can be read"
        )
    return 1000 * sync.offset_s


def agreement(evidence: Evidence) -> float:
    return evidence.sync.aperture_r


def lips_closed(evidence: Evidence) -> float:
    events = closures(evidence)
    if len(events) < 3:
        raise NotMeasured("fewer than three p, b or m were heard for sure: give what is said with --text")
    return 100 * float(np.mean([shut for _, shut in events]))


def closures(evidence: Evidence) -> list[tuple[float, bool]]:
    """Each p, b, m heard for sure, as second of the sound and whether the lips met there.

    They met when the smallest aperture within 80 ms is a local minimum and among the lowest 30 % of the take. The
    offset of the sound is removed first: being late is another fault than not closing.
    """
    take, speech = evidence.take, evidence.heard()
    rate = float(take.rate)
    aperture = _filled(take.aperture)
    shift = evidence.sync.offset_s if evidence.sync.credible else 0.0
    moving = float(np.ptp(np.percentile(aperture, [3, 97]))) > MOVING
    low = float(np.percentile(aperture, 30))
    reach = max(1, round(0.08 * rate))
    events = []
    for phone in speech.phones:
        if phone.label not in CLOSERS or phone.confidence < SURE or phone.end_s - phone.start_s >= _LONGEST_CLOSURE_S:
            continue
        middle = 0.5 * (phone.start_s + phone.end_s)
        frame = round((middle - shift) * rate)
        if not reach < frame < len(aperture) - reach - 1:
            continue
        at = frame - reach + int(np.argmin(aperture[frame - reach : frame + reach + 1]))
        local = aperture[at] <= min(aperture[at - 1], aperture[at + 1])
        events.append((middle, bool(moving and local and aperture[at] <= low)))
    return events


def mouth_range(evidence: Evidence) -> float:
    take = evidence.take
    if take.seen.sum() < 2:
        raise NotMeasured("no face is seen")
    return float(np.ptp(np.percentile(take.aperture[take.seen], [3, 97])))


def _on_sound_clock(take: Observation, count: int) -> np.ndarray:
    """The mouth in the picture at the voice's 50 values a second : (T, K)."""
    if take.seen.sum() < 2:
        raise NotMeasured("no face is seen")
    count = min(count, round(len(take) / float(take.rate) * RATE))
    frames = np.arange(count) / RATE * float(take.rate)
    at = np.arange(len(take))
    columns = [MOUTH.index(name) for name in CHANNELS]
    return np.stack([np.interp(frames, at[take.seen], take.mouth[take.seen, k]) for k in columns], 1)


def _filled(values: np.ndarray) -> np.ndarray:
    there = np.isfinite(values)
    return np.interp(np.arange(len(values)), np.flatnonzero(there), values[there])


def _without_mood(values: np.ndarray) -> np.ndarray:
    """What is slower than speech is left out: smiles and posture say nothing about time."""
    return np.asarray(values - gaussian_filter1d(values, _MOOD_S * RATE, axis=0, mode="nearest"))


def _correlation(seen: np.ndarray, heard: np.ndarray, lag: int) -> np.ndarray:
    """Pearson's r of each column when ``heard`` comes ``lag`` values later; 0 for a column that stands still."""
    count = len(seen)
    a = seen[max(0, -lag) : count - max(0, lag)]
    b = heard[max(0, lag) : count - max(0, -lag)]
    a, b = a - a.mean(0), b - b.mean(0)
    size = np.sqrt((a * a).sum(0) * (b * b).sum(0))
    return np.asarray(np.where(size > 1e-9, (a * b).sum(0) / np.maximum(size, 1e-9), 0.0))


def _peak(values: np.ndarray, at: int) -> float:
    """Where a parabola through a maximum and its neighbours peaks, in steps from the maximum."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = values[at - 1 : at + 2]
    bend = before - 2 * here + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0


def _standardised(values: np.ndarray) -> np.ndarray:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-6))
