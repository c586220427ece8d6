"""Teaching the small generator of the mouth: its lessons, the base that it begins with, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines.api import CancelToken, Progress, no_progress
from engines.errors import WeightsMissing
from engines.stylegan import numbers
from engines.teaching.closed import ClosedForm
from engines.teaching.lessons import lessons
from engines.teaching.teacher import Teacher

if TYPE_CHECKING:
    from engines.stylegan.net_touch import Mouths
    from engines.stylegan.net_touch import Touch as Network

SHIPPED: Final = Path(__file__).resolve().parents[2] / "assets" / "stylegan" / "mouth.safetensors"
SIDE: Final = 64
_LESSONS, _UNSEEN = 176, 40
_STEPS: Final = 140
_LEAST_GAIN_DB: Final = 0.1


@dataclass(frozen=True)
class Square:
    """A square of the actor's pixels: left, top and side."""

    left: float
    top: float
    side: float

    @staticmethod
    def around(closed: ClosedForm) -> Square:
        """The square around the lips, with room for them to open."""
        points = closed.crop.places(closed.rig.landmarks.points[:, :2])
        corners, nose, chin = points[[61, 291]], points[2], points[152]
        side = 2.0 * float(np.hypot(*(corners[1] - corners[0])))
        x, y = corners.mean(0)[0], 0.5 * (0.7 * nose[1] + 0.3 * corners.mean(0)[1]) + 0.5 * chin[1]
        return Square(float(x) - side / 2, float(y) - side / 2, side)

    def cut(self, picture: np.ndarray, size: int = SIDE) -> np.ndarray:
        """The square of a picture (H, W, C) : (size, size, C)."""
        import cv2

        step = self.side / size
        matrix = np.array([[step, 0, self.left + step / 2 - 0.5], [0, step, self.top + step / 2 - 0.5]])
        if step > 1.0:  # average what falls together
            picture = cv2.GaussianBlur(picture, (0, 0), 0.5 * float(np.sqrt(step**2 - 1)) + 1e-3)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(picture, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE))

    def laid(self, change: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """A change (S, S, C), 0 at its border, where it belongs in a picture of ``shape`` : float32 (H, W, C)."""
        import cv2

        step = self.side / len(change)
        matrix = np.array([[1 / step, 0, (0.5 - self.left) / step - 0.5], [0, 1 / step, (0.5 - self.top) / step - 0.5]])
        flags = (cv2.INTER_CUBIC if step < 1.5 else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(change, matrix, shape[::-1], flags=flags))


@dataclass(frozen=True, eq=False)
class Touch:
    """A taught generator of the mouth.

    Attributes
    ----------
    weights : by name, float16
    square : where its pictures lie in the actor's pixels
    gain : share of its change that helped on unseen lessons
    before_db, after_db : PSNR of the square on unseen lessons without and with it
    """

    weights: dict[str, np.ndarray]
    square: Square
    gain: float
    before_db: float
    after_db: float


def mouths_of(
    closed: ClosedForm, count: int, seed: int, person: int = 0, *, cancel: CancelToken | None = None
) -> Mouths:
    """Lessons with a still head: what the rig draws around the mouth, what the closed form does, and the numbers."""
    from engines.stylegan.net_touch import Mouths

    square = Square.around(closed)
    teacher = Teacher(closed.rig, 0, closed.crop)
    stage = closed.stage_in(teacher.painter, closed.crop)
    real, ours = [], []
    asked = lessons(count, seed, head=False)
    for at in range(0, count, 16):
        if cancel is not None:
            cancel.check()
        part = asked.slice(at, min(count, at + 16))
        real += [square.cut(f) for f in teacher.frames(part)]
        ours += [square.cut(f) for f in closed.frames(stage, part)]
    moved = closed.motion(asked)
    told = numbers.of_motion(moved, closed.banks.coordinates(moved))
    return Mouths(np.stack(real), np.stack(ours), told, np.full(count, person))


def teach_touch(
    closed: ClosedForm, *, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> Touch | None:
    """Teach the shipped generator a portrait; about half a minute of one core. None where that helps nothing."""
    import torch

    from engines.stylegan.net_touch import drawn, learn

    cancel = cancel or CancelToken()
    progress(0.0, "Drawing mouths")
    mouths = mouths_of(closed, _LESSONS + _UNSEEN, seed=71, cancel=cancel)
    taught, unseen = mouths.part(slice(_UNSEEN, None)), mouths.part(slice(_UNSEEN))
    progress(0.25, "Teaching the mouth")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = begun()

        def advance(step: int, loss: float) -> None:
            cancel.check()
            progress(0.25 + 0.75 * (step + 1) / _STEPS, "Teaching the mouth")

        learn(model, taught, _STEPS, advance=advance)
    full = drawn(model, unseen)
    references, pictures = (p.astype(np.float32) for p in (unseen.references, unseen.pictures))
    change, wanted = full - references, pictures - references
    gain = float(np.clip((change * wanted).sum() / max(float(np.square(change).sum()), 1e-6), 0, 1))
    before, after = _decibel(references, pictures), _decibel(references + gain * change, pictures)
    if after < before + _LEAST_GAIN_DB:
        return None
    weights = {n: np.ascontiguousarray(v.detach().half().numpy()) for n, v in model.state_dict().items()}
    return Touch(weights, Square.around(closed), round(gain, 3), round(before, 2), round(after, 2))


def begun() -> Network:
    """A generator for one person: the shipped one with the mean of the people it knows, or a new one.

    Raises
    ------
    WeightsMissing
        If the shipped file is damaged.
    """
    import torch

    from engines.stylegan.net_touch import Touch as Network

    model = Network(1)
    if not SHIPPED.exists():
        return model
    from engines import checkpoint

    state: dict[str, Any] = checkpoint.part(checkpoint.read(SHIPPED), SHIPPED)
    state["people"] = state["people"].float().mean(0, keepdim=True)
    model = checkpoint.load_strict(model, state, SHIPPED, "the generator of mouths").requires_grad_(True)
    assert isinstance(model.people, torch.nn.Parameter)
    return model


def network(touch: Touch) -> Network:
    """The generator that was kept.

    Raises
    ------
    WeightsMissing
        If names or shapes are those of another version.
    """
    import torch

    from engines.stylegan.net_touch import Touch as Network

    model = Network(1)
    try:
        model.load_state_dict({n: torch.from_numpy(np.asarray(v, np.float32)) for n, v in touch.weights.items()})
    except RuntimeError as error:
        raise WeightsMissing("The portrait's generator is of another version. Prepare the portrait again.") from error
    return model.eval().requires_grad_(False)


@cache
def _fade() -> np.ndarray:
    from engines.stylegan.net_touch import border

    return np.ascontiguousarray(border(SIDE)[0, 0, :, :, None].numpy())


def changes(model: Network, touch: Touch, values: np.ndarray) -> np.ndarray:
    """Change of colour around the mouth for numbers (35,) : float32 (S, S, 3), of 255."""
    import torch

    with torch.inference_mode():
        drawn = model(model.people, torch.from_numpy(np.ascontiguousarray(values[None], np.float32)))
        return np.asarray(drawn[0].permute(1, 2, 0).numpy() * (127.5 * touch.gain) * _fade(), np.float32)


def _decibel(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, float(np.square(a - b).mean()))))
