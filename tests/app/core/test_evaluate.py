"""Judging takes: reports, folders, leaderboards, bad input."""

from __future__ import annotations

import json
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from app.cli import main
from app.core import evaluate as judge
from app.core.evaluate import Against, Evaluation
from engines.errors import InputError
from engines.judge.evidence import Evidence
from engines.judge.judge import measured
from tests.engines.judge.made import take, talking, voice


def judged(name: str, tremble: float = 0.0, delay_s: float = 0.0) -> Evaluation:
    rigid = take().rigid + np.random.default_rng(1).normal(0, tremble, (200, 1, 2)).astype(np.float32)
    seen = talking()
    object.__setattr__(seen, "rigid", rigid)
    return Evaluation(Path(f"{name}.mp4"), name, measured(Evidence(seen, voice(8, delay_s))), ("a <note>",))


class Page(HTMLParser):
    """Checks that tags are closed in order and that nothing is loaded from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.counts: dict[str, int] = {}
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        assert tag not in ("script", "link", "iframe")
        assert all(not (v or "").startswith(("http", "//")) for k, v in attrs if k in ("src", "href"))
        if tag not in ("meta", "img", "line", "path", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_stands_alone_and_json_holds_the_same(tmp_path: Path) -> None:
    one = judged("best & brightest")
    judge.save(tmp_path / "take.html", [one])
    judge.save(tmp_path / "take.json", [one])
    page = Page(text := (tmp_path / "take.html").read_text())
    assert page.counts["svg"] >= 4
    assert page.counts["img"] == 1
    assert "best &amp; brightest" in text
    assert "a &lt;note>" in text or "a &lt;note&gt;" in text
    data = json.loads((tmp_path / "take.json").read_text())
    assert data["metrics"]["sync_offset"]["value"] == pytest.approx(0, abs=6)
    assert data["metrics"]["psnr"]["value"] is None
    assert "--reference" in data["metrics"]["psnr"]["reason"]
    assert len(data["curves"]["aperture"]) == data["frames"] == 200
    with pytest.raises(InputError, match=r"'\.docx'"):
        judge.save(tmp_path / "take.docx", [one])


def test_the_leaderboard_puts_the_better_take_first(tmp_path: Path) -> None:
    takes = [judged("late", 0.5, 0.2), judged("good"), judged("shaky", 1.0)]
    board = judge.leaderboard(takes)
    assert board[0]["name"] == "good"
    assert board[0]["rank"] < board[1]["rank"]
    assert board[0]["values"]["psnr"] is None
    judge.save(tmp_path / "board.html", takes)
    judge.save(tmp_path / "board.json", takes)
    Page((tmp_path / "board.html").read_text())
    assert json.loads((tmp_path / "board.json").read_text())["leaderboard"][0]["name"] == "good"


def test_files_beside_a_take_belong_to_it(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.wav", "a.png", "a.npz", "a.reference.mp4", "b.mp4"):
        (tmp_path / name).touch()
    common = Against(voice=tmp_path / "common.wav")
    own = judge.companions(tmp_path / "a.mp4", common)
    assert own == Against(
        portrait=tmp_path / "a.png", voice=tmp_path / "a.wav", reference=tmp_path / "a.reference.mp4",
        performance=tmp_path / "a.npz",
    )  # fmt: skip
    assert judge.companions(tmp_path / "b.mp4", common) == common


def test_bad_input_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(InputError, match=r"gone\.mp4"):
        judge.evaluate(tmp_path / "gone.mp4")
    with pytest.raises(InputError, match=r"text\.mp4"):
        judge.evaluate(tmp_path / "text.mp4")
    with pytest.raises(InputError, match=r"happyish.*neutral"):
        judge.evaluate(tmp_path / "text.mp4", Against(emotion="happyish"))
    with pytest.raises(InputError, match=r"could be judged.*text\.mp4"):
        judge.evaluate_folder(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no video"):
        judge.evaluate_folder(tmp_path / "empty")


@pytest.mark.samples
def test_from_the_command_line(samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from imageio_ffmpeg import get_ffmpeg_exe

    clip = samples / "video" / "liveportrait_d11_512_25fps_9s_audio.mp4"
    short = tmp_path / "short.mp4"
    command = [get_ffmpeg_exe(), "-v", "error", "-i", str(clip), "-t", "2.4", "-vf", "scale=256:256", str(short)]
    subprocess.run(command, check=True)
    outputs = [str(tmp_path / "out" / n) for n in ("take.html", "take.json")]
    assert main(["evaluate", str(short), "-o", *outputs, "--progress", "none", "--joins", "every:25"]) == 0
    assert capsys.readouterr().out.split() == outputs
    data = json.loads(Path(outputs[1]).read_text())
    assert abs(data["metrics"]["sync_offset"]["value"]) < 60
    assert data["metrics"]["join_jump"]["value"] > 0
    Page(Path(outputs[0]).read_text())
    assert main(["evaluate", str(short), "-o", "x.pdf"]) == 1
    assert main(["evaluate", str(short), "--joins", "ten"]) == 2
