"""Presets: small TOML files that an artist can read, copy and share.

Those of Soliloquy lie in ``presets/KIND/ID.toml``, the user's own in the settings folder; a user's preset with the
same id takes the place of ours. The id is the file's name.
"""

from __future__ import annotations

import re
import shutil
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from app.core import folders
from app.core.folders import write_atomic
from app.core.project import CHANNELS_GAZE, CHANNELS_POSE
from engines import arkit
from engines.errors import InputError, ProjectError

FOLDER: Final = Path(__file__).resolve().parents[2] / "presets"
T = TypeVar("T")


@dataclass(frozen=True)
class Emotion:
    """How a face looks and behaves under one emotion at full intensity.

    Attributes
    ----------
    name, summary : for people
    valence, arousal : -1 to 1, place on the emotion pad (Russell 1980, "A circumplex model of affect")
    weights : ARKit unit -> weight; a name without side stands for both sides
    pitch_deg, yaw_deg, roll_deg : how the head is held
    gaze_yaw_deg, gaze_pitch_deg : where the eyes rest relative to the camera
    head_motion, gaze_motion, blink_rate : factors on the automatic motion
    jaw, lips : factors on the strength of speech movement
    """

    name: str
    summary: str = ""
    valence: float = 0.0
    arousal: float = 0.0
    weights: dict[str, float] = field(default_factory=dict)
    pitch_deg: float = 0.0
    yaw_deg: float = 0.0
    roll_deg: float = 0.0
    gaze_yaw_deg: float = 0.0
    gaze_pitch_deg: float = 0.0
    head_motion: float = 1.0
    gaze_motion: float = 1.0
    blink_rate: float = 1.0
    jaw: float = 1.0
    lips: float = 1.0

    def vector(self) -> np.ndarray:
        """The weights in ARKit order : float32 (52,)."""
        result = np.zeros(arkit.COUNT, np.float32)
        for name, value in self.weights.items():
            result[list(arkit.indices(name))] = value
        return result


@dataclass(frozen=True)
class Style:
    """A way of speaking, on two independent axes after Edwards et al. 2016, "JALI: an animator-centric viseme model".

    Attributes
    ----------
    jaw, lips : strength of jaw and lip movement, 1 as the voice asks for
    smoothing_s : how far movements run into each other (coarticulation); negative: they are set apart
    lag_s : how much later than usual the mouth moves; negative: earlier
    head_motion : factor on the head's motion
    brows : factor on the brow raises that go with stress
    blink_rate : factor on the number of blinks
    lean, brow_lean : how much more the left side of mouth and brows moves than the right, -1 to 1
    weights : ARKit units held while speaking so, as in `Emotion`
    """

    name: str
    summary: str = ""
    jaw: float = 1.0
    lips: float = 1.0
    smoothing_s: float = 0.0
    lag_s: float = 0.0
    head_motion: float = 1.0
    brows: float = 1.0
    blink_rate: float = 1.0
    lean: float = 0.0
    brow_lean: float = 0.0
    weights: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class HeadCharacter:
    """How somebody's head moves while talking.

    Attributes
    ----------
    pitch_deg, yaw_deg, roll_deg : standard deviation of the posture taken for each phrase
    nod_deg : depth of a nod on a fully stressed syllable
    nod_share : share of stressed syllables that get one
    shake_deg, tilt_deg : sideways turn and tilt that go with a nod, standard deviation
    lean_cm : how far the head comes forward on stress
    sway_deg : slow unrest that never stops
    tempo : 1 normal; higher is quicker
    brow : raise of the brows on stress, ARKit weight
    """

    name: str
    summary: str = ""
    pitch_deg: float = 2.2
    yaw_deg: float = 3.0
    roll_deg: float = 1.9
    nod_deg: float = 4.2
    nod_share: float = 0.8
    shake_deg: float = 2.2
    tilt_deg: float = 1.0
    lean_cm: float = 0.25
    sway_deg: float = 0.9
    tempo: float = 1.0
    brow: float = 0.22


