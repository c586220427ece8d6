"""Eyes: a painted ball with a recessed iris under a clear, wet shell."""

from __future__ import annotations

import bpy
import numpy as np

from demo_portrait.skin import Nodes

IRIS_RADIUS = 0.0060
PUPIL_RADIUS = 0.0020


def _ring_grid(rings: np.ndarray, sectors: int) -> tuple[np.ndarray, np.ndarray, list[tuple[int, ...]]]:
    theta, phi = np.meshgrid(rings, np.linspace(0, 2 * np.pi, sectors, endpoint=False), indexing="ij")
    faces = []
    for i in range(len(rings) - 1):
        for j in range(sectors):
            k = (j + 1) % sectors
            faces.append((i * sectors + j, i * sectors + k, (i + 1) * sectors + k, (i + 1) * sectors + j))
    return theta, phi, faces


def _periodic_noise(rng: np.random.Generator, phi: np.ndarray, waves: int, roll: float) -> np.ndarray:
    amplitude = rng.normal(size=waves) / np.arange(1, waves + 1) ** roll
    phase = rng.uniform(0, 2 * np.pi, size=waves)
    total = sum(a * np.cos(k * phi + p) for k, a, p in zip(range(1, waves + 1), amplitude, phase, strict=True))
    return np.asarray(total) / np.sqrt((amplitude**2).sum() / 2)


Iris = tuple[tuple[float, float, float], tuple[float, float, float]]
HAZEL: Iris = ((0.135, 0.062, 0.020), (0.105, 0.088, 0.050))
"""Linear colours of an iris about the pupil and further out."""


def _paint(
    rng: np.random.Generator, rho: np.ndarray, phi: np.ndarray, off_axis: np.ndarray, colours: Iris
) -> np.ndarray:
    """Colour of the ball, linear RGB, from distance to the optical axis (metres) and the angle about it."""
    part = np.clip((rho - PUPIL_RADIUS) / (IRIS_RADIUS - PUPIL_RADIUS), 0, 1)
    swirl = phi + 0.10 * np.sin(part * 5)
    fibres = np.zeros_like(rho)
    for waves, weight in ((40, 0.5), (110, 0.8), (220, 0.6)):
        first = _periodic_noise(rng, swirl, waves, 0.25)
        second = _periodic_noise(rng, swirl, waves, 0.25)
        fibres += weight * ((1 - part) * first + part * second)
    crypts = _periodic_noise(rng, phi, 14, 0.4) * np.exp(-((part - 0.45) ** 2) / 0.03)
    light = np.clip(0.5 + 0.20 * fibres + 0.10 * crypts, 0, 1)
    inner, outer = np.array(colours)
    collarette = np.clip(1 - (part - 0.10) / 0.45 + 0.10 * _periodic_noise(rng, phi, 24, 0.5), 0, 1)[..., None]
    iris = (collarette * inner + (1 - collarette) * outer) * (0.35 + 1.7 * light[..., None] ** 1.6)
    limbus = np.clip((part - 0.76) / 0.24, 0, 1)[..., None] ** 1.6
    iris = iris * (1 - 0.82 * limbus)
    ruff = np.exp(-((rho - PUPIL_RADIUS) ** 2) / (0.00022**2))[..., None]
    iris = iris * (1 - 0.75 * ruff)
    pupil = 1 / (1 + np.exp((rho - PUPIL_RADIUS) / 0.00005))[..., None]
    iris = iris * (1 - pupil) + pupil * 0.0006

    white = np.broadcast_to(np.array([0.66, 0.615, 0.575]), (*rho.shape, 3)).copy()
    redness = np.clip((off_axis - 0.42) / 0.55, 0, 1)[..., None]
    white = white * (1 - redness) + redness * np.array([0.56, 0.33, 0.27])
    vein = np.zeros_like(rho)
    for _ in range(26):
        at, width = rng.uniform(0, 2 * np.pi), rng.uniform(0.006, 0.016)
        start = rng.uniform(0.40, 0.75)
        line = at + 0.10 * np.sin(off_axis * rng.uniform(8, 16) + rng.uniform(0, 6)) + 0.05 * np.sin(off_axis * 37)
        gap = np.angle(np.exp(1j * (phi - line)))
        vein += np.exp(-((gap / width) ** 2)) * np.clip((off_axis - start) / 0.35, 0, 1)
    vein = np.clip(vein, 0, 1)[..., None] * 0.42
    white = white * (1 - vein) + vein * np.array([0.50, 0.13, 0.10])
    edge = 1 / (1 + np.exp((rho - IRIS_RADIUS) / 0.00022))[..., None]
    return white * (1 - edge) + iris * edge


