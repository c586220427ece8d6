"""The codes of a video's frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.api import CancelToken, Progress, no_progress
from engines.latent.pictures import joined, to_tensor
from engines.stylegan.align import align, steady_crops
from engines.timebase import resample

if TYPE_CHECKING:
    from engines.diffae.net_animator import Animator

_RATE: Final = Fraction(25)
_BATCH: Final = 4


def codes_of_video(
    animator: Animator,
    path: Path,
    rate: Fraction,
    count: int,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> np.ndarray:
    """Codes (count, 512) of a video's frames, each cropped as FFHQ's pictures are; a shorter video is held at its end.

    The crop follows the head steadily, and where no face is seen the frames before and after are joined.

    Raises
    ------
    InputError
        If the video cannot be read or shows no face.
    """
    from engines.capture.track import follow_face

    cancel = cancel or CancelToken()
    video, track = follow_face(path, _RATE, progress=lambda done, what: progress(0.4 * done, what), cancel=cancel)
    seen = np.flatnonzero(track.seen)
    wanted = max(1, round(video.duration_s * float(_RATE)))
    nearest = seen[np.abs(np.arange(len(track.points))[:, None] - seen).argmin(1)]
    crops = steady_crops(track.points[nearest], _RATE)
    found: list[np.ndarray] = []
    waiting: list[np.ndarray] = []
    for i, (frame, crop) in enumerate(zip(video.frames(_RATE), crops, strict=False)):
        cancel.check()
        waiting.append(align(frame, crop, animator.config.size))
        if len(waiting) == _BATCH or i + 1 == len(crops):
            found.append(animator.drive(to_tensor(np.stack(waiting)).to(animator.device)).cpu().numpy())
            waiting = []
            progress(0.4 + 0.6 * min(1.0, i / wanted), "Reading the codes of the video")
    return resample(joined(np.concatenate(found), track), _RATE, rate, count)
