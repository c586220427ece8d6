"""Clips become footage that engines learn from: surveyed, captured, cut into frames, sound and performances.

1. A quick look (`footage_survey`) finds stretches with one clear face.
2. The face is captured (`engines.capture.capture`), which also finds cuts and frames where it is lost.
3. What is good in one shot, and long enough, becomes a clip (`engines.capture.footage` says how it lies on disk).
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, pairwise
from pathlib import Path
from typing import Final

import numpy as np

from engines.api import PERFORMANCE_VERSION, CancelToken, Performance, Progress, no_progress
from engines.capture.capture import Capture, capture
from engines.capture.footage import MANIFEST, Dropped, Footage, FootageClip, Layout, load_footage, save_manifest
from engines.capture.footage_survey import survey
from engines.capture.video import Video, open_video
from engines.errors import InputError
from engines.speech.audio import ANALYSIS_RATE
from engines.stylegan.align import Crop, align, steady_crops
from engines.timebase import frame_to_sample

SUFFIXES: Final = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".wmv")
QUALITY: Final = 95
"""Of the JPEG frames."""
SURE: Final = 0.3
"""Confidence of the capture below which a frame is not learnt from."""
FIXED_MARGIN: Final = 0.6
"""How much larger than the face's reach a fixed square is, as in Du et al. 2023, "DAE-Talker"."""
_FULL_SIDE: Final = 2160


@dataclass(frozen=True)
class Wanted:
    """What footage is made.

    Attributes
    ----------
    size : side of the frames in pixels
    rate : frames a second
    layout : how frames are cut
    silent : keep footage without sound
    shortest_s : clips shorter than this are dropped
    """

    size: int = 256
    rate: Fraction = Fraction(25)
    layout: Layout = "ffhq"
    silent: bool = False
    shortest_s: float = 1.0


