"""NVIDIA's StyleGAN2 ``.pkl`` files, read without running anything in them.

Such a file is a bare pickle that carries the source code of its classes and would execute it on loading. Here an
unpickler knows only how to put tensors together; modules become plain records of their parts, and a file that names
anything else is refused.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.checkpoint import Inert, as_weights_error
from engines.errors import WeightsMissing

if TYPE_CHECKING:
    from torch import Tensor

_INERT = ("torch.nn.", "numpy", "dnnlib.", "torch_utils.", "training.", "metrics.")
"""Packages whose classes may be named; they become inert records."""


class Module(Inert):
    """A pickled module: its parts, and none of its code."""

    def __init__(self, meta: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.state = meta.get("state") if isinstance(meta, dict) else None

    def tensors(self, prefix: str = "") -> dict[str, Tensor]:
        """State dict of the module and all below it."""
        import torch

        state = self.state
        found: dict[str, Tensor] = {}
        if not isinstance(state, dict):
            return found
        for group in ("_parameters", "_buffers"):
            for name, value in (state.get(group) or {}).items():
                if isinstance(value, torch.Tensor):
                    found[prefix + name] = value.detach()
        for name, child in (state.get("_modules") or {}).items():
            if isinstance(child, Module):
                found.update(child.tensors(f"{prefix}{name}."))
        return found


class Record(dict[Any, Any]):
    """A pickled dictionary class whose entries matter."""

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            self.update(state)


def _storage(data: bytes) -> Any:
    """A tensor's memory, which torch pickles as a file of its own."""
    import torch

    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


class TensorUnpickler(pickle.Unpickler):
    """Resolves names to tensor builders and inert records, and refuses the rest."""

    def find_class(self, module: str, name: str) -> Any:
        import torch

        if module == "torch._utils" and name in ("_rebuild_tensor_v2", "_rebuild_parameter"):
            return getattr(torch._utils, name)
        known = {
            ("torch.storage", "_load_from_bytes"): _storage,
            ("collections", "OrderedDict"): OrderedDict,
            ("torch", "Size"): torch.Size,
            ("dnnlib.util", "EasyDict"): Record,
            ("torch_utils.persistence", "_reconstruct_persistent_obj"): Module,
        }
        if (module, name) in known:
            return known[module, name]
        if module.startswith("dnnlib.tflib"):
            raise WeightsMissing(
                "this is a TensorFlow pickle of the first StyleGAN2 release. Convert it with NVIDIA's legacy.py "
                "(stylegan2-ada-pytorch) and import the result"
            )
        if module.startswith(_INERT):
            return Module
        raise WeightsMissing(
            f"it asks to run '{module}.{name}' when it is opened. That is not needed for weights and may be "
            "hostile, so it was refused and nothing was run. Get the file from its original source"
        )

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to objects outside the file")


def read_pickle(path: Path) -> dict[str, dict[str, Tensor]]:
    """State dicts of the networks in an NVIDIA pickle, by name (``G_ema``, ``G``, ``D``).

    Raises
    ------
    WeightsMissing
        If the file wants to run anything, is damaged, or holds no network.
    OutOfMemory
        If it does not fit into memory.
    """
    try:
        with path.open("rb") as stream:
            content = TensorUnpickler(stream).load()
        networks = content if isinstance(content, dict) and not isinstance(content, Module) else {"G_ema": content}
        found = {str(name): value.tensors() for name, value in networks.items() if isinstance(value, Module)}
    except WeightsMissing as error:
        raise WeightsMissing(f"{path} cannot be used: {error}.") from None
    except Exception as error:  # a hostile or broken pickle may raise anything; nothing of it has run
        raise as_weights_error(path, error) from error
    found = {name: tensors for name, tensors in found.items() if tensors}
    if not found:
        raise WeightsMissing(f"{path} is a pickle without networks in it. Choose a StyleGAN2 .pkl of NVIDIA's release.")
    return found
