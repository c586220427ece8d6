from __future__ import annotations

from pathlib import Path

import pytest

from engines.errors import EngineError, InputError
from engines.judge.registry import GROUPS, Metric, metric, metrics, read


def test_every_metric_can_be_computed_and_explains_itself() -> None:
    for name, one in metrics().items():
        assert name == one.id
        assert callable(one.load())
        assert one.definition.endswith(".")
        assert one.source
        assert one.group in GROUPS
        if one.real is not None:
            assert one.real[0] <= one.yardstick <= one.real[1]


def test_an_unknown_metric_is_named_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"'sinc'.*sync_offset"):
        metric("sinc")


@pytest.mark.parametrize("text", ["", "[[metrics]]\nid = 'a'\n", "metrics = 3", "[[metrics]"])
def test_a_broken_manifest_names_itself(tmp_path: Path, text: str) -> None:
    path = tmp_path / "metrics.toml"
    path.write_text(text)
    with pytest.raises(EngineError, match=r"metrics\.toml"):
        read(path)


def test_directions() -> None:
    low = Metric("a", "A", "sync", "d.", "ms", "low", "s", "m:f", 5, (2, 10))
    high = Metric("a", "A", "sync", "d.", "1", "high", "s", "m:f", 5, (2, 10))
    near = Metric("a", "A", "sync", "d.", "1", "near", "s", "m:f", 5, (2, 10))
    assert low.badness(3) < low.badness(4)
    assert high.badness(4) < high.badness(3)
    assert near.badness(5) < near.badness(4) == near.badness(6)
    assert [m.as_real(30) for m in (low, high, near)] == [False, True, False]
    assert [m.as_real(0) for m in (low, high, near)] == [True, False, False]
    assert [m.as_real(5) for m in (low, high, near)] == [True] * 3
    assert low.format(None) == "-"
    assert low.format(3) == "3.00 ms"
    assert low.format(-0.001) == "0.00 ms"
