"""Pictures, sound, tables and baked meshes."""

from __future__ import annotations

import errno
import json
import os
import struct
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import trimesh
from PIL import Image

from app.export import ExportOptions, Take, ffmpeg, formats, read_curves, write
from engines.api import CancelToken, Performance
from engines.errors import Cancelled, ExportError, InputError
from engines.rig.mesh import HeadMesh
from engines.timebase import RATES
from tests.app.export.conftest import picture_take, random_performance


@pytest.mark.parametrize("suffix", [".json", ".plain.csv", ".a2f.json"])
@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
def test_tables_come_back(tmp_path: Path, suffix: str, rate: Fraction) -> None:
    motion = random_performance(2, 40, rate)
    write(Take(motion, rate, start=9), tmp_path / f"a{suffix}")
    back = read_curves(tmp_path / f"a{suffix}")
    assert (back.rate, len(back)) == (rate, len(motion))
    np.testing.assert_allclose(back.weights, motion.weights, atol=1e-6)
    if suffix != ".a2f.json":
        np.testing.assert_allclose(back.head, motion.head, atol=1e-6)
        np.testing.assert_allclose(back.gaze, motion.gaze, atol=1e-6)
        np.testing.assert_allclose(back.tongue, motion.tongue, atol=1e-6)


def test_audio2face_fields(tmp_path: Path, performance: Performance, voice: Path) -> None:
    write(Take(performance, performance.rate, voice=voice), tmp_path / "a.a2f.json")
    document = json.loads((tmp_path / "a.a2f.json").read_text())
    assert list(document) == ["exportFps", "trackPath", "numPoses", "numFrames", "facsNames", "weightMat"]
    assert (document["exportFps"], document["numPoses"], document["numFrames"]) == (30, 52, len(performance))
    (tmp_path / "b.json").write_text(json.dumps(document))
    assert len(read_curves(tmp_path / "b.json")) == len(performance)  # told by its fields, not by its name


