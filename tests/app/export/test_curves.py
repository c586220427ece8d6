"""Curve files: what is written comes back, and the iPhone app's own recording is reproduced."""

from __future__ import annotations

import gzip
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from app.export import ExportOptions, Take, livelink, read_curves, read_start, write
from engines.api import Performance
from engines.errors import InputError
from engines.timebase import RATES
from tests.app.export.conftest import random_performance


def test_npz_is_lossless(tmp_path: Path, performance: Performance) -> None:
    write(Take(performance, performance.rate), tmp_path / "a.npz")
    assert read_curves(tmp_path / "a.npz") == performance


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
def test_livelink_round_trip(tmp_path: Path, rate: Fraction) -> None:
    motion = random_performance(3, 61, rate)
    write(Take(motion, rate, start=77), tmp_path / "a.csv")
    back = read_curves(tmp_path / "a.csv")
    assert back.rate == rate
    assert len(back) == len(motion)
    np.testing.assert_allclose(back.weights, motion.weights, atol=1e-7)
    np.testing.assert_allclose(back.head[:, :3], motion.head[:, :3], atol=1e-7)
    np.testing.assert_allclose(back.gaze, motion.gaze, atol=1e-7)


def test_the_take_is_resampled_to_its_rate(tmp_path: Path) -> None:
    motion = random_performance(1, 50, Fraction(25))
    write(Take(motion, Fraction(60)), tmp_path / "a.csv")
    back = read_curves(tmp_path / "a.csv")
    assert (back.rate, len(back)) == (60, 120)


def test_the_app_recording_is_reproduced_byte_for_byte(samples: Path, tmp_path: Path) -> None:
    text = gzip.decompress((samples / "curves" / "alex_rom_3.csv.gz").read_bytes()).decode()
    assert livelink.dump(livelink.load(text)) == text


def test_the_app_recording_becomes_a_performance(samples: Path, tmp_path: Path) -> None:
    path = tmp_path / "take.csv"
    path.write_bytes(gzip.decompress((samples / "curves" / "alex_rom_3.csv.gz").read_bytes()))
    motion = read_curves(path)
    rows = path.read_text().count("\n") - 1
    assert motion.rate == 30
    assert rows <= len(motion) <= rows + 4  # the app dropped three rows; they are filled
    left = np.corrcoef(motion.gaze[:, 0], motion.channel("eyeLookOutLeft") - motion.channel("eyeLookInLeft"))[0, 1]
    up = np.corrcoef(motion.gaze[:, 1], motion.channel("eyeLookUpLeft") - motion.channel("eyeLookDownLeft"))[0, 1]
    assert up > 0.9
    assert left > 0.9
    assert np.corrcoef(motion.gaze[:, 0], motion.gaze[:, 2])[0, 1] > 0.9  # the eyes move together
    ahead = np.abs(motion.channel("eyeLookOutLeft") - motion.channel("eyeLookInLeft")) < 0.01
    assert np.abs(motion.gaze[ahead, 0]).max() < 0.03  # looking ahead is no gaze


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".json", ".plain.csv", ".fbx", ".glb"])
@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30000, 1001), Fraction(60)], ids=str)
def test_the_first_frame_is_told(tmp_path: Path, suffix: str, rate: Fraction) -> None:
    write(Take(random_performance(1, 5, rate), rate, start=86), tmp_path / f"a{suffix}")
    assert read_start(tmp_path / f"a{suffix}") == 86


def test_timecode_counts_at_sixty_whatever_the_rate() -> None:
    assert livelink.timecode_60(Fraction(1, 24)) == "00:00:00:02.500"
    assert livelink.timecode_60(Fraction(3661) + Fraction(1001, 30000)) == "01:01:01:02.002"
    assert livelink.timecode_seconds("01:01:01:30.000") == 3661.5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "are missing"),
        ("Timecode,BlendShapeCount\n", "are missing"),
        ("not,a,curve\n1,2,3\n", "are missing"),
    ],
)
def test_damaged_tables_say_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        read_curves(path)


def test_a_short_row_is_named_by_its_line(tmp_path: Path, performance: Performance) -> None:
    path = tmp_path / "bad.csv"
    write(Take(performance, performance.rate), path)
    lines = path.read_text().splitlines()
    lines[4] = "00:00:00:08.000,61,0.5"
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match="line 5 has 3 values, expected 63"):
        read_curves(path)


def test_unknown_endings_and_options_list_what_there_is(tmp_path: Path, performance: Performance) -> None:
    with pytest.raises(InputError, match=r"Known endings: .*\.csv.*\.mp4"):
        write(Take(performance, performance.rate), tmp_path / "a.xyz")
    with pytest.raises(InputError, match=r"Known: .*quality"):
        ExportOptions.from_dict({"qualty": 3})
    with pytest.raises(InputError, match="needs pictures"):
        write(Take(performance, performance.rate), tmp_path / "a.mp4")
