"""Do styles lifted from clips differ, and does the difference survive on another voice?

    python -m tests.benchmarks.style_reference CLIP[=SOUND] ... --voices VOICE ... [--portraits PICTURE ...]
    python -m tests.benchmarks.style_reference --corpus VOICE_BENCH

For each clip: its habits as captured and the preset. For each voice: the habits of what the studio performs in each
lifted style, and in the mix of the first two. ``follows`` is the correlation, over the styles, of a habit in the clip
with that on the other voice.

With portraits, each voice is rendered in the natural style and captured again: how much of each habit is found, and the
style that is lifted from a natural take. Its factors are a little below 1: the natural style is that of the median
talker in footage (`app.core.style_reference.TYPICAL`), which ``--corpus`` measures on the voice benchmark.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import numpy as np

from app.core import presets
from app.core.project import Project, StyleClip
from app.core.references import lift_style
from app.core.studio import Studio
from app.core.style_reference import TYPICAL, Habits, measure, style_of
from engines.api import Performance
from engines.capture.capture import capture
from engines.capture.lips import SMOOTH_S, LipCurves, of_track
from engines.capture.smooth import parabola

SHOWN = ("jaw", "opening", "lips", "jaw_hz", "lips_hz", "brows", "blinks_per_minute", "lean", "yaw_deg", "nod_deg")


def line(name: str, habits: Habits) -> None:
    values = asdict(habits)
    print(f"  {name[:30]:30s} " + "  ".join(f"{key} {values[key]:.3f}" for key in SHOWN))


def lifted(studio: Studio, clips: list[tuple[Path, Path | None]]) -> dict[str, tuple[str, Habits]]:
    """Preset id and habits of each clip by name."""
    found = {}
    for clip, sound in clips:
        style, _ = lift_style(studio, clip, f"Benchmark {clip.stem}", sound)
        caught = capture(clip)
        habits = measure(caught.performance, of_track(caught.track, caught.performance.rate))
        print(f"\n{clip.name}")
        line("in the footage", habits)
        print("  " + presets.dumps(style).replace("\n", "\n  ").rstrip())
        found[clip.stem] = presets.save(style), habits
    return found


def on_other_voices(studio: Studio, styles: dict[str, tuple[str, Habits]], voices: list[Path]) -> None:
    for voice in voices:
        plain = Project(voice=str(voice.absolute()))
        print(f"\n{voice.name}")
        line("natural", measure(studio.perform(plain)))
        made = {}
        for name, (preset_id, _) in styles.items():
            made[name] = measure(studio.perform(plain.with_(styles=(StyleClip(0, None, preset_id),))))
            line(name, made[name])
        first = [preset_id for preset_id, _ in styles.values()][:2]
        if len(first) == 2:
            mixed = tuple(StyleClip(0, None, preset_id, 0.5) for preset_id in first)
            line("half of the first two each", measure(studio.perform(plain.with_(styles=mixed))))
        if len(styles) > 2:
            agreement = []
            for key in SHOWN:
                clip = [asdict(habits)[key] for _, habits in styles.values()]
                voiced = [asdict(made[name])[key] for name in styles]
                agreement.append(f"{key} {np.corrcoef(clip, voiced)[0, 1]:.2f}")
            print("  follows                        " + "  ".join(agreement))


def closed_loop(studio: Studio, portraits: list[Path], voices: list[Path]) -> None:
    ratios: dict[str, list[float]] = {key: [] for key in ("opening", "chin", "lips", "opening_hz", "lips_hz", "brows")}
    print("\nclosed loop")
    with tempfile.TemporaryDirectory() as folder:
        for number, portrait in enumerate(portraits):
            voice = voices[number % len(voices)]
            project = Project(portrait=str(portrait.absolute()), voice=str(voice.absolute()), size=(512, 512))
            take = Path(folder) / f"{number}.mp4"
            studio.export(project, [take])
            truth, caught = studio.perform(project), capture(take)
            found, seen = caught.performance, of_track(caught.track, caught.performance.rate)
            a, b = asdict(measure(truth)), asdict(measure(found, seen))
            for key, values in ratios.items():
                values.append(b[key] / a[key])
            style = style_of("Natural", found, truth, own_words=True, seen=seen)
            factors = "  ".join(f"{k} {getattr(style, k):.2f}" for k in ("jaw", "lips", "smoothing_s", "head_motion"))
            print(f"  {portrait.stem[:30]:30s} {factors}  held {style.weights}")
    print("  found again: " + "  ".join(f"{key} {np.mean(v):.2f}" for key, v in ratios.items()))


def corpus(studio: Studio, folder: Path) -> None:
    """The habits of the corpus's talkers over those of the natural style with the same voices."""
    ratios: dict[str, list[float]] = {key: [] for key in TYPICAL}
    for path in sorted(folder.glob("*.npz")):
        data = np.load(path)
        names, valid = list(data["geom_names"]), np.flatnonzero(data["valid"])
        rate = Fraction(float(data["fps"])).limit_denominator(1001)
        curves = np.stack(
            [
                np.interp(np.arange(len(data["valid"])), valid, data["geometry"][valid, names.index(n)])
                for n in ("aperture", "width", "jaw")
            ],
            1,
        )
        seen = LipCurves(*parabola(curves, SMOOTH_S, rate).T)
        natural = studio.perform(Project(voice=str(path.with_suffix(".flac").absolute())))
        a, b = asdict(measure(natural)), asdict(measure(Performance.rest(len(curves), rate), seen))
        for key, values in ratios.items():
            values.append(b[key] / a[key])
        print(f"  {path.stem[:24]:24s} " + "  ".join(f"{key} {values[-1]:.2f}" for key, values in ratios.items()))
    print("  medians: " + "  ".join(f"{key} {np.median(values):.2f}" for key, values in ratios.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", metavar="CLIP[=SOUND]")
    parser.add_argument("--voices", nargs="*", type=Path, default=[])
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--portraits", nargs="*", type=Path, default=[])
    options = parser.parse_args()
    studio = Studio()
    if options.corpus:
        corpus(studio, options.corpus)
    clips = [(Path(c), Path(s) if s else None) for c, _, s in (text.partition("=") for text in options.clips)]
    styles = lifted(studio, clips)
    try:
        on_other_voices(studio, styles, options.voices)
    finally:
        for preset_id, _ in styles.values():
            presets.delete("styles", preset_id)
    if options.portraits:
        closed_loop(studio, options.portraits, options.voices)


if __name__ == "__main__":
    main()
