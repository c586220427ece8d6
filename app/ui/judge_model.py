"""Judged takes as a table: a row for every metric, a column for every take, real footage beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QBrush, QColor

from app.ui import theme

if TYPE_CHECKING:
    from app.core.evaluate import Evaluation
    from engines.judge.registry import Metric

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()


class JudgeModel(QAbstractTableModel):
    """Metrics that at least one take has; the newest take stands first."""

    def __init__(self) -> None:
        super().__init__()
        self.takes: list[Evaluation] = []
        self.rows: list[Metric] = []

    @property
    def good(self) -> QColor:
        """Of values as good as on real footage."""
        return QColor(theme.current().good)

    @property
    def bad(self) -> QColor:
        """Of values worse than on real footage."""
        return QColor(theme.current().danger)

    def add(self, evaluation: Evaluation) -> None:
        """Show a take; an earlier judgement of the same file goes."""
        self.beginResetModel()
        self.takes = [evaluation, *(t for t in self.takes if t.take != evaluation.take)]
        measures = zip(*(t.verdict.measures for t in self.takes), strict=True)
        self.rows = [row[0].metric for row in measures if any(m.value is not None for m in row)]
        self.endResetModel()

    def clear(self) -> None:
        """Forget all takes."""
        self.beginResetModel()
        self.takes, self.rows = [], []
        self.endResetModel()

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else 2 + len(self.takes)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        shown = role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
        if orientation != Qt.Orientation.Horizontal or not shown:
            return None
        names = [self.tr("Metric"), *(t.name for t in self.takes), self.tr("Real footage")]
        return names[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        metric, column = self.rows[index.row()], index.column()
        take = self.takes[column - 1] if 0 < column <= len(self.takes) else None
        value = take.verdict.value(metric.id) if take else None
        if role == Qt.ItemDataRole.DisplayRole:
            if column == 0:
                return metric.name
            return metric.format(metric.yardstick if take is None else value)
        if role == Qt.ItemDataRole.TextAlignmentRole and column > 0:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ForegroundRole and value is not None:
            fair = metric.as_real(value)
            return None if fair is None else QBrush(self.good if fair else self.bad)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._about(metric, take)
        return None

    def _about(self, metric: Metric, take: Evaluation | None) -> str:
        wanted = {
            "low": self.tr("Lower is better."), "high": self.tr("Higher is better."),
            "near": self.tr("Best near the value of real footage."),
        }[metric.good]  # fmt: skip
        lines = [metric.definition, wanted, self.tr("Source: %s") % metric.source]
        if metric.real is not None:
            lines.append(self.tr("Real footage: %s to %s") % tuple(metric.format(v) for v in metric.real))
        if take is not None:
            reason = next(m.reason for m in take.verdict.measures if m.metric.id == metric.id)
            lines += [self.tr("Not measured: %s") % reason] if reason else []
        return "\n".join(lines)
