"""Every command of the window: its name, place in the menus, default keys, icon and explanation.

The menus, the command palette, the shortcut editor and the tool bars are all made from `ACTIONS`. The keys follow
the editors that artists know (J K L, I O, S, M, ``=`` ``-`` ``0``); where those disagree, Shotcut's win.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class ActionSpec:
    """One command.

    Attributes
    ----------
    id : ``group.name``; the window binds it to a method
    text : as menus show it
    menu : title of its menu; ``/`` opens a submenu
    keys : default shortcuts, portable names, the first one is shown
    checkable : it is switched on and off
    rule : a separator follows it in the menu
    """

    id: str
    text: str
    menu: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    checkable: bool = False
    rule: bool = False


def _a(id: str, text: str, menu: str, keys: str = "", icon: str = "", tip: str = "", **more: bool) -> ActionSpec:
    return ActionSpec(id, text, menu, tuple(keys.split()), icon, tip, **more)


ACTIONS: Final[tuple[ActionSpec, ...]] = (
    _a("file.new", "New project", "File", "Ctrl+N", "new"),
    _a("file.open", "Open…", "File", "Ctrl+O", "open", "Open a project, portrait, voice or curve file"),
    _a("file.demo", "Open the demo", "File", "", "", "The portrait and voice that come with Soliloquy", rule=True),
    _a("file.portrait", "Choose portrait…", "File", "Ctrl+Shift+P", "portrait"),
    _a("file.voice", "Choose voice…", "File", "Ctrl+Shift+O", "voice"),
    _a("file.curves", "Import curves…", "File", "", "import", "Live Link Face, FBX, GLB, Audio2Face or a Performance"),
    _a("file.curves_layer", "Import curves as keys…", "File", "", "", "Lay a curve file over the automatic motion"),
    _a("file.captions", "Import words…", "File", "", "", "SRT, VTT or TextGrid", rule=True),
    _a("file.save", "Save", "File", "Ctrl+S", "save"),
    _a("file.save_as", "Save as…", "File", "Ctrl+Shift+S"),
    _a("file.collect", "Collect files…", "File", "", "", "Copy the project and all it uses into one folder", rule=True),
    _a("file.consent", "Consent…", "File", "", "", "Who is shown in the portrait, and on what ground"),
    _a("file.export", "Export…", "File", "Ctrl+E", "export", "Video, frames, animation curves and editorial files"),
    _a("file.export_words", "Export words…", "File", "", "", "SRT or TextGrid", rule=True),
    _a("file.quit", "Quit", "File", "Ctrl+Q"),
    _a("edit.undo", "Undo", "Edit", "Ctrl+Z", "undo"),
    _a("edit.redo", "Redo", "Edit", "Ctrl+Shift+Z Ctrl+Y", "redo", rule=True),
    _a("edit.cut", "Cut", "Edit", "Ctrl+X", "cut"),
    _a("edit.copy", "Copy", "Edit", "Ctrl+C", "copy"),
    _a("edit.paste", "Paste", "Edit", "Ctrl+V", "paste", "Paste at the playhead"),
    _a("edit.duplicate", "Duplicate", "Edit", "Ctrl+D"),
    _a("edit.delete", "Delete", "Edit", "Del Z", "delete"),
    _a("edit.ripple_delete", "Ripple delete", "Edit", "Shift+Del X", "ripple", "Delete and close the gap", rule=True),
    _a("edit.select_all", "Select all", "Edit", "Ctrl+A"),
    _a("edit.select_none", "Select none", "Edit", "Ctrl+Shift+A", rule=True),
    _a("edit.split", "Split at playhead", "Edit", "S", "split"),
    _a("edit.split_all", "Split all tracks", "Edit", "Shift+S"),
    _a("edit.trim_start", "Trim start to playhead", "Edit", "Q", "", "With Ripple on, later clips close the gap"),
    _a("edit.trim_end", "Trim end to playhead", "Edit", "W", "", "With Ripple on, later clips close the gap"),
    _a("edit.nudge_left", "Nudge left", "Edit", ",", "", "Move the selection one frame earlier"),
    _a("edit.nudge_right", "Nudge right", "Edit", ".", "", "Move the selection one frame later"),
    _a("edit.select_previous", "Select previous", "Edit", "Ctrl+Left", "", "The clip, key, word or marker before"),
    _a("edit.select_next", "Select next", "Edit", "Ctrl+Right", "", "The clip, key, word or marker after", rule=True),
    _a("edit.snap", "Snap", "Edit", "Ctrl+P", "snap", "Edges stick to words, keys and clips", checkable=True),
    _a("edit.ripple", "Ripple", "Edit", "Ctrl+Shift+R", "ripple", "Moving a clip moves those after it", checkable=True,
       rule=True),
    _a("edit.smooth", "Smooth keys", "Edit", "Ctrl+Alt+M"),
    _a("edit.another_take", "Another take", "Edit", "Ctrl+T", "dice", "New automatic head, eye and blink motion"),
    _a("play.toggle", "Play or pause", "Playback", "Space", "play"),
    _a("play.reverse", "Play backwards, faster each press", "Playback", "J"),
    _a("play.stop", "Pause", "Playback", "K", "", "Held down, J and L step one frame, or play slowly when held, too"),
    _a("play.forward", "Play forwards, faster each press", "Playback", "L"),
    _a("play.loop", "Loop", "Playback", "\\", "loop", "Play in to out again and again", checkable=True, rule=True),
    _a("play.previous_frame", "Previous frame", "Playback", "Left", "previous"),
    _a("play.next_frame", "Next frame", "Playback", "Right", "next"),
    _a("play.back_second", "Back one second", "Playback", "PgUp Shift+Left"),
    _a("play.forward_second", "Forward one second", "Playback", "PgDown Shift+Right"),
    _a("play.back_2", "Back two seconds", "Playback", "Shift+PgUp"),
    _a("play.forward_2", "Forward two seconds", "Playback", "Shift+PgDown"),
    _a("play.back_5", "Back five seconds", "Playback", "Ctrl+PgUp"),
    _a("play.forward_5", "Forward five seconds", "Playback", "Ctrl+PgDown"),
    _a("play.back_10", "Back ten seconds", "Playback", "Ctrl+Shift+PgUp"),
    _a("play.forward_10", "Forward ten seconds", "Playback", "Ctrl+Shift+PgDown"),
    _a("play.previous_edit", "Previous edit point", "Playback", "Alt+Left"),
    _a("play.next_edit", "Next edit point", "Playback", "Alt+Right"),
    _a("play.start", "Go to start", "Playback", "Home", "start"),
    _a("play.end", "Go to end", "Playback", "End", "end", rule=True),
    _a("play.in", "Set in point", "Playback", "I", "in"),
    _a("play.out", "Set out point", "Playback", "O", "out"),
    _a("play.clear_range", "Clear in and out", "Playback", "Alt+X", rule=True),
    _a("play.marker", "Add marker", "Playback", "M", "marker"),
    _a("play.previous_marker", "Previous marker", "Playback", "< Ctrl+Shift+M"),
    _a("play.next_marker", "Next marker", "Playback", "> Shift+M", rule=True),
    _a("play.mute", "Mute", "Playback", "Ctrl+M", "sound", checkable=True),
    _a("direct.emotion", "Add emotion at playhead", "Direct", "E", "emotion"),
    _a("direct.style", "Add style at playhead", "Direct", "Y", "style"),
    _a("direct.key_pose", "Key the head pose", "Direct", "P", "head"),
    _a("direct.key_gaze", "Key the gaze", "Direct", "G", "eye"),
    _a("direct.blink", "Blink at playhead", "Direct", "B"),
    _a("direct.nod", "Nod at playhead", "Direct", "N", "", "Two keys down and up again over the automatic motion"),
    _a("direct.shake", "Shake head at playhead", "Direct", "Shift+N", rule=True),
    _a("direct.curve", "Add curve…", "Direct", "C", "curve", "Keys for any of the 52 face channels"),
    _a("direct.bake_emotion", "Bake the voice's mood", "Direct", "Shift+E", "bake",
       "Turn the emotion read from the voice into clips of your own"),
    _a("direct.capture", "Motion from video…", "Direct", "", "", "Head, eyes and face read from a filmed performance"),
    _a("direct.dub", "Dub the clip…", "Direct", "", "", "A new voice moves the mouth, the clip the rest", rule=True),
    _a("direct.lift_style", "Style from a clip…", "Direct", "", "", "A way of speaking becomes a preset"),
    _a("direct.lift_emotion", "Emotion from references…", "Direct", "", "",
       "The difference of two clips or voices becomes a preset"),
    _a("view.fit", "Fit picture", "View", "Ctrl+0", "fit"),
    _a("view.actual", "Actual size", "View", "Ctrl+1"),
    _a("view.zoom_in", "Zoom picture in", "View", "Ctrl+="),
    _a("view.zoom_out", "Zoom picture out", "View", "Ctrl+-", rule=True),
    _a("view.handles", "Pose handles", "View", "H", "pose", "Drag the face to pose head, eyes, mouth and brows",
       checkable=True),
    _a("view.wipe", "A/B wipe", "View", "A", "wipe", "Compare with the stored picture A", checkable=True),
    _a("view.store_a", "Keep this take as A", "View", "Shift+A", rule=True),
    _a("view.landmarks", "Landmarks", "View", "Ctrl+Shift+L", "landmarks", checkable=True),
    _a("view.mesh", "Head mesh", "View", "Ctrl+Shift+H", "mesh", checkable=True),
    _a("view.safe", "Safe areas", "View", "Ctrl+Shift+F", "safe", checkable=True),
    _a("view.onion", "Source portrait", "View", "Ctrl+Shift+G", "onion", "Lay the still portrait over the frame",
       checkable=True),
    _a("view.head", "3D head", "View", "Ctrl+Shift+3", "head", "The same performance on the bare head; drag to orbit",
       checkable=True, rule=True),
    _a("view.timeline_in", "Zoom timeline in", "View", "= +", "zoom_in"),
    _a("view.timeline_out", "Zoom timeline out", "View", "-", "zoom_out"),
    _a("view.timeline_fit", "Whole timeline", "View", "0", "fit"),
    _a("view.spectrogram", "Spectrogram", "View", "Ctrl+Shift+W", checkable=True, rule=True),
    _a("view.theme", "Light theme", "View", "Ctrl+Shift+T", checkable=True),
    _a("view.reset", "Reset window layout", "View"),
    _a("tools.palette", "Find a command…", "Tools", "Ctrl+K F1", "search"),
    _a("tools.queue", "Render queue", "Tools", "Ctrl+Shift+E", "queue"),
    _a("tools.judge", "Judge", "Tools", "", "judge", "Measure a rendered video and set it beside real footage"),
    _a("tools.live", "Live capture", "Tools", "", "eye", "Act before a camera: the portrait follows"),
    _a("tools.actors", "Actors", "Tools", "", "portrait", "Trained actors of the diffusion autoencoder, and trainings"),
    _a("tools.train", "Train an actor…", "Tools", "", "", "Learn one person from the portrait, a video or footage"),
    _a("tools.teach", "Teach from a video…", "Tools", "", "",
       "The disentangled engine learns what a face shows when it moves"),
    _a("tools.edits", "Edits of the generator…", "Tools", "", "", "Directions such as smile, for the StyleGAN engine"),
    _a("tools.footage", "Footage for training…", "Tools", "", "", "Clips become frames, sound and motion for engines"),
    _a("tools.weights", "Engine weights…", "Tools", "", "", "What each engine needs, and where it comes from"),
    _a("tools.live_link", "Stream to Live Link…", "Tools", "", "", "Unreal shows the face while you scrub or play",
       checkable=True),
    _a("tools.shortcuts", "Keyboard shortcuts…", "Tools", "Ctrl+Alt+K", "settings"),
    _a("tools.clear_cache", "Clear cache", "Tools", "", "", "Delete what can be made again", rule=True),
    _a("tools.about", "About Soliloquy", "Tools"),
)  # fmt: skip
BY_ID: Final = {action.id: action for action in ACTIONS}
MENUS: Final = tuple(dict.fromkeys(action.menu for action in ACTIONS))
