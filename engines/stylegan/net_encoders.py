"""The encoders e4e (Tov et al., 2021) and pSp (Richardson et al., 2021): an aligned face to a W+ code.

Both share one network, an IR-SE50 with a feature pyramid; they differ in how the rows of the code are put together.
Parameter names and shapes are those of the official checkpoints (without the ``encoder.`` prefix).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.stylegan.net_layers import EqualLinear

INPUT_SIZE = 256
_STAGES = ((64, 3), (128, 4), (256, 14), (512, 3))
_MIDDLE, _FINE = 3, 7
"""First rows of the code that read the middle and the fine features."""


@dataclass(frozen=True)
class EncoderConfig:
    """
    Attributes
    ----------
    rows : rows of the W+ code, 18 for a generator of 1024 px, 14 for 256 px
    kind : ``e4e`` (first row plus differences) or ``psp`` (every row by itself)
    """

    rows: int = 18
    kind: Literal["e4e", "psp"] = "e4e"


class SqueezeExcite(nn.Module):
    """Scales channels by what the whole picture holds."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        pooled = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(pooled))))


class ResidualUnit(nn.Module):
    """Unit of IR-SE50."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer: nn.Module
        if channels_in == channels:
            self.shortcut_layer = nn.MaxPool2d(1, stride)
        else:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(channels_in),
            nn.Conv2d(channels_in, channels, 3, 1, 1, bias=False),
            nn.PReLU(channels),
            nn.Conv2d(channels, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
            SqueezeExcite(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.res_layer(x)
        return y + self.shortcut_layer(x)


class StyleHead(nn.Module):
    """Features of a side of ``spatial`` pixels to one row of the code."""

    def __init__(self, channels: int, spatial: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(int(math.log2(spatial))):
            layers += [nn.Conv2d(channels, channels, 3, 2, 1), nn.LeakyReLU()]
        self.convs = nn.Sequential(*layers)
        self.linear = EqualLinear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        row: Tensor = self.linear(self.convs(x).flatten(1))
        return row


class FaceEncoder(nn.Module):
    """e4e or pSp.

    The latent average of the generator is added by the caller (`codes` of the checkpoint's `start_from_latent_avg`).
    """

    def __init__(self, config: EncoderConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or EncoderConfig()
        self.input_layer = nn.Sequential(nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64))
        units, channels = [], 64
        for out, count in _STAGES:
            for i in range(count):
                units.append(ResidualUnit(channels, out, 2 if i == 0 else 1))
                channels = out
        self.body = nn.Sequential(*units)
        self.latlayer1 = nn.Conv2d(256, 512, 1)
        self.latlayer2 = nn.Conv2d(128, 512, 1)
        spatial = [16 if i < _MIDDLE else 32 if i < _FINE else 64 for i in range(config.rows)]
        self.styles = nn.ModuleList([StyleHead(512, s) for s in spatial])

    def pyramid(self, image: Tensor) -> list[Tensor]:
        """Features (B, 128, 64, 64), (B, 256, 32, 32) and (B, 512, 16, 16) of an image (B, 3, 256, 256)."""
        ends = {sum(count for _, count in _STAGES[: i + 1]) - 1 for i in (1, 2, 3)}
        taps = []
        x = self.input_layer(image)
        for i, unit in enumerate(self.body):
            x = unit(x)
            if i in ends:
                taps.append(x)
        return taps

    def _rows(self, image: Tensor) -> Iterator[Tensor]:
        fine, middle, coarse = self.pyramid(image)
        features = coarse
        for i, head in enumerate(self.styles):
            if i == _MIDDLE:
                features = _upsample(features, self.latlayer1(middle))
            elif i == _FINE:
                features = _upsample(features, self.latlayer2(fine))
            yield head(features)

    def forward(self, image: Tensor, stage: int | None = None) -> Tensor:
        """Code relative to the generator's average latent.

        Parameters
        ----------
        image : (B, 3, 256, 256) aligned face in [-1, 1]
        stage : e4e only: how many differences act (0 gives one row repeated); default all

        Returns
        -------
        (B, rows, 512)
        """
        rows = []
        for i, row in enumerate(self._rows(image)):
            if self.config.kind == "psp" or i == 0:
                rows.append(row)
            elif stage is None or i <= stage:
                rows.append(rows[0] + row)
            else:
                rows += [rows[0]] * (self.config.rows - len(rows))
                break
        return torch.stack(rows, 1)


def _upsample(coarse: Tensor, fine: Tensor) -> Tensor:
    return F.interpolate(coarse, size=fine.shape[2:], mode="bilinear", align_corners=True) + fine
