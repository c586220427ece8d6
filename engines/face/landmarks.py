"""Faces in a picture and their 478 landmarks, by MediaPipe Face Mesh with attention.

Landmark numbers are those of MediaPipe's canonical face (Kartynnik et al. 2019, Grishchenko et al. 2020); 468 to
477 are the two irises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.api import Portrait
from engines.errors import InputError
from engines.face import mediapipe_runtime

COUNT: Final = 478
OUTER_EYE_CORNERS: Final = (33, 263)
MIN_FACE_PX: Final = 24
"""Distance of the outer eye corners below which landmarks mean nothing."""

_DETECT_SIDE: Final = 1280
_CROP_SIDE: Final = 384
_JITTER: Final = ((1.0, 0.0, 0.0), (1.12, 0.03, -0.02), (0.92, -0.03, 0.03), (1.05, -0.02, -0.04), (0.97, 0.04, 0.02))


@dataclass(frozen=True, eq=False)
class FaceLandmarks:
    """One face in a picture.

    Attributes
    ----------
    points : float32 (478, 3); x to the right and y down in pixels of the picture, z in the same scale, growing away
        from the camera
    spread : float32 (478,), standard deviation in pixels between several looks at the face: how far to trust each
    box : (left, top, right, bottom) of the landmarks in pixels
    score : confidence of the face detector, 0 to 1
    """

    points: np.ndarray
    spread: np.ndarray
    box: tuple[float, float, float, float]
    score: float

    @property
    def eye_distance(self) -> float:
        """Distance of the outer eye corners in pixels; the unit of every relative error."""
        a, b = self.points[list(OUTER_EYE_CORNERS), :2]
        return float(np.hypot(*(a - b)))


def detect_faces(rgb: np.ndarray) -> list[FaceLandmarks]:
    """All faces in a picture, largest first.

    Looks at the whole picture first, and where that shows nothing at overlapping parts of it (small faces), at the
    picture with a mirrored border (a face that fills the frame) and at an equalised grey copy (paintings, statues,
    drawings).

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    """
    import cv2

    height, width = rgb.shape[:2]
    scale = min(1.0, _DETECT_SIDE / max(height, width))
    small = rgb if scale == 1 else cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    faces = _mesh_all(rgb, [(b / scale, s) for b, s in _candidates(small)], lenient=False)
    if not faces:
        faces = _mesh_all(rgb, [(b / scale, s) for b, s in _candidates_in_parts(small)], lenient=True)
    if not faces:
        grey = cv2.createCLAHE(3.0, (8, 8)).apply(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
        equalised = np.repeat(grey[..., None], 3, 2)
        small = cv2.resize(equalised, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found = _candidates(small) or _candidates_in_parts(small)
        faces = _mesh_all(equalised, [(b / scale, s) for b, s in found], lenient=True)
    return sorted(faces, key=lambda f: (f.box[2] - f.box[0]) * (f.box[3] - f.box[1]), reverse=True)


def find_face(portrait: Portrait) -> FaceLandmarks:
    """The face of a portrait that is to be animated.

    Raises
    ------
    InputError
        When there is no face, fewer faces than ``portrait.face`` asks for, or the face is too small.
    """
    where = f"The portrait {portrait.source}" if portrait.source else "The portrait"
    faces = detect_faces(portrait.rgb)
    if not faces:
        if _face_when_turned(portrait.rgb):
            raise InputError(f"{where} seems to lie on its side or upside down; turn it upright and try again.")
        raise InputError(
            f"{where} shows no face that can be found; use a picture with the face turned to the camera, both eyes "
            "and the mouth in sight, and at least 64 px wide."
        )
    if portrait.face >= len(faces):
        count = "one face" if len(faces) == 1 else f"{len(faces)} faces"
        raise InputError(
            f"{where} shows {count}, so face {portrait.face + 1} does not exist; choose 1"
            + (f" to {len(faces)}, counted from the largest." if len(faces) > 1 else ".")
        )
    face = faces[portrait.face]
    if face.eye_distance < MIN_FACE_PX:
        raise InputError(
            f"{where}: the face is only {round(face.box[2] - face.box[0])} px wide, too small to animate; "
            "use a picture in which it is at least 64 px wide."
        )
    return face


def _face_when_turned(rgb: np.ndarray) -> bool:
    """Whether a plain look finds a face once the picture is turned by a quarter or a half."""
    import cv2

    scale = min(1.0, 512 / max(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for turns in (2, 1, 3):
        turned = np.ascontiguousarray(np.rot90(small, turns))
        if _mesh_all(turned, _candidates(turned), lenient=False):
            return True
    return False


def _square(rgb: np.ndarray, centre: np.ndarray, side: float, out: int) -> tuple[np.ndarray, np.ndarray]:
    """A square part of a picture, mirrored where it leaves the picture, and the map from it to the picture (2, 3)."""
    import cv2

    scale = side / out
    to_picture = np.array(
        [[scale, 0, centre[0] - side / 2 + scale / 2 - 0.5], [0, scale, centre[1] - side / 2 + scale / 2 - 0.5]]
    )
    if scale > 2:  # bilinear sampling would alias: reduce first
        factor = 2 ** int(np.log2(scale))
        reduced = cv2.resize(rgb, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
        ratio = np.array([reduced.shape[1] / rgb.shape[1], reduced.shape[0] / rgb.shape[0]])
        matrix = to_picture * ratio[:, None]
        matrix[:, 2] += (ratio - 1) / 2
        source = reduced
    else:
        matrix, source = to_picture, rgb
    part = cv2.warpAffine(
        source, matrix, (out, out), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT_101
    )
    return part, to_picture


def _detections(rgb: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Face boxes (left, top, right, bottom) of both detectors on a square picture."""
    found = []
    height, width = rgb.shape[:2]
    for model in ("detect_near", "detect_far"):
        for detection in mediapipe_runtime.run(model, rgb).detections or []:
            box = detection.location_data.relative_bounding_box
            corners = np.array([box.xmin, box.ymin, box.xmin + box.width, box.ymin + box.height])
            found.append((corners * [width, height, width, height], float(detection.score[0])))
    return found


