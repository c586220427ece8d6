"""The adapter of SRT subtitles."""

from app.export.editorial import write_srt as write

__all__ = ["write"]
