"""What is said: the decoder of Whisper tiny.en in numpy, greedy, English only.

Radford et al. 2023 (arXiv:2212.04356). Times come afterwards, from `engines.speech.align`.
"""

from __future__ import annotations

import functools
import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.speech import whisper
from engines.speech.whisper import WIDTH, attend, gelu, layer_norm, linear

_END, _START, _NO_SPEECH, _NO_TIMES, _FIRST_TIME = 50256, 50257, 50361, 50362, 50363
_TOKENS_A_SECOND = 9
TRUSTED: Final = -0.8
"""Mean log probability below which a transcript is not to be relied on."""
_REPEATED: Final = 2.4
"""Times that a text shrinks when packed from which the decoder repeats itself; as in section 4.5 of the paper."""


@dataclass(frozen=True)
class Transcript:
    """Text of a stretch.

    Attributes
    ----------
    text : as decoded, without surrounding blanks
    log_probability : mean over its tokens, 0 at best
    no_speech : probability that nobody speaks
    """

    text: str
    log_probability: float
    no_speech: float

    @property
    def trusted(self) -> bool:
        data = self.text.encode()
        repeated = len(data) > _REPEATED * len(zlib.compress(data))
        return bool(data) and not repeated and self.log_probability >= TRUSTED and self.no_speech < 0.6

    @property
    def confidence(self) -> float:
        """0 to 1 for the words of this stretch."""
        return float(np.exp(self.log_probability))


def transcribe(states: np.ndarray, seconds: float) -> Transcript:
    """Decode one stretch.

    Parameters
    ----------
    states : float32 (1500, 384), the encoder's last states (``whisper.encode(sound, (5,))``)
    seconds : length of the sound in them
    """
    w = whisper.weights("decoder")
    keys = []
    for layer in range(whisper.LAYERS):
        k, v = np.split(linear(states, w, f"layer_{layer}/attention/linear_1"), 2, -1)
        keys.append((k, v))
    most = min(440, 8 + round(seconds * _TOKENS_A_SECOND))
    cache: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros((0, WIDTH), np.float32),) * 2] * whisper.LAYERS
    silence = float(_probabilities(_step([_START], 0, keys, cache))[_NO_SPEECH])
    logits = _step([_NO_TIMES], 1, keys, cache)
    tokens: list[int] = []
    total = 0.0
    for position in range(2, most + 2):
        logits[_END + 1 :] = -np.inf
        if not tokens:
            logits[[_END, _blank()]] = -np.inf
        token = int(logits.argmax())
        total += float(logits[token] - _log_sum(logits))
        if token == _END:
            break
        tokens.append(token)
        if _loops(tokens):
            return Transcript(_text(tokens), -np.inf, silence)
        logits = _step([token], position, keys, cache)
    return Transcript(_text(tokens), total / (len(tokens) + 1), silence)


def _step(
    tokens: list[int],
    position: int,
    keys: list[tuple[np.ndarray, np.ndarray]],
    cache: list[tuple[np.ndarray, np.ndarray]],
) -> np.ndarray:
    """Scores of the next token : float32 (51864,). Extends ``cache`` in place."""
    w = whisper.weights("decoder")
    x = w["embeddings/weight"][tokens] + w["position_encodings/encodings"][position : position + len(tokens)]
    for layer in range(whisper.LAYERS):
        name = f"layer_{layer}/"
        q, k, v = np.split(
            linear(layer_norm(x, w, name + "self_attention/layer_norm"), w, name + "self_attention/linear_0"), 3, -1
        )
        k, v = (np.concatenate([old, new]) for old, new in zip(cache[layer], (k, v), strict=True))
        cache[layer] = (k, v)
        x = x + linear(attend(q, k, v), w, name + "self_attention/linear_1")
        q = linear(layer_norm(x, w, name + "attention/layer_norm"), w, name + "attention/linear_0")
        x = x + linear(attend(q, *keys[layer]), w, name + "attention/linear_2")
        hidden = gelu(linear(layer_norm(x, w, name + "ffn/layer_norm"), w, name + "ffn/linear_0"))
        x = x + linear(hidden, w, name + "ffn/linear_1")
    return np.asarray(w["embeddings/weight"] @ layer_norm(x[-1], w, "layer_norm"))


def _log_sum(logits: np.ndarray) -> float:
    top = float(logits.max())
    return top + float(np.log(np.exp(logits - top).sum()))


def _probabilities(logits: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(logits - _log_sum(logits)))


def _loops(tokens: list[int]) -> bool:
    """Whether the decoder is caught in a circle: the same one to eight tokens four times in a row."""
    return any(len(tokens) >= 4 * n and tokens[-4 * n :] == tokens[-n:] * 4 for n in range(1, 9) if n > 1) or (
        len(tokens) >= 8 and len(set(tokens[-8:])) == 1
    )


@functools.cache
def _vocabulary() -> list[str]:
    folder = whisper.model_folder()
    assert folder is not None
    return (folder / "vocabulary.txt").read_text(encoding="utf-8").split("\n")


@functools.cache
def _blank() -> int:
    return _vocabulary().index("Ġ")


@functools.cache
def _bytes_of() -> dict[str, int]:
    """Printable characters that stand for bytes in GPT-2's vocabulary."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(b): b for b in plain}
    others = (b for b in range(256) if b not in plain)
    return table | {chr(256 + n): b for n, b in enumerate(others)}


def _text(tokens: list[int]) -> str:
    table = _bytes_of()
    data = bytes(table[c] for token in tokens for c in _vocabulary()[token])
    return data.decode("utf-8", errors="ignore").strip()
