"""Put facial curves from Soliloquy (or a Live Link Face recording) onto any ARKit mesh in Blender.

One file, for Blender 3.6 and newer; needs nothing but Blender.

* As an add-on: Edit > Preferences > Add-ons > Install, choose this file, then File > Import > Facial curves.
  Select the mesh first. With a bone called ``head`` in its armature the head turns too.
* From a terminal::

    blender scene.blend --background --python blender_import_curves.py -- take.csv --object Face --save out.blend

Reads Live Link Face CSV, Soliloquy's plain CSV and JSON, and Audio2Face JSON. Shape keys are found by name whatever
their case, prefix or way to write the side (``eyeBlinkLeft``, ``EyeBlink_L``, ``Face.eyeBlinkLeft``); a JSON file
``{"jawOpen": "Mouth_Open", "mouthClose": ["Close_Upper", "Close_Lower"]}`` names others. One linear key is set on each
frame of the curves.
"""

import argparse
import csv
import json
import math
import re
import sys

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper
from mathutils import Matrix

bl_info = {
    "name": "Facial curves (ARKit)",
    "description": "Live Link Face CSV, Audio2Face JSON and Soliloquy curves onto shape keys",
    "author": "Soliloquy",
    "version": (1, 0, 0),
    "blender": (3, 6, 0),
    "location": "File > Import > Facial curves",
    "category": "Import-Export",
}

HEAD = ("head_pitch_rad", "head_yaw_rad", "head_roll_rad")
SKIPPED = {"timecode", "blendshapecount", "frame", "time_s", "tongue"}


class CurvesError(Exception):
    """The curves cannot be used; the message says why."""


def plain(name):
    """A name reduced to what matters: no prefix, no separators, the side as one letter."""
    name = re.split(r"[:|.]", name)[-1]
    name = re.sub(r"[^a-z0-9]", "", name.lower())
    for side in ("left", "right"):
        if name.endswith(side):
            return name[: -len(side)] + side[0]
    return name


def seconds(timecode):
    """Seconds of a Live Link Face timecode, which counts sixty frames a second."""
    hours, minutes, rest, frames = timecode.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(rest) + float(frames) / 60


def read_table(path):
    """Times in seconds and columns by name of a CSV file."""
    with open(path, newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.reader(stream))
    if len(rows) < 2:
        raise CurvesError(f"{path} holds no row of curves")
    header = [name.strip() for name in rows[0]]
    lower = [name.lower() for name in header]
    rows = [row for row in rows[1:] if len(row) == len(header)]
    if "timecode" in lower:
        times = [seconds(row[lower.index("timecode")]) for row in rows]
    elif "time_s" in lower:
        times = [float(row[lower.index("time_s")]) for row in rows]
    else:
        raise CurvesError(f"{path} has neither a Timecode nor a time_s column")
    columns = {name: [float(row[i]) for row in rows] for i, name in enumerate(header) if lower[i] not in SKIPPED}
    for short, wanted in (("HeadPitch", HEAD[0]), ("HeadYaw", HEAD[1]), ("HeadRoll", HEAD[2])):
        if short in columns:
            columns[wanted] = columns.pop(short)
    return [t - times[0] for t in times], columns


def read_document(path):
    """Times in seconds and columns by name of a JSON file."""
    with open(path, encoding="utf-8-sig") as stream:
        document = json.load(stream)
    if "weightMat" in document:
        rate = float(document.get("exportFps", 30))
        columns = dict(zip(document["facsNames"], zip(*document["weightMat"], strict=False), strict=False))
        count = len(document["weightMat"])
    elif isinstance(document.get("weights"), dict):
        numerator, _, denominator = str(document.get("rate", "30")).partition("/")
        rate = float(numerator) / float(denominator or 1)
        columns = dict(document["weights"])
        count = len(next(iter(columns.values())))
        for i, name in enumerate(HEAD):
            columns[name] = [row[i] for row in document.get("head", ())]
    else:
        raise CurvesError(f"{path} is neither Soliloquy's nor Audio2Face's JSON")
    return [i / rate for i in range(count)], columns


def read(path):
    """Times and columns of a file, by its ending."""
    try:
        return read_document(path) if path.lower().endswith(".json") else read_table(path)
    except (ValueError, KeyError, TypeError, StopIteration, UnicodeDecodeError, OSError) as error:
        raise CurvesError(f"{path} cannot be read: {error}") from error


def fcurve(action, owner, data_path, index=0):
    """A new, empty curve of an action, in old and in layered Blender."""
    if hasattr(action, "fcurves"):
        curves = action.fcurves
    else:  # Blender 5: curves live in the channel bag of the owner's slot
        from bpy_extras import anim_utils

        curves = anim_utils.action_ensure_channelbag_for_slot(action, owner.animation_data.action_slot).fcurves
    old = curves.find(data_path, index=index)
    if old is not None:
        curves.remove(old)
    return curves.new(data_path, index=index)


def bake(curve, frames, values):
    """One linear key for each frame."""
    curve.keyframe_points.add(len(frames))
    flat = [number for pair in zip(frames, values, strict=False) for number in pair]
    curve.keyframe_points.foreach_set("co", flat)
    linear = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value
    curve.keyframe_points.foreach_set("interpolation", [linear] * len(frames))
    curve.update()


def action_of(owner, name):
    """The action of an object or of shape keys, made if there is none."""
    if owner.animation_data is None:
        owner.animation_data_create()
    data = owner.animation_data
    if data.action is None:
        data.action = bpy.data.actions.new(name)
        if hasattr(data, "action_slot") and data.action_slot is None:
            data.action_slot = data.action.slots.new(owner.id_type, owner.name)
    return data.action


