"""Reading checkpoint files safely: tensors come in, code never runs.

Only safetensors and ``torch.load(weights_only=True)`` read files here. Training state that is not needed (argument
namespaces, callbacks of PyTorch Lightning) is let in as inert values; everything else that a file asks for is refused
by name. Every failure is a `WeightsMissing` that says what the file is instead.
"""

from __future__ import annotations

import argparse
import json
import math
import pickle
import struct
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from engines.errors import OutOfMemory, WeightsMissing

if TYPE_CHECKING:
    import torch

    Model = TypeVar("Model", bound=torch.nn.Module)

SUFFIXES: Final = (".pt", ".pth", ".ckpt", ".pkl", ".safetensors", ".bin", ".tar")
_INERT_PACKAGES: Final = ("pytorch_lightning", "lightning", "lightning_fabric", "omegaconf", "easydict", "torchmetrics")
_AGAIN: Final = "Download it again and compare its size and sha256 with the source's."


class Inert(dict[Any, Any]):
    """Stands for an object of a class that is not wanted: takes its state and does nothing."""

    state: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def append(self, value: Any) -> None:
        """Swallow what a pickled list subclass holds."""

    def extend(self, values: Iterable[Any]) -> None:
        """Swallow what a pickled list subclass holds."""


def read(path: Path) -> Any:
    """What a checkpoint file holds: usually a dict of tensors, or of such dicts.

    Parameters
    ----------
    path : safetensors, or a file written by ``torch.save``

    Raises
    ------
    WeightsMissing
        If the file is absent, truncated, no checkpoint at all, or asks to run code (then nothing is run).
    OutOfMemory
        If it does not fit into memory.
    """
    kind = sniff(path)
    if kind == "safetensors":
        return _read_safetensors(path)
    if kind == "pickle":
        raise WeightsMissing(
            f"{path} is a bare Python pickle, which could run code when opened; nothing was run. "
            "Only NVIDIA's StyleGAN2 .pkl files are read in this form, by the StyleGAN engine."
        )
    import torch

    try:
        with torch.serialization.safe_globals(_safe_globals(path, kind)):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsMissing(_refusal(path, error)) from None
    except (MemoryError, RuntimeError, EOFError, OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise as_weights_error(path, error) from error


def sniff(path: Path) -> str:
    """``safetensors``, ``zip`` or ``legacy`` (both torch), or ``pickle``, by the first bytes.

    Raises
    ------
    WeightsMissing
        For anything else; web pages and pointers that a failed download leaves are named.
    """
    if path.is_dir():
        raise WeightsMissing(f"{path} is a folder. Choose the checkpoint file in it.")
    try:
        with path.open("rb") as stream:
            head = stream.read(1024)
        size = path.stat().st_size
    except FileNotFoundError:
        raise WeightsMissing(f"There is no file {path}. Choose the downloaded checkpoint file.") from None
    except OSError as error:
        raise WeightsMissing(f"{path} cannot be read: {error.strerror or error}.") from error
    if not head:
        raise WeightsMissing(f"{path} is empty: the download did not finish. {_AGAIN}")
    start = head.lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise WeightsMissing(
            f"{path} is a web page, not a checkpoint: the site showed a page (a confirmation or an error) instead of "
            "the file. Open the source in a browser, download the file itself and import that."
        )
    if start.startswith(b"version https://git-lfs"):
        raise WeightsMissing(
            f"{path} is a Git LFS pointer, not the file. Fetch it with 'git lfs pull' and import that."
        )
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if len(head) >= 9 and head[8:9] == b"{" and 0 < struct.unpack("<Q", head[:8])[0] < 100_000_000:
        return "safetensors"
    if head.startswith(b"\x80") and b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." in head[:32]:
        return "legacy"
    if head.startswith(b"\x80"):
        return "pickle"
    raise WeightsMissing(
        f"{path} ({size} bytes) is no checkpoint that can be read: it is neither safetensors nor a PyTorch file. "
        "Choose the file that the source names; unpack archives first."
    )


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path, device="cpu")
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise WeightsMissing(f"{path} is damaged or truncated ({error}). {_AGAIN}") from error
    except (MemoryError, RuntimeError) as error:
        raise as_weights_error(path, error) from error


def _safe_globals(path: Path, kind: str) -> list[Any]:
    """Classes that may appear in a file: argument namespaces, and inert stand-ins for known training state."""
    allowed: list[Any] = [argparse.Namespace]
    if kind == "zip" and zipfile.is_zipfile(path):
        import torch

        wanted = torch.serialization.get_unsafe_globals_in_checkpoint(path)
        allowed += [(Inert, name) for name in wanted if name.split(".")[0] in _INERT_PACKAGES]
    return allowed


