"""A take beside a reference video of the same performance, and beside the motion it was to show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.api import Performance
from engines.judge.geometry import FaceNumbers, face_numbers
from engines.judge.perceptual import EVERY_S, Lpips
from engines.judge.picture import psnr, ssim
from engines.judge.registry import NotMeasured
from engines.rig.landmark_sets import INNER_LOWER, INNER_UPPER, OUTER_LOWER, OUTER_UPPER

if TYPE_CHECKING:
    from engines.judge.evidence import Evidence

WIDTH: Final = 256
"""Landmark errors are given in pixels of a picture this wide, as papers do."""

_LIPS: Final = sorted({*INNER_UPPER, *INNER_LOWER, *OUTER_UPPER, *OUTER_LOWER})
_FACE: Final = slice(0, 468)


@dataclass
class Comparison:
    """Likeness of frame pairs; `add` them in order.

    Attributes
    ----------
    psnr_db, ssim : one value a pair; left empty where the two pictures have other shapes
    f_lmd, m_lmd, akd : landmark errors in pixels of a picture `WIDTH` wide, one value a pair with two faces
    pose_deg, gaze_deg : angle errors in degrees, likewise
    lpips : five values a second, as `psnr_db`
    rate : frames a second
    perceptual : the net behind ``lpips``, or why there is none
    """

    rate: float = 25.0
    perceptual: Lpips | NotMeasured | None = None

    psnr_db: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    f_lmd: list[float] = field(default_factory=list)
    m_lmd: list[float] = field(default_factory=list)
    akd: list[float] = field(default_factory=list)
    pose_deg: list[float] = field(default_factory=list)
    gaze_deg: list[float] = field(default_factory=list)
    lpips: list[float] = field(default_factory=list)

    def add(
        self, rgb: np.ndarray, points: np.ndarray | None, face: FaceNumbers | None,
        reference: np.ndarray, reference_points: np.ndarray | None,
    ) -> None:  # fmt: skip
        """Compare a frame, its landmarks and numbers with the reference's frame and landmarks."""
        here, there = rgb.shape[1] / rgb.shape[0], reference.shape[1] / reference.shape[0]
        if abs(here / there - 1) < 0.01:
            other = _resized(reference, rgb.shape)
            self.psnr_db.append(psnr(rgb, other))
            self.ssim.append(ssim(rgb, other))
            if isinstance(self.perceptual, Lpips) and (len(self.psnr_db) - 1) % max(1, round(EVERY_S * self.rate)) == 0:
                self.lpips.append(self.perceptual.distance(rgb, other))
        if points is None or face is None or reference_points is None:
            return
        a = points[:, :2] * (WIDTH / rgb.shape[1])
        b = reference_points[:, :2] * (WIDTH / reference.shape[1])
        self.akd.append(float(np.linalg.norm(a - b, axis=1)[_FACE].mean()))
        self.f_lmd.append(_centred(a[_FACE], b[_FACE]))
        self.m_lmd.append(_centred(a[_LIPS], b[_LIPS]))
        other_face = face_numbers(reference_points)
        self.pose_deg.append(float(np.degrees(np.abs(face.head - other_face.head)).mean()))
        self.gaze_deg.append(float(np.degrees(np.abs(face.gaze - other_face.gaze)).mean()))


def against_reference(name: str, evidence: Evidence) -> float:
    """Mean of one list of a `Comparison`."""
    if evidence.reference is None:
        raise NotMeasured("needs a video of the same performance: give it with --reference")
    values = getattr(evidence.reference, name)
    if not values:
        shapes = name in ("psnr_db", "ssim", "lpips")
        raise NotMeasured("the two pictures have other shapes" if shapes else "a face is missing in one of the two")
    return float(np.mean(values))


def psnr_db(evidence: Evidence) -> float:
    return against_reference("psnr_db", evidence)


def ssim_mean(evidence: Evidence) -> float:
    return against_reference("ssim", evidence)


def f_lmd(evidence: Evidence) -> float:
    return against_reference("f_lmd", evidence)


def m_lmd(evidence: Evidence) -> float:
    return against_reference("m_lmd", evidence)


def akd(evidence: Evidence) -> float:
    return against_reference("akd", evidence)


def pose_error(evidence: Evidence) -> float:
    return against_reference("pose_deg", evidence)


def gaze_error(evidence: Evidence) -> float:
    return against_reference("gaze_deg", evidence)


def driven_mouth(evidence: Evidence) -> float:
    units = _driving(evidence, "jawOpen") - _driving(evidence, "mouthClose")
    return _correlation(evidence, evidence.take.aperture, units)


def driven_lids(evidence: Evidence) -> float:
    closed = 0.5 * (_driving(evidence, "eyeBlinkLeft") + _driving(evidence, "eyeBlinkRight"))
    return _correlation(evidence, -evidence.take.lids.mean(1), closed)


def driven_head(evidence: Evidence) -> float:
    performance = _performance(evidence)
    count = min(len(performance), len(evidence.take))
    seen = evidence.take.seen[:count]
    if seen.sum() < 5:
        raise NotMeasured("no face is seen")
    shown, asked = evidence.take.head[:count][seen], performance.head[:count, :3][seen]
    error = (shown - np.median(shown, 0)) - (asked - np.median(asked, 0))
    return float(np.degrees(np.abs(error)).mean())


def _performance(evidence: Evidence) -> Performance:
    if evidence.performance is None:
        raise NotMeasured("needs the motion that was drawn: give its curves with --performance")
    return evidence.performance.resampled(evidence.take.rate)


def _driving(evidence: Evidence, unit: str) -> np.ndarray:
    return np.asarray(_performance(evidence).channel(unit), float)


def _correlation(evidence: Evidence, shown: np.ndarray, asked: np.ndarray) -> float:
    count = min(len(shown), len(asked))
    seen = evidence.take.seen[:count]
    a, b = shown[:count][seen], asked[:count][seen]
    if len(a) < 5:
        raise NotMeasured("no face is seen")
    if b.std() < 1e-4:
        raise NotMeasured("the motion that was drawn does not move there")
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 1e-6 else 0.0


def _centred(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm((a - a.mean(0)) - (b - b.mean(0)), axis=1).mean())


def _resized(rgb: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if rgb.shape == shape:
        return rgb
    import cv2

    shrinking = rgb.shape[0] > shape[0]
    flags = cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, (shape[1], shape[0]), interpolation=flags))