def head_bone(mesh):
    """The armature that moves the mesh and its head bone, or None."""
    for modifier in mesh.modifiers:
        if modifier.type == "ARMATURE" and modifier.object is not None:
            for bone in modifier.object.pose.bones:
                if plain(bone.name) == "head":
                    return modifier.object, bone
    return None


def turn_head(mesh, frames, columns):
    """Turn the head bone by pitch, yaw and roll about the world's axes (X right, Z up, the face along -Y)."""
    found = head_bone(mesh)
    if found is None:
        return False
    armature, bone = found
    rest = (armature.matrix_world @ bone.bone.matrix_local).to_3x3().normalized()
    bone.rotation_mode = "QUATERNION"
    turns = []
    for pitch, yaw, roll in zip(*(columns[name] for name in HEAD), strict=False):
        # R = Ry(yaw) Rx(-pitch) Rz(roll) in axes with Y up and Z to the viewer; there Y is Blender's Z, Z its -Y.
        world = Matrix.Rotation(yaw, 3, "Z") @ Matrix.Rotation(-pitch, 3, "X") @ Matrix.Rotation(-roll, 3, "Y")
        turn = (rest.inverted() @ world @ rest).to_quaternion()
        if turns and turns[-1].dot(turn) < 0:
            turn.negate()
        turns.append(turn)
    action = action_of(armature, "Head")
    for i in range(4):
        path = f'pose.bones["{bone.name}"].rotation_quaternion'
        bake(fcurve(action, armature, path, i), frames, [turn[i] for turn in turns])
    return True


def apply(path, mesh, start=1, names=None, head=True):
    """Bake the curves of a file onto the shape keys of a mesh; returns how many keys move.

    ``names`` maps ARKit names to shape key names where these are not recognised.
    """
    if mesh is None or mesh.type != "MESH" or mesh.data.shape_keys is None:
        raise CurvesError("Select a mesh that has shape keys first")
    times, columns = read(path)
    render = bpy.context.scene.render
    rate = render.fps / render.fps_base
    frames = [start + t * rate for t in times]
    keys = mesh.data.shape_keys
    by_name = {plain(block.name): block for block in keys.key_blocks[1:]}
    blocks = {name: [block] for name, block in by_name.items()}
    for unit, given in (names or {}).items():
        found = [keys.key_blocks[n] for n in ([given] if isinstance(given, str) else given) if n in keys.key_blocks]
        if found:
            blocks[plain(unit)] = found
    action, moved = action_of(keys, "Facial curves"), 0
    for name, values in columns.items():
        if name in HEAD:
            continue
        for block in blocks.get(plain(name), ()):
            block.slider_min, block.slider_max = min(block.slider_min, min(values)), max(block.slider_max, max(values))
            bake(fcurve(action, keys, f'key_blocks["{block.name}"].value'), frames, values)
            moved += 1
    if moved == 0:
        raise CurvesError(f"None of the shape keys of {mesh.name} has the name of a curve in {path}")
    if head and all(columns.get(name) for name in HEAD):
        turn_head(mesh, frames, columns)
    bpy.context.scene.frame_end = max(bpy.context.scene.frame_end, math.ceil(frames[-1]))
    return moved


class ImportFacialCurves(bpy.types.Operator, ImportHelper):
    """Bake facial curves onto the shape keys of the selected mesh."""

    bl_idname = "import_anim.facial_curves"
    bl_label = "Import facial curves"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012  Blender reads it from the class

    filter_glob: StringProperty(default="*.csv;*.json", options={"HIDDEN"})
    start: IntProperty(name="First frame", default=1)
    head: BoolProperty(name="Turn the head bone", default=True)
    name_map: StringProperty(name="Name map (JSON)", default="", subtype="FILE_PATH")

    def execute(self, context):
        try:
            names = {}
            if self.name_map:
                with open(bpy.path.abspath(self.name_map), encoding="utf-8") as stream:
                    names = json.load(stream)
            moved = apply(self.filepath, context.active_object, self.start, names, self.head)
        except (CurvesError, OSError, ValueError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"{moved} shape keys are animated")
        return {"FINISHED"}


def _menu(self, context):
    self.layout.operator(ImportFacialCurves.bl_idname, text="Facial curves (.csv, .json)")


def register():
    bpy.utils.register_class(ImportFacialCurves)
    bpy.types.TOPBAR_MT_file_import.append(_menu)


def unregister():
    bpy.types.TOPBAR_MT_file_import.remove(_menu)
    bpy.utils.unregister_class(ImportFacialCurves)


def main(arguments):
    parser = argparse.ArgumentParser(prog="blender_import_curves.py")
    parser.add_argument("curves")
    parser.add_argument("--object", help="name of the mesh; default: the one with the most shape keys")
    parser.add_argument("--start", type=int, default=1, help="first frame")
    parser.add_argument("--names", help="JSON file that maps ARKit names to shape key names")
    parser.add_argument("--save", help="save the scene here")
    options = parser.parse_args(arguments)
    names = {}
    if options.names:
        with open(options.names, encoding="utf-8") as stream:
            names = json.load(stream)
    meshes = [o for o in bpy.data.objects if o.type == "MESH" and o.data.shape_keys]
    if options.object:
        mesh = bpy.data.objects.get(options.object)
    else:
        mesh = max(meshes, key=lambda o: len(o.data.shape_keys.key_blocks), default=None)
    try:
        moved = apply(options.curves, mesh, options.start, names)
    except CurvesError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{moved} shape keys of {mesh.name} are animated")
    if options.save:
        bpy.ops.wm.save_as_mainfile(filepath=bpy.path.abspath(options.save))
    return 0


if __name__ == "__main__":
    if "--" in sys.argv:
        sys.exit(main(sys.argv[sys.argv.index("--") + 1 :]))
    register()