def find_sources(paths: Sequence[Path]) -> list[Path]:
    """Videos among files and in folders, in order, each once.

    Raises
    ------
    InputError
        If a path does not exist or there is no video at all.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"There is no footage {path}. Check the path.")
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
        found += [p.absolute() for p in inside]
    if not found:
        raise InputError(f"No video lies in {', '.join(map(str, paths))}. Give clips of one face, such as MP4 files.")
    return list(dict.fromkeys(found))


def make_footage(
    sources: Sequence[Path],
    folder: Path,
    wanted: Wanted | None = None,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Footage:
    """Turn clips into footage in ``folder``.

    A folder that holds footage of the same size, rate and layout already gets more; clips of a source with the same
    name are made anew.

    Raises
    ------
    InputError
        If the folder holds something else, or nothing in the sources is of use; the message says why.
    Cancelled
        When the user cancelled; finished sources stay.
    """
    wanted = wanted or Wanted()
    footage = _begun(folder.expanduser().absolute(), wanted)
    for number, source in enumerate(sources):
        done, share = number / len(sources), 1 / len(sources)

        def watch(part: float, what: str, done: float = done, share: float = share, name: str = source.name) -> None:
            progress(done + share * part, f"{name}: {what}")

        clips, dropped = _make_source(source, footage, wanted, watch, cancel)
        others = tuple(c for c in footage.clips if c.source != source.name)
        gone = tuple(d for d in footage.dropped if d.source != source.name)
        footage = Footage(footage.folder, wanted.size, wanted.rate, wanted.layout, (*others, *clips), (*gone, *dropped))
        save_manifest(footage)
    if not footage.clips:
        reasons = ", ".join(sorted({d.reason for d in footage.dropped}))
        raise InputError(
            f"Nothing in the footage is of use: {reasons}. {footage.folder / MANIFEST} says what and where."
        )
    return footage


def _begun(folder: Path, wanted: Wanted) -> Footage:
    if (folder / MANIFEST).is_file():
        there = load_footage(folder)
        if (there.size, there.rate, there.layout) != (wanted.size, wanted.rate, wanted.layout):
            raise InputError(
                f"{folder} holds footage of {there.size} px, {there.rate} frames a second, cut '{there.layout}'. "
                "Use the same, or another folder."
            )
        return there
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty and holds no footage. Choose a new folder.")
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    return Footage(folder, wanted.size, wanted.rate, wanted.layout, (), ())


def _make_source(
    source: Path, footage: Footage, wanted: Wanted, progress: Progress, cancel: CancelToken | None
) -> tuple[list[FootageClip], list[Dropped]]:
    for old in (c for c in footage.clips if c.source == source.name):
        shutil.rmtree(old.folder, ignore_errors=True)
    try:
        video = open_video(source)
    except InputError:
        return [], [Dropped(source.name, 0, 0, "unreadable")]
    whole = round(video.duration_s * float(wanted.rate))
    with tempfile.TemporaryDirectory() as scratch:
        sound = _sound(source, Path(scratch))
        if sound is None and not wanted.silent:
            return [], [Dropped(source.name, 0, whole, "no sound")]
        try:
            labels, captured = _look(video, wanted, progress, cancel)
        except InputError:
            return [], [Dropped(source.name, 0, 0, "unreadable")]
        shots = (0,) if captured is None else captured.shots
        spans, dropped = _spans(source.name, labels, shots, round(wanted.shortest_s * wanted.rate))
        clips = []
        for number, (start, stop) in enumerate(spans):
            assert captured is not None
            name = _name(source, number, {c.name for c in footage.clips if c.source != source.name})
            folder = footage.folder / "clips" / name
            shutil.rmtree(folder, ignore_errors=True)
            clips.append(
                FootageClip(folder, name, stop - start, wanted.rate, wanted.size, source.name, start, wanted.layout)
            )
        if captured is not None and clips:
            _cut(video, captured, clips, progress, cancel)
            for clip in clips:
                _write_voice(clip, sound, cancel)
    return clips, dropped


def _look(
    video: Video, wanted: Wanted, progress: Progress, cancel: CancelToken | None
) -> tuple[list[str], Capture | None]:
    """The reason against each frame, and the motion of the face; None where no stretch is worth it."""
    least = 0.5 * wanted.size * (0.72 if wanted.layout == "ffhq" else 1 / (1 + FIXED_MARGIN))
    seen = survey(video, wanted.rate, least, progress=lambda p, w: progress(0.2 * p, w), cancel=cancel)
    labels = seen.labels()
    if not any(len(list(run)) >= wanted.shortest_s * wanted.rate for label, run in groupby(labels) if not label):
        return labels, None
    try:
        found = capture(video.path, rate=wanted.rate, progress=lambda p, w: progress(0.2 + 0.6 * p, w), cancel=cancel)
    except InputError:
        return ["no face"] * len(labels), None
    count = min(seen.count, len(found.performance))
    labels = seen.labels(found.shots)[:count]
    for i in np.flatnonzero((found.confidence[:count] < SURE) | ~found.track.seen[:count]):
        labels[i] = labels[i] or "no face"
    return [label or other for label, other in zip(labels, others(found.persons[:count]), strict=True)], found


def others(persons: np.ndarray) -> list[str]:
    """The reason against frames of everybody but the person seen longest.

    Parameters
    ----------
    persons : int (T,), as in `engines.capture.capture.Capture`
    """
    seen = persons[persons >= 0]
    longest = int(np.bincount(seen).argmax()) if len(seen) else 0
    return ["another person" if person not in (longest, -1) else "" for person in persons.tolist()]


def _spans(
    source: str, labels: list[str], shots: tuple[int, ...], shortest: int
) -> tuple[list[tuple[int, int]], list[Dropped]]:
    """Stretches to keep, half open, and what is dropped."""
    spans: list[tuple[int, int]] = []
    dropped: list[Dropped] = []
    edges = [*(s for s in shots if s < len(labels)), len(labels)]
    for first, end in pairwise(edges):
        start = first
        for label, run in groupby(labels[first:end]):
            stop = start + len(list(run))
            if label:
                dropped.append(Dropped(source, start, stop, label))
            elif stop - start >= shortest:
                spans.append((start, stop))
            else:
                alone = (start, stop) == (first, end) and len(edges) > 2
                dropped.append(Dropped(source, start, stop, "cut" if alone else "too short"))
            start = stop
    return spans, dropped


def _name(source: Path, number: int, taken: set[str]) -> str:
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", source.stem).strip("-") or "clip"
    name = f"{stem}-{number:02d}"
    while name in taken:
        stem += "x"
        name = f"{stem}-{number:02d}"
    return name


def fixed_crop(points: np.ndarray, size: tuple[int, int]) -> Crop:
    """One upright square for a whole clip, `FIXED_MARGIN` larger than the reach of the face, inside the picture.

    Parameters
    ----------
    points : (T, 478, 2 or 3) landmarks in pixels
    size : width and height of the picture
    """
    low, high = points[:, :, :2].min((0, 1)).astype(float), points[:, :, :2].max((0, 1)).astype(float)
    side = min((1 + FIXED_MARGIN) * float((high - low).max()), *map(float, size))
    # Landmarks end at the forehead: the square sits a little higher, so that hair is in it.
    centre = (low + high) / 2 - [0.0, 0.04 * side]
    return Crop(np.clip(centre, side / 2, np.array(size) - side / 2), np.array([side / 2, 0.0]))


def _cut(
    video: Video, captured: Capture, clips: list[FootageClip], progress: Progress, cancel: CancelToken | None
) -> None:
    """Write frames, performance and landmarks of the clips."""
    from PIL import Image

    size = video.scaled_size(_FULL_SIDE)
    scale = size[0] / captured.track.size[0]
    crops: dict[int, tuple[FootageClip, Crop]] = {}
    for clip in clips:
        points = captured.track.points[clip.start : clip.start + clip.count, :, :2].astype(np.float64) * scale
        followed = clip.layout == "ffhq"
        cut = steady_crops(points, clip.rate) if followed else [fixed_crop(points, size)] * clip.count
        (clip.folder / "frames").mkdir(parents=True)
        _write_motion(clip, captured, points, cut, video.width / size[0])
        crops.update({clip.start + i: (clip, crop) for i, crop in enumerate(cut)})
    last = max(crops)
    for index, frame in enumerate(video.frames(clips[0].rate, _FULL_SIDE)):
        if cancel is not None:
            cancel.check()
        if index in crops:
            clip, crop = crops[index]
            picture = Image.fromarray(align(frame, crop, clip.size))
            picture.save(clip.frame_path(index - clip.start), quality=QUALITY, subsampling=0)
        progress(0.8 + 0.15 * index / (last + 1), "cutting frames")
        if index == last:
            break


def _write_motion(clip: FootageClip, captured: Capture, points: np.ndarray, cut: list[Crop], enlarge: float) -> None:
    stop = clip.start + clip.count
    _write_performance(captured.performance.slice(clip.start, stop), clip.folder / "performance.npz")
    inside = np.empty(points.shape, np.float32)
    for i, crop in enumerate(cut):
        matrix = crop.picture_from_crop(clip.size)
        inside[i] = np.linalg.solve(matrix[:, :2], (points[i] - matrix[:, 2]).T).T
    np.savez_compressed(
        clip.folder / "face.npz",
        landmarks=inside,
        confidence=captured.confidence[clip.start : stop],
        centre=np.array([c.centre for c in cut]) * enlarge,
        axis=np.array([c.axis for c in cut]) * enlarge,
    )


def _write_performance(performance: Performance, path: Path) -> None:
    """As the window opens it, too."""
    rate = performance.rate
    np.savez_compressed(
        path,
        version=np.int64(PERFORMANCE_VERSION),
        rate=np.array([rate.numerator, rate.denominator], np.int64),
        start=np.int64(0),
        weights=performance.weights,
        head=performance.head,
        gaze=performance.gaze,
        tongue=performance.tongue,
    )


def _sound(source: Path, scratch: Path) -> np.ndarray | None:
    """The sound of footage on the picture's clock : float32 (N,), mono `ANALYSIS_RATE`; None if there is none.

    A WAV or FLAC file of the same name beside it comes first.
    """
    from engines.judge.sound import extract_sound
    from engines.speech.audio import load_voice

    beside = [p for suffix in (".wav", ".flac") if (p := source.with_suffix(suffix)).is_file()]
    try:
        if not beside:
            extract_sound(source, scratch / "sound.wav")
        blocks = list(load_voice(beside[0] if beside else scratch / "sound.wav").blocks())
    except InputError:
        return None
    return np.concatenate(blocks) if blocks else None


def _write_voice(clip: FootageClip, sound: np.ndarray | None, cancel: CancelToken | None) -> None:
    """Write the sound of a clip, as long as its frames, and what is heard in it."""
    import soundfile

    from engines.speech.analysis import analyse
    from engines.speech.audio import load_voice

    if sound is None:
        return
    first, end = (frame_to_sample(f, clip.rate, ANALYSIS_RATE) for f in (clip.start, clip.start + clip.count))
    part = sound[first:end]
    part = np.pad(part, (0, end - first - len(part)))
    path = clip.folder / "voice.wav"
    soundfile.write(path, np.clip(part, -1, 1), ANALYSIS_RATE, "PCM_16")
    analyse(load_voice(path), cancel=cancel).save(clip.folder / "speech.npz")
