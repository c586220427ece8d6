"""From a video to 35 numbers a frame, in the channels of the user's generator.

The face in the video is sought in the generator's latent space once, at its calmest frame; every other frame is then
what amounts of the channels and of turning bring it there, each from the frame before. The crop follows the head, so
roll is what the crop turns by.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.api import CancelToken, Progress, no_progress
from engines.stylegan import layout, numbers
from engines.stylegan.actor import StyleGANActor
from engines.stylegan.align import align, steady_crops
from engines.stylegan.bridge import CHANNELS
from engines.timebase import resample

if TYPE_CHECKING:
    from engines.stylegan.studio import Drawer

RATE: Final = Fraction(25)
_SMOOTH: Final = 0.02
"""How much a frame is held by the one before, beside the mean power of a channel."""
_MOST: Final = 4.0
"""Amount of a channel beyond which faces fall apart."""


def numbers_of_video(
    draws: Drawer,
    actor: StyleGANActor,
    path: Path,
    rate: Fraction,
    count: int,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> np.ndarray:
    """What the face in a video does : float32 (count, 35), angles in degrees, then amounts of the 32 channels.

    Channels are told from the calmest frame on. A shorter video is held at its end; where no face is seen the frames
    before and after are joined.

    Raises
    ------
    InputError
        If the video cannot be read or shows no face.
    """
    import torch

    from engines.capture.track import follow_face
    from engines.stylegan.net_invert import Effort, invert
    from engines.stylegan.net_reach import Layout, Reach, amounts_of_pictures, faces, looked
    from engines.stylegan.studio import KNOWN, tensor_of

    cancel = cancel or CancelToken()
    video, track = follow_face(path, RATE, progress=lambda done, what: progress(0.3 * done, what), cancel=cancel)
    seen = np.flatnonzero(track.seen)
    wanted = max(1, round(video.duration_s * float(RATE)))
    crops = dict(zip(seen.tolist(), steady_crops(track.points[seen], RATE), strict=True))
    calm = int(seen[calmest(track.points[seen])])
    device = draws.start.device.type
    kept: list[np.ndarray] = []
    at: list[int] = []
    for i, frame in enumerate(video.frames(RATE)):
        cancel.check()
        if i in crops:
            kept.append(align(frame, crops[i], draws.size))
            at.append(i)
        progress(0.3 + 0.1 * min(1.0, i / wanted), "Cutting the face out of the video")
    generator = draws.generator
    target = tensor_of(kept[at.index(calm)][None], device)

    def advance(done: float) -> None:
        cancel.check()
        progress(0.4 + 0.2 * done, "Looking for the face in the generator")

    effort, known = Effort.of(draws.size, device), faces(draws.loaded, KNOWN, seed=9, psi=1.0)
    found = invert(generator, target, None, Effort(effort.steps, 0), advance, known=known)
    flat_layout = Layout(generator)
    with torch.no_grad():
        start = flat_layout.flat(generator.styles(found.wplus))
    reach = Reach(generator, flat_layout, start, draws.basis)
    slopes = reach.slopes(cancel.check)
    side = reach.rest().shape[-1]
    weight = torch.from_numpy(layout.emphasis(side) * (layout.face(side) + 0.05)).to(draws.start)[None, None]
    offset = looked(target) - reach.rest()  # what the generator cannot show of this person stays out of the motion
    amounts = torch.zeros((1, len(draws.basis)), device=draws.start.device)
    rows = np.zeros((len(kept), numbers.COUNT), np.float32)
    for k, picture in enumerate(kept):
        cancel.check()
        shown = looked(tensor_of(picture[None], device)) - offset
        amounts = amounts_of_pictures(reach, slopes, shown, amounts, smooth=_SMOOTH, weight=weight)
        amounts = amounts.clamp(-_MOST, _MOST)
        rows[k, 3:] = amounts[0, :CHANNELS].cpu().numpy()
        axis = crops[at[k]].axis
        rows[k, 2] = -np.degrees(np.arctan2(axis[1], axis[0]))
        progress(0.6 + 0.4 * (k + 1) / len(kept), "Reading the motion of the video")
    rows[:, 2] -= rows[at.index(calm), 2]
    rows[:, 3:] -= rows[at.index(calm), 3:]
    whole = np.stack([np.interp(np.arange(at[-1] + 1), at, column) for column in rows.T], 1)
    return resample(whole.astype(np.float32), RATE, rate, count)


def calmest(points: np.ndarray) -> int:
    """The frame of landmarks (T, 478, >=2) that faces the camera with the mouth shut and the eyes open."""
    eyes = np.linalg.norm(points[:, 33, :2] - points[:, 263, :2], axis=1)
    opening = np.linalg.norm(points[:, 13, :2] - points[:, 14, :2], axis=1) / eyes
    lids = sum(np.linalg.norm(points[:, a, :2] - points[:, b, :2], axis=1) for a, b in ((159, 145), (386, 374))) / eyes
    nose = points[:, 4, 0] - (points[:, 33, 0] + points[:, 263, 0]) / 2
    return int(np.argmin(opening - lids + 2 * np.abs(nose) / eyes))
