"""Speech and direction become a Performance: the order of the passes.

The voice moves the mouth; style and emotion act on it; head, eyes and breath follow; the artist's regions and curves
have the last word, but closed lips stay closed unless a curve opens them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.core import presets, puppet
from app.core.controls import Controls, sample_controls
from app.core.passes import (
    blink,
    breath,
    closure,
    curves,
    emotion,
    gaze,
    head,
    heard,
    lids,
    limits,
    micro,
    mouth,
    regions,
    style,
)
from app.core.passes.heard import Mood
from app.core.passes.mouth import Mouth
from app.core.passes.scene import TRACK_RATE, Scene
from app.core.project import AutoMotion, Project
from engines import registry
from engines.api import Performance
from engines.errors import InputError
from engines.timebase import frame_count, parse_rate

if TYPE_CHECKING:
    from engines.rig.mesh import HeadMesh
    from engines.speech.analysis import SpeechAnalysis


def perform(
    project: Project,
    speech: SpeechAnalysis | None,
    mesh: HeadMesh | None = None,
    *,
    spoken: Mouth | None = None,
    opening: np.ndarray | None = None,
    base: Performance | None = None,
) -> Performance:
    """What the face does in ``project``.

    Parameters
    ----------
    speech : the analysed voice; None only with ``base``, beside which it is heard only in a dubbed shot
    mesh : the person's head; None takes the average head
    spoken, opening : what `app.core.passes.mouth.speak` and `lip_opening` gave for them, if at hand
    base : motion from a file that takes the place of the voice's, as ``project.puppet`` says, or that the voice only
        corrects; automatic motion is then
        added only to what the file leaves still

    Raises
    ------
    InputError
        If there is neither speech nor ``base``, or a preset is unknown.
    """
    rate = parse_rate(project.rate)
    listening = base is not None and speech is not None and puppet.listens(project)
    if base is not None and not listening and not (project.performance and puppet.dubbed(project.puppet)):
        speech = None
    count = None if speech is None or listening else frame_count(speech.samples, speech.sample_rate, rate)
    if base is not None:
        start = base.resampled(rate)
        if project.performance:
            start = puppet.driven(start, replace(project.puppet, dub=count is not None), count)
    elif count is not None:
        start = Performance.rest(count, rate)
    else:
        raise InputError("There is nothing to perform: the project has neither a voice nor motion from a file.")
    scene = make_scene(project, len(start), speech)
    if base is not None:
        scene = replace(scene, auto=_only_missing(scene, start))
    if speech is not None:
        phones = project.speech.phones or speech.phones
        mesh = mesh if mesh is not None else _average_head()
        spoken = spoken or mouth.speak(speech, phones, mesh)
        opening = mouth.lip_opening(mesh) if opening is None else opening
        speaking = np.clip(style.gaussian(np.asarray(speech.speaking, np.float64), 5.0), 0, 1)
        shut, opened = mouth.closures(spoken, opening, scene)
        shut = shut * (project.puppet.listen if listening else 1.0)
        scene = replace(
            scene,
            shut=regions.shifted(shut, project.region("lips"), scene),
            opening=opening,
            spoken_opening=regions.shifted(opened, project.region("lips"), scene),
            speaking=scene.at_frames(speaking, TRACK_RATE),
        )
        if listening:
            said = mouth.apply(Performance.rest(len(start), rate), scene, spoken)
            start = puppet.corrected(start, said, scene.at_frames(speaking, TRACK_RATE), project.puppet.listen)
        else:
            start = mouth.apply(start, scene, spoken)
            start = style.apply(start, scene)
    directed = direct(start, scene)
    engine = registry.engines().get(project.engine)  # a project may name one that is not on this machine
    return directed if engine is None else directed.with_(extras=curves.own(scene.controls, engine))


def direct(performance: Performance, scene: Scene) -> Performance:
    """Everything after the mouth: emotion, automatic motion, the artist's regions and curves."""
    for step in (
        emotion.apply,
        micro.apply,
        head.apply,
        breath.apply,
        curves.pose,
        gaze.apply,
        curves.gaze,
        regions.apply,
        lids.apply,
        blink.apply,
        closure.apply,
        curves.units,
        limits.apply,
    ):
        performance = step(performance, scene)
    return performance


def make_scene(project: Project, count: int, speech: SpeechAnalysis | None) -> Scene:
    """The project's direction at every frame.

    Raises
    ------
    InputError
        For an unknown preset.
    """
    controls = sample_controls(project, count)
    if speech is not None and project.auto_emotion > 0:
        controls = _with_heard(controls, heard.listen(speech), project.auto_emotion)
    return Scene(
        rate=controls.rate,
        count=count,
        controls=controls,
        emotions=tuple(presets.emotion(e) for e in controls.emotions),
        styles=tuple(presets.style(s) for s in controls.styles),
        auto=project.auto,
        character=presets.head(project.auto.character),
        speech=speech,
    )


def _with_heard(controls: Controls, mood: Mood | None, share: float) -> Controls:
    """The artist's emotions with those heard in the voice under them."""
    if mood is None:
        return controls
    at = mood.at_frames(len(controls), controls.rate)
    ids = (*controls.emotions, *(e for e in at.emotions if e not in controls.emotions))
    mix = np.zeros((len(controls), len(ids)), np.float32)
    mix[:, : len(controls.emotions)] = controls.emotion
    room = share * (1 - mix.sum(1))
    for preset_id, weight in zip(at.emotions, at.shares.T, strict=True):
        mix[:, ids.index(preset_id)] += weight * room
    return replace(controls, emotions=ids, emotion=mix)


def _only_missing(scene: Scene, base: Performance) -> AutoMotion:
    """Automatic motion for what a file leaves still."""
    auto = scene.auto
    moves_head = bool(np.ptp(base.head, 0).max() > 1e-4)
    moves_eyes = bool(np.ptp(base.gaze, 0).max() > 1e-4)
    blinks = bool(base.channel("eyeBlinkLeft").max() > 0.3)
    return replace(
        auto,
        head=0.0 if moves_head else auto.head,
        breath=0.0 if moves_head else auto.breath,
        gaze=0.0 if moves_eyes else auto.gaze,
        blink=0.0 if blinks else auto.blink,
        micro=0.0 if moves_head else auto.micro,
    )


def _average_head() -> HeadMesh:
    from engines.rig.head import load_head

    return load_head().mesh
