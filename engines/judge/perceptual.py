"""LPIPS: how different two pictures look to a net that was fitted to people's judgement (Zhang et al. 2018).

AlexNet's layers with the published channel weights of version 0.1. The weights lie in the ``lpips`` package, AlexNet's
in the file that torchvision uses; this program fetches neither.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines.judge.registry import NotMeasured

if TYPE_CHECKING:
    from engines.judge.evidence import Evidence

BACKBONE: Final = "alexnet-owt-7be5be79.pth"
EVERY_S: Final = 0.2
SIDE: Final = 256
"""Width of the pictures that are compared; the net sees distances of its own scale."""

_LAYERS: Final = ((0, 4, 2, False), (3, 1, 2, True), (6, 1, 1, True), (8, 1, 1, False), (10, 1, 1, False))
"""Number of each convolution in AlexNet's file, its stride and border, and whether pooling comes before it."""
_SHIFT: Final = (-0.030, -0.088, -0.188)
_SCALE: Final = (0.458, 0.448, 0.450)


class Lpips:
    """LPIPS with AlexNet.

    Parameters
    ----------
    heads, backbone : the files, where they do not lie where pip and torch put them

    Raises
    ------
    NotMeasured
        When torch or a file is not there; the message says what to do.
    """

    def __init__(self, heads: Path | None = None, backbone: Path | None = None) -> None:
        if importlib.util.find_spec("torch") is None:
            raise NotMeasured("needs torch: pip install torch")
        package = importlib.util.find_spec("lpips")
        if heads is None and (package is None or not package.submodule_search_locations):
            raise NotMeasured("needs the weights in the lpips package: pip install --no-deps lpips==0.1.4")
        import torch

        if heads is None:
            assert package is not None
            assert package.submodule_search_locations is not None
            heads = Path(package.submodule_search_locations[0]) / "weights" / "v0.1" / "alex.pth"
        backbone = backbone or Path(torch.hub.get_dir()) / "checkpoints" / BACKBONE
        for path in (heads, backbone):
            if not path.is_file():
                raise NotMeasured(f"needs the file {path}; AlexNet's is at download.pytorch.org/models/{BACKBONE}")
        self._torch = torch
        net = torch.load(backbone, map_location="cpu", weights_only=True)
        weights = torch.load(heads, map_location="cpu", weights_only=True)
        self._convolutions = [(net[f"features.{n}.weight"], net[f"features.{n}.bias"]) for n, *_ in _LAYERS]
        self._heads = [weights[f"lin{k}.model.1.weight"] for k in range(len(_LAYERS))]

    def distance(self, a: np.ndarray, b: np.ndarray) -> float:
        """Distance of two pictures of one shape, uint8 (H, W, 3), looked at `SIDE` wide; 0 for the same."""
        with self._torch.inference_mode():
            pairs = zip(self._features(a), self._features(b), self._heads, strict=True)
            return float(sum(((x - y) ** 2 * head).sum(1).mean() for x, y, head in pairs))

    def _features(self, rgb: np.ndarray) -> list[Any]:
        """The five layers, each place scaled to unit length."""
        import cv2

        torch = self._torch
        relu, conv2d, max_pool2d = torch.relu, torch.conv2d, torch.max_pool2d
        height = max(64, round(rgb.shape[0] * SIDE / rgb.shape[1]))
        small = cv2.resize(rgb, (SIDE, height), interpolation=cv2.INTER_AREA)
        x = torch.from_numpy(np.ascontiguousarray(small)).permute(2, 0, 1)[None].float() / 127.5 - 1
        x = (x - torch.tensor(_SHIFT).view(1, 3, 1, 1)) / torch.tensor(_SCALE).view(1, 3, 1, 1)
        layers = []
        for (_, stride, border, pooled), (weight, bias) in zip(_LAYERS, self._convolutions, strict=True):
            x = max_pool2d(x, 3, 2) if pooled else x
            x = relu(conv2d(x, weight, bias, stride, border))
            layers.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return layers


def lpips_mean(evidence: Evidence) -> float:
    comparison = evidence.reference
    if comparison is not None and isinstance(comparison.perceptual, NotMeasured):
        raise comparison.perceptual
    from engines.judge.compare import against_reference

    return against_reference("lpips", evidence)
