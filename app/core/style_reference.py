"""A way of speaking lifted from a clip: how far and how quickly jaw and lips move, brows, head, blinks, leaning.

`measure` takes the habits of any performance: captured from a clip, or made by the studio. A style preset is what
turns the studio's natural way of saying something into the clip's way: factors, a smoothing and a shift, so that it can
be laid on any voice and mixed along the style track. Where the clip has sound, the natural way is that of its own
words; otherwise that of the demo voice stands in, and how early or late the mouth is cannot be told.

The idea of a style code from a reference clip that is apart from what is said is that of Ma et al. 2023, "StyleTalk".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from app.core.passes.style import JAW, LIPS, gaussian, smoothed
from app.core.presets import HeadCharacter, Style
from engines import arkit
from engines.api import Performance
from engines.capture.lips import LipCurves, of_performance
from engines.errors import InputError

if TYPE_CHECKING:
    from engines.rig.measure import MouthModel

SHORTEST_S: Final = 3.0
"""Clips shorter than this show no habits."""
LOW_HZ: Final = 0.7
"""Slower changes of the mouth's width are moods, faster ones speech."""
BLINKS_PER_MINUTE: Final = 20.0
"""Of the natural style (`app.core.passes.blink`)."""
BLINK_PRIOR_S: Final = 12.0
"""So many seconds of natural blinking are added to the clip: a short clip tells little about blinks."""
TYPICAL: Final = {"opening": 1.07, "lips": 1.16, "chin": 1.36, "opening_hz": 0.89}
"""Habits seen in footage over those of the natural style with the same voice: medians of the 29 talking people of the
voice benchmark (``tests.benchmarks.style_reference --corpus``). Who moves like them has the natural style."""
LARGEST_LAG_S: Final = 0.08
"""Larger lags are faults of the clip's sound, not somebody's way of speaking."""
_HELD: Final = ("mouthSmile", "mouthFrown", "mouthDimple", "mouthPress", "browInnerUp", "browOuterUp", "browDown",
                "eyeSquint")  # fmt: skip
_DOUBT_HELD, _LARGEST_HELD = 0.1, 0.25
"""Capture finds up to the first in faces that hold nothing."""


@dataclass(frozen=True)
class Habits:
    """How somebody speaks.

    Attributes
    ----------
    duration_s : of what was looked at
    jaw : deviation of the jaw's opening while the mouth moves, ARKit weight (``jawOpen`` less ``mouthClose``)
    opening, chin : the same of the distances of the lips and of chin and nose, in distances of the outer eye corners
    lips : deviation of the mouth's width above `LOW_HZ`, in distances of the outer eye corners
    jaw_hz, opening_hz, lips_hz : their middle frequency: deviation of the speed over 2 pi times that of the value
    brows : deviation of the raise of the brows, ARKit weight
    blinks_per_minute : how often the eyes shut
    pitch_deg, yaw_deg, roll_deg : deviation of the head's angles slower than `LOW_HZ`
    nod_deg : deviation of the head's pitch above it
    head_hz : middle frequency of the head's motion
    lean, brow_lean : how much more the left side moves than the right, -1 to 1
    held : median of units that speech does not ask for, ARKit unit -> weight
    """

    duration_s: float
    jaw: float
    opening: float
    chin: float
    lips: float
    jaw_hz: float
    opening_hz: float
    lips_hz: float
    brows: float
    blinks_per_minute: float
    pitch_deg: float
    yaw_deg: float
    roll_deg: float
    nod_deg: float
    head_hz: float
    lean: float
    brow_lean: float
    held: dict[str, float]


def jaw_curve(weights: np.ndarray) -> np.ndarray:
    """Opening of the jaw that also parts the lips : float64 (T,)."""
    jaw, close = (weights[:, arkit.INDEX[n]].astype(np.float64) for n in ("jawOpen", "mouthClose"))
    return np.maximum(jaw - close, 0)


def moving(curve: np.ndarray, rate: float) -> np.ndarray:
    """Where a mouth is busy : bool (T,): its speed over half a second is above a fifth of its usual speed."""
    speed = gaussian(np.abs(np.gradient(curve)), 0.25 * rate)
    return np.asarray(speed >= 0.2 * np.percentile(speed, 90))


def middle_hz(curve: np.ndarray, rate: float) -> float:
    """Middle frequency of a curve (T,) or of several (T, N) together, in hertz; 0 for one that stands still."""
    deviation = float(np.sqrt(np.var(curve, axis=0).sum()))
    speed = float(np.sqrt((np.diff(curve, axis=0) ** 2).mean(0).sum())) * rate
    return speed / (2 * np.pi * deviation) if deviation > 1e-6 else 0.0


