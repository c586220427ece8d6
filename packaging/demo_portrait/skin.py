"""Skin: a procedural principled material with subsurface scattering, and the garment's cloth."""

from __future__ import annotations

import bpy

Socket = bpy.types.NodeSocket
Colour = tuple[float, float, float]


class Nodes:
    """A thin builder over one material's node tree: each method adds a node and returns its output."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.tree.nodes.clear()

    def add(self, kind: str, inputs: dict[str | int, object] | None = None, **settings: object) -> bpy.types.Node:
        """Add a node; inputs are linked when they are sockets, set when they are values."""
        node = self.tree.nodes.new(kind)
        for key, value in settings.items():
            setattr(node, key, value)
        for key, value in (inputs or {}).items():
            if isinstance(value, Socket):
                self.tree.links.new(value, node.inputs[key])
            else:
                node.inputs[key].default_value = value
        return node

    def attribute(self, name: str) -> Socket:
        """A per-vertex float attribute."""
        return self.add("ShaderNodeAttribute", attribute_name=name).outputs["Fac"]

    def noise(self, size_m: float, detail: float = 4.0, low: float = 0.0, high: float = 1.0) -> Socket:
        """Fractal noise with features of a given size in metres, stretched to 0..1 between low and high."""
        coordinates = self.add("ShaderNodeTexCoord").outputs["Object"]
        node = self.add("ShaderNodeTexNoise", {"Vector": coordinates, "Scale": 1.0 / size_m, "Detail": detail})
        return self.ramp(node.outputs["Fac"], low, high)

    def cells(self, size_m: float, feature: str = "F1") -> bpy.types.Node:
        """Voronoi cells of a given size in metres."""
        coordinates = self.add("ShaderNodeTexCoord").outputs["Object"]
        return self.add("ShaderNodeTexVoronoi", {"Vector": coordinates, "Scale": 1.0 / size_m}, feature=feature)

    def ramp(self, value: Socket, low: float, high: float, to_low: float = 0.0, to_high: float = 1.0) -> Socket:
        """Clamped linear map."""
        inputs = {"Value": value, "From Min": low, "From Max": high, "To Min": to_low, "To Max": to_high}
        return self.add("ShaderNodeMapRange", inputs).outputs["Result"]

    def math(self, operation: str, a: Socket | float, b: Socket | float = 0.0) -> Socket:
        """One arithmetic operation."""
        return self.add("ShaderNodeMath", {0: a, 1: b}, operation=operation).outputs[0]

    def mix(self, factor: Socket | float, a: Socket | tuple, b: Socket | tuple) -> Socket:
        """Blend two colours."""
        node = self.add("ShaderNodeMix", data_type="RGBA")
        for socket, value in ((node.inputs[0], factor), (node.inputs[6], a), (node.inputs[7], b)):
            if isinstance(value, Socket):
                self.tree.links.new(value, socket)
            else:
                socket.default_value = (*value, 1.0) if isinstance(value, tuple) else value
        return node.outputs[2]

    def bump(self, height: Socket, distance_m: float, strength: float, normal: Socket | None = None) -> Socket:
        """A bump layer on top of another."""
        inputs: dict[str | int, object] = {"Height": height, "Distance": distance_m, "Strength": strength}
        if normal is not None:
            inputs["Normal"] = normal
        return self.add("ShaderNodeBump", inputs).outputs["Normal"]

    def finish(self, shader: Socket) -> bpy.types.Material:
        """Connect the surface."""
        self.add("ShaderNodeOutputMaterial", {"Surface": shader})
        return self.material


def skin_material(tone: Colour = (1.0, 1.0, 1.0), lip_tone: Colour = (1.0, 1.0, 1.0)) -> bpy.types.Material:
    """Skin driven by the vertex attributes ``red``, ``shade``, ``freckle``, ``oil``, ``lip`` (each 0 to 1).

    Parameters
    ----------
    tone, lip_tone : what the fair skin's and lips' linear colours are multiplied by
    """
    n = Nodes("skin")

    def skin(*colour: float) -> Colour:
        return colour[0] * tone[0], colour[1] * tone[1], colour[2] * tone[2]

    def lips(*colour: float) -> Colour:
        return colour[0] * lip_tone[0], colour[1] * lip_tone[1], colour[2] * lip_tone[2]

    lip, red, shade = n.attribute("lip"), n.attribute("red"), n.attribute("shade")
    colour = n.mix(n.noise(0.018, 3, 0.35, 0.65), skin(0.60, 0.365, 0.262), skin(0.53, 0.300, 0.212))
    colour = n.mix(n.math("MULTIPLY", n.noise(0.004, 5, 0.45, 0.75), 0.30), colour, skin(0.50, 0.22, 0.15))
    colour = n.mix(n.math("MULTIPLY", n.noise(0.0011, 4, 0.45, 0.8), 0.30), colour, skin(0.72, 0.47, 0.35))
    blotchy = n.math("MULTIPLY", red, n.noise(0.009, 4, 0.15, 0.75))
    colour = n.mix(n.math("MULTIPLY", blotchy, 0.75), colour, skin(0.58, 0.20, 0.145))
    colour = n.mix(n.math("MULTIPLY", shade, 0.45), colour, skin(0.34, 0.165, 0.135))
    spots = n.ramp(n.cells(0.0042).outputs["Distance"], 0.30, 0.14)
    spots = n.math("MULTIPLY", spots, n.noise(0.007, 2, 0.50, 0.62))
    spots = n.math("MULTIPLY", spots, n.attribute("freckle"))
    colour = n.mix(n.math("MULTIPLY", spots, 0.42), colour, skin(0.30, 0.13, 0.07))
    lip_colour = n.mix(n.noise(0.0025, 4, 0.3, 0.7), lips(0.40, 0.125, 0.115), lips(0.48, 0.185, 0.165))
    colour = n.mix(n.math("MULTIPLY", lip, 0.78), colour, lip_colour)

    pores = n.ramp(n.cells(0.00105).outputs["Distance"], 0.0, 0.45)
    creases = n.ramp(n.cells(0.0011, "DISTANCE_TO_EDGE").outputs["Distance"], 0.0, 0.12)
    lip_lines = n.add(
        "ShaderNodeTexNoise",
        {"Vector": _stretched(n, (1.0, 1.0, 0.16)), "Scale": 900.0, "Detail": 3.0},
    ).outputs["Fac"]
    normal = n.bump(n.noise(0.006, 5), 0.0009, 0.30)
    normal = n.bump(creases, 0.00012, 0.42, normal)
    normal = n.bump(pores, 0.00022, 0.42, normal)
    normal = n.bump(n.math("MULTIPLY", lip_lines, lip), 0.0008, 0.5, normal)

    roughness = n.ramp(n.attribute("oil"), 0.0, 1.0, 0.50, 0.37)
    roughness = n.math("ADD", roughness, n.ramp(n.noise(0.0016, 4, 0.3, 0.7), 0.0, 1.0, -0.06, 0.08))
    roughness = n.math("SUBTRACT", roughness, n.math("MULTIPLY", lip, 0.10))
    principled = n.add(
        "ShaderNodeBsdfPrincipled",
        {
            "Base Color": colour,
            "Roughness": roughness,
            "Normal": normal,
            "Subsurface Weight": 1.0,
            "Subsurface Radius": (1.0, 0.36, 0.19),
            "Subsurface Scale": 0.0030,
            "Subsurface Anisotropy": 0.7,
            "Subsurface IOR": 1.4,
            "Specular IOR Level": 0.42,
            "Sheen Weight": 0.06,
            "Sheen Roughness": 0.35,
        },
        subsurface_method="RANDOM_WALK_SKIN",
    )
    return n.finish(principled.outputs["BSDF"])


def _stretched(n: Nodes, scale: tuple[float, float, float]) -> Socket:
    coordinates = n.add("ShaderNodeTexCoord").outputs["Object"]
    return n.add("ShaderNodeMapping", {"Vector": coordinates, "Scale": scale}).outputs["Vector"]


def cloth_material(colour: tuple[float, float, float]) -> bpy.types.Material:
    """A fine knit: two crossed waves for the stitches, fuzz by sheen."""
    n = Nodes("cloth")
    uv = n.add("ShaderNodeTexCoord").outputs["Object"]
    wales = n.add("ShaderNodeTexWave", {"Vector": uv, "Scale": 130.0, "Distortion": 1.2}, bands_direction="X")
    rows = n.add("ShaderNodeTexWave", {"Vector": uv, "Scale": 95.0, "Distortion": 1.5}, bands_direction="Z")
    knit = n.math("MULTIPLY", wales.outputs["Fac"], rows.outputs["Fac"])
    dark = tuple(0.62 * c for c in colour)
    base = n.mix(n.math("MULTIPLY", knit, 0.8), dark, colour)
    base = n.mix(n.noise(0.003, 5, 0.35, 0.7), base, tuple(1.12 * c for c in colour))
    normal = n.bump(knit, 0.0011, 0.7, n.bump(n.noise(0.03, 3), 0.004, 0.35))
    principled = n.add(
        "ShaderNodeBsdfPrincipled",
        {"Base Color": base, "Roughness": 0.9, "Normal": normal, "Sheen Weight": 0.35, "Specular IOR Level": 0.15},
    )
    return n.finish(principled.outputs["BSDF"])
