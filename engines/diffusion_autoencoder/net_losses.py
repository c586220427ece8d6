"""How far a drawn picture is from the wanted one."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

_SCALES: Final = (1, 2, 4)
_QUADRATIC: Final = 0.1
"""Error (of 2) up to which it counts as its square."""


def picture_loss(drawn: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """Huber's loss at three scales and of gradients, weighted by pixel : a number.

    Parameters
    ----------
    drawn, wanted : (B, 3, S, S)
    weight : (1, 1, S, S)
    """
    error = drawn - wanted
    weight = weight / weight.mean()
    total = drawn.new_zeros(())
    for scale in _SCALES:
        part = F.avg_pool2d(error, scale) if scale > 1 else error
        own = F.avg_pool2d(weight, scale) if scale > 1 else weight
        total = total + (own * _huber(part)).mean()
    across = (weight[..., 1:] * _huber(error[..., 1:] - error[..., :-1])).mean()
    down = (weight[:, :, 1:] * _huber(error[:, :, 1:] - error[:, :, :-1])).mean()
    return total + across + down


def _huber(error: Tensor) -> Tensor:
    return F.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=_QUADRATIC)
