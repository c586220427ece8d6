"""How well the driven head's mouth follows real talking mouths, from their voices alone.

    python -m tests.benchmarks.voice_to_mouth FOLDER [--leave-one-out] [--folds N] [--work DIR] [--nets N] [--copies N]

``FOLDER`` is laid out as `engines.speech.corpus` says. The voice goes the whole way: analysis, mouth track, geometry
targets, solve on the generic head; what is scored is the geometry measured on the driven head, not the readout.
Scores at zero lag: Pearson r per clip against the video at its own rate (offsets of ``sync.json`` applied), mean
within speaker, then over speakers; velocity is r of first differences of the aperture; closure is the share of aligned
P B M (shorter than 0.25 s) whose aperture has a minimum within two frames that is local and in the clip's lowest 30 %,
mean over speakers and pooled; ``met`` and ``metpool`` are the same among those at which the real mouth shuts by this
rule, since aligned phones can lie elsewhere than what was said. ``slid`` is the velocity when each clip may slide by
up to 10 ms, half of the step in which ``sync.json`` counts; nothing is chosen by it. The first line scores the real
mouth itself.

Four ways of listening are scored: the readout without any phones; with the phones the sound itself suggests, as for a
language nobody transcribes; with English recognised; with the clip's text, where ``phones.json`` knows it.

With ``--leave-one-out`` the readout is fitted anew for each speaker (all of GRID together) on the other speakers;
``--folds N`` puts speakers together into N groups, which is quicker.
"""

from __future__ import annotations

import argparse
import functools
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.signal import savgol_filter

from engines.rig.head import load_head
from engines.rig.measure import mouth_geometry
from engines.rig.solve import solve_mouth
from engines.speech import readout, whisper
from engines.speech.analysis import SpeechAnalysis, analyse
from engines.speech.audio import load_voice
from engines.speech.corpus import Clip, load_clips, save_readout
from engines.speech.mouth import PhoneLike, geometry_targets, mouth_track
from engines.speech.readout import GEOMETRY, Readout

SHOWN = (
    "aperture",
    "velocity",
    "slid",
    "eased",
    "width",
    "jaw",
    "protrude",
    "lolip",
    "uplip",
    "lothick",
    "upthick",
    "closure",
    "pooled",
    "met",
    "metpool",
)
CLOSURES = {"closure": ("closed", "closers"), "met": ("met", "meetings")}
"""What of `score` makes which share."""
POOLED = {"pooled": "closure", "metpool": "met"}


def driven(analysis: SpeechAnalysis, phones: tuple[PhoneLike, ...], fitted: Readout) -> dict[str, np.ndarray]:
    """Geometry of the generic head as this voice drives it, 50 Hz."""
    mesh = load_head().mesh
    neutral = {name: float(v[0]) for name, v in mouth_geometry(mesh, np.zeros((1, 52))).items()}
    targets = geometry_targets(mouth_track(analysis, phones, fitted), neutral, fitted)
    return mouth_geometry(mesh, solve_mouth(mesh, targets))


