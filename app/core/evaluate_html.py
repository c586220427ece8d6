"""The page of a judged take: numbers beside those of real footage, plots along the timeline, a film strip.

One file without scripts or links; plots are SVG, pictures lie inside as JPEG.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from app.core.evaluate import Evaluation
    from engines.judge.judge import Verdict
    from engines.judge.registry import Measure

GROUP_NAMES: Final = {
    "sync": "Voice and mouth", "mouth": "Mouth", "eyes": "Eyes", "motion": "Motion", "picture": "Picture",
    "person": "Person", "sound": "Sound", "performance": "Against the curves", "reference": "Against the reference",
}  # fmt: skip

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 920, 150, 46, 20
_MOST_POINTS: Final = 1600
_COLOURS: Final = ("#2f7fd6", "#e0762f", "#3c9a5f", "#a35bc2", "#c8a21f", "#c94a4a", "#7a8794")

_STYLE: Final = """
:root{--back:#fbfbfa;--card:#fff;--ink:#22262b;--soft:#6b7280;--line:#e3e5e8;--good:#2e8b57;--bad:#c2492f;--real:#cfe3d6}
@media(prefers-color-scheme:dark){:root{--back:#17191c;--card:#1f2226;--ink:#e6e8ea;--soft:#98a1ab;--line:#33383e;
--good:#5cc48a;--bad:#ef7b5f;--real:#2c4a3a}}
body{margin:0 auto;padding:28px 32px 60px;max-width:1000px;background:var(--back);color:var(--ink);
font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
section{margin-top:40px}section:first-child{margin-top:0}
h1{font-size:24px;margin:0 0 2px}h2{font-size:16px;margin:34px 0 8px}p{margin:4px 0}.soft{color:var(--soft)}
.strip{display:flex;overflow-x:auto;gap:2px;margin:16px 0}.strip figure{margin:0;flex:1 1 0;min-width:64px}
.strip img{width:100%;display:block;border-radius:3px}
.strip figcaption{font-size:10px;color:var(--soft);text-align:center}
table{border-collapse:collapse;width:100%;background:var(--card);border-radius:6px}
th,td{padding:5px 10px;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
summary{cursor:pointer}
th.n{text-align:right}th{font-weight:600;font-size:12px;color:var(--soft)}td.n{text-align:right;white-space:nowrap;
font-variant-numeric:tabular-nums}
td small{color:var(--soft);display:block;max-width:520px}.good{color:var(--good)}.bad{color:var(--bad)}
tr.group td{font-weight:600;padding-top:16px;background:var(--back)}
figure.plot{margin:10px 0;background:var(--card);border-radius:6px;padding:8px 10px}
figure.plot svg{width:100%;height:auto}
figcaption b{font-weight:600}.key{display:inline-block;width:14px;height:3px;margin:0 4px 3px 12px;border-radius:2px}
text{fill:var(--soft);font-size:10px;font-family:system-ui,sans-serif}.axis{stroke:var(--line)}
"""


def page(evaluations: Sequence[Evaluation], board: Sequence[dict[str, Any]]) -> str:
    """The page of one or more judged takes, with a leaderboard where there are several."""
    one = len(evaluations) == 1
    title = escape(evaluations[0].name if one else f"{len(evaluations)} takes compared")
    body = "".join(_take(e) for e in evaluations)
    top = "" if one else f"<h1>{title}</h1>{_leaderboard(evaluations, board)}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        f"<body>{top}{body}</body></html>\n"
    )


def _take(evaluation: Evaluation) -> str:
    take = evaluation.verdict.evidence.take
    seconds = len(take) / float(take.rate)
    about = (
        f"{seconds:.2f} s, {len(take)} frames at {float(take.rate):.5g} a second, {take.size[0]} x {take.size[1]} px"
    )
    notes = "".join(f'<p class="bad">{escape(n)}</p>' for n in evaluation.notes)
    return (
        f'<section><h1 id="{escape(evaluation.name)}">{escape(evaluation.name)}</h1><p class="soft">{about}</p>{notes}'
        f"{_strip(evaluation.verdict)}{_table(evaluation.verdict)}"
        f"<h2>Along the timeline</h2>{_plots(evaluation.verdict)}{_missing(evaluation.verdict)}</section>"
    )


def _table(verdict: Verdict) -> str:
    rows, group = [], ""
    for measure in verdict.measures:
        if measure.value is None:
            continue
        if measure.metric.group != group:
            group = measure.metric.group
            rows.append(f'<tr class="group"><td colspan="4">{GROUP_NAMES[group]}</td></tr>')
        rows.append(_row(measure))
    head = '<tr><th>Metric</th><th class="n">This take</th><th class="n">Real footage</th><th></th></tr>'
    return f"<table>{head}{''.join(rows)}</table>"


def _missing(verdict: Verdict) -> str:
    missing = [m for m in verdict.measures if m.value is None]
    left = "".join(f"<tr><td>{escape(m.metric.name)}</td><td>{escape(m.reason)}</td></tr>" for m in missing)
    return f"<h2>Not measured</h2><table>{left}</table>" if left else ""


def _row(measure: Measure) -> str:
    metric, value = measure.metric, measure.value
    fair = None if value is None else metric.as_real(value)
    mark = {True: '<span class="good">as real</span>', False: '<span class="bad">not as real</span>', None: ""}[fair]
    wanted = {"low": "lower is better", "high": "higher is better", "near": "near the real value is best"}[metric.good]
    real = metric.format(metric.yardstick)
    if metric.real:
        real += f"<small>{metric.real[0]:.{metric.digits}f} to {metric.real[1]:.{metric.digits}f}</small>"
    about = f"{escape(metric.definition)} <i>{wanted}. {escape(metric.source)}.</i>"
    return (
        f"<tr><td><details><summary>{escape(metric.name)}</summary><small>{about}</small></details></td>"
        f'<td class="n">{metric.format(value)}</td>'
        f'<td class="n">{real}</td><td class="n">{mark}</td></tr>'
    )


def _leaderboard(evaluations: Sequence[Evaluation], board: Sequence[dict[str, Any]]) -> str:
    metrics = [m.metric for m in evaluations[0].verdict.measures]
    shown = [m for m in metrics if any(row["values"][m.id] is not None for row in board)]
    head = '<tr><th>Take</th><th class="n">Mean rank</th><th class="n">As real</th></tr>'
    rows = "".join(
        f'<tr><td><a href="#{escape(r["name"])}">{escape(r["name"])}</a></td><td class="n">{r["rank"]:.2f}</td>'
        f'<td class="n">{"-" if r["as_real"] is None else format(r["as_real"], ".0%")}</td></tr>'
        for r in board
    )
    names = "".join(f'<th class="n">{escape(r["name"])}</th>' for r in board)
    cells = "".join(
        f"<tr><td>{escape(m.name)}</td>"
        + "".join(f'<td class="n">{m.format(r["values"][m.id])}</td>' for r in board)
        + f'<td class="n soft">{m.format(m.yardstick)}</td></tr>'
        for m in shown
    )
    return (
        f"<table>{head}{rows}</table><h2>All values</h2>"
        f'<div style="overflow-x:auto"><table><tr><th>Metric</th>{names}<th class="n">Real footage</th></tr>'
        f"{cells}</table></div>"
    )


def _strip(verdict: Verdict) -> str:
    take = verdict.evidence.take
    step = max(1, -(-len(take.strip) // 12))
    figures = []
    for frame, rgb in take.strip[::step]:
        figures.append(
            f'<figure><img alt="" src="data:image/jpeg;base64,{_jpeg(rgb)}">'
            f"<figcaption>{frame / float(take.rate):.1f} s</figcaption></figure>"
        )
    return f'<div class="strip">{"".join(figures)}</div>'


def _plots(verdict: Verdict) -> str:
    from engines.judge import behaviour, sync
    from engines.judge.people import EMOTIONS
    from engines.judge.registry import NotMeasured

    take = verdict.evidence.take
    t = np.arange(len(take)) / float(take.rate)
    end = float(t[-1]) if len(t) > 1 else 1.0
    plots = []
    with suppress(NotMeasured):
        both = verdict.evidence.sync
        marks = [(at, "#3c9a5f" if shut else "#c94a4a") for at, shut in sync.closures(verdict.evidence)]
        lines = {
            "read out of the voice": (both.t_s, both.heard),
            "in the picture, offset removed": (both.t_s, both.seen),
        }
        plots.append(
            _plot("Opening of the lips", lines, end, marks, "p, b, m: green where the lips meet, red where not")
        )
        plots.append(_plot("Agreement over lag (s)", {"mean r": (both.lag_s, both.agreement)}, float(both.lag_s[-1]),
                           [(both.offset_s, "#c94a4a")], "red: the offset"))  # fmt: skip
    with suppress(NotMeasured):
        marks = [(b.t_s, "#c8a21f") for b in behaviour.blinks(take)]
        plots.append(
            _plot("Opening of the eyes", {"1 is usual": (t, behaviour.lid_opening(take))}, end, marks, "blinks")
        )
    angles = np.degrees(take.head)
    turns = {name: (t, angles[:, k]) for k, name in enumerate(("pitch", "yaw", "roll"))}
    plots.append(_plot("Head (degrees)", turns, end))
    with suppress(NotMeasured):
        plots.append(_plot("Leaps of the face (1 is usual)", {"": (t, behaviour.jumps(take))}, end,
                           [(j / float(take.rate), "#c94a4a") for j in verdict.evidence.joins]))  # fmt: skip
    read = np.isfinite(take.emotion).all(1)
    if read.any():
        shares = {name: (t[read], take.emotion[read, k]) for k, name in enumerate(EMOTIONS)}
        plots.append(_plot("Emotion read by the classifier (probability)", shares, end))
    known = np.isfinite(take.identity)
    if known.any():
        plots.append(
            _plot("Distance from the portrait", {"below 0.6: the same person": (t[known], take.identity[known])}, end)
        )
    return "".join(plots)


def _plot(
    name: str,
    lines: dict[str, tuple[np.ndarray, np.ndarray]],
    end: float,
    marks: Sequence[tuple[float, str]] = (),
    legend: str = "",
) -> str:
    """Curves over time as an SVG figure; long ones keep the extremes of every pixel column."""
    start = min(0.0, *(float(t[0]) for t, _ in lines.values()))
    values = np.concatenate([v[np.isfinite(v)] for _, v in lines.values()])
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    spread = max(high - low, 1e-6)
    low, high = low - 0.05 * spread, high + 0.05 * spread

    def x(t: np.ndarray | float) -> Any:
        return _LEFT + (np.asarray(t) - start) / max(end - start, 1e-6) * (_WIDTH - _LEFT - 6)

    def y(v: np.ndarray | float) -> Any:
        return 4 + (high - np.asarray(v)) / (high - low) * (_HEIGHT - _BOTTOM - 4)

    parts = []
    for value in _round_steps(low, high, 4):
        parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y(value) + 3:.1f}" text-anchor="end">{value:g}</text>')
    parts += [
        f'<text x="{x(t):.1f}" y="{_HEIGHT - 5}" text-anchor="middle">{t:g}</text>'
        for t in _round_steps(start, end, 10)
    ]
    for at, colour in marks:
        parts.append(
            f'<line x1="{x(at):.1f}" x2="{x(at):.1f}" y1="4" y2="{_HEIGHT - _BOTTOM}" stroke="{colour}" opacity=".6"/>'
        )
    keys = []
    for (label, (t, v)), colour in zip(lines.items(), _COLOURS, strict=False):
        parts += [f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="1.3"/>' for d in _path(x(t), y(v))]
        if label:
            keys.append(f'<span class="key" style="background:{colour}"></span>{escape(label)}')
    more = f' <span class="soft">&ensp;{escape(legend)}</span>' if legend and marks else ""
    return (
        f'<figure class="plot"><figcaption><b>{escape(name)}</b>{"".join(keys)}{more}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(name)}">{"".join(parts)}</svg></figure>'
    )


def _round_steps(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two values, about ``most`` of them."""
    rough = max(high - low, 1e-9) / most
    size = 10.0 ** np.floor(np.log10(rough))
    step = size * next(f for f in (1, 2, 5, 10) if f * size >= rough)
    return [round(float(v), 9) + 0.0 for v in np.arange(np.ceil(low / step), high / step + 1e-9) * step]


def _path(x: np.ndarray, y: np.ndarray) -> list[str]:
    """Path data of a curve, broken where it is not a number."""
    there = np.isfinite(y)
    x, y = x[there], y[there]
    if len(x) < 2:
        return []
    gaps = np.flatnonzero(np.diff(np.flatnonzero(there)) > 1) + 1
    paths = []
    for px, py in zip(np.split(x, gaps), np.split(y, gaps), strict=True):
        step = max(1, 2 * len(x) // _MOST_POINTS)
        if step > 1:
            keep = sorted(
                {k + int(f(py[k : k + step])) for k in range(0, len(py), step) for f in (np.argmin, np.argmax)}
            )
            px, py = px[keep], py[keep]
        paths.append("M" + "L".join(f"{a:.1f},{b:.1f}" for a, b in zip(px, py, strict=True)))
    return paths


def _jpeg(rgb: np.ndarray) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=82)
    return base64.b64encode(buffer.getvalue()).decode()
