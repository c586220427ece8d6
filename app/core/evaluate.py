"""How good is a take: judge a rendered video against its voice, portrait, reference and curves; rank many.

The measuring is `engines.judge`; here its inputs are found, its results become plain facts, a page and a leaderboard.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.core import project_file
from app.core.folders import write_atomic
from app.core.project import Project, Speech
from app.core.studio import Studio, scaled
from engines.api import CancelToken, Performance, Progress, no_progress
from engines.errors import InputError

if TYPE_CHECKING:
    from engines.judge.judge import Verdict
    from engines.judge.registry import Metric
    from engines.speech.analysis import SpeechAnalysis

REPORT_VERSION: Final = 1
VIDEOS: Final = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi")
_PORTRAITS: Final = (".png", ".jpg", ".jpeg", ".webp")
_VOICES: Final = (".wav", ".flac", ".mp3", ".ogg", ".m4a")


@dataclass(frozen=True)
class Against:
    """What takes are held against; every part may be missing.

    Attributes
    ----------
    portrait : picture of the person
    voice : the sound, where the take has none or is to be judged by another
    reference : a video of the same performance
    performance : the motion that was drawn: curves that the studio reads, or a `Performance`
    text, language : what is said, as for an analysis of the voice
    emotion : the emotion it should show
    joins : frames at which pieces that were made apart meet
    """

    portrait: Path | None = None
    voice: Path | None = None
    reference: Path | None = None
    performance: Path | Performance | None = None
    text: str = ""
    language: str = "en"
    emotion: str = ""
    joins: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A take that was judged.

    Attributes
    ----------
    take : the video
    name : for tables
    verdict : what was measured, and from what
    notes : what the user should know
    """

    take: Path
    name: str
    verdict: Verdict
    notes: tuple[str, ...] = ()


