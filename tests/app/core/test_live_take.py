"""A take acted before a camera, which a file stands in for: shown, sent, kept."""

from __future__ import annotations

import socket
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from app.cli.arguments import parser
from app.cli.run import run
from app.core.live_take import perform_live, write_curves
from app.export import read_curves
from app.export.stream import parse
from engines.api import CancelToken, Performance
from engines.errors import InputError
from tests.engines.capture.conftest import KnownTake, demo_actor, known  # noqa: F401 - fixtures


def test_a_live_take_is_sent_and_kept(known: KnownTake, tmp_path: Path) -> None:  # noqa: F811
    told: list[str] = []
    shown: list[Performance] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        address = f"127.0.0.1:{receiver.getsockname()[1]}"
        performance = perform_live(
            str(known.path), rate=Fraction(25), send=address, seconds=1.6, landmarker="bundled", paced=False,
            show=shown.append, tell=told.append,
        )  # fmt: skip
        packets = [parse(receiver.recv(2048)) for _ in shown]
    assert told == ["Hold still for a moment, lips closed, eyes open.", "Live."]
    assert len(performance) == len(shown) == len(packets) == 16
    jaw = np.array([p.channel("jawOpen")[0] for p in shown])
    assert jaw.max() > 0.2
    assert np.array([values.max() for _, _, values in packets]).max() > 0.2
    assert [number for _, number, _ in packets] == sorted(number for _, number, _ in packets)
    files = write_curves(performance, [tmp_path / "take.npz", tmp_path / "take.csv"], "take")
    assert read_curves(files[0]) == performance


def test_what_cannot_be_live(known: KnownTake) -> None:  # noqa: F811
    with pytest.raises(InputError, match="no address"):
        perform_live(str(known.path), rate=Fraction(25), send="here:there")
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(InputError, match="No face was seen"):
        perform_live(str(known.path), rate=Fraction(25), paced=False, cancel=cancel)


def test_the_command(known: KnownTake, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    target = tmp_path / "take.npz"
    command = ["capture", str(known.path), "-o", str(target), "--landmarker", "bundled", "--progress", "none"]
    assert run(parser().parse_args(command)) == 0
    assert len(read_curves(target)) == len(known.performance)
    assert run(parser().parse_args(["capture", str(known.path)])) == 2
    assert run(parser().parse_args(["capture", str(known.path), "--send", "localhost", "-o", str(target)])) == 2
    assert "belong to --live" in capsys.readouterr().err
