"""The user's own presets: made from what stands on the timeline, renamed, copied, shared, taken over from others."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Final

import numpy as np

from app.core import commands, presets
from app.core.controls import sample_keys
from app.core.presets import Emotion, Pose, Style
from app.core.project import EmotionClip, Key, Project, StyleClip
from engines import arkit
from engines.errors import InputError, ProjectError

_FACTORS = ("head_motion", "gaze_motion", "blink_rate", "jaw", "lips")
_SUMS = ("valence", "arousal", "pitch_deg", "yaw_deg", "roll_deg", "gaze_yaw_deg", "gaze_pitch_deg")
_LEAST = 0.01
_MARK: Final = "# Soliloquy preset: "
"""Begins the first line of a shared file, which says the kind: some styles could be emotions by their fields."""


def is_own(kind: str, preset_id: str) -> bool:
    """Whether a preset lies in the user's folder and can be changed."""
    return (presets.user_folder(kind) / f"{preset_id}.toml").is_file()


def free_name(kind: str, name: str) -> str:
    """``name``, with a number if a preset of the kind has it."""
    taken = {preset.name for preset in presets.load_all(kind).values()} | set(presets.paths(kind))
    names = [name, *(f"{name} {n}" for n in range(2, len(taken) + 3))]
    return next(n for n in names if n not in taken and presets.to_id(n) not in taken)


def rename(kind: str, preset_id: str, name: str) -> None:
    """Give one of the user's own presets another name. Its id stays, so projects that use it keep working.

    Raises
    ------
    InputError
        If it is not the user's, or the name is empty.
    """
    if not is_own(kind, preset_id):
        raise InputError(f"'{preset_id}' comes with Soliloquy and keeps its name. Duplicate it and rename the copy.")
    if not name.strip():
        raise InputError("A preset needs a name with at least one letter or digit.")
    presets.save(replace(presets.load(kind, preset_id), name=name.strip()), preset_id)


def duplicate(kind: str, preset_id: str) -> str:
    """A copy among the user's own presets; returns its id."""
    preset = presets.load(kind, preset_id)
    return presets.save(replace(preset, name=free_name(kind, f"{preset.name} copy")))


def export(kind: str, preset_id: str, path: Path) -> None:
    """Write a preset to ``path``, for somebody else.

    Raises
    ------
    InputError, ProjectError
        If there is no such preset, or the file cannot be written.
    """
    text = f"{_MARK}{kind}\n{presets.dumps(presets.load(kind, preset_id))}"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ProjectError(f"The preset could not be written to {path}: {error.strerror or error}.") from error


def install(path: Path) -> tuple[str, str]:
    """Take over a preset file of any kind; returns its kind and id. A preset that is there is not replaced.

    Raises
    ------
    InputError
        If it is no preset; the message says what the most likely kind lacks.
    """
    problems: list[tuple[int, str]] = []
    for kind in _likely_kinds(path):
        try:
            preset = presets.read(kind, path)
        except InputError as error:
            problems.append((len(str(error)), str(error)))
            continue
        wanted = path.stem
        if wanted in presets.paths(kind):
            if presets.load(kind, wanted) == preset:
                return kind, wanted
            preset = replace(preset, name=free_name(kind, preset.name))
            wanted = preset.name
        return kind, presets.save(preset, wanted)
    raise InputError(f"{path.name} is no preset that Soliloquy knows. {min(problems)[1]}")


def _likely_kinds(path: Path) -> list[str]:
    """The kinds that a file may be, the likeliest first: by its mark, its folder, or what only emotions have."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    told = text.partition("\n")[0].removeprefix(_MARK).strip()
    if told not in presets.KINDS:
        told = path.parent.name
    if told not in presets.KINDS:
        told = "emotions" if "valence" in text or "arousal" in text else "styles"
    return sorted(presets.KINDS, key=lambda kind: kind != told)


def uses(project: Project, kind: str, preset_id: str) -> int:
    """How often a project refers to a preset."""
    if kind == "emotions":
        return sum(clip.emotion == preset_id for clip in project.emotions)
    if kind == "styles":
        return sum(clip.style == preset_id for clip in project.styles)
    return int(kind == "heads" and project.auto.character == preset_id)


def delete(project: Project, kind: str, preset_id: str) -> None:
    """Remove one of the user's own presets, unless the open project needs it.

    Raises
    ------
    InputError
        If it is not the user's, or in use.
    """
    count = uses(project, kind, preset_id)
    ours = (presets.FOLDER / kind / f"{preset_id}.toml").is_file()  # which takes its place again
    if count and not ours:
        raise InputError(f"'{preset_id}' is used {count} times in this project. Choose something else there first.")
    presets.delete(kind, preset_id)


def collect(project: Project, folder: Path) -> None:
    """Put the user's own presets that a project uses beside it, so that it looks the same on another machine."""
    for kind, preset_id in sorted(_used(project)):
        if is_own(kind, preset_id):
            target = folder / "presets" / kind
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(presets.user_folder(kind) / f"{preset_id}.toml", target)


