"""Metrics of the picture and of the person: flicker, sharpness, identity, emotion, length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engines.judge.people import EMOTIONS
from engines.judge.registry import NotMeasured

if TYPE_CHECKING:
    from engines.judge.evidence import Evidence


def background_flicker(evidence: Evidence) -> float:
    seen = evidence.take.background
    if np.isfinite(seen).sum() < 3:
        raise NotMeasured("the face fills the picture: there is no background to look at")
    return float(np.nanmean(seen))


def face_flicker(evidence: Evidence) -> float:
    bend = np.abs(np.diff(evidence.take.skin, axis=0))
    bend = bend[np.isfinite(bend).all(1)]
    if len(bend) < 3:
        raise NotMeasured("needs at least five frames with a face in a row")
    return float(np.median(bend, 1).mean())


def mouth_sharpness(evidence: Evidence) -> float:
    inside, eyes = evidence.take.detail.T
    if np.isfinite(inside).sum() < 3:
        raise NotMeasured("the mouth is open in fewer than three frames")
    return float(100 * np.nanmedian(inside) / max(float(np.nanmedian(eyes)), 1e-6))


def face_sharpness(evidence: Evidence) -> float:
    eyes = evidence.take.detail[:, 1]
    if np.isfinite(eyes).sum() < 3:
        raise NotMeasured("no face is seen")
    return float(np.nanmedian(eyes))


def identity_distance(evidence: Evidence) -> float:
    return _identity(evidence, evidence.take.identity, "needs the portrait: give it with --portrait")


def identity_drift(evidence: Evidence) -> float:
    return _identity(evidence, evidence.take.drift, "no face is seen")


def emotion_shown(evidence: Evidence) -> float:
    if "emotion" in evidence.take.missing:
        raise NotMeasured(evidence.take.missing["emotion"])
    if evidence.emotion not in EMOTIONS:
        raise NotMeasured(f"no emotion was asked for: give one with --emotion ({', '.join(EMOTIONS)})")
    read = evidence.take.emotion
    read = read[np.isfinite(read).all(1)]
    if not len(read):
        raise NotMeasured("no face is seen")
    return 100 * float(read[:, EMOTIONS.index(evidence.emotion)].mean())


def length_gap_ms(evidence: Evidence) -> float:
    if evidence.speech is None:
        raise NotMeasured("the take has no sound: give the voice with --voice")
    picture_s = len(evidence.take) / float(evidence.take.rate)
    return 1000 * abs(picture_s - evidence.speech.duration_s)


def _identity(evidence: Evidence, distances: np.ndarray, otherwise: str) -> float:
    if "identity" in evidence.take.missing:
        raise NotMeasured(evidence.take.missing["identity"])
    if not np.isfinite(distances).any():
        raise NotMeasured(otherwise)
    return float(np.nanmean(distances))