@dataclass(frozen=True)
class Pose:
    """Head, eyes and single units held in one moment.

    Attributes
    ----------
    values : curve channel (`app.core.project.Curve`) -> value in the channel's unit, over the automatic motion
    """

    name: str
    summary: str = ""
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ExportPreset:
    """Settings of an export.

    Attributes
    ----------
    suffix : ending of the file that is written
    size : (width, height) in pixels; a 0 follows from the other by the shape of the portrait, (0, 0): the project's
    rate : frame rate; empty: the project's
    alpha : draw the head alone
    options : further fields of `app.export.ExportOptions`
    """

    name: str
    suffix: str
    summary: str = ""
    size: tuple[int, int] = (0, 0)
    rate: str = ""
    alpha: bool = False
    options: dict[str, Any] = field(default_factory=dict)


KINDS: Final[dict[str, type]] = {
    "emotions": Emotion,
    "styles": Style,
    "heads": HeadCharacter,
    "poses": Pose,
    "export": ExportPreset,
}


def parse(kind: str, data: dict[str, Any], source: str) -> Any:
    """A preset from TOML data.

    Raises
    ------
    InputError
        For an unknown field, a wrong type or an unknown ARKit unit; ``source`` and the field are in the message.
    """
    cls = KINDS[kind]
    known = {f.name: f for f in fields(cls)}
    for name in data:
        if name not in known:
            raise InputError(f"The preset {source} has the unknown field '{name}'. Known: {', '.join(known)}.")
    for name, item in known.items():
        if name not in data:
            if item.default is MISSING and item.default_factory is MISSING:
                raise InputError(f"The preset {source} lacks '{name}'.")
            continue
        value, kind_name = data[name], str(item.type)
        if kind_name == "float":
            good = isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)
        elif kind_name.startswith("tuple"):
            good = isinstance(value, list) and len(value) == 2 and all(isinstance(v, int) for v in value)
            value = tuple(value) if good else value
        else:
            good = isinstance(value, {"str": str, "bool": bool}.get(kind_name, dict))
        if not good:
            raise InputError(f"The preset {source}: '{name}' cannot be {value!r} (expected: {kind_name}).")
        data = {**data, name: value}
    for name, value in data.get("weights", {}).items():
        try:
            arkit.indices(name)
        except KeyError:
            raise InputError(f"The preset {source} names '{name}', which is no ARKit unit.") from None
        if not isinstance(value, int | float) or not -1 <= value <= 1:
            raise InputError(f"The preset {source}: the weight of {name} must lie between -1 and 1, not {value!r}.")
    if cls is Pose:
        _check_values(data.get("values", {}), source)
    return cls(**data)


