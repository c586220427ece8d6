"""MediaPipe's bundled face models: made when first used, shared safely between threads, quiet, closed at exit.

The graphs of MediaPipe 0.10.21 are stateful and must not be entered by two threads at once; each model here
is therefore one object behind one lock.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import types
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from typing import Any, Final

import numpy as np

_LOCK: Final = threading.RLock()
_MODELS: dict[str, Any] = {}
_TALKED: set[str] = set()
"""Models that have seen a face, and with it have printed all they print."""


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hide what MediaPipe's C++ side prints while a graph starts; it has no other switch."""
    try:
        kept = os.dup(2)
    except OSError:  # a windowed program without a console
        yield
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)


@contextlib.contextmanager
def _without_plots() -> Iterator[None]:
    """Spare MediaPipe's import matplotlib, half a second of it, which it wants for one drawing that nobody asks for."""
    names = ("matplotlib", "matplotlib.pyplot")
    if any(name in sys.modules for name in names):
        yield
        return
    empty = [types.ModuleType(name) for name in names]
    for module in empty:
        module.__spec__ = ModuleSpec(module.__name__, None)
    empty[0].pyplot = empty[1]  # type: ignore[attr-defined]
    sys.modules.update(zip(names, empty, strict=True))
    try:
        yield
    finally:
        for name, module in zip(names, empty, strict=True):
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _create(name: str) -> Any:
    # An imported cv2 points Qt at its own plugins, which breaks a PySide6 window made later.
    qt = {key: os.environ.get(key) for key in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")}
    with quiet_stderr():
        with _without_plots():
            from mediapipe.python.solutions import face_detection, face_mesh, selfie_segmentation

        for key, value in qt.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
        if name == "mesh_crop":
            from engines.face.mesh_graph import MeshGraph

            model: Any = MeshGraph()
        elif name.startswith("mesh"):
            model = face_mesh.FaceMesh(
                static_image_mode=True,
                max_num_faces=1,
                refine_landmarks=True,
                min_detection_confidence=0.5 if name == "mesh" else 0.15,
            )
        elif name.startswith("detect"):
            model = face_detection.FaceDetection(
                model_selection=1 if name == "detect_far" else 0, min_detection_confidence=0.3
            )
        elif name == "matte":
            model = selfie_segmentation.SelfieSegmentation(model_selection=0)
        else:
            raise KeyError(name)
        model.process(np.full((128, 128, 3), 128, np.uint8))  # the interpreters log at their first run
    return model


def run(name: str, rgb: np.ndarray) -> Any:
    """Run a model on a picture.

    Parameters
    ----------
    name : ``mesh`` and ``mesh_lenient`` (478 landmarks of one face), ``mesh_crop`` (the same for an upright crop that a
        face fills), ``detect_near`` and ``detect_far`` (face boxes), ``matte`` (selfie segmentation)
    rgb : uint8 (H, W, 3)

    Returns
    -------
    MediaPipe's own result object
    """
    with _LOCK:
        model = _MODELS.get(name)
        if model is None:
            model = _MODELS[name] = _create(name)
        if not name.startswith("mesh") or name in _TALKED:
            return model.process(np.ascontiguousarray(rgb))
        with quiet_stderr():
            result = model.process(np.ascontiguousarray(rgb))
        if result.multi_face_landmarks:
            _TALKED.add(name)
        return result


@atexit.register
def close() -> None:
    """Give the models' threads and memory back; the next `run` makes them again."""
    with _LOCK:
        while _MODELS:
            _, model = _MODELS.popitem()
            model.close()
        _TALKED.clear()