def _mesh_object(name: str, points: np.ndarray, faces: list, material: bpy.types.Material) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points.reshape(-1, 3), [], faces)
    mesh.shade_smooth()
    mesh.materials.append(material)
    item = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(item)
    return item


def _ball_material() -> bpy.types.Material:
    n = Nodes("eye")
    colour = n.add("ShaderNodeVertexColor", layer_name="paint").outputs["Color"]
    shader = n.add(
        "ShaderNodeBsdfPrincipled",
        {
            "Base Color": colour,
            "Roughness": 0.55,
            "Specular IOR Level": 0.1,
            "Subsurface Weight": 0.25,
            "Subsurface Radius": (1.0, 0.5, 0.35),
            "Subsurface Scale": 0.0012,
        },
    )
    return n.finish(shader.outputs["BSDF"])


def _shell_material() -> bpy.types.Material:
    n = Nodes("tear film")
    wet = n.bump(n.noise(0.003, 2), 0.00006, 0.25)
    fresnel = n.add("ShaderNodeFresnel", {"IOR": 1.38, "Normal": wet}).outputs["Fac"]
    clear = n.add("ShaderNodeBsdfTransparent").outputs["BSDF"]
    gloss = n.add("ShaderNodeBsdfGlossy", {"Roughness": 0.025, "Normal": wet}).outputs["BSDF"]
    return n.finish(n.add("ShaderNodeMixShader", {0: fresnel, 1: clear, 2: gloss}).outputs[0])


def add_eye(
    rng: np.random.Generator,
    centre: np.ndarray,
    radius: float,
    look_at: np.ndarray,
    colours: Iris = HAZEL,
    detail: float = 1.0,
) -> None:
    """Add one eye turned to a point.

    Parameters
    ----------
    centre : float (3,)
        Middle of the ball, metres.
    radius : float
        Radius of the ball, metres.
    look_at : float (3,)
        Where it looks.
    colours : tuple
        Of the iris.
    detail : float
        Share of the points of a close portrait's eye, along each direction.
    """
    axis = (look_at - centre) / np.linalg.norm(look_at - centre)
    right = np.cross(axis, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    frame = np.stack([right, np.cross(right, axis), axis])

    limbus = np.arcsin(IRIS_RADIUS / radius)
    iris = np.linspace(1e-4, limbus * 1.06, round(150 * detail))
    rings = np.concatenate([iris, np.linspace(limbus * 1.07, np.pi * 0.72, round(130 * detail))])
    theta, phi, faces = _ring_grid(rings, round(720 * detail))
    rho = radius * np.sin(theta)
    flat = radius * np.cos(limbus) - 0.0007 - 0.0006 * np.clip(1 - rho / IRIS_RADIUS, 0, 1)
    inside = 1 / (1 + np.exp((rho - IRIS_RADIUS * 0.985) / 0.00007))
    depth = radius * np.cos(theta) * (1 - inside) + flat * inside
    local = np.stack([rho * np.cos(phi), rho * np.sin(phi), depth], axis=-1)
    paint = _paint(rng, np.where(theta < np.pi / 2, rho, radius), phi, theta, colours)
    ball = _mesh_object("eye", centre + local @ frame, faces, _ball_material())
    layer = ball.data.color_attributes.new("paint", "FLOAT_COLOR", "POINT")
    rgba = np.concatenate([paint, np.ones((*paint.shape[:2], 1))], axis=-1)
    layer.data.foreach_set("color", rgba.astype(np.float32).ravel())

    theta, phi, faces = _ring_grid(np.linspace(1e-4, np.pi * 0.72, round(180 * detail)), round(256 * detail))
    bulge = 0.0011 * np.where(theta < limbus * 1.2, 0.5 + 0.5 * np.cos(np.pi * theta / (limbus * 1.2)), 0)
    r = radius + 0.00012 + bulge
    local = r[..., None] * np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1)
    shell = _mesh_object("tear film", centre + local @ frame, faces, _shell_material())
    shell.visible_shadow = False
