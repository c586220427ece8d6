"""The adapter of plain JSON."""

from app.export.tables import read_json as read_curves
from app.export.tables import read_json_start as read_start
from app.export.tables import write_json as write

__all__ = ["read_curves", "read_start", "write"]
