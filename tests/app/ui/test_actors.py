"""Trained actors in the window: the list and its states without Qt, and a real training of seconds in the dock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.core import commands
from app.core.project import Project
from app.ui import training_told, widgets
from app.ui.actors import use_actor
from app.ui.actors_dialog import TrainDialog
from app.ui.actors_model import Trainings, Wish, figures_of, in_words, minutes_on_a_core
from app.ui.training_told import said_in, why_it_died
from engines.diffusion_autoencoder import actor as actors
from engines.diffusion_autoencoder.engine import actors_folder
from engines.errors import InputError

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo" / "portrait.jpg"


@pytest.fixture
def trainings() -> Any:
    made = Trainings()
    yield made
    made.close()


def begun(name: str, *told: dict[str, Any]) -> Path:
    """A folder as a training of an earlier window left it."""
    folder = actors_folder() / name
    (folder / "work").mkdir(parents=True)
    (folder / "work" / "wish.json").write_text(json.dumps({"source": "/nowhere.png", "name": name}))
    (folder / "work" / "told.jsonl").write_text("".join(json.dumps(line) + "\n" for line in told))
    return folder


def progress(part: float, what: str) -> dict[str, Any]:
    return {"event": "progress", "part": part, "what": what, "seconds_left": None}


def states(trainings: Trainings) -> dict[str, tuple[str, str]]:
    return {entry.name: (entry.state, entry.message) for entry in trainings.entries()}


def test_the_actor_that_came_along_is_listed_and_stays(trainings: Trainings) -> None:
    [demo] = trainings.entries()
    assert (demo.name, demo.state, demo.shipped) == ("demo", "ready", True)
    assert demo.card is not None
    lips = demo.card.figures["drawn_lips_db"]
    assert f"lips of unseen frames {lips:.1f} dB" in figures_of(demo.card)[0]
    with pytest.raises(InputError, match="stays"):
        trainings.delete(demo.folder)
    assert demo.portrait.is_file()


def test_what_an_earlier_window_left_is_told(trainings: Trainings) -> None:
    stop = {"event": "error", "message": "Cancelled.", "code": 130}
    begun("stopped", progress(0.4, "Teaching the network"), stop)
    begun("crowd", {"event": "error", "message": "Nothing in the footage is of use: two people.", "code": 1})
    begun("killed", progress(0.3, "Teaching the network, 5 min left"))
    begun("fresh")
    found = states(trainings)
    assert found["stopped"] == ("paused", "Stopped; what it has learnt is kept.")
    assert found["crowd"] == ("failed", "Nothing in the footage is of use: two people.")
    assert found["killed"][0] == "failed"
    assert "Resume" in found["killed"][1]
    assert found["fresh"] == ("paused", "Begun, not finished.")
    trainings.delete(actors_folder() / "crowd")
    assert "crowd" not in states(trainings)


def test_another_windows_training_is_left_alone(trainings: Trainings) -> None:
    folder = begun("theirs", progress(0.2, "Teaching the network"))
    (folder / "work" / "process.json").write_text(json.dumps({"pid": os.getppid(), "window": 1}))
    assert states(trainings)["theirs"] == ("elsewhere", "Teaching the network")
    with pytest.raises(InputError, match="already"):
        trainings.resume(folder)
    os.utime(folder / "work" / "told.jsonl", (1, 1))
    assert states(trainings)["theirs"][0] == "failed", "a number that is another program's by now"


def test_an_actor_trained_in_a_terminal_can_go_on(trainings: Trainings, tmp_path: Path) -> None:
    work = actors_folder() / "ann" / "work"
    work.mkdir(parents=True)
    source = str(tmp_path / "a.png")
    order = {"source": source, "size": 64, "lessons": 9, "pictures": 99, "fresh": False, "seed": 1}
    (work / "settings.json").write_text(json.dumps(order))
    assert trainings.wish(work.parent) == Wish(source, "ann", 64, 9, 99)


def test_lines_that_are_cut_are_passed_over(tmp_path: Path) -> None:
    note = {"event": "note", "message": "pictures 800, drawn_db 30.1"}
    lines = ['lf": 1}', json.dumps(progress(0.5, "Teaching")), json.dumps(note), '{"event": "pro']
    (tmp_path / "told").write_text("\n".join(lines))
    said = said_in(tmp_path / "told")
    assert (said.part, said.what, said.figures, said.error) == (0.5, "Teaching", "pictures 800, drawn_db 30.1", "")


def test_why_a_process_died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "errors.txt").write_text("Traceback\nValueError: odd\n")
    assert "out of memory" in why_it_died(-9, tmp_path / "errors.txt")
    assert "ValueError: odd" in why_it_died(1, tmp_path / "errors.txt")
    monkeypatch.setattr(training_told.shutil, "disk_usage", lambda _: _Full())
    assert "disk is full" in why_it_died(1, tmp_path / "errors.txt")


class _Full:
    free = 1000


def test_what_memory_and_disks_say_is_said_clearly(tmp_path: Path) -> None:
    import errno

    from app.cli.train import _said_clearly
    from engines.errors import StudioError

    for error, words in (
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory"), "out of memory"),
        (RuntimeError("[enforce fail at inline_container.cc:659] . unexpected pos 64 vs 0"), "disk is full"),
    ):
        with pytest.raises(StudioError, match=words), _said_clearly(tmp_path):
            raise error
    with pytest.raises(RuntimeError, match="a mistake of ours"), _said_clearly(tmp_path):
        raise RuntimeError("a mistake of ours")


def test_times_and_uses() -> None:
    assert minutes_on_a_core(64, 24000) < minutes_on_a_core(96, 24000) / 2
    assert [in_words(m) for m in (3.2, 32, 90)] == ["3 minutes", "30 minutes", "1.5 hours"]
    project = use_actor(commands.set_field(Project(), engine="warp"), actors.SHIPPED / actors.PORTRAIT)
    assert (project.engine, Path(project.portrait).parent) == ("diffusion_autoencoder", actors.SHIPPED)


def test_the_panel_brings_no_torch() -> None:
    code = "import app.ui.actors, app.ui.actors_dialog, sys; sys.exit('torch' in sys.modules or 'cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_dialog_says_what_is_missing_and_what_it_costs(window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = window.actors.show()
    assert window.docks["actors"].isVisible()
    dialog = TrainDialog(window.session, panel.trainings, window)
    assert dialog.kind.currentData() == "video", "there is no portrait"
    assert not dialog.start.isEnabled()
    dialog.video.set_path(Path("/clips/nobody.mp4"))
    assert dialog.wish().name == "nobody"
    assert "minutes on this computer's processor" in dialog.cost.text()
    dialog.effort.setCurrentIndex(2)
    assert "hours" in dialog.cost.text()
    dialog.start.click()
    assert "no file or folder" in dialog.problem.text()
    assert dialog.folder is None
    dialog.deleteLater()
    asked: list[type] = []

    def ask(dialog: Any) -> bool:
        asked.append(type(dialog))
        dialog.deleteLater()
        return False

    monkeypatch.setattr(widgets, "run_dialog", ask)
    window.actions_by_id["tools.train"].trigger()
    assert asked == [TrainDialog]


def test_an_actor_is_trained_stopped_resumed_and_used(window: Any, qtbot: Any, tmp_path: Path) -> None:
    image = Image.open(DEMO).convert("RGB")
    image.thumbnail((200, 200))
    image.save(tmp_path / "ann.png")
    panel, told = window.actors.show(), []
    panel.notified.connect(lambda *words: told.append(words))
    folder = panel.trainings.begin(Wish(str(tmp_path / "ann.png"), "Ann", 32, 16, 40, "cpu"))
    panel.begun(folder)
    card = panel.cards[folder]
    assert card.entry.state == "training"
    card.buttons["cancel"].click()
    qtbot.waitUntil(lambda: card.entry.state == "paused", timeout=20000)
    assert not card.buttons["resume"].isHidden()
    card.buttons["resume"].click()
    qtbot.waitUntil(lambda: card.entry.said.part > 0, timeout=40000)
    assert card.buttons["delete"].isHidden()
    qtbot.waitUntil(lambda: card.entry.state not in ("training", "stopping"), timeout=90000)
    assert card.entry.state == "ready", card.entry.message
    assert told[-1] == ("Actor trained", "Ann")
    assert "one portrait" in card.state.text()
    assert "dB" in card.figures.text()
    assert not panel.strip.pixmap().isNull()
    card.use.click()
    project = window.session.project
    assert (project.engine, Path(project.portrait)) == ("diffusion_autoencoder", folder / "portrait.png")
    card.buttons["delete"].click()
    assert not folder.exists()
    assert folder not in panel.cards


def test_a_picture_without_a_face_is_said_in_its_card(window: Any, qtbot: Any, tmp_path: Path) -> None:
    Image.fromarray(np.full((200, 200, 3), 128, np.uint8)).save(tmp_path / "wall.png")
    panel = window.actors.show()
    folder = panel.trainings.begin(Wish(str(tmp_path / "wall.png"), "Wall", device="cpu"))
    panel.begun(folder)
    qtbot.waitUntil(lambda: panel.cards[folder].entry.state == "failed", timeout=40000)
    assert "face" in panel.cards[folder].state.text()
    assert panel.cards[folder].state.objectName() == "danger"
