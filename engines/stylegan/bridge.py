"""From a Performance to what a generator of others is asked for: learnt on frames that the rig draws of the same face.

The rig performs lessons in which only the mouth, only the rest of the face or only the head moves. How the generator's
picture changes along its channels is known, so least squares say what amounts of them would change the portrait as the
rig does, and steps of gradient descent on what the generator really draws make that better. As a small error proves
little, the generator then draws lessons it has not seen, and a part is only used if it passes (`engines.latent.bridge`
has the measures); for a part that fails, the rig's own picture is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.api import CancelToken, Performance
from engines.blendshape.actor import BlendshapeActor
from engines.blendshape.engine import BlendshapeEngine
from engines.latent.bridge import PARTS, Exam, Examined
from engines.stylegan import layout, numbers
from engines.stylegan.faces import drawn as drawn_by_rig
from engines.stylegan.faces import told
from engines.stylegan.placing import Follower
from engines.teaching.lessons import lessons

if TYPE_CHECKING:
    from torch import Tensor

    from engines.stylegan.net_reach import Reach

LESSONS: Final = {"mouth": 64, "pose": 40, "expression": 48}
EXAMS: Final = 8
CHANNELS: Final = len(numbers.CHANNELS)
_SEEDS: Final = {"mouth": 61, "pose": 62, "expression": 63}
_STRENGTH: Final = 1e-2
_CURVED: Final = 4
_TURN_DEG: Final = 10.0
_BATCH: Final = 4


@dataclass(frozen=True, eq=False)
class Bridge(Examined):
    """Maps from features of a motion to amounts of a generator's directions.

    Attributes
    ----------
    mouth, pose, expression : float32 (F, K), one for each part
    exams : how each part did; parts that failed have no effect
    """

    mouth: np.ndarray
    pose: np.ndarray
    expression: np.ndarray
    exams: tuple[Exam, ...]

    def amounts(self, values: np.ndarray) -> np.ndarray:
        """What numbers of a motion (T, 35) ask of the directions : float32 (T, K)."""
        total = np.zeros((len(values), self.pose.shape[1]), np.float32)
        for part in PARTS:
            if self.used(part):
                total += features(part, values) @ getattr(self, part)
        return total


def features(part: str, values: np.ndarray) -> np.ndarray:
    """What of the 35 numbers of a motion (T, 35) speaks for a part : float32 (T, F)."""
    if part == "pose":
        turned = values[:, :3] / _TURN_DEG  # the crop follows roll, but hair and shoulders do not follow the crop
        bent = [turned[:, :2] ** 2, turned[:, :1] * turned[:, 1:2]]
        return np.concatenate([turned, *bent], 1).astype(np.float32)
    if part == "expression":
        return np.asarray(values[:, numbers.OF_FACE][:, [*range(10), 11]], np.float32)
    mouth = values[:, numbers.OF_MOUTH]
    i, j = np.triu_indices(_CURVED)
    gate = values[:, numbers.OF_FACE][:, 10:11]
    return np.concatenate([mouth, gate, mouth[:, i] * mouth[:, j]], 1).astype(np.float32)


def free(part: str, count: int) -> np.ndarray:
    """Which of ``count`` directions a part may use, so that a mouth cannot turn the head : bool (count,)."""
    may = np.zeros(count, bool)
    span = {"mouth": (0, 20), "expression": (20, CHANNELS), "pose": (CHANNELS, count)}[part]
    may[slice(*span)] = True
    return may


def begun(part: str, count: int) -> np.ndarray:
    """The map for a generator whose directions are the numbers themselves (trained here) : float32 (F, count)."""
    from engines.stylegan.net_people import SCALE

    size = features(part, np.zeros((1, numbers.COUNT), np.float32)).shape[1]
    found = np.zeros((size, count), np.float32)
    if part == "pose":
        found[[0, 1, 2], [CHANNELS, CHANNELS + 1, CHANNELS + 2]] = _TURN_DEG / SCALE[:3]
    elif part == "mouth":
        found[np.arange(20), np.arange(20)] = 1
        found[20, 30] = 1
    else:
        found[np.arange(10), 20 + np.arange(10)] = 1
        found[10, 31] = 1
    return found


def regions(size: int) -> dict[str, np.ndarray]:
    """Where each part may act in the crop : bool (size, size)."""
    at = (np.arange(size) + 0.5) / size
    low = np.broadcast_to(at[:, None] > 0.56, (size, size))
    face = layout.face(size) > 0.05
    return {"mouth": low & face, "expression": face & np.broadcast_to(at[:, None] < 0.66, (size, size)), "pose": face}


def refinement(size: int, device: str) -> int:
    """Steps of gradient descent for each part that a device does in about a minute."""
    if device != "cpu":
        return 200
    return {32: 120, 64: 100, 128: 40, 256: 12}.get(size, 0)


def fit(
    rig: BlendshapeActor,
    painter: BlendshapeEngine,
    follower: Follower,
    reach: Reach,
    *,
    own: bool,
    steps: int,
    advance: Callable[[float], None] = lambda part: None,
    cancel: CancelToken | None = None,
) -> Bridge:
    """Fit and examine the bridge of one portrait and one generator.

    Parameters
    ----------
    reach : what the generator can do to the portrait
    own : its directions are the 35 numbers themselves
    steps : of gradient descent for each part
    advance : called with the part done
    """
    import torch

    from engines.stylegan.net_reach import looked, refine, solved

    cancel = cancel or CancelToken()
    size, device = reach.generator.config.size, reach.start.device
    count = len(reach.basis)
    slopes = None if own else reach.slopes(cancel.check)
    advance(0.3)
    rest = reach.rest()
    side = rest.shape[-1]
    weight = torch.from_numpy(layout.face(side) + 0.05).to(device)[None, None]
    where = regions(side)

    def seen(performance: Performance) -> Tensor:
        pictures = drawn_by_rig(rig, painter, performance, size, follower=follower, cancel=cancel)
        tensor = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).to(device)
        return looked(tensor.float() / 127.5 - 1)

    maps: dict[str, np.ndarray] = {}
    exams: list[Exam] = []
    for k, part in enumerate(PARTS):
        taught, asked = (
            lessons(n, _SEEDS[part] + s, head=part == "pose", mouth=part == "mouth", expression=part == "expression")
            for n, s in ((LESSONS[part], 0), (EXAMS, 10))
        )
        still = seen(taught.with_(weights=0 * taught.weights, head=0 * taught.head, gaze=0 * taught.gaze,
                                  tongue=0 * taught.tongue).slice(0, 1))  # fmt: skip
        changes = [seen(p) - still for p in (taught, asked)]
        told_of = [features(part, told(rig, p)) for p in (taught, asked)]
        phi = torch.from_numpy(told_of[0]).to(device)
        may = torch.from_numpy(free(part, count)).to(device)
        root = weight.sqrt().expand(1, 3, -1, -1).flatten()
        if slopes is None:
            start = torch.from_numpy(begun(part, count)).to(device)
            may = may | (start.abs().sum(0) > 0)
        else:
            start = torch.zeros((phi.shape[1], count), device=device)
            start[:, may] = solved(slopes[may] * root, changes[0].flatten(1) * root, phi, _STRENGTH)
        if steps:
            start = refine(reach, start, phi, changes[0], may, weight, steps=steps, advance=cancel.check)
        maps[part] = start.cpu().numpy().astype(np.float32)
        ours = _pictures(reach, told_of[1] @ maps[part]) - rest.cpu().numpy()
        exams.append(_examine(part, ours, changes[1].cpu().numpy(), where[part]))
        advance(0.3 + 0.7 * (k + 1) / len(PARTS))
        cancel.check()
    return Bridge(maps["mouth"], maps["pose"], maps["expression"], tuple(exams))


def _pictures(reach: Reach, amounts: np.ndarray) -> np.ndarray:
    """What the generator draws, as fits look at it : float32 (T, 3, s, s)."""
    import torch

    asked = torch.from_numpy(amounts).to(reach.start.device)
    with torch.no_grad():
        return torch.cat([reach.looked(reach.draw(a)) for a in asked.split(_BATCH)]).cpu().numpy()


def _examine(part: str, ours: np.ndarray, rig: np.ndarray, region: np.ndarray) -> Exam:
    """Compare changes of pictures (T, 3, s, s) in a region (s, s)."""
    inside = [float(np.abs(c)[..., region].mean()) for c in (ours, rig)]
    outside = [float(np.abs(c)[..., ~region].mean()) for c in (ours, rig)]
    a, b = (c[..., region].ravel().astype(np.float64) for c in (ours, rig))
    likeness = float(a @ b) / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-9)
    explained = 1 - float(np.square(a - b).sum() / max(float(np.square(b).sum()), 1e-9))
    leak, rig_leak = (float(o / max(i, 1e-6)) for o, i in zip(outside, inside, strict=True))
    return Exam(part, explained, inside[0] / max(inside[1], 1e-6), leak, rig_leak, likeness)
