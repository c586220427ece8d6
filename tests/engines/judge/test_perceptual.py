from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.judge.perceptual import Lpips
from engines.judge.registry import NotMeasured

SHAPES = {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3), 10: (256, 256, 3)}


def files(folder: Path) -> tuple[Path, Path]:
    """Weights of the published shapes, from a seed."""
    torch = pytest.importorskip("torch")
    draw = torch.Generator().manual_seed(1)
    net, heads = {}, {}
    for k, (n, (out, into, size)) in enumerate(SHAPES.items()):
        net[f"features.{n}.weight"] = torch.randn(out, into, size, size, generator=draw) / (into * size * size) ** 0.5
        net[f"features.{n}.bias"] = torch.zeros(out)
        heads[f"lin{k}.model.1.weight"] = torch.rand(1, out, 1, 1, generator=draw)
    torch.save(heads, folder / "alex.pth")
    torch.save(net, folder / "alexnet.pth")
    return folder / "alex.pth", folder / "alexnet.pth"


def test_the_more_a_picture_is_spoilt_the_farther_it_is(tmp_path: Path) -> None:
    net = Lpips(*files(tmp_path))
    draw = np.random.default_rng(0)
    rgb = np.kron(draw.integers(30, 220, (12, 16, 3)), np.ones((16, 16, 1), int)).astype(np.uint8)
    noise = draw.normal(0, 1, rgb.shape)
    spoilt = [np.clip(rgb + s * noise, 0, 255).astype(np.uint8) for s in (0, 10, 30, 80)]
    values = [net.distance(rgb, s) for s in spoilt]
    assert values[0] == 0
    assert values == sorted(values)
    assert net.distance(rgb, spoilt[2]) == pytest.approx(net.distance(spoilt[2], rgb))


def test_without_its_weights_it_says_where_they_belong(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    with pytest.raises(NotMeasured, match=r"alex\.pth.*download\.pytorch\.org"):
        Lpips(tmp_path / "alex.pth", tmp_path / "alexnet.pth")
