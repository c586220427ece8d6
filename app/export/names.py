"""What other programs call the 52 ARKit units."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from app.export.files import read_text
from engines import arkit
from engines.errors import InputError

NameMap = Mapping[str, tuple[str, ...]]
"""ARKit unit -> its names elsewhere. Several names share one unit (upper and lower lip, left and right half)."""


def _pascal(name: str) -> str:
    return name[0].upper() + name[1:]


def _sided(pattern: str, *parts: str) -> tuple[str, ...]:
    return tuple(f"CTRL_expressions_{pattern}{part}" for part in parts)


_METAHUMAN: Final[dict[str, tuple[str, ...]]] = {
    "mouthClose": _sided("mouthLipsTogether", "UL", "UR", "DL", "DR"),
    "mouthFunnel": _sided("mouthFunnel", "UL", "UR", "DL", "DR"),
    "mouthPucker": _sided("mouthLipsPurse", "UL", "UR", "DL", "DR"),
    "mouthRollLower": _sided("mouthLowerLipRollIn", "L", "R"),
    "mouthRollUpper": _sided("mouthUpperLipRollIn", "L", "R"),
    "mouthShrugLower": _sided("jawChinRaise", "DL", "DR"),
    "mouthShrugUpper": _sided("jawChinRaise", "UL", "UR"),
    "mouthPressLeft": _sided("mouthPress", "UL", "DL"),
    "mouthPressRight": _sided("mouthPress", "UR", "DR"),
    "browInnerUp": _sided("browRaiseIn", "L", "R"),
    "cheekPuff": _sided("mouthCheekBlow", "L", "R"),
    "jawForward": _sided("jawFwd", ""),
    "eyeLookInLeft": _sided("eyeLookRight", "L"),
    "eyeLookOutLeft": _sided("eyeLookLeft", "L"),
    "eyeLookInRight": _sided("eyeLookLeft", "R"),
    "eyeLookOutRight": _sided("eyeLookRight", "R"),
    **{name: _sided(name, "") for name in ("jawOpen", "jawLeft", "jawRight", "mouthLeft", "mouthRight", "tongueOut")},
}
"""MetaHuman controls whose meaning differs from a plain change of the side's name; each belongs to one unit only."""

_METAHUMAN_STEMS: Final = {
    "eyeBlink": "eyeBlink",
    "eyeLookDown": "eyeLookDown",
    "eyeLookUp": "eyeLookUp",
    "eyeSquint": "eyeSquintInner",
    "eyeWide": "eyeWiden",
    "mouthSmile": "mouthCornerPull",
    "mouthFrown": "mouthCornerDepress",
    "mouthDimple": "mouthDimple",
    "mouthStretch": "mouthStretch",
    "mouthLowerDown": "mouthLowerLipDepress",
    "mouthUpperUp": "mouthUpperLipRaise",
    "browDown": "browDown",
    "browOuterUp": "browRaiseOuter",
    "cheekSquint": "eyeCheekRaise",
    "noseSneer": "noseWrinkle",
}


def _metahuman(name: str) -> tuple[str, ...]:
    if name in _METAHUMAN:
        return _METAHUMAN[name]
    side = "Left" if name.endswith("Left") else "Right"
    return _sided(_METAHUMAN_STEMS[name.removesuffix(side)], side[0])


MAPS: Final[dict[str, NameMap]] = {
    "arkit": {name: (name,) for name in arkit.NAMES},
    "livelink": {name: (_pascal(name),) for name in arkit.NAMES},
    "vrm": {name: (_pascal(name),) for name in arkit.NAMES},  # the "Perfect Sync" expressions of VRM avatars
    "metahuman": {name: _metahuman(name) for name in arkit.NAMES},
}


def name_map(choice: str) -> NameMap:
    """A built-in map by its name, the one in a JSON file ``{"jawOpen": "Mouth_Open", ...}``, or that text itself.

    A unit that is left out keeps its ARKit name.

    Raises
    ------
    InputError
        As `parse_map` and `read_map`.
    """
    if choice in MAPS:
        return MAPS[choice]
    own = parse_map(choice, "The name map") if choice.startswith("{") else read_map(Path(choice))
    return {name: own.get(name, (name,)) for name in arkit.NAMES}


def read_map(path: Path) -> NameMap:
    """What a JSON file calls some ARKit units.

    Raises
    ------
    InputError
        As `parse_map`, and if the file cannot be read.
    """
    if path.suffix.lower() != ".json":
        raise InputError(f"There is no name map '{path}'. Choose one of: {', '.join(MAPS)}, or a JSON file.")
    return parse_map(read_text(path, 1 << 20), str(path))


def parse_map(text: str, source: str) -> NameMap:
    """What a JSON text calls some ARKit units; a list of names shares the unit among them.

    Parameters
    ----------
    source : what the text is, for messages

    Raises
    ------
    InputError
        If it is damaged, names something that is no ARKit unit, or gives one name to two units.
    """
    try:
        given = json.loads(text)
        own = {key: tuple([value] if isinstance(value, str) else value) for key, value in given.items()}
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise InputError(f"{source} is no name map: {error}. It maps ARKit names to names.") from error
    unknown = sorted(set(own) - set(arkit.NAMES))
    if unknown:
        raise InputError(f"{source} maps '{unknown[0]}', which is no ARKit unit. Units: {', '.join(arkit.NAMES)}.")
    if not all(names and all(isinstance(name, str) and name for name in names) for names in own.values()):
        raise InputError(f"{source}: each unit needs at least one name, and names are text.")
    used = [name for unit in arkit.NAMES for name in own.get(unit, (unit,))]
    twice = {name for name in used if used.count(name) > 1}
    if twice:
        raise InputError(f"{source} gives the name '{min(twice)}' to two units; names must differ.")
    return own


def _plain(name: str) -> str:
    """A name without what programs add to it: namespaces, mesh names, separators, case."""
    for separator in (":", "|", "."):
        name = name.rsplit(separator, 1)[-1]
    plain = "".join(c for c in name.lower() if c.isalnum())
    return plain.removeprefix("blendshape1")


def _short(plain: str) -> str:
    """The name with its side as one letter: ``eyeblinkleft`` and ``eyeblinkl`` agree."""
    for side, letter in (("left", "l"), ("right", "r")):
        if plain.endswith(side):
            return plain.removesuffix(side) + letter
    return plain


def recognise(names: Iterable[str], choice: str = "") -> dict[str, str]:
    """Which ARKit unit each foreign name stands for, whatever their order, case and prefixes.

    Parameters
    ----------
    choice : a name map to prefer (`name_map`); empty: all built-in ones are tried

    Returns
    -------
    foreign name -> ARKit unit; names that stand for none are left out
    """
    maps = [name_map(choice)] if choice else []
    maps += [m for key, m in MAPS.items() if key != choice]
    table: dict[str, str] = {}
    for known in maps:
        for unit, others in known.items():
            for other in others:
                plain = _plain(other)
                table.setdefault(plain, unit)
                table.setdefault(_short(plain), unit)
    for unit in arkit.NAMES:  # jawLeft and the like must not be shortened into something else
        table[_plain(unit)] = unit
    found: dict[str, str] = {}
    for name in names:
        plain = _plain(name)
        exact = next((unit for known in maps for unit, others in known.items() if name in others), None)
        stands_for = exact or table.get(plain) or table.get(_short(plain))
        if stands_for is not None:
            found[name] = stands_for
    return found
