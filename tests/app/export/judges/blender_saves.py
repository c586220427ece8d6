"""Run by a Python that has ``bpy``: imports a scene and saves it again with Blender's own exporters.

``python blender_saves.py SCENE OUT RATE FRAMES`` writes ``OUT.fbx`` and ``OUT.glb``.
"""

import sys

import bpy

source, out, rate, frames = sys.argv[1:]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.fps = round(float(rate))
first = 1 if source.endswith(".fbx") else 0
if source.endswith(".fbx"):
    bpy.ops.import_scene.fbx(filepath=source)
else:
    bpy.ops.import_scene.gltf(filepath=source)
scene.frame_start, scene.frame_end = first, first + int(frames) - 1
scene.frame_set(first + 3)
bpy.ops.export_scene.fbx(
    filepath=out + ".fbx",
    bake_anim_use_nla_strips=False,
    bake_anim_use_all_actions=False,
    bake_anim_simplify_factor=0.0,
    path_mode="COPY",
    embed_textures=True,
)
bpy.ops.export_scene.gltf(filepath=out + ".glb", export_force_sampling=True, export_animation_mode="ACTIVE_ACTIONS")
