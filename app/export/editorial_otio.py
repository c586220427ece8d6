"""The adapter of OpenTimelineIO."""

from app.export.editorial import write_otio as write

__all__ = ["write"]
