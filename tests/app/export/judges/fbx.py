"""Run as a program of its own, because ufbx may crash the interpreter: what ufbx reads in an FBX file, as JSON.

``python fbx.py FILE T_S [T_S ...]`` prints the channel weights (1 is full) at these times, fps, take and counts.
Everything ufbx hands out is kept alive until the process ends without clean-up.
"""

import gc
import json
import os
import sys

import ufbx

gc.disable()
scene = ufbx.load_file(sys.argv[1])
times = [float(t) for t in sys.argv[2:]]
anim, nodes, stacks, settings = scene.anim, scene.nodes, scene.anim_stacks, scene.settings
channels, stack = scene.blend_channels, stacks[0]
weights = {}
for i in range(len(channels)):
    channel = channels[i]
    weights[channel.name] = [ufbx.evaluate_blend_weight(anim, channel, t) for t in times]
result = {
    "fps": settings.frames_per_second,
    "unit_m": settings.unit_meters,
    "take": stack.name,
    "end_s": stack.time_end,
    "nodes": [nodes[i].name for i in range(len(nodes))],
    "weights": weights,
}
print(json.dumps(result), flush=True)
os._exit(0)
