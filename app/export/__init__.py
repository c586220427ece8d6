"""What leaves the studio and what comes back: one adapter per file format, chosen by the file's ending."""

from app.export.options import ExportOptions
from app.export.registry import Format, format_of, formats, read_curves, read_head, read_start, write
from app.export.take import Take

__all__ = ["ExportOptions", "Format", "Take", "format_of", "formats", "read_curves", "read_head", "read_start", "write"]