def arrive(project: Project, folder: Path) -> list[str]:
    """Take over presets that lie beside a project (`collect`) and are not here yet; returns their ids.

    One that cannot be read is left; what needs it says so.
    """
    found: list[str] = []
    for kind, preset_id in sorted(_used(project)):
        path = folder / "presets" / kind / f"{preset_id}.toml"
        if preset_id not in presets.paths(kind) and path.is_file():
            with contextlib.suppress(InputError):
                found.append(presets.save(presets.read(kind, path), preset_id))
    return found


def _used(project: Project) -> set[tuple[str, str]]:
    used = {("emotions", clip.emotion) for clip in project.emotions}
    used |= {("styles", clip.style) for clip in project.styles} | {("heads", project.auto.character)}
    return {(kind, preset_id) for kind, preset_id in used if Path(preset_id).name == preset_id}


# --- made from the timeline ---


def emotion_of_clips(name: str, clips: Sequence[EmotionClip]) -> Emotion:
    """The blend of emotion clips, each at its intensity, as one emotion."""
    parts = [(presets.emotion(clip.emotion), clip.intensity) for clip in clips]
    total = max(1.0, sum(intensity for _, intensity in parts))
    parts = [(preset, intensity / total) for preset, intensity in parts]
    vector = np.sum([preset.vector() * intensity for preset, intensity in parts], 0)
    sums = {n: round(sum(getattr(p, n) * i for p, i in parts), 4) for n in _SUMS}
    factors = {n: round(1 + sum((getattr(p, n) - 1) * i for p, i in parts), 4) for n in _FACTORS}
    summary = "Blend of " + ", ".join(f"{p.name} {i:.0%}" for p, i in parts)
    return Emotion(name, summary, weights=_weights(vector), **sums, **factors)


def emotion_of_face(name: str, weights: np.ndarray) -> Emotion:
    """What a face shows beside its speech : weights (52,)."""
    spoken = {*arkit.indices("mouthClose", "mouthFunnel", "mouthPucker", "eyeBlink")}
    spoken |= {i for i, n in enumerate(arkit.NAMES) if n.startswith(("jaw", "eyeLook", "tongue"))}
    kept = np.where([i in spoken for i in range(arkit.COUNT)], 0.0, weights)
    return Emotion(name, "Saved from the timeline", weights=_weights(np.where(np.abs(kept) > 0.03, kept, 0)))


def _weights(vector: np.ndarray) -> dict[str, float]:
    return {arkit.NAMES[i]: round(float(vector[i]), 3) for i in np.flatnonzero(np.abs(vector) >= _LEAST)}


def style_of_clip(name: str, clip: StyleClip, project: Project) -> Style:
    """A style clip at its amount, with the strengths that the project gives to jaw and lips."""
    base, plain = presets.style(clip.style), Style("")
    values = {
        item.name: getattr(plain, item.name) + (getattr(base, item.name) - getattr(plain, item.name)) * clip.amount
        for item in fields(Style)
        if isinstance(getattr(plain, item.name), float)
    }
    for region in ("jaw", "lips"):
        values[region] *= project.region(region).strength
    weights = {unit: round(value * clip.amount, 3) for unit, value in base.weights.items()}
    return Style(name, f"After {base.name}", weights=weights, **{n: round(value, 4) for n, value in values.items()})


def pose_of_curves(name: str, project: Project, frame: int, channels: Iterable[str] = ()) -> Pose:
    """What the curves say at a frame, of ``channels`` or of all.

    Raises
    ------
    InputError
        If they say nothing.
    """
    wanted = set(channels)
    values = {
        curve.channel: round(float(sample_keys(curve.keys, frame + 1)[frame]), 4)
        for curve in project.curves
        if curve.keys and (not wanted or curve.channel in wanted)
    }
    values = {channel: value for channel, value in values.items() if wanted or abs(value) > 1e-3}
    if not values:
        raise InputError("No curve says anything at the playhead. Pose the face first: drag it, or press P.")
    return Pose(name, values=values)


def use_pose(project: Project, preset_id: str, frame: int) -> Project:
    """The project with the pose keyed at ``frame``."""
    for channel, value in presets.pose(preset_id).values.items():
        project = commands.set_keys(project, channel, [Key(frame, float(value))])
    return project