def real_mouth(clip: Clip) -> dict[str, np.ndarray]:
    """What the video shows, 50 Hz."""
    t_s = clip.frame_times_s()
    steps_s = np.arange(int(t_s[-1] * 50) + 2) / 50
    return {name: np.interp(steps_s, t_s, clip.geometry[:, k]) for k, name in enumerate(GEOMETRY)}


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    if a.std() < 1e-9 or b.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def closures(clip: Clip, aperture: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Whether each aligned P B M shuts this mouth : bool (N,); ``aperture`` (T,) at the clip's own frames."""
    low = np.quantile(aperture[valid], 0.3)
    shut = []
    for phone in clip.phones:
        middle = round(((phone.start_s + phone.end_s) / 2 - clip.delay_s) * clip.fps)
        if phone.label in ("P", "B", "M") and phone.end_s - phone.start_s < 0.25 and 3 <= middle < len(aperture) - 3:
            frame = middle - 2 + int(np.argmin(aperture[middle - 2 : middle + 3]))
            shut.append(aperture[frame] <= min(aperture[frame - 1], aperture[frame + 1]) and aperture[frame] <= low)
    return np.array(shut, bool)


def score(clip: Clip, mouth: dict[str, np.ndarray]) -> dict[str, float]:
    """Scores of one clip; ``closed`` of ``closers`` closures, ``met`` of the ``meetings`` of the real lips."""
    t_s = clip.frame_times_s()
    count = len(mouth["aperture"])
    valid = clip.valid & (t_s >= 0) & (t_s <= (count - 1) / 50)
    at_frames = {name: np.interp(t_s * 50, np.arange(count), mouth[name]) for name in GEOMETRY}
    result = {name: correlation(at_frames[name][valid], clip.geometry[valid, k]) for k, name in enumerate(GEOMETRY)}
    aperture, real = at_frames["aperture"], clip.geometry[:, GEOMETRY.index("aperture")]
    both = valid[1:] & valid[:-1]

    def velocity(slide_s: float) -> float:
        moved = np.interp((t_s + slide_s) * 50, np.arange(count), mouth["aperture"])
        return correlation(np.diff(moved)[both], np.diff(real)[both])

    result["velocity"] = velocity(0.0)
    result["slid"] = max(velocity(slide_s) for slide_s in (-0.010, -0.005, 0.0, 0.005, 0.010))
    eased, real_eased = (savgol_filter(curve, 5, 2) for curve in (aperture, real))
    result["eased"] = correlation(np.diff(eased)[both], np.diff(real_eased)[both])
    shut, seen = closures(clip, aperture, valid), closures(clip, real, valid)
    counts = {"closed": shut.sum(), "closers": len(shut), "met": (shut & seen).sum(), "meetings": seen.sum()}
    return {**result, **{name: float(value) for name, value in counts.items()}}


def closure_share(scores: list[dict[str, float]], name: str) -> float:
    """Share of closures over some clips, nan where there are none; ``name`` is a key of `CLOSURES`."""
    made, all_of_them = (sum(s[column] for s in scores) for column in CLOSURES[name])
    return made / all_of_them if all_of_them else float("nan")


def over_speakers(scores: dict[str, dict[str, float]], clips: list[Clip]) -> dict[str, float]:
    """Mean within speaker, then over speakers."""
    groups = defaultdict(list)
    for clip in clips:
        groups[clip.speaker].append(scores[clip.name])
    names = [n for n in SHOWN if n not in CLOSURES and n not in POOLED]
    result = {n: float(np.mean([np.mean([s[n] for s in group]) for group in groups.values()])) for n in names}
    for name in CLOSURES:
        shares = [share for group in groups.values() if not np.isnan(share := closure_share(group, name))]
        result[name] = float(np.mean(shares)) if shares else float("nan")
    result |= {pooled: closure_share(list(scores.values()), name) for pooled, name in POOLED.items()}
    return result


def line(name: str, values: dict[str, float]) -> str:
    return f"{name:28s}" + "".join(f"{values[n]:9.3f}" for n in SHOWN)


def evaluate(
    clips: list[Clip], fitted: dict[str, Readout], verbose: bool
) -> dict[str, tuple[list[Clip], dict[str, dict[str, float]]]]:
    """Scores per way of listening: the clips it applies to, and their scores by name."""
    results: dict[str, tuple[list[Clip], dict[str, dict[str, float]]]] = {
        "the real mouth": ([], {}),
        "readout alone": ([], {}),
        "any language, no text": ([], {}),
        "English, no text": ([], {}),
        "English, text given": ([], {}),
    }
    for clip in clips:
        voice, own = load_voice(clip.sound), fitted[clip.name]
        heard, free = analyse(voice, language="und", fitted=own), analyse(voice, fitted=own)
        ways: list[tuple[str, SpeechAnalysis, tuple[PhoneLike, ...]]] = [
            ("readout alone", heard, ()),
            ("any language, no text", heard, heard.phones),
            ("English, no text", free, free.phones),
        ]
        if clip.text:
            told = analyse(voice, clip.text, fitted=own)
            ways.append(("English, text given", told, told.phones))
        results["the real mouth"][0].append(clip)
        results["the real mouth"][1][clip.name] = score(clip, real_mouth(clip))
        for way, analysis, phones in ways:
            found = score(clip, driven(analysis, phones, own))
            results[way][0].append(clip)
            results[way][1][clip.name] = found
            if verbose:
                print(line(f"{clip.name} {way}"[:28], over_speakers({clip.name: found}, [clip])), flush=True)
    return results


def remember_encodings() -> None:
    """Let the encoder run once for all ways of listening to a clip: they hear the same sound."""
    encode = whisper.encode

    @functools.lru_cache(maxsize=4)
    def states(data: bytes) -> tuple[np.ndarray, ...]:
        return encode(np.frombuffer(data, np.float32), (*readout.LAYERS, whisper.LAYERS + 1))

    def remembered(sound: np.ndarray, layers: tuple[int, ...] = readout.LAYERS) -> tuple[np.ndarray, ...]:
        return states(np.ascontiguousarray(sound, np.float32).tobytes())[: len(layers)]

    whisper.encode = remembered


def groups(clips: list[Clip], count: int | None) -> list[set[str]]:
    """Speakers (or all of GRID) that are held out together."""
    sizes: dict[str, int] = defaultdict(int)
    for clip in clips:
        sizes[clip.fold] += len(clip.geometry)
    if count is None:
        return [{name} for name in sizes]
    bins: list[set[str]] = [set() for _ in range(count)]
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        min(bins, key=lambda b: sum(sizes[n] for n in b)).add(name)
    return [b for b in bins if b]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Score the driven head's mouth against talking video.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--leave-one-out", action="store_true")
    parser.add_argument("--folds", type=int, default=None)
    parser.add_argument("--work", type=Path, default=None, help="folder for features, to be able to go on later")
    parser.add_argument("--nets", type=int, default=None, help="fit only the first N nets, which is quicker")
    parser.add_argument("--copies", type=int, default=None)
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args(arguments)
    clips = load_clips(given.folder)
    fitted = {clip.name: readout.default() for clip in clips}
    if given.leave_one_out or given.folds:
        from engines.speech.train import Options, examples, fit

        options = Options()
        copies = options.copies if given.copies is None else given.copies
        options = replace(options, nets=options.nets[: given.nets], copies=copies)
        data = examples(clips, options.copies, given.work)
        for held in groups(clips, given.folds):
            kept = given.work / f"{len(options.nets)}-without-{'+'.join(sorted(held))}.npz" if given.work else None
            if kept and kept.exists():
                model = readout.read(kept)
            else:
                model = fit([c for c in clips if c.fold not in held], data, options, log=lambda _: None)
                if kept:
                    save_readout(kept, model.arrays)
            fitted |= {c.name: model for c in clips if c.fold in held}
            print("fitted without", ", ".join(sorted(held)), flush=True)
    remember_encodings()
    print(" " * 28 + "".join(f"{n:>9s}" for n in SHOWN))
    for way, (scored, scores) in evaluate(clips, fitted, given.verbose).items():
        if scored:
            print(line(f"{way} ({len(scored)} clips)", over_speakers(scores, scored)))


if __name__ == "__main__":
    main()
