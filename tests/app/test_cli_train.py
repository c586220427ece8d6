"""``soliloquy train dae``: what it understands, and what it says when nothing can be learnt."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli import main
from app.cli.arguments import parser


def test_what_it_understands() -> None:
    options = parser().parse_args(["train", "dae", "face.png", "-o", "actor", "--size", "64", "--fresh"])
    assert (options.what, options.source, options.output) == ("dae", Path("face.png"), Path("actor"))
    assert (options.size, options.fresh, options.device) == (64, True, "auto")


def test_a_source_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "dae", str(tmp_path / "nobody.png"), "-o", str(tmp_path / "actor")]) == 1
    assert "There is no file" in capsys.readouterr().err
    assert not (tmp_path / "actor").exists()


def test_a_picture_without_a_face(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np
    from PIL import Image

    Image.fromarray(np.full((200, 200, 3), 128, np.uint8)).save(tmp_path / "wall.png")
    assert main(["train", "dae", str(tmp_path / "wall.png"), "-o", str(tmp_path / "actor")]) == 1
    assert "face" in capsys.readouterr().err
