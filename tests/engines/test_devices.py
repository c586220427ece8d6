"""The device that PyTorch is to use."""

from __future__ import annotations

import pytest
import torch

from engines.devices import device_of
from engines.errors import EngineError


def test_a_device_that_is_not_there_is_named() -> None:
    assert device_of("cpu") == "cpu"
    if not torch.cuda.is_available():
        assert device_of("auto") == "cpu"
        with pytest.raises(EngineError, match="cuda"):
            device_of("cuda")