def _candidates(rgb: np.ndarray) -> list[tuple[np.ndarray, float]]:
    height, width = rgb.shape[:2]
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    found = []
    for grow in (1.0, 1.6):
        side = grow * max(height, width)
        part, to_picture = _square(rgb, centre, side, min(1024, max(256, round(side))))
        for box, score in _detections(part):
            corners = (box.reshape(2, 2) * np.diag(to_picture[:, :2]) + to_picture[:, 2]).reshape(4)
            middle = (corners[:2] + corners[2:]) / 2
            if 0 <= middle[0] < width and 0 <= middle[1] < height:  # not a face in the mirrored border
                found.append((corners, score))
        if found:
            break
    return _distinct(found)


def _candidates_in_parts(rgb: np.ndarray) -> list[tuple[np.ndarray, float]]:
    height, width = rgb.shape[:2]
    found: list[tuple[np.ndarray, float]] = []
    for parts in (2, 4):
        side = max(height, width) / parts * 1.5
        if side < 64:
            break
        for y in np.linspace(0, height, 2 * parts + 1)[1::2]:
            for x in np.linspace(0, width, 2 * parts + 1)[1::2]:
                part, to_picture = _square(rgb, np.array([x, y]), side, 384)
                for box, score in _detections(part):
                    corners = (box.reshape(2, 2) * np.diag(to_picture[:, :2]) + to_picture[:, 2]).reshape(4)
                    middle = (corners[:2] + corners[2:]) / 2
                    if 0 <= middle[0] < width and 0 <= middle[1] < height:
                        found.append((corners, score))
        if found:
            break
    return _distinct(found)


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Shared area as a part of the smaller box."""
    size = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    if (size <= 0).any():
        return 0.0
    return float(size.prod() / max(1e-9, min((a[2:] - a[:2]).prod(), (b[2:] - b[:2]).prod())))


def _distinct(found: list[tuple[np.ndarray, float]]) -> list[tuple[np.ndarray, float]]:
    kept: list[tuple[np.ndarray, float]] = []
    for box, score in sorted(found, key=lambda item: -item[1]):
        if all(_overlap(box, other) < 0.4 for other, _ in kept):
            kept.append((box, score))
    return kept


def _mesh_all(rgb: np.ndarray, boxes: list[tuple[np.ndarray, float]], lenient: bool) -> list[FaceLandmarks]:
    faces: list[FaceLandmarks] = []
    for box, score in boxes:
        face = _mesh(rgb, box, score, lenient)
        if face is not None and all(_overlap(np.array(face.box), np.array(o.box)) < 0.4 for o in faces):
            faces.append(face)
    return faces


def _mesh(rgb: np.ndarray, box: np.ndarray, score: float, lenient: bool) -> FaceLandmarks | None:
    """Landmarks inside a box, averaged over several crops; None when they disagree or there is no face."""
    centre, side = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max())
    model = "mesh_lenient" if lenient else "mesh"
    first = None
    for grow in (2.0, 1.5, 2.8):
        first = _look(rgb, centre, side * grow, model)
        if first is not None:
            break
    if first is None:
        return None
    low, high = first[:, :2].min(0), first[:, :2].max(0)
    if not (box[:2] < (low + high) / 2).all() or not ((low + high) / 2 < box[2:]).all():
        return None  # it found another face beside the one that was meant
    centre, side = (low + high) / 2, 1.7 * float((high - low).max())
    looks = [
        look
        for grow, dx, dy in _JITTER
        if (look := _look(rgb, centre + side * np.array([dx, dy]), side * grow, model)) is not None
    ]
    if len(looks) < 2:
        return None
    stack = np.stack(looks)
    points, spread = np.median(stack, 0), np.hypot(*np.moveaxis(stack[..., :2].std(0), -1, 0))
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    if np.median(spread) > 0.05 * np.hypot(*(points[33, :2] - points[263, :2])):
        return None  # the looks agree on no face
    return FaceLandmarks(
        points.astype(np.float32),
        spread.astype(np.float32),
        (float(low[0]), float(low[1]), float(high[0]), float(high[1])),
        score,
    )


def _look(rgb: np.ndarray, centre: np.ndarray, side: float, model: str) -> np.ndarray | None:
    """Landmarks of the face in one square crop, in pixels of the picture : (478, 3) or None."""
    part, to_picture = _square(rgb, centre, side, _CROP_SIDE)
    result = mediapipe_runtime.run(model, part).multi_face_landmarks
    if not result:
        return None
    values = np.array([(p.x, p.y, p.z) for p in result[0].landmark]) * _CROP_SIDE
    values[:, :2] = (values[:, :2] - 0.5) * to_picture[0, 0] + to_picture[:, 2]
    values[:, 2] *= to_picture[0, 0]
    return values
