"""Nets that tell how rounded lips are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines import arkit
from engines.api import Portrait
from engines.capture import rounding
from engines.capture.decode import Decoder
from engines.capture.rounding import MOUTH, ROUNDED, features, load_rounding
from engines.errors import EngineError
from engines.face.landmarks import find_face
from engines.rig.fit import fit_head
from tests.engines.capture.conftest import KnownTake


def test_a_face_at_rest_is_not_rounded() -> None:
    rest = np.zeros((2, arkit.COUNT))
    told = load_rounding()(rest, rest, np.zeros((2, len(MOUTH), 4)))
    assert told.shape == (2, len(ROUNDED))
    assert np.abs(told).max() < 0.12


def test_frames_do_not_lean_on_each_other() -> None:
    rng = np.random.default_rng(0)
    measured, geometric = rng.uniform(0, 0.5, (2, 3, arkit.COUNT))
    mouth = rng.normal(0, 0.01, (3, len(MOUTH), 4))
    together = load_rounding()(measured, geometric, mouth)
    assert together[1] == pytest.approx(load_rounding()(measured[1:2], geometric[1:2], mouth[1:2])[0], abs=1e-5)
    assert features(measured, geometric, mouth).shape == (3, load_rounding().hidden.shape[1])


def test_the_decoder_believes_the_nets(known: KnownTake) -> None:
    """Pucker and funnel are what the nets tell, and the other units make up for the change."""
    face = find_face(Portrait(known.frames[0]))
    decoder = Decoder(fit_head(face, (384, 384)))
    points = find_face(Portrait(known.frames[63])).points.astype(float)[None]
    geometric = np.zeros((1, arkit.COUNT))
    plain, told = decoder.decode(points), decoder.decode(points, geometric=geometric)
    asked = load_rounding()(plain.weights, geometric, plain.mouth)[0]
    assert told.weights[0, ROUNDED] == pytest.approx(np.clip(asked, 0, 1), abs=0.06)
    assert told.weights[0, ROUNDED[0]] > 0.2


def test_missing_nets_say_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rounding, "ASSET", tmp_path / "no.npz")
    load_rounding.cache_clear()
    with pytest.raises(EngineError, match="Install Soliloquy again"):
        load_rounding()
    zeros = {name: np.zeros((1, 5, 2)) for name in ("hidden", "hidden_bias", "out", "out_bias")}
    np.savez(rounding.ASSET, **zeros)
    with pytest.raises(EngineError, match="other features"):
        load_rounding()
    load_rounding.cache_clear()
