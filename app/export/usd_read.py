"""Curves out of USD: the UsdSkel animation of a file, its blend shape weights and the bones of head and eyes.

Reads what other programs write, too: any skeleton, any up axis and unit, names with or without a path.

USD's own library takes minutes, all memory, or the whole program with it on some damaged files, so it reads in a
process of its own with limits.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.export.files import MAX_FRAMES, read_bytes
from app.export.options import ExportOptions
from app.export.scene import Bone, Curve, Scene, to_performance
from engines.api import Performance
from engines.errors import InputError
from engines.timebase import RATES

_MAGIC: Final = (b"PXR-USDC", b"#usda", b"#sdf", b"PK\x03\x04")
_CPU_S, _MEMORY_MB, _WALL_S = 4, 900, 60
"""Limits of the reading process for a small file; large ones are given more."""
_REFUSED, _NO_USD = 3, 4
"""Exit codes: the message is on the standard output; there is no usd-core."""
_BLENDER_UP: Final = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""World with Y up from world with Z up."""


def _rate(stage: Any) -> Fraction:
    """Time codes a second, the broadcast rates exactly."""
    told = float(stage.GetTimeCodesPerSecond())
    nearest = min(RATES.values(), key=lambda rate: abs(float(rate) - told))
    rate = nearest if abs(float(nearest) / told - 1) < 1e-4 else Fraction(told).limit_denominator(1001)
    if not 1 <= rate <= 240:
        raise InputError(f"its time codes come {told:.4g} times a second; 1 to 240 are possible")
    return rate


def _samples(attribute: Any) -> list[float]:
    times = attribute.GetTimeSamples()
    if len(times) > MAX_FRAMES:
        raise InputError(f"its animation has {len(times)} samples; at most {MAX_FRAMES} can be used")
    return [float(t) for t in times]


def _animated(attribute: Any, rate: Fraction, width: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Times (K,) in seconds and values (K, count, width) of an animated array of ``count`` items."""
    times = _samples(attribute)
    rows = []
    for time in times:
        value = attribute.Get(time)
        if value is None or len(value) != count:
            raise InputError(f"{attribute.GetName()} has another number of values than its names")
        rows.append(_numbers(value, width))
    return np.array(times) / float(rate), np.array(rows, np.float64).reshape(len(times), count, width)


def _numbers(value: Any, width: int) -> np.ndarray:
    if width == 4:  # quaternions have no numpy form: real part last, as scipy wants them
        return np.array([[*q.GetImaginary(), q.GetReal()] for q in value], np.float64)
    return np.asarray(value, np.float64).reshape(-1, width)


def _rest(stage: Any, joints: list[str]) -> np.ndarray:
    """Local rest matrices of joints (J, 4, 4), columns as usual; without a skeleton they stand at the origin."""
    from pxr import UsdSkel

    matrices = np.repeat(np.eye(4)[None], len(joints), 0)
    for prim in stage.Traverse():
        if prim.IsA(UsdSkel.Skeleton):
            skeleton = UsdSkel.Skeleton(prim)
            names, rest = skeleton.GetJointsAttr().Get(), skeleton.GetRestTransformsAttr().Get()
            if names and rest and len(names) == len(rest):
                known = {str(n): np.array(m).T for n, m in zip(names, rest, strict=True)}
                return np.stack([known.get(j, m) for j, m in zip(joints, matrices, strict=True)])
    return matrices


def _bones(stage: Any, animation: Any, rate: Fraction) -> dict[str, Any]:
    """The animated joints, as turns and moves from rest in the world's axes under a parent at rest."""
    from scipy.spatial.transform import Rotation

    joints = [str(j) for j in animation.GetJointsAttr().Get() or ()]
    local = _rest(stage, joints)
    at: dict[str, np.ndarray] = {}
    for joint, matrix in sorted(zip(joints, local, strict=True), key=lambda item: item[0].count("/")):
        at[joint] = at.get(joint.rpartition("/")[0], np.eye(4)) @ matrix
    rest = np.array([at[j] for j in joints]).reshape(-1, 4, 4)
    above = np.array([at.get(j.rpartition("/")[0], np.eye(4)) for j in joints]).reshape(-1, 4, 4)
    turn_s, quaternions = _animated(animation.GetRotationsAttr(), rate, 4, len(joints))
    move_s, moves = _animated(animation.GetTranslationsAttr(), rate, 3, len(joints))
    axes, unit = _axes(stage)
    if quaternions.size and not (np.linalg.norm(quaternions, axis=-1) > 1e-6).all():
        raise InputError("a rotation of a joint is none")
    turns = np.zeros((len(turn_s), len(joints), 3, 3))
    if quaternions.size:
        turned = Rotation.from_quat(quaternions.reshape(-1, 4)).as_matrix().reshape(turns.shape)
        turns = axes @ (above[:, :3, :3] @ turned @ rest[:, :3, :3].transpose(0, 2, 1)) @ axes.T
    moved = np.einsum("jab,kjb->kja", above[:, :3, :3], moves) + above[:, :3, 3] - rest[:, :3, 3]
    return {
        "bones": np.array([j.rpartition("/")[2] for j in joints], str),
        "places": rest[:, :3, 3] @ axes.T * unit,
        "turn_s": turn_s,
        "turns": turns,
        "move_s": move_s,
        "moves": moved @ axes.T * unit,
    }


def _axes(stage: Any) -> tuple[np.ndarray, float]:
    """What turns the file's axes into ours, and its unit in centimetres."""
    from pxr import UsdGeom

    up = UsdGeom.GetStageUpAxis(stage)
    return (np.eye(3) if up == UsdGeom.Tokens.y else _BLENDER_UP), float(UsdGeom.GetStageMetersPerUnit(stage)) * 100


def load(path: Path) -> Scene:
    """Curves and bones of the animation with the most blend shapes.

    Raises
    ------
    InputError
        If it is no USD file or nothing is animated in it.
    """
    data = read_bytes(path)
    if not data.startswith(_MAGIC):
        raise InputError("it does not begin as a USD file does")
    megabytes = len(data) >> 20
    del data
    root = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])}
    limits = f"{_CPU_S + 2 * megabytes}", f"{_MEMORY_MB + 8 * megabytes}"
    with tempfile.TemporaryDirectory(prefix="soliloquy-") as folder:
        out = Path(folder) / "scene.npz"
        command = [sys.executable, "-m", "app.export.usd_read", os.fspath(path), os.fspath(out), *limits]
        try:
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=_WALL_S + 10 * megabytes, check=False)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise InputError("USD takes too long to read it") from None
        said = done.stdout.decode(errors="replace").strip()
        if done.returncode == _REFUSED:
            raise InputError(said)
        if done.returncode == _NO_USD:
            raise ImportError("usd-core is not installed", name="usd-core")
        if done.returncode != 0:
            raise InputError("USD finds it damaged")
        with np.load(out) as kept:
            return _unpacked(kept)


