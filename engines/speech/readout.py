"""The learnt readout: Whisper's hidden states to mouth geometry and phone probabilities, 50 a second, in numpy.

A ridge regression and a few small temporal convolution nets are averaged; some of the nets read the spectrum and the
first block as well. How they were fitted, on what, and how well they do is in ``assets/speech/README.md``; the fitting
program is `engines.speech.train`.
"""

from __future__ import annotations

import functools
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engines.errors import WeightsMissing
from engines.speech.whisper import gelu

GEOMETRY: Final = ("aperture", "width", "inwidth", "jaw", "protrude", "uplip", "upthick", "lothick", "lolip", "cornerY")
"""What is read out, in multiples of the speaker's standard deviation from the speaker's mean."""

LAYERS: Final = (0, 1, 2, 3)
"""What is read of the encoder, side by side: the spectrum and three blocks (`engines.speech.whisper.encode`)."""

FEATURES: Final = 2 * 80 + 3 * 384
"""Numbers a frame."""

_PHONES = "SIL AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
PHONES: Final = tuple(_PHONES.split(" "))
"""Classes of the phone head: ARPAbet without stress."""

CLOSERS: Final = ("P", "B", "M")
"""Phones for which the lips shut."""

REACH: Final = 50
"""Frames of context either side that make a value exact."""

ASSET: Final = Path(__file__).resolve().parents[2] / "assets" / "speech" / "readout.npz"


@dataclass(frozen=True, eq=False)
class Readout:
    """Fitted numbers.

    Attributes
    ----------
    arrays : by name. ``mean``, ``scale`` (FEATURES,) standardise the input. ``ridge/taps`` (N,) frame offsets and
        ``ridge/weight`` (N * D + 1, K) for the last D features. Per net ``i``: ``i/in/weight`` (C, D), D again its own,
        ``i/in/bias``, per block ``i/block{b}/weight`` (5, C, C) [tap, in, out] with ``i/block{b}/bias``,
        ``i/out/weight`` (K + P, C), ``i/out/bias``. ``dilations``, ``blend`` (weight of the ridge), ``gain`` (K,)
        undoes the shrinking of the mean of many possible mouths.
    """

    arrays: dict[str, np.ndarray]

    @property
    def nets(self) -> int:
        return int(self.arrays["nets"])

    def __call__(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Geometry and phones of a stretch of speech.

        Parameters
        ----------
        features : float32 (T, FEATURES)

        Returns
        -------
        geometry : float32 (T, K), columns `GEOMETRY`, in standard deviations
        phones : float32 (T, P), probabilities of `PHONES`
        """
        a = self.arrays
        x = (features - a["mean"]) / a["scale"]
        ridge = self._ridge(x)
        outputs = [self._net(x, number) for number in range(self.nets)]
        count = len(GEOMETRY)
        mean = sum((o[:, :count] for o in outputs), np.zeros_like(ridge)) / max(1, len(outputs))
        share = a["blend"]
        geometry = (share * ridge + (1 - share) * mean) * a["gain"]
        phones = sum((_softmax(o[:, count:]) for o in outputs), np.zeros((len(x), len(PHONES)), np.float32))
        return np.asarray(geometry, np.float32), np.asarray(phones / max(1, len(outputs)), np.float32)

    def _ridge(self, x: np.ndarray) -> np.ndarray:
        weight, taps = self.arrays["ridge/weight"], self.arrays["ridge/taps"]
        x = x[:, x.shape[1] - (len(weight) - 1) // len(taps) :]
        rows = np.arange(len(x))
        out = np.broadcast_to(weight[-1], (len(x), weight.shape[1])).copy()
        for number, tap in enumerate(taps):
            part = weight[number * x.shape[1] : (number + 1) * x.shape[1]]
            out += (x @ part)[np.clip(rows + tap, 0, len(x) - 1)]
        return out

    def _net(self, x: np.ndarray, number: int) -> np.ndarray:
        a = self.arrays
        entry = a[f"{number}/in/weight"]
        h = gelu(x[:, x.shape[1] - entry.shape[1] :] @ entry.T + a[f"{number}/in/bias"])
        for block, dilation in enumerate(a["dilations"]):
            weight = a[f"{number}/block{block}/weight"]
            reach = len(weight) // 2 * int(dilation)
            padded = np.pad(h, ((reach, reach), (0, 0)))
            mixed = sum(padded[t * dilation : t * dilation + len(h)] @ weight[t] for t in range(len(weight)))
            h = h + gelu(mixed + a[f"{number}/block{block}/bias"])
        return np.asarray(h @ a[f"{number}/out/weight"].T + a[f"{number}/out/bias"])


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


def read(path: Path) -> Readout:
    """A readout from its npz.

    Raises
    ------
    WeightsMissing
        If the file is absent or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
            arrays = {k: v.astype(np.float32) if v.dtype == np.float16 else v for k, v in data.items()}
        count = len(GEOMETRY)
        if arrays["ridge/weight"].shape[1] != count or arrays["gain"].shape != (count,):
            raise ValueError("other columns")
        if len(arrays["mean"]) != FEATURES:
            raise ValueError("made for other features")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise WeightsMissing(
            f"The mouth readout {path} is absent or damaged ({error}). Restore it from the repository "
            "or fit it again with: python -m engines.speech.train FOLDER"
        ) from error
    return Readout(arrays)


@functools.cache
def default() -> Readout:
    """The readout that ships in ``assets/speech``."""
    return read(ASSET)
