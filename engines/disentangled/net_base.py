"""The networks of the shipped base: what a portrait hides, drawn in one shot, and the coordinates read back.

The rig's fitted head says where everything goes (`engines.teaching.prior.outline`), so no network has to learn motion.
A painter fills in what the motion uncovers or changes: teeth, tongue and shade about the mouth, lids and eyeballs. It
sees the portrait's own patch, moved, and is modulated by the coordinates at every layer (FiLM, Perez et al., AAAI
2018). Two readers look at the portrait and at another picture of the same person, its head held still
(`engines.teaching.alignment`), and tell the coordinates between them: one sees the mouth, one the upper face.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

MOUTH_PX: Final = (64, 64)
EYE_PX: Final = (32, 48)
"""Height and width of the patches."""
UPPER_PX: Final = (64, 96)
"""The same of the upper face."""
MOUTH_INPUTS: Final = 8
"""Moved patch (3), portrait's patch (3), opening, below the upper teeth."""
EYE_INPUTS: Final = 8
"""Moved patch (3), portrait's patch (3), opening, iris."""
MOUTH_NUMBERS: Final = 20
EYE_NUMBERS: Final = 4
EXPRESSION_NUMBERS: Final = 10


class Modulated(nn.Module):
    """Two convolutions with group norm whose channels are scaled and shifted by the coordinates."""

    def __init__(self, inputs: int, outputs: int, numbers: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm = nn.GroupNorm(8, outputs)
        self.film = nn.Linear(numbers, 2 * outputs)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """(N, inputs, H, W) and (N, numbers) to (N, outputs, H, W)."""
        scale, shift = self.film(told)[..., None, None].chunk(2, 1)
        inner = functional.silu(self.norm(self.first(x)) * (1 + scale) + shift)
        return functional.silu(self.second(inner) + self.skip(x))


class PatchPainter(nn.Module):
    """A U-Net over one patch, half as wide and high inside.

    Parameters
    ----------
    inputs, outputs : channels
    numbers : coordinates that move the patch
    widths : channels at a half, a quarter and an eighth of the patch
    """

    def __init__(self, inputs: int, outputs: int, numbers: int, widths: tuple[int, int, int]) -> None:
        super().__init__()
        a, b, c = widths
        self.told = nn.Sequential(nn.Linear(numbers, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU())
        self.enter = nn.Conv2d(4 * inputs, a, 1)
        self.down = nn.ModuleList([Modulated(a, a, 96), Modulated(a, b, 96), Modulated(b, c, 96)])
        self.middle = Modulated(c, c, 96)
        self.up = nn.ModuleList([Modulated(b + c, b, 96), Modulated(a + b, a, 96)])
        self.leave = nn.Conv2d(a, 4 * outputs, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        assert self.leave.bias is not None
        nn.init.zeros_(self.leave.bias)

    def forward(self, x: Tensor, numbers: Tensor) -> Tensor:
        """(N, inputs, H, W), about -1 to 1, and (N, numbers) to (N, outputs, H, W)."""
        told = self.told(numbers)
        x = self.enter(functional.pixel_unshuffle(x, 2))
        fine = self.down[0](x, told)
        mid = self.down[1](functional.avg_pool2d(fine, 2), told)
        low = self.middle(self.down[2](functional.avg_pool2d(mid, 2), told), told)
        mid = self.up[0](torch.cat([mid, functional.interpolate(low, scale_factor=2.0)], 1), told)
        fine = self.up[1](torch.cat([fine, functional.interpolate(mid, scale_factor=2.0)], 1), told)
        return functional.pixel_shuffle(self.leave(fine), 2)


class PatchReader(nn.Module):
    """What has moved between a portrait and another picture of the same person's still head, as coordinates.

    Parameters
    ----------
    size : height and width of the patch
    count : coordinates
    widths : channels after each halving of the patch
    """

    def __init__(self, size: tuple[int, int], count: int, widths: tuple[int, ...] = (32, 64, 96, 128)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 9
        for width in widths:
            layers += [nn.Conv2d(inputs, width, 3, stride=2, padding=1), nn.GroupNorm(8, width), nn.SiLU()]
            inputs = width
        self.seen = nn.Sequential(*layers)
        left = (size[0] >> len(widths)) * (size[1] >> len(widths))
        self.told = nn.Sequential(nn.Dropout(0.2), nn.Linear(inputs * left, 192), nn.SiLU(), nn.Linear(192, count))

    def forward(self, pictures: Tensor, photo: Tensor) -> Tensor:
        """(N, 3, H, W) and (1 or N, 3, H, W), -1 to 1, to (N, count). A picture that is the portrait itself gives 0."""
        photos = photo.expand_as(pictures)
        codes, rest = (self._codes(part, own) for part, own in ((pictures, photos), (photo, photo)))
        return torch.as_tensor(codes - rest)

    def _codes(self, pictures: Tensor, photos: Tensor) -> Tensor:
        both = torch.cat([pictures, photos, 2 * (pictures - photos)], 1)
        return torch.as_tensor(self.told(self.seen(both).flatten(1)))


class Base(nn.Module):
    """Everything that is shipped: painters of mouth and eye, and readers of the mouth and of the upper face."""

    def __init__(self) -> None:
        super().__init__()
        self.mouth = PatchPainter(MOUTH_INPUTS, 6, MOUTH_NUMBERS, (40, 72, 112))
        self.eye = PatchPainter(EYE_INPUTS, 3, EYE_NUMBERS, (32, 56, 80))
        self.reader = nn.ModuleDict(
            {"mouth": PatchReader(MOUTH_PX, MOUTH_NUMBERS), "expression": PatchReader(UPPER_PX, EXPRESSION_NUMBERS)}
        )

    def paint_mouth(self, inputs: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Colours between the lips and change of colour around them, (N, 3, H, W) each, 0 to 1 and -1 to 1.

        Parameters
        ----------
        inputs : (N, `MOUTH_INPUTS`, H, W); colours from -1 to 1
        numbers : (N, 20), the mouth's coordinates
        """
        inner, change = self.mouth(inputs, numbers).chunk(2, 1)
        return torch.sigmoid(inner - 1.5), 0.5 * torch.tanh(change)

    def paint_eye(self, inputs: Tensor, numbers: Tensor) -> Tensor:
        """Change of colour of a moved eye, (N, 3, H, W), -1 to 1.

        Parameters
        ----------
        inputs : (N, `EYE_INPUTS`, H, W); colours from -1 to 1
        numbers : (N, 4), upper and lower lid, yaw outwards, pitch
        """
        return torch.tanh(self.eye(inputs, numbers))
