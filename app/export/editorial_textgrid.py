"""The adapter of TextGrid."""

from app.export.editorial import write_textgrid as write

__all__ = ["write"]
