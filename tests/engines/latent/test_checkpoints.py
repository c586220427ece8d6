"""What is said when memory runs out."""

from __future__ import annotations

import pytest

from engines.errors import OutOfMemory
from engines.latent.checkpoints import memory_for


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    ],
)
def test_too_little_memory_says_what_to_do(error: Exception) -> None:
    with (
        pytest.raises(OutOfMemory, match=r"for loading with 'EDTalk.*choose the device 'cpu'"),
        memory_for("loading", "edtalk"),
    ):
        raise error


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes"), memory_for("drawing", "edtalk"):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
