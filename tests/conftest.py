"""Fixtures that every test runs under: no stray log warning, no dangling thread, no touch of the user's folders."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real portraits and voices beside the checkout; tests that want it skip when it is absent."""
    if not SAMPLES.is_dir():
        pytest.skip("the sample folder is not beside this checkout")
    return SAMPLES


@pytest.fixture
def plain_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Id of the small engine in ``tests/engines/plain_engine``, registered as a third party's package would be."""
    from engines import registry

    point = EntryPoint("plain", "tests.engines.plain_engine", "soliloquy.engines")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    registry.engines.cache_clear()
    yield "plain"
    registry.engines.cache_clear()
    registry.load.cache_clear()


@pytest.fixture(autouse=True)
def _private_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches and settings of a test live in its own temporary folder."""
    monkeypatch.setenv("SOLILOQUY_HOME", str(tmp_path / "soliloquy-home"))


@pytest.fixture(autouse=True)
def _no_stray_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A warning or error that our own code logs fails the test, unless the test read it (``caplog.clear()``)."""
    yield
    stray = [
        record
        for phase in ("setup", "call")
        for record in caplog.get_records(phase)
        if record.levelno >= logging.WARNING and record.name.split(".")[0] in ("app", "engines")
    ]
    assert not stray, "unexpected log: " + "; ".join(record.getMessage() for record in stray)


@pytest.fixture(autouse=True)
def _no_dangling_threads() -> Iterator[None]:
    """A thread that a test leaves running fails it."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if not thread.daemon or thread.name.startswith("soliloquy"):
            thread.join(5)
            assert not thread.is_alive(), f"thread {thread.name} is still running"