def measure(performance: Performance, seen: LipCurves | None = None) -> Habits:
    """The habits in a performance.

    Parameters
    ----------
    seen : the distances in the footage that it was captured from; else they are taken on the average head

    Raises
    ------
    InputError
        If it is shorter than `SHORTEST_S`.
    """
    rate = float(performance.rate)
    if len(performance) < SHORTEST_S * rate:
        raise InputError(
            f"A clip of {len(performance) / rate:.1f} s shows no way of speaking. Use 5 to 60 s in which one person "
            "talks."
        )
    weights = performance.weights.astype(np.float64)
    jaw = jaw_curve(weights)
    lips = seen or of_performance(performance, _average_mouth())
    width = lips.width - gaussian(lips.width, rate / (2 * np.pi * LOW_HZ))
    busy = moving(lips.opening, rate)
    angles = np.degrees(performance.head[:, :3].astype(np.float64))
    slow = gaussian(angles, rate / (2 * np.pi * LOW_HZ))
    raised = weights[:, list(arkit.indices("browInnerUp", "browOuterUp"))].mean(1)
    pitch, yaw, roll = slow.std(0)
    return Habits(
        duration_s=len(performance) / rate,
        jaw=float(jaw[busy].std()),
        opening=float(lips.opening[busy].std()),
        chin=float(lips.chin[busy].std()),
        lips=float(width[busy].std()),
        jaw_hz=middle_hz(jaw, rate),
        opening_hz=middle_hz(lips.opening, rate),
        lips_hz=middle_hz(width, rate),
        brows=float(raised.std()),
        blinks_per_minute=blinks(weights) * 60 * rate / len(weights),
        pitch_deg=float(pitch),
        yaw_deg=float(yaw),
        roll_deg=float(roll),
        nod_deg=float((angles - slow)[:, 0].std()),
        head_hz=middle_hz(angles, rate),
        lean=_lean(weights, ("mouthSmile", "mouthStretch", "mouthLowerDown", "mouthUpperUp", "mouthDimple")),
        brow_lean=_lean(weights, ("browOuterUp", "browDown")),
        held={name: float(np.median(weights[:, list(arkit.indices(name))].mean(1))) for name in _HELD},
    )


def blinks(weights: np.ndarray) -> int:
    """How often both eyes shut: rises above 0.5 after a fall below 0.3."""
    shut = weights[:, list(arkit.indices("eyeBlink"))].mean(1)
    count, closed = 0, False
    for value in shut:
        if not closed and value > 0.5:
            count, closed = count + 1, True
        elif value < 0.3:
            closed = False
    return count


def _lean(weights: np.ndarray, names: tuple[str, ...]) -> float:
    """(left - right) / (left + right) of what the units move; 0 where they hardly do."""
    left, right = (weights[:, [arkit.INDEX[n + side] for n in names]].std(0).sum() for side in ("Left", "Right"))
    return float((left - right) / (left + right)) if left + right > 0.1 else 0.0


def _average_mouth() -> MouthModel:
    from engines.rig.head import load_head
    from engines.rig.measure import MouthModel

    return MouthModel.of(load_head().mesh)


def style_of(
    name: str, clip: Performance, natural: Performance, own_words: bool, seen: LipCurves | None = None
) -> Style:
    """What turns the natural way of speaking into that of a clip.

    Parameters
    ----------
    clip : somebody speaks
    natural : what the studio does without a style
    own_words : ``natural`` says what the clip says, in the same time
    seen : the distances in the footage that ``clip`` was captured from; None for curves that are no capture
    """
    rate = float(natural.rate)
    wanted, usual = measure(clip, seen), measure(natural)
    typical = TYPICAL if seen is not None else dict.fromkeys(TYPICAL, 1.0)
    if seen is None:
        quicker = wanted.jaw_hz / max(usual.jaw_hz, 1e-6)
    else:
        quicker = wanted.opening_hz / max(usual.opening_hz, 1e-6) / typical["opening_hz"]
    smoothing = _smoothing(natural, quicker)
    run = natural.with_(weights=np.clip(smoothed(natural.weights, smoothing * rate), 0, 1))
    slow = measure(run)
    opening = wanted.opening / typical["opening"]
    jaw = _factor(wanted.jaw, slow.jaw, 0.25, 2.5)
    if seen is not None:  # a capture tells less about the jaw than the chin and the lips themselves
        chin = _factor(wanted.chin / typical["chin"], slow.chin, 0.25, 2.5)
        jaw = round(float(np.sqrt(chin * _factor(opening, slow.opening, 0.25, 2.5))), 3)
    # Lips show in the width of the mouth, and in what of its opening the jaw does not explain; the truth is between.
    wide = _factor(wanted.lips / typical["lips"], slow.lips, 0.25, 2.5)
    lips = float(np.sqrt(wide * _lips_factor(run, jaw, opening)))
    lag = _lag(clip, natural, seen) if own_words else 0.0
    blinking = (wanted.blinks_per_minute * wanted.duration_s + BLINKS_PER_MINUTE * BLINK_PRIOR_S) / (
        wanted.duration_s + BLINK_PRIOR_S
    )
    turning, calm = (
        np.hypot(np.hypot(h.pitch_deg, h.yaw_deg), np.hypot(h.roll_deg, h.nod_deg)) for h in (wanted, usual)
    )
    held = {n: round(v, 3) for n in _HELD if (v := min(wanted.held[n] - _DOUBT_HELD, _LARGEST_HELD)) > 0.02}
    return Style(
        name=name,
        summary=f"Lifted from a clip of {wanted.duration_s:.0f} s",
        jaw=jaw,
        lips=round(lips, 3),
        smoothing_s=round(smoothing, 4),
        lag_s=round(lag, 3),
        head_motion=_factor(turning, calm, 0.15, 3.0),
        brows=_factor(wanted.brows, usual.brows, 0.25, 4.0),
        blink_rate=_factor(blinking, BLINKS_PER_MINUTE, 0.25, 3.0),
        lean=round(float(np.clip(wanted.lean, -0.5, 0.5)), 3),
        brow_lean=round(float(np.clip(wanted.brow_lean, -0.6, 0.6)), 3),
        weights=held,
    )


