"""Prepared actors come back from disk as they were, and nothing else does."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core import actor_store
from app.core.project import Project
from app.core.studio import Studio
from engines import registry
from engines.api import CancelToken, Portrait

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo"


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and np.array_equal(a, b))
    if hasattr(a, "__dataclass_fields__"):
        return type(a) is type(b) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def test_a_tree_comes_back_as_it_was(tmp_path: Path) -> None:
    portrait = Portrait(np.arange(12, dtype=np.uint8).reshape(2, 2, 3), None, 1, Path("a.png"))
    actor_store.save(portrait, tmp_path / "a.npz")
    assert same(actor_store.load(tmp_path / "a.npz"), portrait)


def test_what_is_not_ours_is_not_stored(tmp_path: Path) -> None:
    @dataclass
    class Foreign:
        value: int = 1

    for value in (Foreign(), CancelToken(), np.array([object()])):
        with pytest.raises(actor_store.Unstorable):
            actor_store.save(value, tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["subprocess:Popen", "engines.api:head_rotation", "os:system"])
def test_a_forged_file_runs_nothing(tmp_path: Path, name: str) -> None:
    tree = json.dumps({"class": name, "fields": {"args": "true"}})
    np.savez(tmp_path / "a.npz", tree=np.array(tree))
    with pytest.raises(ValueError, match=r"no part of|no dataclass"):
        actor_store.load(tmp_path / "a.npz")


def test_a_portrait_is_prepared_once_for_all_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(portrait=str(DEMO / "portrait.jpg"))
    first = Studio().prepare(project)
    engine = type(registry.load(project.engine))
    monkeypatch.setattr(engine, "prepare", lambda *_, **__: pytest.fail("the engine was asked again"))
    again = Studio().prepare(project)
    assert same(first, again)
    assert again.head.mesh.units.shape == first.head.mesh.units.shape
