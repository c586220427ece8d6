"""The adapter of plain CSV."""

from app.export.tables import read_csv as read_curves
from app.export.tables import read_csv_start as read_start
from app.export.tables import write_csv as write

__all__ = ["read_curves", "read_start", "write"]
