"""The adapter of EDL."""

from app.export.editorial import write_edl as write

__all__ = ["write"]
