"""Damaged files end in a clear refusal or a result (10,000 of them: ``tests/benchmarks/fuzz_readers.py``)."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.export import read_curves, read_head
from app.export.fbx_binary import MAGIC
from engines.errors import InputError, StudioError
from tests.app.export.conftest import made_head
from tests.app.export.mutations import attempt, damaged, valid_files

NAMES = ("a.fbx", "a.glb", "a.gltf", "a.csv", "a.plain.csv", "a.json", "a.a2f.json", "a.npz")


@cache
def valid(folder: Path) -> dict[str, bytes]:
    return valid_files(folder, made_head())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def test_undamaged_files_are_read(folder: Path) -> None:
    assert tuple(sorted(valid(folder))) == tuple(sorted(NAMES))
    for name, data in valid(folder).items():
        (folder / name).write_bytes(data)
        assert attempt(folder / name), name


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_damaged_files_are_refused_or_read(folder: Path, name: str, seed: int) -> None:
    (folder / name).write_bytes(damaged(name, valid(folder)[name], np.random.default_rng(seed)))
    start = time.monotonic()
    attempt(folder / name)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400))
def test_bytes_of_any_kind_are_refused(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    with pytest.raises(StudioError):
        read_curves(folder / name)


def bombs() -> dict[str, bytes]:
    """Small files that claim to be huge."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for key in ("version", "rate"):
            stream = io.BytesIO()
            np.save(stream, np.array([1, 1]) if key == "rate" else np.int64(1))
            archive.writestr(f"{key}.npy", stream.getvalue())
        stream = io.BytesIO()
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": (10**12, 52)})
        archive.writestr("weights.npy", stream.getvalue())
    accessors = '{"asset":{"version":"2.0"},"accessors":[{"componentType":5126,"type":"VEC3","count":4000000000}],'
    mesh = '"meshes":[{"primitives":[{"attributes":{"POSITION":0}}]}],"nodes":[{"mesh":0}]}'
    record = struct.pack("<IIIB", 100, 1, 13, 1) + b"A" + b"d" + struct.pack("<III", 0xFFFFFFF, 1, 4)
    return {
        "a.npz": packed.getvalue(),
        "a.gltf": (accessors + mesh).encode(),
        "a.fbx": MAGIC + struct.pack("<I", 7400) + record + bytes(200),
        "a.json": b"[" * 100_000,
        "a.csv": b"Timecode," + b"x," * 200_000,
    }


@pytest.mark.parametrize("name", bombs())
def test_bombs_need_no_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(bombs()[name])
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=name.replace(".", r"\.")):
            read_curves(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 << 20


def test_files_that_are_not_there_or_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.fbx cannot be read: No such file"):
        read_curves(tmp_path / "none.fbx")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_curves(tmp_path / "d.csv")
    with pytest.raises(InputError, match=r"No head can be read from .* files"):
        read_head(tmp_path / "a.csv")