def evaluate(
    take: Path,
    against: Against | None = None,
    *,
    studio: Studio | None = None,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Evaluation:
    """Judge one video.

    Raises
    ------
    InputError
        When a file cannot be used, or no face is in the take.
    Cancelled
        When the user cancelled.
    """
    from engines.face.portrait import load_portrait
    from engines.judge.judge import judge_video
    from engines.judge.people import EMOTIONS

    against = against or Against()
    if against.emotion and against.emotion not in EMOTIONS:
        raise InputError(f"'{against.emotion}' is no emotion the judge reads. Choose from: {', '.join(EMOTIONS)}.")
    take = take.expanduser().absolute()
    if not take.is_file():
        raise InputError(f"There is no video {take}. Check the path.")
    portrait = load_portrait(against.portrait) if against.portrait else None
    speech, notes = _listen(take, against, studio or Studio(), scaled(progress, 0.0, 0.3), cancel)
    verdict = judge_video(
        take, speech=speech, portrait=portrait, reference=against.reference, performance=_motion(against),
        emotion=against.emotion, joins=against.joins, progress=scaled(progress, 0.3, 1.0), cancel=cancel,
    )  # fmt: skip
    if verdict.evidence.take.faces > 1:
        notes.append(f"{verdict.evidence.take.faces} faces are in the picture; the largest was judged.")
    return Evaluation(take, take.stem, verdict, tuple(notes))


def evaluate_folder(
    folder: Path,
    against: Against | None = None,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> tuple[list[Evaluation], list[str]]:
    """Judge every video of a folder and of its folders, and say which could not be judged.

    Files beside a take with its name belong to it: ``NAME.wav`` its voice, ``NAME.png`` its portrait, ``NAME.npz`` its
    curves, ``NAME.reference.mp4`` its reference. What ``against`` holds serves the takes that have none of their own.

    Raises
    ------
    InputError
        When the folder holds no video.
    Cancelled
        When the user cancelled.
    """
    takes = sorted(p for p in folder.rglob("*") if p.suffix.lower() in VIDEOS and ".reference" not in p.suffixes)
    if not takes:
        raise InputError(f"The folder {folder} holds no video. Give a folder with takes ({', '.join(VIDEOS)}).")
    studio, found, failed = Studio(), [], []
    for number, take in enumerate(takes):
        part = scaled(progress, number / len(takes), (number + 1) / len(takes))
        try:
            own = companions(take, against or Against())
            one = evaluate(take, own, studio=studio, progress=part, cancel=cancel)
            found.append(replace(one, name=str(take.relative_to(folder).with_suffix(""))))
        except InputError as error:
            failed.append(str(error))
    if not found:
        raise InputError(f"No take in {folder} could be judged. The first says: {failed[0]}")
    return found, failed


def companions(take: Path, against: Against) -> Against:
    """What belongs to a take by its name, the rest as given."""

    def beside(*endings: str) -> Path | None:
        return next((p for e in endings if (p := take.with_name(take.stem + e)).is_file()), None)

    return replace(
        against,
        voice=beside(*_VOICES) or against.voice,
        portrait=beside(*_PORTRAITS) or against.portrait,
        performance=beside(".npz") or against.performance,
        reference=beside(*(".reference" + e for e in VIDEOS)) or against.reference,
    )


def leaderboard(evaluations: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """Takes from best to worst.

    Each metric that every take has ranks the takes (equal values share a rank); the mean of the ranks is the order.

    Returns
    -------
    one dict a take: ``name``, ``rank`` (mean), ``as_real`` (share of its metrics as good as on real footage),
    ``values`` by metric id
    """
    shared = [
        m.metric
        for k, m in enumerate(evaluations[0].verdict.measures)
        if all(e.verdict.measures[k].value is not None for e in evaluations)
    ]
    ranks = np.array([_ranks([m.badness(e.verdict.value(m.id) or 0.0) for e in evaluations]) for m in shared])
    means = ranks.mean(0) if len(ranks) else np.ones(len(evaluations))
    rows = []
    for number in np.argsort(means, kind="stable"):
        one = evaluations[int(number)]
        judged = [m.metric.as_real(m.value) for m in one.verdict.measures if m.value is not None]
        known = [bool(j) for j in judged if j is not None]
        rows.append(
            {
                "name": one.name,
                "rank": round(float(means[number]), 2),
                "as_real": round(float(np.mean(known)), 3) if known else None,
                "values": {m.metric.id: m.value for m in one.verdict.measures},
            }
        )
    return rows


def facts(evaluation: Evaluation) -> dict[str, Any]:
    """A judged take as plain data for JSON."""
    take, rate = evaluation.verdict.evidence.take, evaluation.verdict.evidence.take.rate
    return {
        "version": REPORT_VERSION,
        "take": evaluation.take.name,
        "frames": len(take),
        "rate": str(rate),
        "duration_s": round(len(take) / float(rate), 3),
        "size": list(take.size),
        "notes": list(evaluation.notes),
        "metrics": {
            m.metric.id: {
                "value": None if m.value is None else round(m.value, 5),
                "unit": m.metric.unit,
                "good": m.metric.good,
                "yardstick": m.metric.yardstick,
                "real": m.metric.real and list(m.metric.real),
                "as_real": None if m.value is None else m.metric.as_real(m.value),
                "reason": m.reason,
            }
            for m in evaluation.verdict.measures
        },
        "curves": curves(evaluation.verdict),
    }


def curves(verdict: Verdict) -> dict[str, Any]:
    """What was seen along the timeline, one value a frame, rounded; None where no face is seen."""
    take = verdict.evidence.take
    columns = {
        "aperture": take.aperture, "lids": take.lids.mean(1), "pitch_deg": np.degrees(take.head[:, 0]),
        "yaw_deg": np.degrees(take.head[:, 1]), "roll_deg": np.degrees(take.head[:, 2]),
    }  # fmt: skip
    return {n: [round(float(v), 4) if np.isfinite(v) else None for v in values] for n, values in columns.items()}


def save(path: Path, evaluations: Sequence[Evaluation]) -> None:
    """Write a report: ``.json``, or ``.html`` that needs no other file.

    Raises
    ------
    InputError
        For another ending.
    """
    from app.core import evaluate_html

    single = len(evaluations) == 1
    if path.suffix.lower() == ".json":
        board: dict[str, Any] = {
            "version": REPORT_VERSION, "leaderboard": leaderboard(evaluations), "takes": [facts(e) for e in evaluations]
        }  # fmt: skip
        write_atomic(path, project_file.dumps(facts(evaluations[0]) if single else board))
    elif path.suffix.lower() in (".html", ".htm"):
        write_atomic(path, evaluate_html.page(evaluations, leaderboard(evaluations)))
    else:
        raise InputError(f"A report cannot be written as '{path.suffix}'. Use an ending of .html or .json.")


def groups(metrics: Sequence[Metric]) -> dict[str, list[Metric]]:
    """Metrics by group, in the order of reports."""
    found: dict[str, list[Metric]] = {}
    for metric in metrics:
        found.setdefault(metric.group, []).append(metric)
    return found


def _listen(
    take: Path, against: Against, studio: Studio, progress: Progress, cancel: CancelToken | None
) -> tuple[SpeechAnalysis | None, list[str]]:
    from engines.judge.sound import extract_sound

    def heard(voice: Path) -> SpeechAnalysis:
        speech = Speech(text=against.text, language=against.language)
        return studio.analyse(Project(voice=str(voice), speech=speech), progress=progress, cancel=cancel)

    if against.voice is not None:
        analysis = heard(against.voice.absolute())
    else:
        with tempfile.TemporaryDirectory(prefix="soliloquy-") as folder:
            try:
                extract_sound(take, wav := Path(folder) / f"{take.stem}.wav")
                analysis = heard(wav)
            except InputError as error:
                return None, [f"Sync was not judged. {error}"]
    return analysis, list(analysis.warnings)


def _motion(against: Against) -> Performance | None:
    if against.performance is None or isinstance(against.performance, Performance):
        return against.performance
    from app.export import read_curves

    return read_curves(against.performance)


def _ranks(values: Sequence[float]) -> np.ndarray:
    """Ranks from 1 for the lowest value; equal values share the mean of theirs."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values))
