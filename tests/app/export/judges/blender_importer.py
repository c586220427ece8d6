"""Run by a Python that has ``bpy``: curves put onto a mesh by the importer script, evaluated by Blender.

``python blender_importer.py SCRIPT SCENE.fbx CURVES OUT.npz RATE`` saves shape key values and the head's turn of all
frames.
"""

import importlib.util
import sys

import bpy
import numpy as np
from mathutils import Matrix

script, scene_path, curves, out, rate = sys.argv[1:]
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.context.scene.render.fps = round(float(rate))
bpy.ops.import_scene.fbx(filepath=scene_path, use_anim=False)
for number, block in enumerate(bpy.data.shape_keys[0].key_blocks[1:]):
    block.name = f"Face.{block.name}" if number % 2 else block.name.replace("Left", "_L").replace("Right", "_R")
spec = importlib.util.spec_from_file_location("importer", script)
importer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(importer)
importer.register()
mesh = next(o for o in bpy.data.objects if o.type == "MESH")
bpy.context.view_layer.objects.active = mesh
assert bpy.ops.import_anim.facial_curves(filepath=curves, start=5) == {"FINISHED"}
importer.unregister()
armature = next(o for o in bpy.data.objects if o.type == "ARMATURE")
y_up = Matrix(((1, 0, 0), (0, 0, 1), (0, -1, 0)))
blocks = mesh.data.shape_keys.key_blocks[1:]
values, heads = [], []
last = round(max(k.co[0] for c in mesh.data.shape_keys.animation_data.action.fcurves for k in c.keyframe_points))
for frame in range(5, last + 1):
    bpy.context.scene.frame_set(frame)
    values.append([block.value for block in blocks])
    bone = armature.pose.bones["head"]
    world = armature.matrix_world.to_3x3().normalized()
    turn = (world @ bone.matrix.to_3x3()) @ (world @ bone.bone.matrix_local.to_3x3()).inverted()
    heads.append(np.array(y_up @ turn @ y_up.transposed()))
names = [b.name.replace("Face.", "") for b in blocks]
names = [n[:-2] + ("Left" if n.endswith("_L") else "Right") if n.endswith(("_L", "_R")) else n for n in names]
np.savez(out, names=np.array(names), values=np.array(values), head=np.array(heads))
