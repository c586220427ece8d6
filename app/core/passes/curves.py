"""The artist's curves over what came before: add, multiply or replace."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.core.controls import Controls, SampledCurve
from app.core.passes.scene import Scene
from app.core.project import CHANNELS_GAZE, CHANNELS_POSE
from engines import arkit, registry
from engines.api import EngineInfo, Performance

_POSE_SCALE = (*[np.pi / 180] * 3, 1.0, 1.0, 1.0)


def meet(values: np.ndarray, curve: SampledCurve, scale: float = 1.0) -> np.ndarray:
    """``values`` (T,) with one curve applied; ``scale`` turns the curve's unit into that of the values."""
    if curve.mode == "replace":
        return np.asarray(curve.values * scale)
    if curve.mode == "multiply":
        return np.asarray(values * curve.values)
    return np.asarray(values + curve.values * scale)


def pose(performance: Performance, scene: Scene) -> Performance:
    """Apply ``pose.*`` curves."""
    head = performance.head.astype(np.float64)
    for curve in scene.controls.curves:
        if curve.channel.startswith("pose."):
            i = CHANNELS_POSE.index(curve.channel.removeprefix("pose."))
            head[:, i] = meet(head[:, i], curve, _POSE_SCALE[i])
    return performance.with_(head=head)


def gaze(performance: Performance, scene: Scene) -> Performance:
    """Apply ``gaze.*`` curves to both eyes."""
    values = performance.gaze.astype(np.float64)
    for curve in scene.controls.curves:
        if curve.channel.startswith("gaze."):
            i = CHANNELS_GAZE.index(curve.channel.removeprefix("gaze."))
            for column in (i, i + 2):
                values[:, column] = meet(values[:, column], curve, np.pi / 180)
    return performance.with_(gaze=values)


def units(performance: Performance, scene: Scene) -> Performance:
    """Apply ``blink`` and the curves of ARKit units."""
    weights = performance.weights.astype(np.float64)
    for curve in scene.controls.curves:
        columns = arkit.indices("eyeBlink") if curve.channel == "blink" else ()
        if curve.channel in arkit.INDEX:
            columns = (arkit.INDEX[curve.channel],)
        for i in columns:
            weights[:, i] = meet(weights[:, i], curve)
    return performance.with_(weights=np.clip(weights, 0, 1))


def own(controls: Controls, info: EngineInfo) -> dict[str, np.ndarray]:
    """What ``ENGINE_ID.NAME`` curves ask of the engine that draws, as `engines.api.Performance.extras`."""
    known = {coordinate.name for coordinate in registry.coordinates(info)}
    found: dict[str, np.ndarray] = {}
    for curve in controls.curves:
        engine_id, _, name = curve.channel.partition(".")
        if engine_id == info.id and name in known:
            gain, offset = np.ones(len(controls)), np.zeros(len(controls))
            found[name] = np.stack([meet(gain, _scaling(curve)), meet(offset, curve)], -1)
    return found


def _scaling(curve: SampledCurve) -> SampledCurve:
    """The part of ``curve`` that scales what was there; only multiplying and replacing curves have one."""
    if curve.mode == "multiply":
        return curve
    return replace(curve, values=np.zeros_like(curve.values))