def _refusal(path: Path, error: pickle.UnpicklingError) -> str:
    text = str(error)
    for mark in ("GLOBAL ", "Unsupported class ", "Unsupported global: GLOBAL "):
        if mark in text:
            wanted = text.split(mark, 1)[1].split()[0].rstrip(",.")
            return (
                f"{path} asks to run '{wanted}' when it is opened. That is not needed for weights and may be hostile, "
                "so it was refused and nothing was run. Get the file from its original source, or as safetensors."
            )
    return f"{path} is damaged or no PyTorch checkpoint ({text.splitlines()[0]}). {_AGAIN}"


def as_weights_error(path: Path, error: BaseException) -> WeightsMissing | OutOfMemory:
    """What a failed read means to the user."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, MemoryError) or ("alloc" in text and "memory" in text.lower()):
        size = path.stat().st_size / 2**30
        return OutOfMemory(
            f"There is too little memory to read {path} ({size:.1f} GB). Close other programs and retry."
        )
    return WeightsMissing(f"{path} is damaged or truncated ({text}). {_AGAIN}")


def part(checkpoint: Any, path: Path, *keys: str) -> dict[str, torch.Tensor]:
    """The state dict inside a checkpoint: under the first of ``keys`` that exists, or the checkpoint itself.

    A ``module.`` prefix, which data-parallel training leaves, is removed.

    Raises
    ------
    WeightsMissing
        If there are no tensors there; the message lists what the file holds.
    """
    import torch

    found = next((checkpoint[key] for key in keys if isinstance(checkpoint, Mapping) and key in checkpoint), checkpoint)
    tensors = {k: v for k, v in found.items() if isinstance(v, torch.Tensor)} if isinstance(found, Mapping) else {}
    if not tensors:
        holds = (
            ", ".join(map(str, list(checkpoint)[:8])) if isinstance(checkpoint, Mapping) else type(checkpoint).__name__
        )
        wanted = " or ".join(f"'{key}'" for key in keys) or "tensors"
        raise WeightsMissing(f"{path} holds no {wanted}, only: {holds}. Choose the file that the source names.")
    if all(key.startswith("module.") for key in tensors):
        tensors = {key.removeprefix("module."): value for key, value in tensors.items()}
    return tensors


def load_strict(model: Model, state: Mapping[str, torch.Tensor], path: Path, what: str) -> Model:
    """Fill a network with a state dict: every name and shape must agree, every number must be finite.

    Parameters
    ----------
    model : may be built on the ``meta`` device; it takes over the tensors
    what : the network's name for messages

    Returns
    -------
    ``model`` in float32, in inference mode, without gradients

    Raises
    ------
    WeightsMissing
        If the file is of another architecture or holds NaN or infinity.
    """
    import torch

    expected = model.state_dict()
    missing = [key for key in expected if key not in state]
    extra = [key for key in state if key not in expected]
    shapes = [k for k in expected if k in state and state[k].shape != expected[k].shape]
    if missing or extra or shapes:
        raise WeightsMissing(f"{path} is not {what}: {_difference(expected, state, missing, extra, shapes)}.")
    converted = {key: v.float() if v.is_floating_point() else v for key, v in state.items()}
    broken = [key for key, value in converted.items() if not bool(torch.isfinite(value).all())]
    if broken:
        half = any(state[key].dtype in (torch.float16, torch.bfloat16) for key in broken)
        reason = (
            " It is in half precision, where large numbers overflow: get the float32 file." if half else f" {_AGAIN}"
        )
        raise WeightsMissing(
            f"{path} holds numbers that are not finite in {len(broken)} of {len(converted)} tensors, "
            f"first in '{broken[0]}'.{reason}"
        )
    model.load_state_dict(converted, strict=True, assign=True)
    return model.eval().requires_grad_(False)


def _difference(
    expected: Mapping[str, torch.Tensor],
    state: Mapping[str, torch.Tensor],
    missing: list[str],
    extra: list[str],
    shapes: list[str],
) -> str:
    if len(missing) == len(expected):
        return f"none of its {len(state)} tensors has an expected name (it starts with '{next(iter(state), '')}')"
    said = []
    if missing:
        said.append(f"{len(missing)} of {len(expected)} tensors are missing, first '{missing[0]}'")
    if extra:
        said.append(f"{len(extra)} are not expected, first '{extra[0]}'")
    if shapes:
        key = shapes[0]
        said.append(
            f"{len(shapes)} have another shape, first '{key}' with {tuple(state[key].shape)} "
            f"instead of {tuple(expected[key].shape)}"
        )
    return "; ".join(said)


def parameters(state: Mapping[str, torch.Tensor]) -> int:
    """Numbers in a state dict."""
    return sum(math.prod(value.shape) for value in state.values())
