"""The whole timeline reaches the engines that do not draw the rig: emotion, pose, edited phones, their own numbers."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.core import commands, project_file
from app.core.cache import DiskCache
from app.core.project import EmotionClip, Key, Phone, Project
from app.core.studio import Studio
from engines.disentangled.net import EDTalk
from engines.disentangled.net_audio import Audio2Lip
from engines.latent import bridge
from tests.engines.disentangled.test_net import filled
from tests.engines.edtalk.conftest import SMALL, steady, store

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo" / "demo.soliloquy"
SIZE = (192, 192)
AT = 30


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(DiskCache(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def base() -> Project:
    plain = project_file.load(DEMO)
    return plain.with_(size=SIZE, emotions=(), curves=(), styles=(), auto=replace(plain.auto, micro=0.0, breath=0.0))


def frame(studio: Studio, project: Project, at: int = AT) -> np.ndarray:
    return next(studio.frames(project, studio.perform(project), at, at + 1)).astype(float)


def directed(base: Project, studio: Studio) -> dict[str, Project]:
    """The project with one thing of the timeline changed each."""
    phones = studio.analyse(base).phones
    opened = tuple(Phone(p.start_s, p.end_s, "AA" if p.start_s < 2 else p.label) for p in phones)
    return {
        "emotion": base.with_(emotions=(EmotionClip(0, None, "happy", 1.0, 0, 0),)),
        "mixture": base.with_(
            emotions=(EmotionClip(0, None, "happy", 0.5, 0, 0), EmotionClip(0, None, "surprised", 0.5, 0, 0))
        ),
        "pose": commands.set_keys(base, "pose.yaw_deg", [Key(0, 10.0)]),
        "phones": base.with_(speech=replace(base.speech, phones=opened)),
        "coordinate": commands.set_keys(base, f"{base.engine}.mouth_1", [Key(0, 2.0)]),
    }


def test_everything_on_the_timeline_acts_on_the_disentangled_engine(studio: Studio, base: Project) -> None:
    project = base.with_(engine="disentangled")
    plain = frame(studio, project)
    changed = {name: frame(studio, other) for name, other in directed(project, studio).items()}
    apart = {name: int((np.abs(f - plain).max(-1) > 8).sum()) for name, f in changed.items()}
    assert all(pixels > 40 for pixels in apart.values()), apart
    assert len({f.tobytes() for f in changed.values()}) == len(changed)
    corner = np.s_[:12, :12]
    assert all(np.abs(f[corner] - plain[corner]).max() < 1 for f in changed.values())  # no seam, no drift


def test_sound_and_pictures_of_an_export_last_alike(studio: Studio, base: Project, tmp_path: Path) -> None:
    project = base.with_(engine="disentangled", rate="29.97", in_frame=12, out_frame=35)
    path = tmp_path / "talk.mp4"
    studio.export(project, [path])
    command = ["ffprobe", "-v", "error", "-show_streams", "-count_frames", "-of", "json", str(path)]
    streams = {s["codec_type"]: s for s in json.loads(subprocess.run(command, capture_output=True).stdout)["streams"]}
    assert int(streams["video"]["nb_read_frames"]) == 24
    assert abs(float(streams["audio"]["duration"]) - 24 * 1001 / 30000) < 1001 / 30000


def test_voice_and_curves_reach_the_network_through_the_studio(
    base: Project, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With made-up weights, whose bridge is refused: the voice moves the mouth, curves move the rest."""
    monkeypatch.setenv("SOLILOQUY_HOME", str(tmp_path))
    monkeypatch.setattr(bridge, "LESSONS", {"mouth": 4, "pose": 4, "expression": 4})
    monkeypatch.setattr(bridge, "EXAMS", 2)
    store(tmp_path, "edtalk", "EDTalk.pt", {"gen": filled(EDTalk(SMALL)).state_dict()})
    voice = {name: 20 * v if name == "mapping.weight" else v for name, v in steady(Audio2Lip()).state_dict().items()}
    store(tmp_path, "edtalk-audio2lip", "Audio2Lip.pt", {"audio2lip": voice})
    project = base.with_(engine="edtalk")
    actor = studio.prepare(project)
    performance = studio._driven(project, actor, studio.perform(project), None)
    alpha = actor.coordinates(performance)
    assert np.ptp(alpha[:, :20], axis=0).max() > 1e-3
    assert np.ptp(alpha[:, 20:], axis=0).max() == 0
    moved = commands.set_keys(
        commands.set_keys(project, "edtalk.pose_1", [Key(0, 40.0)]), "edtalk.happy", [Key(0, 1.0)]
    )
    plain, other = frame(studio, project), frame(studio, moved)
    assert plain.shape == (*SIZE, 3)
    assert np.abs(other - plain).mean() > 0.01