def test_png_sequence_keeps_alpha_and_numbers(tmp_path: Path, performance: Performance) -> None:
    take = replace(picture_take(performance, channels=4), start=101)
    made = write(take, tmp_path / "shot.####.png")
    assert [p.name for p in made[:2]] == ["shot.0101.png", "shot.0102.png"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [p.name for p in made]
    picture = np.asarray(Image.open(made[3]))
    assert picture.shape == (48, 66, 4)
    assert (picture[5, 5].tolist(), picture[5, 60, 3]) == ([55, 55, 90, 255], 0)


def test_exr_sequence_is_linear_and_premultiplied(tmp_path: Path) -> None:
    take = picture_take(Performance.rest(3, Fraction(25)), channels=4)
    made = write(take, tmp_path / "shot.exr")
    assert [p.name for p in made] == ["shot.00000.exr", "shot.00001.exr", "shot.00002.exr"]
    command = [ffmpeg.program(), "-v", "error", "-i", str(made[1]), "-f", "rawvideo", "-pix_fmt", "gbrapf32le", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    green, blue, red, alpha = np.frombuffer(raw, np.float32).reshape(4, 48, 66)
    expected = ((np.array([45, 90]) / 255 + 0.055) / 1.055) ** 2.4
    np.testing.assert_allclose([red[5, 5], green[5, 5], blue[5, 5]], expected[[0, 0, 1]], rtol=2e-3)
    assert (alpha[5, 5], alpha[5, 60], red[5, 60]) == (1, 0, 0)


def test_a_cancelled_sequence_leaves_nothing(tmp_path: Path, performance: Performance) -> None:
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        write(picture_take(performance), tmp_path / "a.png", None, lambda part, _: cancel.cancel(), cancel)
    assert list(tmp_path.iterdir()) == []


def test_wav_is_the_voice_bit_for_bit(tmp_path: Path, voice: Path) -> None:
    original, _ = sf.read(voice, dtype="int16")
    write(Take(Performance.rest(20, Fraction(25)), Fraction(25), voice=voice), tmp_path / "a.wav")
    copy, rate = sf.read(tmp_path / "a.wav", dtype="int16")
    assert rate == 16_000
    np.testing.assert_array_equal(copy, original)
    write(Take(Performance.rest(5, Fraction(25)), Fraction(25), voice=voice, start=3), tmp_path / "b.wav")
    part, _ = sf.read(tmp_path / "b.wav", dtype="int16")
    np.testing.assert_array_equal(part, original[1920:5120])
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    with pytest.raises(InputError, match=r"bad\.wav is not a sound or video file"):
        write(Take(Performance.rest(5, Fraction(25)), Fraction(25), voice=tmp_path / "bad.wav"), tmp_path / "c.wav")


def test_obj_sequence_is_read_by_trimesh(tmp_path: Path, head: HeadMesh) -> None:
    motion = random_performance(1, 3)
    made = write(Take(motion, motion.rate, head=head), tmp_path / "a.obj")
    assert len(made) == 3
    assert (tmp_path / "a.mtl").is_file()
    assert (tmp_path / "a_texture.png").is_file()
    mesh = trimesh.load(made[2], process=False, force="mesh")
    assert len(mesh.faces) == len(head.triangles)
    posed = head.posed(motion.weights[2], motion.head[2], motion.gaze[2])
    np.testing.assert_allclose(mesh.bounds, [posed.min(0), posed.max(0)], atol=1e-4)


def test_point_caches(tmp_path: Path, head: HeadMesh) -> None:
    motion = random_performance(1, 4, Fraction(25))
    take = Take(motion, motion.rate, head=head)
    for suffix, size, order in ((".pc2", 32, "<f4"), (".mdd", 8 + 4 * 4, ">f4")):
        path, mesh = write(take, tmp_path / f"a{suffix}")
        assert mesh.is_file()
        data = path.read_bytes()
        points = np.frombuffer(data[size:], order).reshape(4, -1, 3)
        posed = head.posed(motion.weights[3], motion.head[3], motion.gaze[3])
        np.testing.assert_allclose(points[3], posed, atol=1e-6)
    assert struct.unpack_from(">II", (tmp_path / "a.mdd").read_bytes()) == (4, len(head.vertices))
    assert struct.unpack_from("<12sii", (tmp_path / "a.pc2").read_bytes()) == (b"POINTCACHE2\0", 1, len(head.vertices))


def test_every_format_has_its_adapter() -> None:
    for known in formats():
        adapter = known.adapter()
        assert callable(adapter.write) == known.writes
        assert hasattr(adapter, "read_curves") == known.reads_curves, known.id
        assert hasattr(adapter, "read_head") == known.reads_head, known.id


def test_options_are_checked() -> None:
    assert ExportOptions.from_dict({"crop": [0, 0, 4, 4], "codec": "hevc"}).crop == (0, 0, 4, 4)
    with pytest.raises(InputError, match="h264, hevc"):
        ExportOptions(codec="av1")
    with pytest.raises(InputError, match="from 0 to 100"):
        ExportOptions(quality=101)


def test_adapters_import_no_heavy_package() -> None:
    code = (
        "import sys\n"
        "from app.export import formats\n"
        "for f in formats(): f.adapter()\n"
        "heavy = ('torch', 'PySide6', 'cv2', 'mediapipe', 'pxr', 'c2pa', 'opentimelineio')\n"
        "print([n for n in heavy if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, performance: Performance) -> None:
    for package, suffix in (("pxr", ".usda"), ("opentimelineio", ".otio")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ExportError, match=rf"'{package}'. Install it with: pip install soliloquy\[exchange\]"):
            write(Take(performance, performance.rate), tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path, performance: Performance) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(ExportError, match="may not be written"):
        write(Take(performance, performance.rate), tmp_path / "locked" / "a.csv")


@pytest.mark.parametrize("suffix", [".csv", ".fbx", ".png", ".mp4", ".usda"])
def test_a_full_disk_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ExportError, match=r"no space left for .*Free some space"):
        write(picture_take(random_performance(0, 3)), tmp_path / f"a{suffix}", ExportOptions(sign=False))
    assert list(tmp_path.iterdir()) == []


def test_options_are_read_from_text() -> None:
    given = [
        "mesh=minimal",
        "crop=0, 0,64,48",
        "channels=jawOpen,mouthClose",
        "hardware=yes",
        "quality=60",
        "names=vrm",
    ]
    options = ExportOptions.from_dict(ExportOptions.parse(given))
    assert (options.mesh, options.crop, options.hardware, options.quality) == ("minimal", (0, 0, 64, 48), True, 60)
    assert options.channels == ("jawOpen", "mouthClose")
    for bad, says in (("mesh", "Write NAME=VALUE"), ("sign=maybe", "cannot be 'maybe'"), ("crop=1,2", "takes 4 whole")):
        with pytest.raises(InputError, match=says):
            ExportOptions.from_dict(ExportOptions.parse([bad]))
