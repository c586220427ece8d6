"""Puppeteering: how the motion of a clip moves another face.

The clip moves parts of the face, each with a strength of its own; what it does not move is left to automatic motion,
and in a dubbed shot the voice moves the mouth. Relative motion, as in Siarohin et al. 2019, "First order motion model",
counts from one moment of the clip, at which the portrait then looks as in its picture.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from app.core.passes.style import gaussian
from app.core.project import PUPPET_PARTS, Project, Puppet
from engines import arkit
from engines.api import SURE, Performance
from engines.errors import InputError
from engines.timebase import seconds_to_frame

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "pose": ("head",),
    "expression": ("mouth", "eyes", "brows", "cheeks", "gaze"),
    "all": PUPPET_PARTS,
}
"""Names for several parts at once; pose and expression are told apart as in Pang et al. 2023, "DPE"."""

_REGION: Final = {
    "lips": "mouth",
    "jaw": "mouth",
    "tongue": "mouth",
    "brows": "brows",
    "eyes": "eyes",
    "cheeks": "cheeks",
}
COLUMNS: Final[dict[str, tuple[int, ...]]] = {
    part: tuple(i for i, n in enumerate(arkit.NAMES) if _REGION[arkit.REGION[n]] == part and "Look" not in n)
    for part in ("mouth", "eyes", "brows", "cheeks")
}
"""ARKit units of each part; the look units follow the gaze."""
MOOD: Final = tuple(arkit.indices("mouthSmile", "mouthFrown", "mouthDimple"))
SEEN_SHARE: Final = 0.5
"""How far the voice corrects a mouth that was seen clearly; one that was not is corrected in full."""
MOOD_S: Final = 0.5
"""In a dubbed shot the corners of the clip's mouth keep what changes more slowly than this: a smile is no speech."""


def dubbed(puppet: Puppet) -> bool:
    """Whether the mouth is left to the voice: it is asked for, or the clip does not move the mouth at all."""
    return puppet.dub or strengths(puppet)["mouth"] == 0


def hears(project: Project) -> bool:
    """Whether the voice moves the mouth: of a shot without a clip, of a dubbed one, or beside the clip (`listens`)."""
    return bool(project.voice) and (not project.performance or dubbed(project.puppet) or listens(project))


def listens(project: Project) -> bool:
    """Whether the voice only corrects the mouth of the clip, which decides how long the shot is."""
    puppet = project.puppet
    return bool(project.voice and project.performance) and puppet.listen > 0 and not dubbed(puppet)


def strengths(puppet: Puppet) -> dict[str, float]:
    """Strength of every part; 1 where the project says nothing."""
    return dict.fromkeys(PUPPET_PARTS, 1.0) | dict(puppet.parts)


def driven(clip: Performance, puppet: Puppet, count: int | None = None) -> Performance:
    """What a clip's motion asks of the portrait.

    Parameters
    ----------
    clip : at the rate of the shot
    count : frames of the shot, default those of the clip; a clip that is too short is played back and forth

    Raises
    ------
    InputError
        If the moment that motion is relative to lies beyond the clip.
    """
    if puppet.relative:
        clip = relative(clip, seconds_to_frame(puppet.neutral_s, clip.rate))
    if count is not None:
        clip = lasting(clip, count)
    strength = strengths(puppet)
    weights = np.zeros(clip.weights.shape)
    for part, columns in COLUMNS.items():
        weights[:, columns] = strength[part] * clip.weights[:, columns]
    if puppet.dub:
        sigma = MOOD_S * float(clip.rate)
        weights[:, COLUMNS["mouth"]] = 0
        weights[:, MOOD] = strength["mouth"] * gaussian(clip.weights[:, MOOD], sigma)
    look = np.array([n.startswith("eyeLook") for n in arkit.NAMES])
    weights[:, look] = strength["gaze"] * clip.weights[:, look]
    return clip.with_(
        weights=np.clip(weights, 0, 1),
        head=strength["head"] * clip.head,
        gaze=strength["gaze"] * clip.gaze,
        tongue=np.zeros(len(clip)) if puppet.dub else np.clip(strength["mouth"] * clip.tongue, 0, 1),
    )


