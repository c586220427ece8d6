"""What the voice looks like: a pyramid of extremes for the waveform and a spectrogram. No Qt."""

from __future__ import annotations

import numpy as np

BLOCK = 64
STEP = 4


class Peaks:
    """Lowest and highest sample of any stretch of a recording, at any zoom, without reading it all again.

    Parameters
    ----------
    samples : float32 (N,), -1 to 1
    sample_rate : in hertz
    """

    def __init__(self, samples: np.ndarray, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.count = len(samples)
        self._samples = samples
        whole = samples[: len(samples) // BLOCK * BLOCK].reshape(-1, BLOCK)
        self._levels = [(whole.min(1), whole.max(1))] if len(whole) else []
        while self._levels and len(self._levels[-1][0]) > 4 * STEP:
            low, high = self._levels[-1]
            even = len(low) // STEP * STEP
            self._levels.append((low[:even].reshape(-1, STEP).min(1), high[:even].reshape(-1, STEP).max(1)))

    @property
    def duration_s(self) -> float:
        return self.count / self.sample_rate

    def columns(self, start_s: float, stop_s: float, columns: int) -> tuple[np.ndarray, np.ndarray]:
        """Extremes of ``columns`` equal stretches between two times : float32 (columns,) each; 0 outside the sound."""
        edges = np.linspace(start_s, stop_s, columns + 1) * self.sample_rate
        per_column = (edges[1] - edges[0]) if columns else 1.0
        low, high, size = self._samples, self._samples, 1
        for level, (level_low, level_high) in enumerate(self._levels):
            if BLOCK * STEP**level > per_column:
                break
            low, high, size = level_low, level_high, BLOCK * STEP**level
        index = np.floor(edges / size).astype(np.int64)
        first, last = index[:-1], np.maximum(index[1:], index[:-1] + 1)
        inside = (first >= 0) & (first < len(low))
        result_low, result_high = np.zeros(columns, np.float32), np.zeros(columns, np.float32)
        if not inside.any():
            return result_low, result_high
        starts = first[inside]
        stop = int(min(len(low), last[inside].max()))
        result_low[inside] = np.minimum.reduceat(low[:stop], starts)
        result_high[inside] = np.maximum.reduceat(high[:stop], starts)
        return result_low, result_high


def spectrogram(samples: np.ndarray, sample_rate: int, bands: int = 48, hop_s: float = 0.01) -> np.ndarray:
    """Loudness by mel band and time, for the eye : uint8 (bands, T), the lowest band last.

    Parameters
    ----------
    samples : float32 (N,)
    hop_s : seconds between columns
    """
    window = 512 if sample_rate <= 24000 else 1024
    hop = max(1, round(hop_s * sample_rate))
    count = max(1, -(-len(samples) // hop))
    padded = np.pad(samples, (window // 2, window + hop))
    shape = np.hanning(window).astype(np.float32)
    filters = _mel_filters(bands, window, sample_rate)
    result = np.zeros((bands, count), np.uint8)
    for begin in range(0, count, 4096):
        stop = min(count, begin + 4096)
        index = (np.arange(begin, stop) * hop)[:, None] + np.arange(window)
        power = np.abs(np.fft.rfft(padded[index] * shape, axis=1)) ** 2
        decibel = 10 * np.log10(power @ filters.T + 1e-9)
        result[:, begin:stop] = (np.clip((decibel + 50) / 80, 0, 1) * 255).astype(np.uint8).T[::-1]
    return result


def _mel_filters(bands: int, window: int, sample_rate: int) -> np.ndarray:
    """Triangular filters, evenly spaced on the mel scale from 60 Hz to 8 kHz : float32 (bands, window // 2 + 1)."""
    top = min(8000.0, sample_rate / 2)
    mels = np.linspace(2595 * np.log10(1 + 60 / 700), 2595 * np.log10(1 + top / 700), bands + 2)
    centres = 700 * (10 ** (mels / 2595) - 1)
    frequencies = np.fft.rfftfreq(window, 1 / sample_rate)
    rising = (frequencies - centres[:-2, None]) / (centres[1:-1] - centres[:-2])[:, None]
    falling = (centres[2:, None] - frequencies) / (centres[2:] - centres[1:-1])[:, None]
    filters = np.maximum(0, np.minimum(rising, falling))
    return (filters / np.maximum(filters.sum(1, keepdims=True), 1e-6)).astype(np.float32)
