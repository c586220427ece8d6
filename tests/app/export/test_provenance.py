"""Signed manifests: there, valid, honest about the signer, and readable."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.project import Project
from app.export import ExportOptions, write
from app.export.provenance import SELF_MADE, inspect, self_made
from engines.api import Performance
from engines.errors import ExportError, InputError
from tests.app.export.conftest import picture_take

pytest.importorskip("c2pa")
FACTS = {
    "software": "Soliloquy 0.1",
    "engine": "blendshape",
    "weights": [],
    "consent": [{"who": "Ann", "granted": True}],
}


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_video_tells_where_it_comes_from(tmp_path: Path, suffix: str, performance: Performance, voice: Path) -> None:
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "p.png")
    project = Project(portrait=str(tmp_path / "p.png"))
    take = replace(picture_take(performance, voice=voice), provenance=FACTS, project=project)
    write(take, tmp_path / f"a{suffix}")
    found = inspect(tmp_path / f"a{suffix}")
    assert found["manifest"]
    assert found["state"] == "Valid"
    assert found["self_made"]
    assert SELF_MADE in found["signer"]
    assert found["problems"] == ["signingCredential.untrusted"]
    assert found["source_types"] == ["compositeWithTrainedAlgorithmicMedia"]
    assert found["facts"] == FACTS
    assert found["ingredients"] == ["portrait"]
    assert found["software"].startswith("Soliloquy 0.1")
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == [f"a{suffix}", "p.png", "voice.wav"]


def test_a_generated_portrait_is_declared(tmp_path: Path, performance: Performance) -> None:
    take = replace(picture_take(performance), provenance={**FACTS, "portrait_generated": True})
    write(take, tmp_path / "a.mp4")
    assert inspect(tmp_path / "a.mp4")["source_types"] == ["trainedAlgorithmicMedia"]


def test_a_changed_video_is_found_out(tmp_path: Path, performance: Performance) -> None:
    write(replace(picture_take(performance), provenance=FACTS), tmp_path / "a.mp4")
    data = bytearray((tmp_path / "a.mp4").read_bytes())
    data[-300] ^= 255
    (tmp_path / "a.mp4").write_bytes(data)
    assert inspect(tmp_path / "a.mp4")["state"] == "Invalid"


def test_without_a_manifest_the_plain_mark_is_read(tmp_path: Path, performance: Performance) -> None:
    take = replace(picture_take(performance), provenance=FACTS)
    write(take, tmp_path / "a.webm")
    write(take, tmp_path / "a.mp4", ExportOptions(sign=False))
    for name in ("a.webm", "a.mp4"):
        found = inspect(tmp_path / name)
        assert not found["manifest"]
        assert "Soliloquy" in found["mark"]
        assert found["facts"] == FACTS
    with pytest.raises(InputError, match="There is no file"):
        inspect(tmp_path / "none.mp4")


def test_the_users_certificate_signs(tmp_path: Path, performance: Performance) -> None:
    self_made(tmp_path / "own")
    options = ExportOptions(
        certificate=str(tmp_path / "own" / "self-made.pem"), private_key=str(tmp_path / "own" / "self-made.key")
    )
    write(picture_take(performance), tmp_path / "a.mp4", options)
    assert inspect(tmp_path / "a.mp4")["state"] == "Valid"
    with pytest.raises(ExportError, match="cannot be read"):
        write(picture_take(performance), tmp_path / "b.mp4", replace(options, certificate="nowhere.pem"))
    (tmp_path / "bad.key").write_text("no key")
    with pytest.raises(ExportError, match="no unencrypted PEM"):
        write(picture_take(performance), tmp_path / "b.mp4", replace(options, private_key=str(tmp_path / "bad.key")))
    assert not (tmp_path / "b.mp4").exists()


def test_the_self_made_key_is_private_and_kept(tmp_path: Path) -> None:
    first = self_made(tmp_path / "c")
    assert self_made(tmp_path / "c") == first
    if os.name == "posix":
        assert (tmp_path / "c" / "self-made.key").stat().st_mode & 0o077 == 0
