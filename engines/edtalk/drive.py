"""From a voice or a video to the networks' own coordinates, at any frame rate.

The networks know 25 frames a second; what they say is resampled in time to the rate of the shot.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.api import CancelToken, Progress, no_progress
from engines.disentangled import mel
from engines.edtalk.crop import steady_crop
from engines.latent.crop import FaceCrop
from engines.latent.pictures import encode, joined, to_tensor
from engines.timebase import resample

if TYPE_CHECKING:
    from torch import Tensor

    from engines.disentangled.net_audio import Audio2Lip
    from engines.disentangled.net_fast import Animator

RATE: Final = Fraction(mel.VIDEO_RATE)
_CHUNK: Final = 1500
"""Video frames (one minute) whose sound is heard at once."""
_CONTEXT: Final = 4
"""Mel frames beside a chunk that its edges disturb."""
_BATCH: Final = 4


def spectrogram(samples: np.ndarray, first: int, last: int) -> np.ndarray:
    """Mel frames ``first`` to ``last`` of a long sound without computing the others : float32 (N, 80).

    Equal to that part of `engines.disentangled.mel.mel_spectrogram` of the whole sound.
    """
    low = max(0, first - _CONTEXT)
    start = low * mel.HOP
    end = min(len(samples), (last + _CONTEXT) * mel.HOP)
    return mel.mel_spectrogram(samples[start:end])[first - low : last - low]


def coordinates_of_voice(
    network: Audio2Lip, samples: np.ndarray, rate: Fraction, count: int, *, cancel: CancelToken | None = None
) -> np.ndarray:
    """What a voice asks of the mouth : float32 (count, 20).

    Parameters
    ----------
    samples : float32 (N,), mono, 16 kHz
    rate, count : of the frames wanted

    Raises
    ------
    InputError
        If the voice is too short to be heard.
    """
    import torch

    from engines.disentangled.net_audio import smooth

    cancel = cancel or CancelToken()
    if len(samples) < mel.WINDOW:
        mel.mel_spectrogram(samples)  # says so
    frames = max(1, mel.frame_count(len(samples)))
    last_mel = len(samples) // mel.HOP
    found = []
    with torch.inference_mode():
        for start in range(0, frames, _CHUNK):
            cancel.check()
            wanted = mel.window_index(frames, last_mel + 1)[start : start + _CHUNK]
            low, high = int(wanted.min()), int(wanted.max()) + 1
            heard = spectrogram(samples, low, high)
            windows = np.ascontiguousarray(heard[wanted - low].transpose(0, 2, 1))
            found += [network(torch.from_numpy(part)) for part in _parts(windows, 250)]
        alpha = smooth(torch.cat(found)).numpy()
    return resample(alpha, RATE, rate, count)


def _parts(values: np.ndarray, size: int) -> Iterator[np.ndarray]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def coordinates_of_video(
    animator: Animator,
    path: Path,
    rate: Fraction,
    count: int,
    *,
    device: str = "cpu",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> np.ndarray:
    """What the face in a video does : float32 (count, N), coordinates of every bank.

    The video is cropped once for all its frames, by the median of its landmarks. Where no face is seen, the frames
    before and after it are joined. A shorter video is held at its end.

    Raises
    ------
    InputError
        If the video cannot be read or shows no face.
    """
    from engines.capture.track import follow_face

    cancel = cancel or CancelToken()
    video, track = follow_face(path, RATE, progress=lambda done, what: progress(0.4 * done, what), cancel=cancel)
    wanted = max(1, round(video.duration_s * float(RATE)))
    crop = steady_crop(track.points, animator.config.size)
    found: list[np.ndarray] = []
    batch: list[np.ndarray] = []
    for i, frame in enumerate(video.frames(RATE)):
        cancel.check()
        batch.append(crop.cut(frame))
        if len(batch) == _BATCH:
            found.append(encode(animator, np.stack(batch), device))
            batch = []
            progress(0.4 + 0.6 * min(1.0, i / wanted), "Reading the motion of the video")
    if batch:
        found.append(encode(animator, np.stack(batch), device))
    alpha = joined(np.concatenate(found), track)
    return resample(alpha, RATE, rate, count)


def source_of(crop: FaceCrop, rgb: np.ndarray) -> Tensor:
    """A portrait as the encoder takes it : (1, 3, side, side)."""
    return to_tensor(crop.cut(rgb)[None])
