"""Run by a Python that has ``bpy``: evaluates an exported scene and draws it.

``python blender.py SCENE OUT.npz RATE FRAME [FRAME ...] [--picture PREFIX]`` saves, for frames counted from 0, the
evaluated vertices of the face (centimetres, Y up), its shape key values and the head bone's rotation.
"""

import sys

import bpy
import numpy as np
from mathutils import Matrix

Y_UP_FROM_BLENDER = Matrix(((1, 0, 0, 0), (0, 0, 1, 0), (0, -1, 0, 0), (0, 0, 0, 1)))


def load(path, rate):
    """Import by suffix; returns the frame number at time 0. glTF has no rate of its own, so the scene's counts."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = round(rate), round(rate) / rate
    if path.endswith(".fbx"):
        bpy.ops.import_scene.fbx(filepath=path)
        return 1
    if path.endswith((".glb", ".gltf")):
        bpy.ops.import_scene.gltf(filepath=path)
        return 0
    if path.endswith((".usda", ".usdc", ".usd", ".usdz")):
        bpy.ops.wm.usd_import(filepath=path, import_skeletons=True, import_blendshapes=True)
        return 0
    raise SystemExit(f"unknown {path}")


def face():
    meshes = [o for o in bpy.data.objects if o.type == "MESH" and o.data.shape_keys]
    return max(meshes, key=lambda o: len(o.data.vertices))


def evaluate(frames, first):
    scene, mesh = bpy.context.scene, face()
    armature = next((o for o in bpy.data.objects if o.type == "ARMATURE"), None)
    keys = [k.name for k in mesh.data.shape_keys.key_blocks[1:]]
    result = {"names": np.array(keys), "fps": scene.render.fps / scene.render.fps_base, "first": first}
    vertices, values, heads, rests = [], [], [], []
    for frame in frames:
        scene.frame_set(frame + first)
        graph = bpy.context.evaluated_depsgraph_get()
        done = mesh.evaluated_get(graph)
        data = done.to_mesh()
        points = np.empty(len(data.vertices) * 3, np.float32)
        data.vertices.foreach_get("co", points)
        world = np.array(Y_UP_FROM_BLENDER @ done.matrix_world)
        points = points.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]
        vertices.append(points * 100)
        values.append([mesh.data.shape_keys.key_blocks[name].value for name in keys])
        if armature is not None:
            posed = armature.evaluated_get(graph)
            bone = next(b for b in posed.pose.bones if b.name.split("/")[-1] == "head")
            heads.append(np.array(Y_UP_FROM_BLENDER @ posed.matrix_world @ bone.matrix))
            rests.append(np.array(Y_UP_FROM_BLENDER @ posed.matrix_world @ bone.bone.matrix_local))
    result.update(vertices=np.array(vertices), values=np.array(values), head=np.array(heads), rest=np.array(rests))
    return result


def picture(path, frame):
    """Draw the face from the front with Cycles on the processor."""
    scene, mesh = bpy.context.scene, face()
    corners = [mesh.matrix_world @ v.co for v in mesh.data.vertices]
    low = np.min([tuple(c) for c in corners], 0)
    high = np.max([tuple(c) for c in corners], 0)
    centre, size = (low + high) / 2, float(np.max(high - low))
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.location = (centre[0], low[1] - 2.2 * size, centre[2])
    camera.rotation_euler = (np.pi / 2, 0, 0)
    camera.data.lens = 60
    camera.data.clip_start = 0.001
    scene.collection.objects.link(camera)
    scene.camera = camera
    for place, power in (((-1, -2, 1), 1.0), ((1.5, -1.5, 0.3), 0.5)):
        lamp = bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", "AREA"))
        lamp.location = centre + np.array(place) * size
        lamp.data.energy = 45 * power * size * size
        lamp.data.size = size
        direction = camera.location.__class__(centre) - lamp.location
        lamp.rotation_euler = direction.to_track_quat("-Z", "Y").to_euler()
        scene.collection.objects.link(lamp)
    world = bpy.data.worlds.new("world")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs[0].default_value = (0.4, 0.42, 0.45, 1)
    scene.world = world
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", 24, False
    scene.render.resolution_x = scene.render.resolution_y = 480
    scene.frame_set(frame)
    scene.render.filepath = path
    bpy.ops.render.render(write_still=True)


def main():
    arguments = sys.argv[1:]
    prefix = ""
    if "--picture" in arguments:
        place = arguments.index("--picture")
        prefix = arguments[place + 1]
        del arguments[place : place + 2]
    scene, out, rate, *frames = arguments
    numbers = [int(f) for f in frames]
    first = load(scene, float(rate))
    np.savez(out, **evaluate(numbers, first))
    if prefix:
        for number in numbers[:3]:
            picture(f"{prefix}{number}.png", number + first)


main()
