"""The disk cache: whole entries only, the least recently used go first."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from app.core.cache import DiskCache, code_digest, content_key
from app.core.project import Phone


def test_entries_are_whole_or_absent(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)

    def half(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("pulled the plug")

    assert cache.put("speech", "a", half) is None
    assert cache.entries() == []
    path = cache.put("speech", "a", lambda p: p.write_bytes(b"whole") and None, ".npz")
    assert path == cache.get("speech", "a", ".npz")
    assert cache.get("speech", "b") is None


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, limit_bytes=2500)
    for i, key in enumerate("abc"):
        cache.put("k", key, lambda p: p.write_bytes(bytes(1000)) and None)
        os.utime(cache.path("k", key), (1000 + i, 1000 + i)) if key != "c" else None
    assert cache.get("k", "a") is None
    assert cache.get("k", "b") is not None
    assert cache.size_bytes() == 2000
    cache.clear()
    assert cache.size_bytes() == 0


def test_a_full_disk_only_means_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))  # type: ignore[attr-defined]
    assert DiskCache(tmp_path).put("k", "a", lambda p: p.write_bytes(b"x") and None) is None


def test_keys_follow_content() -> None:
    assert content_key(1, "a", Phone(0, 1, "M")) == content_key(1, "a", Phone(0, 1, "M"))
    assert content_key(1, "a") != content_key(1, "b")
    assert content_key("a", "b") != content_key("ab")


def test_another_version_of_the_code_has_other_keys() -> None:
    assert code_digest("engines.rig") != code_digest("engines.speech") != code_digest("engines.api")
    assert code_digest("engines.rig", "engines.api") != code_digest("engines.rig")
