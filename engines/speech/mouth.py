"""From an analysed voice to what the mouth should do, as geometry the rig can be solved for.

Tracks are named as the columns of the readout (`engines.speech.readout.GEOMETRY`): distances between landmarks in units
of the distance between the outer eye corners. *Normalised* tracks count in standard deviations of a typical speaker
from that speaker's mean; `geometry_targets` turns them into the units of one person's face.

Phones, where known, act in two ways, both cheap, so that an edited phone moves the mouth at once: a learnt table of
what mouths do around each phone is mixed in, and a gate shuts the lips at P, B and M.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter1d

from engines.speech import readout
from engines.speech.analysis import SpeechAnalysis
from engines.speech.prosody import RATE
from engines.speech.readout import CLOSERS, GEOMETRY, PHONES, Readout
from engines.speech.segment import Segment


class PhoneLike(Protocol):
    """Anything with the times and label of a phone (the project's own type as well as `Segment`)."""

    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def label(self) -> str: ...
    @property
    def confidence(self) -> float: ...


TABLE_SHARE: Final = 0.25
"""Weight of the phone table beside the sound where phones are certain."""

TONGUE: Final[Mapping[str, float]] = {
    "L": 1.0, "TH": 0.9, "DH": 0.9, "N": 0.8, "D": 0.75, "T": 0.75, "S": 0.45, "Z": 0.45,
    "SH": 0.35, "ZH": 0.35, "CH": 0.5, "JH": 0.5, "R": 0.3, "IY": 0.2, "Y": 0.25,
}  # fmt: skip
"""How far the tip of the tongue rises towards the upper teeth, 1 for a fully shown L."""

_COLUMN: Final = {label: column for column, label in enumerate(PHONES)}
_GATE_SIGMA_S = 0.020
_TONGUE_SIGMA_S = 0.030
_GATE_GAIN = 1.15
_GATE_LEAD_S = 0.018
_SURE_CLOSURE = 0.8
"""Probability from which a closure that is only heard shuts the lips for good; doubtful ones hardly move them."""
_DIP_REACH_S, _DIP_SHARE = 0.040, 0.5
"""How far from a closure its dip is looked for, and which part of the way there the closure moves."""
CHIN_SEEN: Final = 0.7
"""Share of the chin's motion that face landmarks follow, measured on drawn heads whose jaw was known (median of
.5 to .9); the readout learnt from such landmarks. Without it the lips would part where the jaw should."""
_RIPPLE_SIGMA = 0.7
"""Frames; takes away what no lip can follow and raises the agreement with real ones a little."""
_REST_AFTER_S, _REST_OVER_S = 0.30, 0.50


def coverage(phones: Iterable[PhoneLike], count: int) -> np.ndarray:
    """How much of each frame's 20 ms each phone covers, times its confidence : float64 (count, P), columns `PHONES`."""
    covered = np.zeros((count + 1, len(PHONES)))
    for phone in phones:
        column = _COLUMN.get(phone.label)
        if column is None or phone.end_s <= phone.start_s:
            continue
        # Frame j stands for the 20 ms around j / RATE.
        start, end = np.clip((phone.start_s * RATE + 0.5, phone.end_s * RATE + 0.5), 0, count)
        first, last = int(start), int(end)
        covered[first : last + 1, column] += phone.confidence
        covered[first, column] -= phone.confidence * (start - first)
        covered[last, column] -= phone.confidence * (last + 1 - end)
    return np.clip(covered[:count], 0, 1)


def indicator(phones: Iterable[PhoneLike], labels: Iterable[str], count: int) -> np.ndarray:
    """How much of each frame is covered by the labelled phones, times their confidence : float64 (count,)."""
    columns = [_COLUMN[label] for label in labels]
    return np.clip(coverage(phones, count)[:, columns].sum(1), 0, 1)


def closure_gate(phones: Iterable[PhoneLike], count: int) -> np.ndarray:
    """How firmly the lips are shut, 0 to 1 : float64 (count,).

    Lips shut before the sound stops and open with its burst, so the gate leads the phones a little.
    """
    early = [
        Segment(p.start_s - _GATE_LEAD_S, p.end_s - _GATE_LEAD_S, p.label, p.confidence)
        for p in phones
        if p.label in CLOSERS
    ]
    return np.clip(_GATE_GAIN * gaussian_filter1d(indicator(early, CLOSERS, count), _GATE_SIGMA_S * RATE), 0, 1)


def heard_gate(closing: np.ndarray) -> np.ndarray:
    """The same from the probability of a closure alone (`SpeechAnalysis.closing`) : float64 (T,)."""
    smooth = gaussian_filter1d(closing.astype(np.float64), _GATE_SIGMA_S * RATE)
    frames = np.arange(len(closing))
    sure = np.clip(np.interp(frames + _GATE_LEAD_S * RATE, frames, smooth) / _SURE_CLOSURE, 0, 1)
    return np.asarray(sure * sure * (3 - 2 * sure))


def closures_at_dips(analysis: SpeechAnalysis, phones: Iterable[PhoneLike]) -> tuple[PhoneLike, ...]:
    """The phones that shut the lips, moved towards the moment at which the sound itself narrows the mouth.

    An aligner places phones to two or three frames; the readout knows better when lips meet, so that its own dip
    deepens instead of getting a second one beside it. Phones that the artist has moved stay where they were put.
    """
    placed = {(p.label, p.start_s, p.end_s) for p in analysis.phones}
    aperture = gaussian_filter1d(analysis.mouth["aperture"].astype(np.float64), _RIPPLE_SIGMA)
    reach, result = _DIP_REACH_S * RATE, []
    for phone in phones:
        if phone.label not in CLOSERS:
            continue
        start_s, end_s = phone.start_s, phone.end_s
        middle = ((start_s + end_s) / 2 - _GATE_LEAD_S) * RATE
        first, last = max(1, int(np.ceil(middle - reach))), min(len(aperture) - 2, int(middle + reach))
        if (phone.label, start_s, end_s) in placed and first <= last:
            frame = first + int(np.argmin(aperture[first : last + 1]))
            before, here, after = aperture[frame - 1 : frame + 2]
            if here <= min(before, after) and before + after > 2 * here:
                # The lowest point of the parabola through three values.
                dip = frame + (before - after) / (2 * (before - 2 * here + after))
                by_s = _DIP_SHARE * (dip - middle) / RATE
                start_s, end_s = start_s + by_s, end_s + by_s
        result.append(Segment(start_s, end_s, phone.label, phone.confidence))
    return tuple(result)


def tongue_track(phones: Iterable[PhoneLike], count: int) -> np.ndarray:
    """Rise of the tongue's tip, 0 to 1 : float32 (count,) at 50 Hz."""
    height = np.array([TONGUE.get(label, 0.0) for label in PHONES])
    raw = (coverage(phones, count) * height).max(1)
    return np.clip(gaussian_filter1d(raw, _TONGUE_SIGMA_S * RATE) * 1.15, 0, 1).astype(np.float32)


def table_track(phones: Iterable[PhoneLike], count: int, fitted: Readout | None = None) -> np.ndarray:
    """What mouths do on average around these phones : float32 (count, K), normalised, columns `GEOMETRY`."""
    arrays = (fitted or readout.default()).arrays
    hot = coverage(phones, count)
    hot[:, 0] += np.clip(1 - hot.sum(1), 0, 1)
    weight, taps = arrays["table/weight"], arrays["table/taps"]
    rows, width = np.arange(count), len(PHONES)
    out = np.broadcast_to(weight[-1], (count, weight.shape[1])).copy()
    for number, tap in enumerate(taps):
        out += (hot @ weight[number * width : (number + 1) * width])[np.clip(rows + tap, 0, count - 1)]
    return np.asarray(out, np.float32)


def mouth_track(
    analysis: SpeechAnalysis, phones: Iterable[PhoneLike] | None = None, fitted: Readout | None = None
) -> dict[str, np.ndarray]:
    """The normalised mouth at 50 Hz, phones taken into account.

    Parameters
    ----------
    phones : as the artist left them; None takes those of the analysis
    fitted : another readout than the one that ships

    Returns
    -------
    float32 (T,) per name of `GEOMETRY`
    """
    fitted = fitted or readout.default()
    phones = tuple(analysis.phones if phones is None else phones)
    count = len(analysis.loudness_db)
    mouth = np.stack([analysis.mouth[name] for name in GEOMETRY], 1).astype(np.float64)
    mouth = gaussian_filter1d(mouth, _RIPPLE_SIGMA, axis=0)
    if phones:
        certain = np.clip(indicator(phones, PHONES[1:], count), 0, 1)
        share = gaussian_filter1d(certain, 2.0)[:, None] * (TABLE_SHARE if analysis.encoder else 1.0)
        table = table_track(phones, count, fitted)
        mouth += share * (table - mouth)
    aperture = GEOMETRY.index("aperture")
    gate = _gate(analysis, phones, count)
    mouth[:, aperture] += gate * (np.minimum(mouth[:, aperture], shut_aperture(fitted)) - mouth[:, aperture])
    # Rest comes last: what seems to be a closure far from speech would make resting lips twitch.
    mouth = _rest_in_pauses(mouth, analysis.speaking, rest_pose(fitted))
    return {name: mouth[:, k].astype(np.float32) for k, name in enumerate(GEOMETRY)}


def _gate(analysis: SpeechAnalysis, phones: tuple[PhoneLike, ...], count: int) -> np.ndarray:
    """Phones that come from a text or from the artist decide alone; otherwise what was heard has a say.

    Where only the sound is known its probabilities say more than the phones that were made from them.
    """
    known = closure_gate(closures_at_dips(analysis, phones), count)
    if analysis.source == "text" or phones != analysis.phones:
        return known
    heard = heard_gate(analysis.closing)
    return heard if analysis.source == "sound" and analysis.encoder else np.maximum(heard, known)


def rest_pose(fitted: Readout | None = None) -> np.ndarray:
    """The normalised mouth with lips lightly together and nobody speaking : float64 (K,)."""
    return (fitted or readout.default()).arrays["rest"].astype(np.float64)


def shut_aperture(fitted: Readout | None = None) -> float:
    """The normalised aperture at which the lips touch."""
    arrays = (fitted or readout.default()).arrays
    k = GEOMETRY.index("aperture")
    return float(-arrays["unit/mean"][k] / arrays["unit/sd"][k])


def _rest_in_pauses(mouth: np.ndarray, speaking: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Lets the mouth settle where nobody speaks; short pauses keep what the sound says."""
    if not speaking.any():
        return np.broadcast_to(rest, mouth.shape).copy()
    away_s = distance_transform_edt(~speaking) / RATE
    settle = np.clip((away_s - _REST_AFTER_S) / _REST_OVER_S, 0, 1)[:, None]
    settle = settle * settle * (3 - 2 * settle)
    return np.asarray(mouth + settle * (rest - mouth))


def geometry_targets(
    track: Mapping[str, np.ndarray], neutral: Mapping[str, float], fitted: Readout | None = None
) -> dict[str, np.ndarray]:
    """The track as distances on one person's face.

    Parameters
    ----------
    track : from `mouth_track`
    neutral : the same distances measured on the person's neutral face, lips together, in units of the distance
        between the outer eye corners

    Returns
    -------
    float32 (T,) per name that ``neutral`` holds, in those units. The rest pose gives the neutral face back; motion
    has the size it had in the median speaker of the talking videos that the readout learnt from.
    """
    arrays = (fitted or readout.default()).arrays
    rest = rest_pose(fitted)
    result = {}
    for k, name in enumerate(GEOMETRY):
        if name in neutral:
            moved = neutral[name] + (track[name] - rest[k]) * float(arrays["unit/sd"][k])
            result[name] = np.asarray(np.maximum(moved, 0) if name == "aperture" else moved, np.float32)
    if "jaw" in result:
        unseen = (result["jaw"] - np.float32(neutral["jaw"])) * np.float32(1 / CHIN_SEEN - 1)
        for name in ("jaw", "jaw2", "lolip", "loin"):  # all that is measured to the chin
            if name in result:
                result[name] = result[name] + unseen
    return result
