"""A face in numbers, from its 478 landmarks: turn of the head, mouth, lids and gaze, in units of the face itself.

Landmarks are turned into coordinates fixed to the head by the rotation that best lays those which no muscle moves onto
the average head, so that opening the mouth and nodding are told apart. Lengths are
then divided by the distance of the outer eye corners.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from engines.api import head_angles
from engines.rig.head import load_head
from engines.rig.measure import HEIGHTS

RIGID: Final = (
    33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 10, 151, 9, 109, 338, 67, 297, 54, 284, 21, 251,
    127, 356, 234, 454,
)  # fmt: skip
"""Landmarks that follow the skull: eye corners, bridge and base of the nose, forehead, temples."""

MOUTH: Final = ("aperture", "width", "inwidth", "jaw", "uplip", "upthick", "lothick", "lolip", "cornerY")
"""Mouth measures, as named by `engines.speech.readout.GEOMETRY`; protrusion needs depth that landmarks lack."""

EYEBALL: Final = 0.135
"""Radius of an eyeball in distances of the outer eye corners (12 mm of 89 mm)."""

_LIDS: Final = (((160, 144), (158, 153)), ((385, 380), (387, 373)))
_CORNERS: Final = ((33, 133), (362, 263))


@dataclass(frozen=True, eq=False)
class FaceNumbers:
    """One face in one frame.

    Attributes
    ----------
    head : (3,) pitch, yaw, roll in radians, as `engines.api.head_angles`
    eyes_px : distance of the outer eye corners in pixels, as if seen from the front
    mouth : (9,) columns `MOUTH`, in eye distances
    lids : (2,) opening of the subject's right and left eye over its width (EAR, Soukupova and Cech 2016)
    gaze : (2,) mean yaw and pitch of the eyes in the head, radians
    rigid : (len(RIGID), 2) places of `RIGID` in the picture, pixels
    """

    head: np.ndarray
    eyes_px: float
    mouth: np.ndarray
    lids: np.ndarray
    gaze: np.ndarray
    rigid: np.ndarray


@cache
def average_face() -> np.ndarray:
    """Landmarks of the average head, y up, z to the camera, in eye distances from the bridge of the nose : (478, 3)."""
    head = load_head()
    points = head.landmarks(head.mesh.vertices).astype(float)
    points = (points - points[168]) / np.linalg.norm(points[33] - points[263])
    points.setflags(write=False)
    return points


def face_numbers(points: np.ndarray) -> FaceNumbers:
    """Measure a face.

    Parameters
    ----------
    points : (478, 3) landmarks in pixels as in `engines.face.landmarks`
    """
    upright = points * (1.0, -1.0, -1.0)
    turn = rotation_of(upright[:, :2])
    fixed = (upright - upright[168]) @ turn  # coordinates of the head: rows times world-from-head
    eyes = float(np.linalg.norm(fixed[33] - fixed[263]))
    fixed = fixed / eyes
    x, y = fixed[:, 0], fixed[:, 1]
    values = {name: y[up] - y[low] for name, (up, low) in HEIGHTS.items()}
    values["width"] = np.linalg.norm(fixed[61] - fixed[291])
    values["inwidth"] = np.linalg.norm(fixed[78] - fixed[308])
    values["cornerY"] = 0.5 * (y[61] + y[291]) - y[2]
    lids, gaze = [], []
    for pairs, (a, b), iris in zip(_LIDS, _CORNERS, (468, 473), strict=True):
        wide = float(np.linalg.norm(fixed[a, :2] - fixed[b, :2]))
        lids.append(np.mean([np.linalg.norm(fixed[u, :2] - fixed[d, :2]) for u, d in pairs]) / max(wide, 1e-6))
        middle = 0.5 * (fixed[a, :2] + fixed[b, :2])
        gaze.append((np.array([x[iris], y[iris]]) - middle) / EYEBALL)
    return FaceNumbers(
        head_angles(turn),
        eyes,
        np.array([values[name] for name in MOUTH]),
        np.array(lids),
        np.arcsin(np.clip(np.mean(gaze, 0), -1, 1)),
        points[list(RIGID), :2].copy(),
    )


def rotation_of(flat: np.ndarray) -> np.ndarray:
    """World-from-head rotation of a face seen from afar : (3, 3).

    The depth that a landmark detector guesses changes with the mouth; the flat places of `RIGID` do not. So the average
    head is laid on them by scaled orthography (POS; DeMenthon and Davis 1995).

    Parameters
    ----------
    flat : (478, 2) landmarks, y up
    """
    index = list(RIGID)
    model, seen = average_face()[index], flat[index]
    linear = np.linalg.lstsq(model - model.mean(0), seen - seen.mean(0), rcond=None)[0].T
    u, _, vt = np.linalg.svd(linear, full_matrices=False)
    rows = u @ vt
    return np.vstack([rows, np.cross(rows[0], rows[1])])


def upright_map(rigid: np.ndarray, side: int, eyes: float, centre: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """The similarity from a square crop to the picture in which the face stands still : (2, 3).

    Parameters
    ----------
    rigid : (len(RIGID), 2) pixels
    side : of the crop in pixels
    eyes : distance of the outer eye corners in the crop, in parts of ``side``
    centre : what is in the middle of the crop, in eye distances from the bridge of the nose, x right and y down
    """
    model = average_face()[list(RIGID), :2] * (1.0, -1.0)
    m0, s0 = model.mean(0), rigid.mean(0)
    m, s = (model - m0) @ [1, 1j], (rigid - s0) @ [1, 1j]
    factor = (m.conj() @ s) / (m.conj() @ m).real
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    unit = 1.0 / (eyes * side)
    linear = turn * unit
    offset = s0 + turn @ (np.array(centre) - m0) - linear @ np.full(2, (side - 1) / 2)
    return np.column_stack([linear, offset])
