"""Subtitles, TextGrid, OpenTimelineIO, EDL and the live stream, each read by another program's reader."""

from __future__ import annotations

import itertools
import socket
import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from app.core.project import EmotionClip, Marker, Phone, Project
from app.export import Take, livelink, write
from app.export.editorial import captions
from app.export.stream import Sender, packet, parse
from engines import arkit
from engines.api import Performance
from engines.errors import InputError
from tests.app.export.conftest import random_performance


@pytest.fixture
def take(voice: Path) -> Take:
    """Frames 10 to 60 at 25 a second: seconds 0.4 to 2.4."""
    words = (
        Phone(0.1, 0.5, "Before"), Phone(0.5, 0.9, "hello"), Phone(0.95, 1.4, "there."), Phone(1.5, 1.9, 'say "yes"'),
        Phone(2.2, 2.9, "end"),
    )  # fmt: skip
    phones = (Phone(0.5, 0.6, "HH", 0.9), Phone(0.6, 0.9, "AH"))
    project = Project(
        name="Shot 3",
        emotions=(EmotionClip(0, 30, "happy"), EmotionClip(20, None, "sad")),
        markers=(Marker(12, "look\nup", "green"), Marker(70, "later")),
    )
    return Take(
        Performance.rest(50, Fraction(25)),
        Fraction(25),
        voice=voice,
        start=10,
        words=words,
        phones=phones,
        markers=project.markers,
        project=project,
        name="Take 2",
        provenance={"engine": "blendshape"},
    )


def test_srt(take: Take, tmp_path: Path) -> None:
    srt = pytest.importorskip("srt")
    write(take, tmp_path / "a.srt")
    lines = list(srt.parse((tmp_path / "a.srt").read_text(encoding="utf-8")))
    assert [line.content for line in lines] == ["Before hello there.", 'say "yes" end']
    assert lines[0].start.total_seconds() == 0
    assert lines[0].end.total_seconds() == pytest.approx(1.0)
    assert lines[1].end.total_seconds() == pytest.approx(2.0)


def test_caption_lines_break_at_pauses_and_length() -> None:
    words = [Phone(i, i + 0.9, "word") for i in range(12)]
    assert all(len(line.label) <= 42 for line in captions(words))
    assert len(captions([Phone(0, 1, "a"), Phone(2, 3, "b")])) == 2
    text = "a picture and a voice and we will gladly speak for you"
    lines = captions([Phone(i, i + 1, label) for i, label in enumerate(text.split())])
    assert [len(line.label) for line in lines] == [28, 25]  # no last word on its own
    assert captions([]) == []


def test_textgrid(take: Take, tmp_path: Path) -> None:
    textgrid = pytest.importorskip("textgrid")
    write(take, tmp_path / "a.TextGrid")
    grid = textgrid.TextGrid.fromFile(str(tmp_path / "a.TextGrid"))
    words, phones = grid.getFirst("words"), grid.getFirst("phones")
    assert (grid.minTime, grid.maxTime) == (0, 2)
    assert [i.mark for i in words if i.mark] == ["Before", "hello", "there.", 'say "yes"', "end"]
    for tier in (words, phones):
        assert tier[0].minTime == 0
        assert tier[-1].maxTime == 2
        assert all(a.maxTime == b.minTime for a, b in itertools.pairwise(tier))


def test_otio(take: Take, tmp_path: Path) -> None:
    otio = pytest.importorskip("opentimelineio")
    write(take, tmp_path / "a.otio")
    timeline = otio.adapters.read_from_file(str(tmp_path / "a.otio"))
    assert timeline.name == "Shot 3"
    assert timeline.metadata["soliloquy"]["rate"] == "25/1"
    assert timeline.metadata["soliloquy"]["provenance"]["engine"] == "blendshape"
    names = [track.name for track in timeline.tracks]
    assert names == ["Picture", "Voice", "Words", "Emotion", "Emotion"]  # two emotions overlap: two tracks
    picture = timeline.tracks[0][0]
    assert picture.source_range.start_time.value == 10
    assert picture.source_range.duration.value == 50
    (marker,) = picture.markers
    assert (marker.name, marker.color, marker.marked_range.start_time.value) == ("look\nup", "GREEN", 12)
    assert [c.name for c in timeline.tracks[2] if isinstance(c, otio.schema.Clip)][:2] == ["Before", "hello"]


def test_edl(take: Take, tmp_path: Path) -> None:
    write(take, tmp_path / "a.edl")
    lines = (tmp_path / "a.edl").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "TITLE: Shot 3"
    assert "001  AX       AA/V  C        00:00:00:10 00:00:02:10 01:00:00:00 01:00:02:00" in lines
    assert "* LOC: 01:00:00:02 GREEN   look up" in lines


@pytest.mark.parametrize(("film", "first"), [("talk.mp4", 0), ("talk.mov", 10)])
def test_timelines_point_to_the_video_written_beside(take: Take, tmp_path: Path, film: str, first: int) -> None:
    otio = pytest.importorskip("opentimelineio")
    beside = replace(take, film=tmp_path / film)
    write(beside, tmp_path / "a.otio")
    picture = otio.adapters.read_from_file(str(tmp_path / "a.otio")).tracks[0][0]
    assert picture.media_reference.target_url.endswith(f"/{film}")
    assert picture.media_reference.available_range == picture.source_range
    assert (picture.source_range.start_time.value, picture.source_range.duration.value) == (first, 50)
    assert picture.markers[0].marked_range.start_time.value == first + 2
    write(beside, tmp_path / "a.edl")
    text = (tmp_path / "a.edl").read_text(encoding="utf-8")
    assert f"* FROM CLIP NAME: {film}\n" in text
    assert f"00:00:00:{first:02d} 00:00:02:{first:02d} 01:00:00:00" in text


def test_a_packet_holds_the_frame() -> None:
    motion = random_performance(3, 5, Fraction(30000, 1001))
    data = packet(motion, 2, "Face", "D" * 36, 100)
    assert data[:5] == b"\x06\x00\x00\x00\x24"  # as the app begins
    subject, frame, values = parse(data)
    assert (subject, frame) == ("Face", 102)
    np.testing.assert_array_equal(values[:52], motion.weights[2])  # ARKit's order, not that of the CSV
    np.testing.assert_allclose(values[52:55], motion.head[2, [1, 0, 2]])
    assert struct.unpack_from(">II", data, 1 + 4 + 36 + 4 + 4 + 8) == (30000, 1001)
    assert livelink.UNITS.index("jawRight") == 15
    assert arkit.INDEX["jawRight"] == 16
    with pytest.raises(InputError, match="no Live Link Face packet"):
        parse(data[:30])


def test_frames_arrive_over_the_loopback() -> None:
    motion = random_performance(3, 3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        with Sender("127.0.0.1", receiver.getsockname()[1], "Ann") as sender:
            for frame in range(3):
                sender.show(motion, frame)
        got = [parse(receiver.recv(2048)) for _ in range(3)]
    assert [(s, f) for s, f, _ in got] == [("Ann", 0), ("Ann", 1), ("Ann", 2)]
    with pytest.raises(InputError, match="port 99999999 is not possible"):
        Sender("127.0.0.1", 99_999_999)
