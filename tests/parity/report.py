"""Deviations from the fixtures and whether they are within tolerance."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch


@dataclass
class Report:
    """Collects one line per output over all cases of a folder."""

    worst: dict[str, tuple[float, float, str]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def maximum(
        self, case: str, name: str, got: torch.Tensor | np.ndarray, want: np.ndarray, limit: float, scale: float = 1
    ) -> None:
        """Largest absolute difference, divided by ``scale``."""
        self._note(case, name, "max", _difference(case, name, got, want).max() / scale, limit)

    def percentile(
        self, case: str, name: str, got: torch.Tensor, want: np.ndarray, percent: float, limit: float
    ) -> None:
        """A percentile of the absolute difference."""
        self._note(case, name, f"p{percent:g}", np.percentile(_difference(case, name, got, want), percent), limit)

    def image(self, case: str, name: str, got: torch.Tensor, want: np.ndarray, mean: float, p999: float) -> None:
        """Mean and 99.9th percentile of the absolute difference."""
        difference = _difference(case, name, got, want)
        self._note(case, name, "mean", difference.mean(), mean)
        self._note(case, name, "p99.9", np.percentile(difference, 99.9), p999)

    def equal(self, case: str, name: str, same: bool) -> None:
        self._note(case, name, "equal", 0.0 if same else np.inf, 0.0)

    def _note(self, case: str, name: str, kind: str, value: float, limit: float) -> None:
        value = float(value)
        key = f"{name} ({kind})"
        if key not in self.worst or value > self.worst[key][0]:
            self.worst[key] = (value, limit, case)
        if not value <= limit:
            self.failures.append(f"{case}: {key} = {value:.3g}, tolerance {limit:g}")

    def show(self) -> bool:
        """Print the table; True if all is within tolerance."""
        for key, (value, limit, case) in self.worst.items():
            print(f"  {key:42s} {value:10.3g}   tolerance {limit:<8g} {case}{'' if value <= limit else '   FAILS'}")
        if not self.worst:
            self.failures.append("nothing was compared")
        for failure in self.failures:
            print("  FAILED", failure)
        return not self.failures


def _difference(case: str, name: str, got: torch.Tensor | np.ndarray, want: np.ndarray) -> np.ndarray:
    array = got.detach().numpy() if isinstance(got, torch.Tensor) else np.asarray(got)
    assert array.shape == want.shape, f"{case}: {name} has shape {array.shape}, the fixture {want.shape}"
    return np.abs(array.astype(np.float64) - want.astype(np.float64))