def _check_values(values: dict[str, Any], source: str) -> None:
    poses = {*(f"pose.{n}" for n in CHANNELS_POSE), *(f"gaze.{n}" for n in CHANNELS_GAZE), "blink", *arkit.NAMES}
    if not values:
        raise InputError(f"The preset {source} lacks 'values': channels and what they hold.")
    for name, value in values.items():
        if name not in poses and not re.fullmatch(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", name):
            raise InputError(f"The preset {source} names '{name}', which is no channel of a curve.")
        if not isinstance(value, int | float) or isinstance(value, bool) or not np.isfinite(value):
            raise InputError(f"The preset {source}: the value of {name} must be a number, not {value!r}.")


def read(kind: str, path: Path) -> Any:
    """The preset in a file.

    Raises
    ------
    InputError
        If it cannot be read or used.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"The preset {path} cannot be read: {error}. Correct or remove it.") from error
    return parse(kind, data, path.name)


def user_folder(kind: str) -> Path:
    """Where the user's own presets of a kind lie."""
    folder = folders.config() / "presets" / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def paths(kind: str) -> dict[str, Path]:
    """Preset files by id: ours, then the user's, which replace ours."""
    if kind not in KINDS:
        raise InputError(f"There are no presets of the kind '{kind}'. Choose one of: {', '.join(KINDS)}.")
    found = {path.stem: path for path in sorted((FOLDER / kind).glob("*.toml"))}
    found.update({path.stem: path for path in sorted(user_folder(kind).glob("*.toml"))})
    return found


_read: dict[tuple[Path, int], Any] = {}


def load(kind: str, preset_id: str) -> Any:
    """One preset by id; files are read again when they change.

    Raises
    ------
    InputError
        If there is none; the message lists those there are.
    """
    path = user_folder(kind) / f"{preset_id}.toml"
    if not path.is_file():
        path = FOLDER / kind / f"{preset_id}.toml"
    if not path.is_file() or Path(preset_id).name != preset_id:  # an id is a name, not a way to other folders
        names = ", ".join(sorted(paths(kind)))
        raise InputError(f"There is no preset '{preset_id}' among the {kind}. Choose one of: {names}.")
    stamp = (path, path.stat().st_mtime_ns)
    if stamp not in _read:
        _read[stamp] = read(kind, path)
    return _read[stamp]


def load_all(kind: str) -> dict[str, Any]:
    """All presets of a kind that can be read, by id (a damaged file of the user hides only itself)."""
    found = {}
    for preset_id, path in paths(kind).items():
        try:
            found[preset_id] = load(kind, preset_id)
        except InputError:
            if path.is_relative_to(FOLDER):
                raise
    return found


def emotion(preset_id: str) -> Emotion:
    return load("emotions", preset_id)


def style(preset_id: str) -> Style:
    return load("styles", preset_id)


def head(preset_id: str) -> HeadCharacter:
    return load("heads", preset_id)


def pose(preset_id: str) -> Pose:
    return load("poses", preset_id)


def export_preset(preset_id: str) -> ExportPreset:
    return load("export", preset_id)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(round(value, 6) if isinstance(value, float) else value)


def _key(name: str) -> str:
    """A name as a TOML key; a dot would open a table."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def dumps(preset: Any) -> str:
    """A preset as TOML."""
    lines, tables = [], []
    for item in fields(preset):
        value = getattr(preset, item.name)
        if isinstance(value, dict):
            if value:
                tables += ["", f"[{item.name}]", *(f"{_key(k)} = {_toml(v)}" for k, v in value.items())]
        elif item.default is MISSING or value != item.default:
            lines.append(f"{item.name} = {_toml(value)}")
    return "\n".join([*lines, *tables]) + "\n"


def to_id(name: str) -> str:
    """The id, which is also the file's name, that a name gives."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def save(preset: Any, preset_id: str = "") -> str:
    """Keep one of the user's own presets; returns its id (default: made from its name).

    Raises
    ------
    InputError
        If the name gives no id.
    ProjectError
        If it cannot be written.
    """
    kind = next(k for k, cls in KINDS.items() if isinstance(preset, cls))
    preset_id = to_id(preset_id or preset.name)
    if not preset_id:
        raise InputError("A preset needs a name with at least one letter or digit.")
    write_atomic(user_folder(kind) / f"{preset_id}.toml", dumps(preset))
    return preset_id


def delete(kind: str, preset_id: str) -> None:
    """Remove one of the user's own presets; ours cannot be removed."""
    path = user_folder(kind) / f"{preset_id}.toml"
    if not path.exists():
        raise InputError(f"'{preset_id}' is not one of your own presets and cannot be removed.")
    path.unlink()


def share(kind: str, preset_id: str, folder: Path) -> Path:
    """Copy a preset file into ``folder``."""
    load(kind, preset_id)
    try:
        return Path(shutil.copy2(paths(kind)[preset_id], folder))
    except OSError as error:
        raise ProjectError(f"The preset could not be copied to {folder}: {error.strerror or error}.") from error


def install(kind: str, path: Path) -> str:
    """Take over a preset that somebody shared; returns its id."""
    return save(read(kind, path), path.stem)
