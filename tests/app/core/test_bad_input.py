"""Every bad input has a message that says what is wrong and what to do, and harms nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from app.core.passes.mouth import Mouth
from app.core.project import Project, Speech
from app.core.studio import Studio
from engines import registry
from engines.api import CancelToken, EngineInfo, Performance
from engines.errors import Cancelled, ExportError, InputError, OutOfMemory, WeightsMissing
from tests.app.core.passes.test_passes import make_speech

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo"
PROJECT = Project(portrait=str(DEMO / "portrait.jpg"), voice=str(DEMO / "voice.wav"))


@pytest.fixture
def studio() -> Studio:
    return Studio()


def sound(path: Path, samples: np.ndarray, rate: int) -> Project:
    soundfile.write(path, samples, rate)
    return Project(voice=str(path))


# --- portraits ---


def test_a_portrait_that_is_no_picture(studio: Studio, tmp_path: Path) -> None:
    bad = tmp_path / "face.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with pytest.raises(InputError, match=r"face\.png"):
        studio.portrait(Project(portrait=str(bad)))
    with pytest.raises(InputError, match=r"none\.png"):
        studio.portrait(Project(portrait=str(tmp_path / "none.png")))
    with pytest.raises(InputError, match="no portrait yet"):
        studio.portrait(Project())


def test_a_portrait_without_a_face(studio: Studio, tmp_path: Path) -> None:
    wall = np.random.default_rng(0).integers(90, 110, (256, 256, 3), dtype=np.uint8)
    Image.fromarray(wall).save(tmp_path / "wall.png")
    with pytest.raises(InputError, match="face"):
        studio.prepare(Project(portrait=str(tmp_path / "wall.png")))


def test_several_faces_are_chosen_by_number(studio: Studio, tmp_path: Path) -> None:
    one = np.asarray(Image.open(DEMO / "portrait.jpg").resize((384, 384)))
    small = np.zeros_like(one) + one[:1, :1]
    small[96:288, 96:288] = np.asarray(Image.open(DEMO / "portrait.jpg").resize((192, 192)))
    path = tmp_path / "two.png"
    Image.fromarray(np.hstack([one, small])).save(path)
    from engines.face.landmarks import find_face

    first, second = (
        find_face(studio.portrait(Project(portrait=str(path), face=n))).points[:, 0].mean() for n in (0, 1)
    )
    assert first < 384 < second
    with pytest.raises(InputError, match="face"):
        find_face(studio.portrait(Project(portrait=str(path), face=5)))


# --- voices ---


def test_a_voice_that_is_no_sound(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "voice.wav").write_bytes(b"")
    with pytest.raises(InputError, match="empty"):
        studio.voice(Project(voice=str(tmp_path / "voice.wav")))
    (tmp_path / "voice.mp3").write_bytes(b"not a sound at all" * 50)
    with pytest.raises(InputError, match=r"voice\.mp3"):
        studio.voice(Project(voice=str(tmp_path / "voice.mp3")))
    with pytest.raises(InputError, match="0 samples"):
        studio.voice(sound(tmp_path / "none.wav", np.zeros(0), 16000))
    with pytest.raises(InputError, match="no voice yet"):
        studio.frame_count(Project())


def test_a_silent_voice_is_performed_with_a_closed_mouth(studio: Studio, tmp_path: Path) -> None:
    project = sound(tmp_path / "silent.wav", np.zeros(32000), 16000)
    assert "silent" in studio.analyse(project).warnings[0]
    performance = studio.perform(project)
    assert len(performance) == 50
    assert performance.channel("jawOpen").max() < 0.1


@pytest.mark.parametrize(("rate", "channels"), [(7350, 3), (192000, 1), (11025, 2)])
def test_odd_rates_and_channels_keep_their_length(studio: Studio, tmp_path: Path, rate: int, channels: int) -> None:
    t = np.arange(round(1.23 * rate)) / rate
    wave = 0.3 * np.sin(2 * np.pi * 180 * t)[:, None] * np.ones(channels)
    project = sound(tmp_path / "odd.flac", wave, rate).with_(rate="29.97")
    assert len(studio.perform(project)) == studio.frame_count(project) == 37


def test_a_single_sample_is_a_single_frame(studio: Studio, tmp_path: Path) -> None:
    assert len(studio.perform(sound(tmp_path / "click.wav", np.array([0.5]), 44100))) == 1


def test_an_hour_is_performed(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engines.speech import analysis

    project = sound(tmp_path / "hour.flac", np.zeros(3600 * 4000, np.int16), 4000)
    assert studio.frame_count(project) == 90000
    heard = replace(make_speech(3600.0), samples=3600 * 4000, sample_rate=4000)  # listening to it is tested elsewhere
    monkeypatch.setattr(analysis, "analyse", lambda *_, **__: heard)
    count = len(heard)
    still = Mouth(np.zeros((count, 52), np.float32), np.zeros(count, np.float32), np.zeros(count, np.float32))
    monkeypatch.setattr("app.core.studio.speak", lambda *_: still)
    performance = studio.perform(project)
    assert len(performance) == 90000
    blinks = np.diff((performance.channel("eyeBlinkLeft") > 0.9).astype(int)).clip(0).sum()
    assert 12 * 60 < blinks < 28 * 60


def test_text_in_another_language_than_the_voice_is_no_error(studio: Studio, tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(16000)
    project = sound(tmp_path / "noise.wav", noise, 16000)
    studio.analyse(project.with_(speech=Speech("Ein ganz anderer Satz", "de")))


# --- engines ---


class Starved:
    """An engine whose memory runs out as often as told."""

    def __init__(self, info: EngineInfo, failures: int) -> None:
        self.info, self.failures, self.drawn, self.unloads = info, failures, 0, 0

    def prepare(self, portrait: Any, **_: Any) -> Any:
        return object()

    def render(self, actor: Any, performance: Performance, *, start: int, stop: int, **_: Any) -> Iterator[np.ndarray]:
        for i in range(start, stop):
            if self.failures and i >= 3:
                self.failures -= 1
                raise OutOfMemory("CUDA out of memory")
            self.drawn += 1
            yield np.full((2, 2, 3), i, np.uint8)

    def unload(self) -> None:
        self.unloads += 1


@pytest.fixture
def starved(monkeypatch: pytest.MonkeyPatch) -> dict[str, Starved]:
    info = registry.info("blendshape")
    engines = {
        "blendshape": Starved(replace(info, memory_mb=4000), 1),
        "other": Starved(replace(info, id="other", memory_mb=4000), 0),
    }
    monkeypatch.setattr(registry, "load", engines.__getitem__)
    monkeypatch.setattr(registry, "info", lambda engine_id: engines[engine_id].info)
    return engines


def test_out_of_memory_is_tried_once_more_alone(studio: Studio, starved: dict[str, Starved]) -> None:
    studio.memory_mb = 10000
    studio.engine("other")
    frames = list(studio.frames(PROJECT, Performance.rest(6, Fraction(25))))
    assert [int(f[0, 0, 0]) for f in frames] == [0, 1, 2, 3, 4, 5]
    assert starved["other"].unloads == 1


def test_out_of_memory_twice_says_what_to_do(studio: Studio, starved: dict[str, Starved]) -> None:
    starved["blendshape"].failures = 2
    with pytest.raises(OutOfMemory, match="smaller size"):
        list(studio.frames(PROJECT, Performance.rest(6, Fraction(25))))


def test_the_memory_budget_unloads_the_least_recently_used(studio: Studio, starved: dict[str, Starved]) -> None:
    studio.memory_mb = 6000
    for engine_id in ("blendshape", "other", "blendshape"):
        studio.engine(engine_id)
    assert (starved["blendshape"].unloads, starved["other"].unloads) == (1, 1)


def test_missing_weights_name_themselves(studio: Studio) -> None:
    needy = [i for i in registry.engines().values() if any(n.startswith("weights:") for n in i.needs)]
    for info in needy:
        with pytest.raises((WeightsMissing, InputError), match=r"(?i)weights|checkpoint|footage"):
            studio.prepare(PROJECT.with_(engine=info.id))


# --- disk and cancel ---


def test_a_full_disk_leaves_nothing_behind(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "out"
    out.mkdir()
    project = sound(tmp_path / "s.wav", np.zeros(8000), 16000)
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(ExportError, match="no space left"):
        studio.export(project, [out / "a.csv"])
    assert list(out.iterdir()) == []


def test_a_folder_that_may_not_be_written(studio: Studio, tmp_path: Path) -> None:
    project = sound(tmp_path / "s.wav", np.zeros(8000), 16000)
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="file"):
        studio.export(project, [tmp_path / "file" / "a.csv"])


def test_a_cancelled_export_leaves_nothing(studio: Studio, tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    out = tmp_path / "out"
    with pytest.raises(Cancelled):
        studio.export(PROJECT, [out / "a.mp4"], cancel=token)
    assert not out.exists() or list(out.iterdir()) == []


def test_an_empty_range_says_how_long_the_shot_is(studio: Studio, tmp_path: Path) -> None:
    project = sound(tmp_path / "s.wav", np.zeros(16000), 16000).with_(in_frame=20, out_frame=10)
    with pytest.raises(InputError, match="25 frames"):
        studio.export(project, [tmp_path / "a.csv"])


def test_media_that_vanish_meanwhile(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "v.wav"
    shutil.copy(DEMO / "voice.wav", path)
    project = PROJECT.with_(voice=str(path))
    assert studio.frame_count(project) > 200
    path.unlink()
    with pytest.raises(InputError, match=r"v\.wav"):
        studio.frame_count(project)
