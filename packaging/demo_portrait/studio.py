"""Camera, soft lights and the out-of-focus room behind the sitter."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Vector

from demo_portrait.skin import Nodes

FRAME_HEIGHT = 0.39  # metres of the subject plane that the square frame shows


def _aim(item: bpy.types.Object, at: np.ndarray) -> None:
    item.rotation_euler = (Vector(at) - item.location).to_track_quat("-Z", "Y").to_euler()


def add_camera(eye: np.ndarray, lens: np.ndarray) -> None:
    """An 85 mm portrait lens at the eyes' height, focused on them."""
    camera = bpy.data.cameras.new("camera")
    distance = abs(lens[1] - eye[1])
    camera.lens = 85.0
    camera.sensor_width = 85.0 * FRAME_HEIGHT / distance
    camera.shift_y = -0.10
    camera.dof.use_dof = True
    camera.dof.focus_distance = distance - 0.012
    camera.dof.aperture_fstop = 5.6
    item = bpy.data.objects.new("camera", camera)
    item.location = lens
    bpy.context.collection.objects.link(item)
    _aim(item, lens + np.array([0.0, 1.0, 0.0]))
    bpy.context.scene.camera = item


def _area(name: str, at: tuple[float, float, float], eye: np.ndarray, size: float, watts: float, colour: tuple) -> None:
    light = bpy.data.lights.new(name, "AREA")
    light.shape, light.size, light.energy, light.color = "DISK", size, watts, colour
    item = bpy.data.objects.new(name, light)
    item.location = Vector(eye) + Vector(at)
    bpy.context.collection.objects.link(item)
    _aim(item, eye - np.array([0, 0, 0.03]))


def add_lights(eye: np.ndarray) -> None:
    """A window-like key, a weak fill, a rim from behind, and a dim warm room."""
    _area("key", (-0.95, -1.15, 0.75), eye, 0.70, 22.0, (1.0, 0.955, 0.90))
    _area("fill", (1.35, -1.20, 0.0), eye, 1.5, 3.6, (0.88, 0.94, 1.0))
    _area("rim", (0.85, 1.0, 0.75), eye, 0.55, 10.0, (1.0, 0.92, 0.82))
    _area("under", (0.0, -0.9, -0.75), eye, 0.9, 1.6, (1.0, 0.93, 0.86))
    world = bpy.data.worlds.new("room light")
    bpy.context.scene.world = world
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (0.30, 0.27, 0.25, 1)
    background.inputs["Strength"].default_value = 0.35


def _disc_blur(image: np.ndarray, radius: int) -> np.ndarray:
    """Blur by a lens's round aperture: convolution with a disc, by FFT, wrapped edges cut by padding."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = (x * x + y * y <= radius * radius).astype(float)
    disc /= disc.sum()
    pad = 2 * radius
    padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    kernel = np.zeros(padded.shape[:2])
    kernel[: disc.shape[0], : disc.shape[1]] = disc
    kernel = np.roll(kernel, (-radius, -radius), axis=(0, 1))
    transform = np.fft.rfft2(kernel)
    out = [np.fft.irfft2(np.fft.rfft2(padded[..., k]) * transform, padded.shape[:2]) for k in range(3)]
    return np.stack(out, axis=-1)[pad:-pad, pad:-pad]


def _paint_room(rng: np.random.Generator, size: int = 512) -> np.ndarray:
    """A study with a window, shelves of books and a lamp, out of focus: linear RGB, row 0 at the bottom."""
    y, x = np.mgrid[0:size, 0:size] / size
    wall = np.array([0.105, 0.098, 0.092])
    room = wall * (0.75 + 0.35 * (1 - x)[..., None] + 0.20 * y[..., None])

    def box(x0: float, y0: float, x1: float, y1: float, colour: object) -> None:
        room[int(y0 * size) : int(y1 * size), int(x0 * size) : int(x1 * size)] = colour

    box(-0.0, 0.34, 0.20, 1.0, (0.62, 0.70, 0.78))
    for bar in (0.085, 0.19):
        box(bar, 0.34, bar + 0.014, 1.0, (0.16, 0.13, 0.11))
    box(0.0, 0.66, 0.20, 0.675, (0.16, 0.13, 0.11))
    for row in (0.12, 0.36, 0.60, 0.84):
        box(0.70, row - 0.02, 1.0, row, (0.10, 0.062, 0.036))
        at = 0.71
        while at < 0.99:
            wide = rng.uniform(0.012, 0.028)
            tone = np.array([[0.16, 0.06, 0.04], [0.05, 0.09, 0.12], [0.20, 0.16, 0.10], [0.06, 0.08, 0.05]])
            if rng.random() < 0.85:
                box(at, row, min(at + wide, 1.0), row + rng.uniform(0.12, 0.19), tone[rng.integers(4)])
            at += wide + 0.003
    lamp = np.exp(-(((x - 0.80) / 0.035) ** 2 + ((y - 0.55) / 0.04) ** 2))[..., None]
    room = room + lamp * np.array([1.3, 0.85, 0.42])
    glow = np.exp(-(((x - 0.80) / 0.16) ** 2 + ((y - 0.55) / 0.17) ** 2))[..., None]
    room = room + glow * np.array([0.11, 0.065, 0.03])
    return np.clip(_disc_blur(room, size // 24), 0, None)


def add_room(rng: np.random.Generator) -> None:
    """A far backdrop that shines the painted room into the camera only."""
    picture = _paint_room(rng)
    size = picture.shape[0]
    image = bpy.data.images.new("room", size, size, float_buffer=True)
    rgba = np.concatenate([picture, np.ones((size, size, 1))], axis=-1)
    image.pixels.foreach_set(rgba.astype(np.float32).ravel())
    n = Nodes("room")
    texture = n.add("ShaderNodeTexImage", image=image, extension="EXTEND")
    material = n.finish(n.add("ShaderNodeEmission", {"Color": texture.outputs["Color"], "Strength": 1.0}).outputs[0])
    mesh = bpy.data.meshes.new("room")
    half, far, middle = 0.95, 2.2, 0.62
    corners = [(-half, far, middle - half), (half, far, middle - half)]
    corners += [(half, far, middle + half), (-half, far, middle + half)]
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new(name="uv")
    layer.data.foreach_set("uv", [0, 0, 1, 0, 1, 1, 0, 1])
    mesh.materials.append(material)
    item = bpy.data.objects.new("room", mesh)
    bpy.context.collection.objects.link(item)
    item.visible_diffuse = item.visible_glossy = item.visible_shadow = False