def character_of(name: str, clip: Performance, natural: Performance) -> HeadCharacter:
    """How the head of a clip moves, as a head preset: the natural one scaled axis by axis."""
    usual, wanted, plain = measure(natural), measure(clip), HeadCharacter(name)
    return HeadCharacter(
        name=name,
        summary=f"Lifted from a clip of {wanted.duration_s:.0f} s",
        pitch_deg=round(plain.pitch_deg * _factor(wanted.pitch_deg, usual.pitch_deg, 0.2, 3.0), 2),
        yaw_deg=round(plain.yaw_deg * _factor(wanted.yaw_deg, usual.yaw_deg, 0.2, 3.0), 2),
        roll_deg=round(plain.roll_deg * _factor(wanted.roll_deg, usual.roll_deg, 0.2, 3.0), 2),
        nod_deg=round(plain.nod_deg * _factor(wanted.nod_deg, usual.nod_deg, 0.2, 2.5), 2),
        tempo=_factor(wanted.head_hz, usual.head_hz, 0.6, 1.6),
        brow=round(plain.brow * _factor(wanted.brows, usual.brows, 0.25, 3.0), 2),
    )


def _factor(wanted: float, usual: float, low: float, high: float) -> float:
    return round(float(np.clip(wanted / max(usual, 1e-6), low, high)), 3)


def _lips_factor(natural: Performance, jaw: float, wanted: float) -> float:
    """The strength of the lips with which they open as far as wanted, once the jaw has its strength, 0.25 to 2.5."""
    model = _average_mouth()
    weights = natural.weights.astype(np.float64)
    busy = moving(of_performance(natural, model).opening, float(natural.rate))
    weights[:, JAW] *= jaw

    def opening(lips: float) -> float:
        tried = weights.copy()
        tried[:, LIPS] *= lips
        return float(of_performance(natural.with_(weights=np.clip(tried, 0, 1)), model).opening[busy].std())

    low, high = 0.25, 2.5
    for _ in range(12):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if opening(middle) < wanted else (low, middle)
    return 0.5 * (low + high)


def _smoothing(natural: Performance, change: float) -> float:
    """The smoothing in seconds that changes the middle frequency of the natural jaw by a factor; negative sharpens."""
    rate = float(natural.rate)
    jaw = jaw_curve(natural.weights)
    tried = np.linspace(-0.04, 0.12, 33)
    found = np.array([middle_hz(smoothed(jaw, s * rate), rate) for s in tried])
    return float(tried[int(np.argmin(np.abs(found - change * middle_hz(jaw, rate))))])


def _lag(clip: Performance, natural: Performance, seen: LipCurves | None) -> float:
    """How much later the clip's lips open than the natural ones with the same words, in seconds; 0 if they disagree."""
    model = _average_mouth()
    a = (seen or of_performance(clip, model)).opening
    b = of_performance(natural.resampled(clip.rate), model).opening
    count = min(len(a), len(b))
    a, b = a[:count], b[:count]
    if min(a.std(), b.std()) < 1e-6:
        return 0.0
    fine = 4
    times = np.arange(count * fine) / fine
    a, b = (np.interp(times, np.arange(count), c - c.mean()) for c in (a, b))
    reach = round(0.2 * float(clip.rate) * fine)
    lags = np.arange(-reach, reach + 1)
    part = slice(reach, len(a) - reach)
    score = [float(np.corrcoef(a[part], np.roll(b, lag)[part])[0, 1]) for lag in lags]
    best = int(np.argmax(score))
    lag_s = float(lags[best] / fine / float(clip.rate))
    return lag_s if score[best] > 0.4 and abs(lag_s) <= LARGEST_LAG_S else 0.0
