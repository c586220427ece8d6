"""One look at every frame of a take: a few dozen numbers a frame, and a film strip, whatever the length."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from engines.judge.follow import Follower
from engines.judge.geometry import MOUTH, RIGID, FaceNumbers, face_numbers
from engines.judge.people import EMOTIONS, EmotionReader, Recogniser
from engines.judge.picture import background_blocks, block_means, details
from engines.judge.registry import NotMeasured
from engines.judge.skin import SKIN, light_steps, still_face

EMOTION_EVERY_S: Final = 0.2
IDENTITY_EVERY_S: Final = 0.5
THUMB_SIDE: Final = 160
_STRIP: Final = 24


@dataclass(frozen=True, eq=False)
class Observation:
    """A take in numbers; a value that is not there is not a number.

    Attributes
    ----------
    rate : frames a second
    size : width, height of the frames as they were looked at, pixels
    shots : first frame of each shot
    faces : most faces seen together
    head : float32 (T, 3) pitch, yaw, roll in radians
    eyes_px : float32 (T,) distance of the outer eye corners
    mouth : float32 (T, 9) columns `engines.judge.geometry.MOUTH`
    lids : float32 (T, 2); gaze : float32 (T, 2)
    rigid : float32 (T, 29, 2) places of `engines.judge.geometry.RIGID`, pixels
    background : float32 (T,), trembling of the background's brightness: the median block's second difference in time
    skin : float32 (T, 4), by how much the patches `engines.judge.skin.SKIN` are brighter than in the frame before
    detail : float32 (T, 2) inside the mouth, in the eyes
    emotion : float32 (T, 7), looked at every `EMOTION_EVERY_S`
    identity, drift : float32 (T,), distance to the portrait and to the first face of the take
    missing : judge -> why it did not take part
    strip : (frame, uint8 (h, w, 3)) in order, evenly spaced, at most 24
    """

    rate: Fraction
    size: tuple[int, int]
    shots: tuple[int, ...]
    faces: int
    head: np.ndarray
    eyes_px: np.ndarray
    mouth: np.ndarray
    lids: np.ndarray
    gaze: np.ndarray
    rigid: np.ndarray
    background: np.ndarray
    skin: np.ndarray
    detail: np.ndarray
    emotion: np.ndarray
    identity: np.ndarray
    drift: np.ndarray
    missing: dict[str, str]
    strip: tuple[tuple[int, np.ndarray], ...]

    def __len__(self) -> int:
        return len(self.head)

    @property
    def seen(self) -> np.ndarray:
        """Where there is a face : bool (T,)."""
        return np.isfinite(self.eyes_px)

    @property
    def aperture(self) -> np.ndarray:
        """Opening of the lips in eye distances : (T,)."""
        return np.asarray(self.mouth[:, MOUTH.index("aperture")])


class Observer:
    """Takes the frames in order by `add`; `observation` is what it saw.

    Parameters
    ----------
    rate : frames a second
    portrait : descriptor of the person who should be seen, from `Recogniser.describe`
    recogniser, emotions : the judges, or why there are none
    """

    def __init__(
        self,
        rate: Fraction,
        portrait: np.ndarray | None = None,
        recogniser: Recogniser | NotMeasured | None = None,
        emotions: EmotionReader | NotMeasured | None = None,
    ) -> None:
        self.rate = rate
        self._follower = Follower()
        self._portrait = portrait
        self._first: np.ndarray | None = None
        self._recogniser, self._emotions = recogniser, emotions
        self._rows: list[np.ndarray] = []
        self._shots = [0]
        self._size = (0, 0)
        self._blocks: list[np.ndarray] = []
        self._still: np.ndarray | None = None
        self._strip: list[tuple[int, np.ndarray]] = []
        self._stride = 1
        self.face: FaceNumbers | None = None
        """Of the last frame."""

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rgb: np.ndarray) -> np.ndarray | None:
        """Look at the next frame, uint8 (H, W, 3); returns its landmarks (478, 3) or None."""
        index = len(self)
        self._size = rgb.shape[1], rgb.shape[0]
        points = self._follower.add(rgb)
        if self._follower.cut:
            self._shots.append(index)
            self._blocks.clear()
            self._still = None
        flat = np.full(sum(_WIDTHS.values()), np.nan, np.float32)
        row = _named(flat)
        self._watch_background(rgb, points, row)
        self.face = None
        if points is None:
            self._still = None
        else:
            self.face = face = face_numbers(points)
            row["head"][:], row["eyes_px"][:], row["mouth"][:] = face.head, face.eyes_px, face.mouth
            row["lids"][:], row["gaze"][:], row["rigid"][:] = face.lids, face.gaze, face.rigid.ravel()
            still, before = still_face(rgb, face.rigid), self._still
            row["skin"][:] = np.nan if before is None else light_steps(before, still)
            self._still = still
            row["detail"][:] = details(rgb, points, face.rigid, float(face.mouth[0]))
            if isinstance(self._emotions, EmotionReader) and self._due(index, EMOTION_EVERY_S):
                row["emotion"][:] = self._emotions.read(rgb, points)
            if isinstance(self._recogniser, Recogniser) and self._due(index, IDENTITY_EVERY_S):
                described = self._recogniser.describe(rgb, points)
                self._first = described if self._first is None else self._first
                row["drift"][:] = np.linalg.norm(described - self._first)
                if self._portrait is not None:
                    row["identity"][:] = np.linalg.norm(described - self._portrait)
        self._rows.append(flat)
        self._keep_thumb(index, rgb)
        return points

    def observation(self) -> Observation:
        """What was seen."""
        arrays = _named(np.array(self._rows, np.float32).reshape(len(self), sum(_WIDTHS.values())))
        for name in ("eyes_px", "background", "identity", "drift"):
            arrays[name] = arrays[name][:, 0]
        arrays["rigid"] = arrays["rigid"].reshape(len(self), len(RIGID), 2)
        judges = {"identity": self._recogniser, "emotion": self._emotions}
        missing = {name: str(judge) for name, judge in judges.items() if isinstance(judge, NotMeasured)}
        return Observation(
            rate=self.rate, size=self._size, shots=tuple(self._shots), faces=self._follower.faces,
            missing=missing, strip=tuple(self._strip), **arrays,
        )  # fmt: skip

    def _due(self, index: int, every_s: float) -> bool:
        step = max(1, round(every_s * float(self.rate)))
        return index % step == 0

    def _watch_background(self, rgb: np.ndarray, points: np.ndarray | None, row: dict[str, np.ndarray]) -> None:
        self._blocks = [*self._blocks[-2:], block_means(rgb)]
        if points is None or len(self._blocks) < 3:
            return
        a, b, c = self._blocks
        empty = background_blocks(points, rgb.shape, b.shape)
        if empty.sum() >= 12:
            row["background"][:] = np.median(np.abs(a - 2 * b + c)[empty])

    def _keep_thumb(self, index: int, rgb: np.ndarray) -> None:
        if index % self._stride:
            return
        import cv2

        scale = THUMB_SIDE / max(rgb.shape[:2])
        self._strip.append((index, cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)))
        if len(self._strip) > _STRIP:
            self._stride *= 2
            self._strip = [s for s in self._strip if s[0] % self._stride == 0]


_WIDTHS: Final = {
    "head": 3, "eyes_px": 1, "mouth": len(MOUTH), "lids": 2, "gaze": 2, "rigid": 2 * len(RIGID), "background": 1,
    "skin": len(SKIN), "detail": 2, "emotion": len(EMOTIONS), "identity": 1, "drift": 1,
}  # fmt: skip


def _named(values: np.ndarray) -> dict[str, np.ndarray]:
    """Views of the columns of each quantity in (..., N)."""
    ends = np.cumsum(list(_WIDTHS.values()))
    return {name: values[..., end - width : end] for (name, width), end in zip(_WIDTHS.items(), ends, strict=True)}