def corrected(clip: Performance, spoken: Performance, speaking: np.ndarray, listen: float) -> Performance:
    """A clip whose mouth is corrected by its voice.

    Video sees the slow and wide motion of a mouth, sound tells its quick closures and what a hand or a turned head
    hides; after Filntisis et al. 2022, "Visual speech-aware perceptual 3D facial expression reconstruction" (SPECTRE),
    the mouth leans on the voice. The corners of the mouth keep the clip's mood, and pauses stay the clip's.

    Parameters
    ----------
    clip : what the clip asks of the portrait
    spoken : as long, what the voice alone makes of the mouth
    speaking : (T,), 0 pause to 1
    listen : 0 to 1
    """
    seen = clip.extras[SURE][:, 0] if SURE in clip.extras else np.ones(len(clip))
    share = (listen * np.clip(speaking, 0, 1) * (1 - (1 - SEEN_SHARE) * np.clip(seen, 0, 1)))[:, None]
    said = spoken.weights.astype(np.float64)
    said[:, MOOD] += gaussian(clip.weights[:, MOOD], MOOD_S * float(clip.rate))
    weights = np.array(clip.weights, np.float64)
    mouth = list(COLUMNS["mouth"])
    weights[:, mouth] += share * (said[:, mouth] - weights[:, mouth])
    return clip.with_(weights=np.clip(weights, 0, 1), tongue=np.maximum(clip.tongue, share[:, 0] * spoken.tongue))


def relative(clip: Performance, frame: int) -> Performance:
    """Motion counted from one frame. Weights that fall below that frame's rest at 0: a face cannot un-smile.

    Raises
    ------
    InputError
        If the clip has no such frame.
    """
    if not 0 <= frame < len(clip):
        raise InputError(
            f"Motion cannot be relative to {float(frame / clip.rate):.2f} s: "
            f"the clip lasts {float(len(clip) / clip.rate):.2f} s."
        )
    zero = clip.weights[frame].astype(np.float64)
    # What rises above that frame still reaches 1 when the clip does.
    weights = (clip.weights - zero) / np.maximum(1 - zero, 1e-3)
    return clip.with_(
        weights=np.clip(weights, 0, 1),
        head=clip.head - clip.head[frame],
        gaze=clip.gaze - clip.gaze[frame],
        tongue=np.clip(clip.tongue - clip.tongue[frame], 0, 1),
    )


def lasting(clip: Performance, count: int) -> Performance:
    """The clip with ``count`` frames: its beginning, or played forwards and backwards in turn."""
    if count <= len(clip):
        return clip.slice(0, count)
    period = max(1, 2 * (len(clip) - 1))
    at = np.arange(count) % period
    at = np.minimum(np.where(at < len(clip), at, period - at), len(clip) - 1)
    return Performance(clip.rate, clip.weights[at], clip.head[at], clip.gaze[at], clip.tongue[at])


def calmest_frame(clip: Performance) -> int:
    """The frame in which the face does least: nearest to the rest, looking ahead, the head in its usual place."""
    weights = clip.weights.astype(np.float64)
    away = np.degrees(np.abs(clip.head[:, :3] - np.median(clip.head[:, :3], 0)).sum(1))
    return int(np.argmin(weights.sum(1) + 0.05 * away + np.degrees(np.abs(clip.gaze).mean(1)) * 0.02))


def calmest_s(clip: Performance) -> float:
    """The moment of `calmest_frame` in seconds."""
    return float(Fraction(calmest_frame(clip)) / clip.rate)


def has_sound(path: Path) -> bool:
    """Whether a video brings its own sound."""
    import subprocess

    from imageio_ffmpeg import get_ffmpeg_exe

    command = [get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-i", str(path)]
    told = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stderr
    return any("Audio:" in line for line in told.splitlines())
