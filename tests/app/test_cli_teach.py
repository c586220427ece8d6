"""The command teach."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli import main
from engines.capture.footage import Footage
from engines.disentangled.footage import FILE
from engines.disentangled.workshop import PORTRAIT
from tests.engines.disentangled.conftest import engine  # noqa: F401
from tests.engines.disentangled.test_footage import footage  # noqa: F401


def test_it_teaches_and_tells_what_that_is_worth(
    footage: Footage,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["teach", str(footage.folder), "-o", str(tmp_path), "--progress", "none"]) == 0
    told = capsys.readouterr()
    assert str(tmp_path / FILE) in told.out
    assert (tmp_path / PORTRAIT).is_file()
    assert "unseen frames, lips" in told.out + told.err


def test_mistakes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["teach", str(tmp_path / "nobody.mp4"), "-o", str(tmp_path / "a")]) == 1
    assert "There is no file" in capsys.readouterr().err
