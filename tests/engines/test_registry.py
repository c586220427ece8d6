"""Engines are found by their manifests, those of third parties by their entry point."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines import registry
from engines.api import Coordinate
from engines.errors import EngineError

MANIFEST = 'id = "x"\nname = "X"\nsummary = ""\nlicence = ""\nentry = "x:X"\nhonours = []\n'


def read(folder: Path, more: str) -> tuple[Coordinate, ...]:
    path = folder / "engine.toml"
    path.write_text(MANIFEST + more)
    return registry.read_info(path).coordinates


def test_an_engine_of_a_third_party_is_found_and_loaded(plain_engine: str) -> None:
    info = registry.info(plain_engine)
    assert [c.name for c in info.coordinates] == ["level", "band_1", "band_2", "band_3"]
    assert info.coordinates[1] == Coordinate("band_1", "Band 1", "Bands", -2.0, 2.0)
    assert registry.load(plain_engine).info is info
    assert next(iter(registry.engines())) == registry.DEFAULT


def test_an_engine_declares_no_coordinates_unless_it_says_so() -> None:
    assert registry.info("blendshape").coordinates == ()


@pytest.mark.parametrize(
    "more",
    [
        '[[coordinates]]\nname = "two words"',
        '[[coordinates]]\nname = "a"\n[[coordinates]]\nname = "a"',
        '[[coordinates]]\nname = "a"\nlow = 1.0\nhigh = 1.0',
        '[[coordinates]]\nname = "a"\nsize = 3',
        'coordinates = ["a"]',
    ],
)
def test_a_manifest_with_bad_coordinates_is_refused_by_name(tmp_path: Path, more: str) -> None:
    with pytest.raises(EngineError, match=r"engine\.toml"):
        read(tmp_path, more)
