#!/usr/bin/env python3
"""Set up Soliloquy on a fresh machine and run it: ``run`` does the main job, ``test`` runs the tests.

    python3 packaging/bootstrap.py run  [PORTRAIT VOICE -o OUT ...]   the demo when given nothing
    python3 packaging/bootstrap.py test [PYTEST ARGUMENTS ...]

Standard library only. Makes ``.venv`` beside the project from the pinned ``packaging/constraints.txt`` and, on
Debian-like systems where we may, installs the few system libraries that Qt and OpenGL need. Running it again
costs a second: nothing is installed twice unless the pins or the project's requirements changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PINS = ROOT / "packaging" / "constraints.txt"
EXTRAS = {"run": "ui,voice,exchange", "test": "ui,voice,latent,exchange,test"}
# What PySide6's wheels expect of the system (libpulse0: QtMultimedia).
QT = [
    "libegl1", "libgl1", "libopengl0", "libxkbcommon-x11-0", "libxcb-cursor0", "libxcb-icccm4", "libxcb-image0",
    "libxcb-keysyms1", "libxcb-randr0", "libxcb-render-util0", "libxcb-shape0", "libxcb-xinerama0", "libdbus-1-3",
    "libpulse0",
]  # fmt: skip
# The tests add a virtual screen, an independent reader of videos and a voice with known phone times.
SYSTEM = {"run": QT, "test": [*QT, "xvfb", "ffmpeg", "espeak-ng"]}


def say(text: str) -> None:
    print(f"[soliloquy] {text}", flush=True)


def install_system(packages: list[str]) -> None:
    """Install missing Debian packages when we are allowed to; otherwise say which ones are missing."""
    if not packages or shutil.which("dpkg-query") is None:
        return
    query = subprocess.run(
        ["dpkg-query", "-W", "-f=${Package} ${db:Status-Abbrev}\n", *packages], capture_output=True, text=True
    )
    present = {line.split()[0] for line in query.stdout.splitlines() if line.split()[1:2] == ["ii"]}
    missing = [name for name in packages if name not in present]
    if not missing:
        return
    if os.geteuid() == 0:
        prefix = []
    elif shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        prefix = ["sudo", "-n"]
    else:
        say(f"these system packages are missing: sudo apt-get install {' '.join(missing)}")
        return
    say(f"installing system packages: {' '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([*prefix, "apt-get", "update", "-qq"], env=environment, check=False)
    subprocess.run(
        [*prefix, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], env=environment, check=True
    )


def install_environment(extras: str) -> None:
    """Create ``.venv`` and install the project with ``extras``, unless that was done for these very pins."""
    wanted = hashlib.sha256(PINS.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    stamp = VENV / f".installed-{hashlib.sha256(extras.encode()).hexdigest()[:12]}"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    if not (BIN / ("python.exe" if os.name == "nt" else "python")).exists():
        say("creating .venv")
        venv.create(VENV, with_pip=True)
    say("installing pinned packages (a few minutes the first time)")
    python = str(BIN / "python")
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", str(PINS),
         "-e", f"{ROOT}[{extras}]"],
        check=True,
    )  # fmt: skip
    stamp.write_text(wanted)


def run_checked(command: list[str]) -> None:
    say(" ".join(["$", *command]))
    code = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT).returncode
    if code:
        sys.exit(code)


def main(arguments: list[str]) -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is run by whatever python3 the machine has
        sys.exit("Soliloquy needs Python 3.11 or newer; this is " + sys.version.split()[0])
    if not arguments or arguments[0] not in EXTRAS:
        sys.exit(__doc__)
    verb, rest = arguments[0], arguments[1:]
    install_system(SYSTEM[verb])
    install_environment(EXTRAS[verb])
    if verb == "run":
        command = ["render", *rest] if rest else ["demo"]
        sys.exit(subprocess.run([str(BIN / "soliloquy"), *command]).returncode)
    run_checked(["ruff", "check", "."])
    run_checked(["ruff", "format", "--check", "."])
    run_checked(["mypy"])
    run_checked(["pytest", *rest])


if __name__ == "__main__":
    main(sys.argv[1:])
