"""An engine's own numbers: declared in its manifest, moved by the project's curves, handed to its ``render``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core import commands
from app.core.perform import perform
from app.core.project import Curve, Key, Project
from app.core.studio import Studio
from engines.api import Performance
from engines.timebase import parse_rate

FRAMES = 4


def levels(project: Project) -> list[int]:
    """Brightness of each frame that the engine draws."""
    base = Performance.rest(FRAMES, parse_rate(project.rate))
    weights = base.weights.copy()
    weights[:, 17] = 1.0
    performance = perform(project, None, base=base.with_(weights=weights))
    return [int(frame[0, 0, 0]) for frame in Studio().frames(project, performance)]


@pytest.fixture
def project(tmp_path: Path, plain_engine: str) -> Project:
    path = tmp_path / "face.png"
    Image.fromarray(np.full((256, 256, 3), 90, np.uint8)).save(path)
    return Project(portrait=str(path), engine=plain_engine)


def keyed(project: Project, mode: str, values: Sequence[float], channel: str = "plain.level") -> Project:
    keys = tuple(Key(i, value, "linear") for i, value in enumerate(values))
    return project.with_(curves=(*project.curves, Curve(channel, keys, mode)))  # type: ignore[arg-type]


def test_curves_replace_scale_or_add_to_what_the_engine_does_by_itself(project: Project) -> None:
    assert levels(project) == [150] * 4
    assert levels(keyed(project, "replace", [0, 10, 20, 30])) == [0, 10, 20, 30]
    assert levels(keyed(project, "add", [0, 10, 20, 30])) == [150, 160, 170, 180]
    assert levels(keyed(project, "multiply", [0, 0.5, 1, 1])) == [0, 75, 150, 150]


def test_a_key_set_by_command_adds(project: Project) -> None:
    assert levels(commands.set_keys(project, "plain.level", [Key(0, 42.0)])) == [192] * 4


def test_muted_unknown_and_foreign_coordinates_do_nothing(project: Project) -> None:
    muted = commands.set_curve(keyed(project, "replace", [7]), "plain.level", mute=True)
    assert levels(muted) == levels(project)
    assert levels(keyed(project, "replace", [7], "plain.unknown")) == levels(project)
    assert levels(keyed(project, "replace", [7], "other.level")) == levels(project)


def test_only_the_engine_that_has_them_gets_them(project: Project) -> None:
    directed = keyed(project, "replace", [7])
    base = Performance.rest(FRAMES, parse_rate(project.rate))
    assert perform(directed, None, base=base).extras.keys() == {"level"}
    assert not perform(directed.with_(engine="blendshape"), None, base=base).extras
    assert not perform(directed.with_(engine="not installed here"), None, base=base).extras