def _unpacked(kept: Mapping[str, np.ndarray]) -> Scene:
    """The scene that `_packed` made arrays of."""
    bones = []
    for i, name in enumerate(kept["bones"].tolist()):
        turns = Curve(kept["turn_s"], kept["turns"][:, i]) if len(kept["turn_s"]) else None
        moves = Curve(kept["move_s"], kept["moves"][:, i]) if len(kept["move_s"]) else None
        bones.append(Bone(name, kept["places"][i], turns, moves))
    rate = Fraction(*kept["rate"].tolist())
    scene = Scene(bones=bones, rate=rate, start=int(kept["start"]))
    scene.curves = {n: Curve(kept["weight_s"], kept["weights"][:, i]) for i, n in enumerate(kept["names"].tolist())}
    if len(kept["tongue"]):
        scene.tongue = Curve(np.arange(len(kept["tongue"])) / float(rate), kept["tongue"])
    return scene


def _packed(path: Path) -> dict[str, Any]:
    """What is animated in a file, as arrays."""
    from pxr import Usd, UsdSkel

    stage = Usd.Stage.Open(str(path), Usd.Stage.LoadAll)
    animations = [UsdSkel.Animation(p) for p in stage.Traverse() if p.IsA(UsdSkel.Animation)]
    if not animations:
        raise InputError("it holds no skeletal animation (UsdSkel)")
    animation = max(animations, key=lambda a: len(a.GetBlendShapesAttr().Get() or ()))
    rate = _rate(stage)
    names = [str(n) for n in animation.GetBlendShapesAttr().Get() or ()]
    nothing = np.zeros(0), np.zeros((0, 0, 1))
    weight_s, weights = _animated(animation.GetBlendShapeWeightsAttr(), rate, 1, len(names)) if names else nothing
    root = stage.GetDefaultPrim()
    start, tongue = (root.GetCustomDataByKey(k) if root else None for k in ("startFrame", "tongue"))
    return {
        "rate": np.array([rate.numerator, rate.denominator]),
        "start": np.array(start if isinstance(start, int) else 0),
        "tongue": np.asarray(tongue if tongue is not None else (), np.float64)[:MAX_FRAMES],
        "names": np.array(names if len(weight_s) else [], str),
        "weight_s": weight_s,
        "weights": weights[..., 0],
        **_bones(stage, animation, rate),
    }


def _main(path: str, out: str, cpu_s: str, memory_mb: str) -> int:
    """The reading process."""
    try:
        import resource
    except ImportError:  # Windows has no limits of this kind; the parent's clock remains
        pass
    else:
        resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_s), int(cpu_s)))
        resource.setrlimit(resource.RLIMIT_DATA, (int(memory_mb) << 20, int(memory_mb) << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        from pxr import Tf
    except ImportError:
        return _NO_USD
    try:
        arrays = _packed(Path(path))
        if not all(np.isfinite(a).all() for a in arrays.values() if a.dtype.kind == "f"):
            raise InputError("it holds values that are not numbers")
        np.savez(out, **arrays)
    except InputError as error:
        print(error)
        return _REFUSED
    except Tf.ErrorException:  # its own text may quote damaged bytes, which cannot be shown
        print("USD finds it damaged")
        return _REFUSED
    return 0


def read_curves(path: Path, options: ExportOptions) -> Performance:
    """The file's animation."""
    return to_performance(load(path), options)


def read_start(path: Path, options: ExportOptions) -> int:
    """Number of the first frame."""
    return load(path).start


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
