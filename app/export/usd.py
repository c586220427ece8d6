"""The USD adapter."""

from app.export.usd_read import read_curves, read_start
from app.export.usd_write import write

__all__ = ["read_curves", "read_start", "write"]
