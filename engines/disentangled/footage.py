"""Footage of the actor as a teacher: what real frames show beyond what the rig taught.

Where the head, the lips and the lids go stays as the rig taught it. The pose of each frame is found and undone
(`engines.teaching.alignment`), the closed form draws the same moment of the still head, and what the frame shows beyond
that is regressed on the motion that was captured: the person's own teeth, lids, folds and shade, in closed form too.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from engines.api import CancelToken, Portrait, Progress, no_progress
from engines.capture.footage import Footage, FootageClip
from engines.disentangled.actor import Seen, TaughtActor
from engines.errors import InputError, WeightsMissing
from engines.teaching.alignment import Alignment
from engines.teaching.banks import POSE
from engines.teaching.footage import LEAST_FRAMES, SURE, clips_of
from engines.teaching.prior import Region, face_features, learnt_region, window
from engines.teaching.teacher import Box, Teacher

FILE: Final = "taught.safetensors"
"""What was learnt; the engine finds it beside the portrait."""
_PORTRAIT, _STRIDE = "portrait", 1
_REACH: Final = 0.08
"""How far the part that is learnt reaches beyond the face, in widths of it."""
UNSEEN: Final = 0.12
"""Share of every clip, at its end, that is kept to check with."""
_FOLDS: Final = 5
_USUAL: Final = (1, 99)
"""Percentiles of the footage between which motion counts as seen."""
_ODD: Final = 3.0
"""Times the usual difference from which on a frame is taken for one whose pose was not found."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Frames of footage, explained, in the part of the actor that is learnt.

    Attributes
    ----------
    box : that part, in pixels of the actor
    frames : uint8 (N, h, w, 3), the head held as in the portrait
    drawn : uint8 (N, h, w, 3), what the closed form draws of them
    coordinates : float32 (N, 36), what the face does in them; the pose as it was found
    unseen : bool (N,), kept to check with
    """

    box: Box
    frames: np.ndarray
    drawn: np.ndarray
    coordinates: np.ndarray
    unseen: np.ndarray


def see(
    actor: TaughtActor,
    footage: Footage,
    chosen: tuple[FootageClip, int],
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Moments:
    """Every frame whose motion is known, beside what the actor shows of it.

    Parameters
    ----------
    actor : of the portrait, as the rig taught it
    chosen : the portrait, as `engines.teaching.footage.calmest` gives it

    Raises
    ------
    InputError
        If too few frames are left.
    """
    cancel = cancel or CancelToken()
    teacher = Teacher(actor.rig, 0, actor.crop)
    alignment = Alignment.of(actor.prior, actor.banks, teacher.painter.photo, teacher.landmarks)
    stage = actor.stage_in(teacher.painter, actor.crop)
    box = _face(teacher.landmarks, actor.crop.size)
    frames, drawn, told, unseen = [], [], [], []
    for number, (clip, performance, pictures) in enumerate(clips_of(footage, chosen)):
        moved = actor.motion(performance)
        coordinates = actor.banks.coordinates(moved)
        still = coordinates.copy()
        still[:, POSE] = 0
        sure = clip.confidence() >= SURE
        for i, picture in enumerate(pictures):
            cancel.check()
            progress((number + i / len(clip)) / len(footage.clips), "Looking at the footage")
            if not sure[i]:
                continue
            frame = actor.crop.picture(picture)
            coordinates[i, POSE] = alignment.pose(frame, coordinates[i, POSE])
            frames.append(actor.prior.relief.held_still(frame, coordinates[i, POSE])[box.slices])
            drawn.append(stage.draw(*actor.moved(moved, still, i), False)[box.slices])
            told.append(coordinates[i])
            unseen.append(i >= (1 - UNSEEN) * len(clip))
    if len(frames) < LEAST_FRAMES:
        raise InputError(
            f"The motion of only {len(frames)} frames of {footage.folder} is sure; {LEAST_FRAMES} are needed. "
            "Add footage in which the face is seen well."
        )
    return Moments(box, np.stack(frames), np.stack(drawn), np.stack(told), np.array(unseen))


def learn(actor: TaughtActor, moments: Moments) -> Seen:
    """What frames show beyond the closed form."""
    points = actor.crop.places(actor.rig.landmarks.points[:, :2])
    beyond = moments.frames.astype(np.float32) - moments.drawn
    size = np.sqrt(np.square(beyond).mean((1, 2, 3)))
    use = ~moments.unseen & (size < _ODD * np.median(size))
    beyond = beyond[use] * _mask(points, moments.box)
    features = face_features(moments.coordinates[use])
    fold = np.arange(len(beyond)) * _FOLDS // len(beyond)
    region = learnt_region(beyond, moments.box, _STRIDE, features, np.arange(features.shape[1]), fold)
    low, high = np.percentile(features, _USUAL, axis=0)
    return Seen(region, np.minimum(low, 0).astype(np.float32), np.maximum(high, 0).astype(np.float32))


def figures(actor: TaughtActor, moments: Moments, seen: Seen) -> dict[str, float]:
    """PSNR in dB on frames kept apart, of the face and of the lips: as the rig taught them, and with the footage."""
    features = face_features(moments.coordinates)
    at = np.flatnonzero(moments.unseen)
    wanted, rig = (part[at].astype(np.float32) for part in (moments.frames, moments.drawn))
    ours = np.clip(rig + np.stack([seen.colours(features[i]) for i in at]), 0, 255)
    lips, box = actor.prior.lips.box, moments.box
    left, top = max(0, lips.left - box.left), max(0, lips.top - box.top)
    low, right = lips.top + lips.height - box.top, lips.left + lips.width - box.left
    where = {"face": np.s_[:, :, :], "lips": np.s_[:, top:low, left:right]}
    return {
        f"{name}_{who}_db": round(float(10 * np.log10(255**2 / np.square(drawn[part] - wanted[part]).mean())), 2)
        for name, part in where.items()
        for who, drawn in (("rig", rig), ("taught", ours))
    }


def _face(points: np.ndarray, size: tuple[int, int]) -> Box:
    """The part of the actor around the face."""
    face = points[:468, :2]
    room = _REACH * float(np.ptp(face[:, 0]))
    left, top = np.maximum(np.floor(face.min(0) - room), 0).astype(int)
    right, bottom = np.minimum(np.ceil(face.max(0) + room), size).astype(int)
    return Box(int(left), int(top), int(right - left), int(bottom - top))


def _mask(points: np.ndarray, box: Box) -> np.ndarray:
    """1 on the face, fading to 0 around it and at the border of its box : float32 (h, w, 1)."""
    import cv2

    face = points[:468, :2] - [box.left, box.top]
    middle = face.mean(0)
    outline = cv2.convexHull((middle + (1 + _REACH) * (face - middle)).round().astype(np.int32))
    mask = np.zeros((box.height, box.width), np.float32)
    cv2.fillConvexPoly(mask, outline, (1.0,))
    soft = cv2.GaussianBlur(mask, (0, 0), _REACH / 4 * float(np.ptp(face[:, 0])))
    return np.asarray(soft * window(box), np.float32)[..., None]


def save(folder: Path, portrait: Portrait, seen: Seen, told: dict[str, float]) -> Path:
    """Write what was learnt beside its portrait; returns the file."""
    from safetensors.numpy import save_file

    region = seen.region
    arrays: dict[str, np.ndarray] = {
        "box": np.array([region.box.left, region.box.top, region.box.width, region.box.height], np.int64),
        "basis": region.basis.astype(np.float16),
        "amounts": region.amounts.astype(np.float32),
        "low": seen.low,
        "high": seen.high,
    }
    path, partial = folder / FILE, folder / f".{FILE}"
    save_file(arrays, partial, metadata={_PORTRAIT: portrait.digest(), "figures": json.dumps(told)})
    partial.replace(path)
    return path


def file_of(portrait: Portrait) -> Path | None:
    """Where what footage taught of a portrait lies, if it does."""
    path = None if portrait.source is None else portrait.source.parent / FILE
    return path if path is not None and path.is_file() else None


def fingerprint(portrait: Portrait) -> str:
    """Changes when footage teaches a portrait something else; empty where none did."""
    path = file_of(portrait)
    if path is None:
        return ""
    stat = path.stat()
    return _content(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=8)
def _content(path: Path, changed_ns: int, size: int) -> str:
    """Hash of a file of some MB, which is asked for with every picture."""
    return hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()


def taught(actor: TaughtActor, portrait: Portrait, path: Path) -> TaughtActor:
    """The actor with what footage taught.

    Raises
    ------
    WeightsMissing
        If the file is damaged, or was learnt of another picture.
    """
    from safetensors import SafetensorError, safe_open

    again = "Teach the portrait again (soliloquy teach), or delete the file."
    try:
        with safe_open(path, "numpy") as file:
            own = (file.metadata() or {}).get(_PORTRAIT)
            box, basis, amounts, low, high = (
                file.get_tensor(name) for name in ("box", "basis", "amounts", "low", "high")
            )
            region = Region(Box(*map(int, box)), _STRIDE, basis.astype(np.float32), amounts)
    except (OSError, SafetensorError, TypeError, ValueError) as error:
        raise WeightsMissing(f"{path} is not what 'soliloquy teach' wrote ({error}). {again}") from error
    if own != portrait.digest():
        raise WeightsMissing(f"{path} was learnt of another picture than {portrait.source}. {again}")
    width, height = actor.crop.size
    fits = basis.shape[1:] == (region.box.height, region.box.width, 3) and amounts.shape[1:] == basis.shape[:1]
    if not fits or region.box.left + region.box.width > width or region.box.top + region.box.height > height:
        raise WeightsMissing(f"{path} was learnt at another size than this version's. {again}")
    return replace(actor, seen=Seen(region, low, high))
