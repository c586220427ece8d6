"""Portraits and footage named on the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engines.errors import InputError
from engines.latent.sources import found_in

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo" / "portrait.jpg"


def test_pictures_and_folders_of_pictures_are_portraits(tmp_path: Path) -> None:
    shutil.copy(DEMO, tmp_path / "a.jpg")
    (tmp_path / "notes.txt").write_text("no picture")
    portraits, footage = found_in([DEMO, tmp_path])
    assert [p.rgb.shape for p in portraits] == [portraits[0].rgb.shape] * 2
    assert footage == []


def test_a_folder_of_neither_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither pictures nor footage.*soliloquy footage"):
        found_in([tmp_path])
