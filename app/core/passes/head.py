"""Head motion that follows stress and phrasing.

Each phrase takes a posture of its own; stressed syllables get a nod that begins before them; the head comes to rest in
pauses; a slow unrest never stops. Nods with stress and movement at phrase boundaries are the two regularities that
studies of talkers agree on (Graf et al. 2002, "Visual prosody"; Munhall et al. 2004); pitch of voice and head go
together a little.
"""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np

from app.core.passes.scene import TRACK_RATE, Motion, Scene, unrest
from app.core.passes.style import leaning
from engines.api import Performance
from engines.arkit import INDEX

NAME: Final = "head"
PITCH_COUPLING_DEG: Final = 0.7
"""Head pitch for one deviation of the voice's pitch, followed slowly."""


def apply(performance: Performance, scene: Scene) -> Performance:
    """Add automatic head motion and the brow raises that go with stress."""
    amount = scene.auto.head
    posture = scene.emotion_sum(lambda e: (e.pitch_deg, e.yaw_deg, e.roll_deg))
    head = performance.head.astype(np.float64)
    head[:, :3] += np.radians(posture)
    weights = performance.weights.copy()
    if amount > 0:
        strength = amount * scene.factor(lambda e: e.head_motion, lambda s: s.head_motion)
        motion, brows = head_motion(scene)
        head[:, :3] += np.radians(motion[:, :3]) * strength[:, None]
        head[:, 3:] += motion[:, 3:] * strength[:, None]
        raised = brows * amount * scene.factor(lambda e: e.head_motion, lambda s: s.brows)
        lean = leaning(scene, lambda s: s.brow_lean)
        for name, share in (
            ("browInnerUp", 1.0),
            ("browOuterUpLeft", 0.7 * (1 + lean)),
            ("browOuterUpRight", 0.7 * (1 - lean)),
        ):
            i = INDEX[name]
            weights[:, i] = np.clip(weights[:, i] + share * raised * (1 - weights[:, i]), 0, 1)
    return performance.with_(head=head, weights=weights)


def head_motion(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Pitch, yaw, roll in degrees and x, y, z in centimetres : float64 (T, 6); brow raise : float64 (T,)."""
    c, t, rng = scene.character, scene.times_s, scene.rng(NAME)
    moves, brow = Motion(scene, 6), Motion(scene, 1)
    deviation = np.array([c.pitch_deg, c.yaw_deg, c.roll_deg])

    posture = np.zeros(3)
    for start, end in _postures(scene):
        drawn = 0.85 * rng.standard_normal(3).clip(-2, 2) * deviation
        drawn[2] += -0.25 * drawn[1]  # turn and tilt go together as they do in people
        goal = 0.35 * posture + drawn
        length = rng.uniform(0.55, 0.95) / c.tempo
        moves.step(start - 0.12 - 0.3 * length, length, [*(goal - posture), 0, 0, 0])
        posture = goal
        # At the end of a phrase the head sinks a little and settles.
        moves.pulse(end + 0.25, 0.6, 0.9, [-rng.uniform(0.2, 0.8) * c.pitch_deg, 0, 0, 0, 0, 0])

    for peak, stress in scene.accents:
        chance, kind = rng.random(), rng.standard_normal(2)
        depth, sideways = rng.uniform(0.6, 1.15), rng.random() < 0.3
        brows_too = stress > 0.55 and rng.random() < 0.45
        rise, fall = rng.uniform(0.16, 0.24) / c.tempo, rng.uniform(0.32, 0.5) / c.tempo
        if chance > c.nod_share * (0.35 + 0.65 * stress):
            continue
        size = depth * (0.35 + 0.65 * stress)
        nod = size * c.nod_deg * (-0.4 if sideways else -1.0)
        shake, tilt = size * c.shake_deg * kind[0], size * c.tilt_deg * kind[1]
        moves.pulse(peak + 0.02, rise, fall, [nod, shake, tilt, 0, 0, size * c.lean_cm])
        # A nod begins with a small lift of the chin.
        moves.pulse(peak - rise, 0.14, 0.2, [0.25 * size * c.nod_deg, 0, 0, 0, 0, 0])
        if brows_too:
            brow.pulse(peak, 0.16, 0.38, c.brow * stress)

    motion = moves.values
    motion[:, :3] += c.sway_deg * unrest(rng, t, 0.35, 3) * (0.6, 1.1, 0.7)
    motion[:, 3:] += 0.08 * unrest(rng, t, 0.25, 3)
    motion[:, 0] += PITCH_COUPLING_DEG * _voice_pitch(scene)
    return motion, np.minimum(brow.values[:, 0], 0.5)


def _postures(scene: Scene) -> list[tuple[float, float]]:
    """Phrases, long ones cut so that nobody freezes: at the stressed syllable nearest to every 2 to 3 seconds."""
    spans: list[tuple[float, float]] = []
    for start, end in scene.phrases:
        parts = max(1, round((end - start) / 2.4))
        cuts = [start + (end - start) * i / parts for i in range(1, parts)]
        times = [a for a, _ in scene.accents]
        cuts = [min((a for a in times if abs(a - cut) < 0.8), key=lambda a: abs(a - cut), default=cut) for cut in cuts]
        edges = [start, *sorted(set(cuts)), end]
        spans += itertools.pairwise(edges)
    return spans


def _voice_pitch(scene: Scene) -> np.ndarray:
    """The voice's pitch in deviations from its middle, slow, 0 in silence : float64 (T,)."""
    if scene.speech is None:
        return np.zeros(scene.count)
    pitch = np.asarray(scene.speech.pitch_hz, np.float64)
    voiced = pitch > 0
    if voiced.sum() < 10:
        return np.zeros(scene.count)
    logs = np.where(voiced, np.log2(np.maximum(pitch, 1)), 0)
    middle, deviation = np.median(logs[voiced]), max(float(np.std(logs[voiced])), 0.05)
    score = np.where(voiced, np.clip((logs - middle) / deviation, -2, 2), 0.0)
    width = round(0.4 * TRACK_RATE)
    kernel = np.hanning(width + 2)[1:-1]
    smooth = np.convolve(score, kernel / kernel.sum(), "same")
    return scene.at_frames(smooth, TRACK_RATE)
