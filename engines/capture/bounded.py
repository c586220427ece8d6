"""Least squares within bounds, many frames at once."""

from __future__ import annotations

import numba
import numpy as np

_SWEEPS = 80
_STILL = 2e-4


@numba.njit(cache=True, nogil=True)
def bounded(
    hessian: np.ndarray, added: np.ndarray, slopes: np.ndarray, start: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Minimise ``0.5 u (H + diag a) u - b u`` within bounds by coordinate descent (Hildreth 1957).

    Parameters
    ----------
    hessian : float64 (N, N), symmetric, positive definite
    added : float64 (T, N), one ``a`` a frame, none below 0
    slopes : float64 (T, N), one ``b`` a frame
    start : float64 (T, N)
    low, high : float64 (N,)

    Returns
    -------
    float64 (T, N)
    """
    frames, count = slopes.shape
    result = np.empty((frames, count))
    for t in range(frames):
        u = np.minimum(np.maximum(start[t], low), high)
        slope = slopes[t] - hessian @ u - added[t] * u
        for _ in range(_SWEEPS):
            most = 0.0
            for j in range(count):
                value = min(max(u[j] + slope[j] / (hessian[j, j] + added[t, j]), low[j]), high[j])
                step = value - u[j]
                if step != 0.0:
                    u[j] = value
                    for k in range(count):
                        slope[k] -= step * hessian[j, k]
                    slope[j] -= step * added[t, j]
                    most = max(most, abs(step))
            if most < _STILL:
                break
        result[t] = u
    return result
