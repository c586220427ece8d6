"""A video in the numbers of a generator, and the engine on the command line."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from imageio_ffmpeg import get_ffmpeg_exe

from app.cli import main
from engines import registry
from engines.api import Portrait, RenderOptions
from engines.errors import InputError
from engines.stylegan import numbers
from engines.stylegan.actor import SEEN, StyleGANActor
from engines.stylegan.engine import StyleGANEngine
from engines.stylegan.taught import TaughtActor
from engines.teaching.lessons import lessons
from tests.engines.stylegan.test_engine import passed

RATE = Fraction(25)
SIDE = 224


def written(frames: list[np.ndarray], path: Path) -> Path:
    """Frames as a video."""
    height, width = frames[0].shape[:2]
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "25", "-i", "-"]
    data = b"".join(np.ascontiguousarray(f).tobytes() for f in frames)
    command = [get_ffmpeg_exe(), "-v", "error", *source, "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, input=data, check=True)
    return path


@pytest.fixture(scope="module")
def clip(generated: StyleGANActor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's face doing something in every second frame."""
    asked = lessons(6, 4, head=False)
    asked = asked.with_(weights=asked.weights * (np.arange(6) % 2)[:, None])
    rig = registry.load("blendshape")
    frames = list(rig.render(generated.rig, asked, options=RenderOptions(size=(SIDE, SIDE))))
    return written(frames, tmp_path_factory.mktemp("clip") / "clip.mp4")


def test_a_video_becomes_35_numbers_a_frame(
    engine: StyleGANEngine, generated: StyleGANActor, clip: Path, stored: Path, little: None
) -> None:
    parts: list[float] = []
    found = engine.sources(generated, None, clip, Fraction(50), 12, progress=lambda p, what: parts.append(p))
    assert len(found) == numbers.COUNT
    rows = np.stack(list(found.values()), 1)
    assert rows.shape == (12, numbers.COUNT)
    assert np.isfinite(rows).all()
    assert parts == sorted(parts)
    assert np.abs(rows[:, 3:]).max() > 0
    extras = {n: np.stack([np.zeros(6), v[:6]], 1) for n, v in found.items()}
    driven = generated.numbers(lessons(6, 1).with_(weights=np.zeros((6, 52)), extras=extras))
    np.testing.assert_allclose(driven[:, 3:], rows[:6, 3:], atol=1e-5)
    assert f"{SEEN}_35" in found
    asked = lessons(6, 1).with_(weights=np.zeros((6, 52)))
    able = passed(generated)  # a bridge that passed speaks, unless a curve asks for what was sought in the clip
    spoken = able.numbers(asked)
    np.testing.assert_array_equal(able.numbers(asked.with_(extras=extras)), spoken)
    extras["video"] = np.stack([np.ones(6), np.ones(6)], 1)
    np.testing.assert_allclose(able.numbers(asked.with_(extras=extras))[:, 3:], rows[:6, 3:], atol=1e-5)


def test_a_video_without_a_face_says_so(
    engine: StyleGANEngine, generated: StyleGANActor, stored: Path, tmp_path: Path
) -> None:
    path = written([np.full((96, 96, 3), 128, np.uint8)] * 4, tmp_path / "grey.mp4")
    with pytest.raises(InputError, match=r"grey\.mp4 shows no face"):
        engine.sources(generated, None, path, RATE, 4)


def test_taught_actors_need_no_video_of_their_own(engine: StyleGANEngine, taught: TaughtActor, clip: Path) -> None:
    assert engine.sources(taught, None, clip, RATE, 4) == {}


def test_command_line_renders_through_a_generator(
    stored: Path, little: None, portrait: Portrait, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    picture, voice, video = tmp_path / "me.png", tmp_path / "hum.wav", tmp_path / "me.mp4"
    Image.fromarray(portrait.rgb).save(picture)
    at = np.arange(6400) / 16000
    soundfile.write(voice, 0.2 * np.sin(2 * np.pi * 140 * at), 16000)
    asked = [str(picture), str(voice), "--engine", "stylegan", "--size", "96x96", "-o", str(video)]
    assert main(["render", *asked, "--consent", "a made face: test"]) == 0
    assert video.stat().st_size > 1000
