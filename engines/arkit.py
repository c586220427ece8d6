"""The 52 ARKit face blend shapes: their one order, their sides and their regions.

The order is that of Apple's ``ARFaceAnchor.BlendShapeLocation`` as Live Link Face streams it over UDP
(left before right). File formats with another order are read and written by name.
"""

from __future__ import annotations

from typing import Final

NAMES: Final[tuple[str, ...]] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel",
    "mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft",
    "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft",
    "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
COUNT: Final = 52
INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(NAMES)}


def _mirror(name: str) -> str:
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    if name.endswith("Right"):
        return name.removesuffix("Right") + "Left"
    return name


MIRROR: Final[tuple[int, ...]] = tuple(INDEX[_mirror(name)] for name in NAMES)
"""``weights[:, MIRROR]`` is the performance seen in a mirror."""


def _region(name: str) -> str:
    if name == "tongueOut":
        return "tongue"
    if name.startswith("jaw"):
        return "jaw"
    if name.startswith("mouth"):
        return "lips"
    if name.startswith("brow"):
        return "brows"
    if name.startswith("eye"):
        return "eyes"
    return "cheeks"


REGION: Final[dict[str, str]] = {name: _region(name) for name in NAMES}
"""Region of each unit: ``lips``, ``jaw``, ``tongue``, ``brows``, ``eyes`` or ``cheeks``."""

REGIONS: Final[tuple[str, ...]] = ("lips", "jaw", "tongue", "brows", "eyes", "cheeks")


def indices(*names: str) -> tuple[int, ...]:
    """Channel indices of ``names``; a name without side stands for both sides.

    Raises
    ------
    KeyError
        For a name that is not an ARKit unit.
    """
    found: list[int] = []
    for name in names:
        if name in INDEX:
            found.append(INDEX[name])
        else:
            found += [INDEX[name + "Left"], INDEX[name + "Right"]]
    return tuple(found)
