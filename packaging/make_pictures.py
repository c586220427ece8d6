#!/usr/bin/env python3
"""Draw the README's film strips from the demo, with the program itself.

    python packaging/make_pictures.py

Writes ``assets/pictures/talking.jpg`` (frames along the demo's voice) and ``assets/pictures/emotions.jpg`` (one moment,
several emotions). The screenshots there are kept by the recorded test of the window:
``SOLILOQUY_RECORD=FOLDER pytest tests/app/ui/test_end_to_end.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from app.core.project import EmotionClip, Project
from app.core.project_file import load
from app.core.studio import Studio
from engines.api import RenderOptions

ROOT = Path(__file__).resolve().parent.parent
EMOTIONS = ("neutral", "happy", "sad", "angry", "afraid", "surprised", "disgusted", "sarcastic")
SIZE = 480
CROP = np.s_[20:380, 60:420]
"""Head and shoulders of the demo portrait at `SIZE`."""
COLUMNS = 4


def strip(pictures: list[np.ndarray], path: Path) -> None:
    """Pictures side by side in rows of `COLUMNS`."""
    rows = [np.hstack(pictures[i : i + COLUMNS]) for i in range(0, len(pictures), COLUMNS)]
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.vstack(rows)).save(path, quality=88)
    print(path.relative_to(ROOT))


def frame(studio: Studio, project: Project, index: int) -> np.ndarray:
    performance = studio.perform(project)
    options = RenderOptions(size=(SIZE, SIZE))
    return next(iter(studio.frames(project, performance, index, index + 1, options)))[CROP]


def main() -> None:
    studio = Studio()
    project = load(ROOT / "assets" / "demo" / "demo.soliloquy")
    count = len(studio.perform(project))
    moments = np.linspace(0, count - 1, 2 * COLUMNS + 2).astype(int)[1:-1]
    strip([frame(studio, project, int(i)) for i in moments], ROOT / "assets" / "pictures" / "talking.jpg")
    feelings = [project.with_(emotions=(EmotionClip(0, None, name, 0.9, 0, 0),)) for name in EMOTIONS]
    strip([frame(studio, feeling, count // 3) for feeling in feelings], ROOT / "assets" / "pictures" / "emotions.jpg")


if __name__ == "__main__":
    main()
