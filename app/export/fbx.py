"""The FBX adapter."""

from app.export.fbx_read import read_curves, read_head, read_start
from app.export.fbx_write import write

__all__ = ["read_curves", "read_head", "read_start", "write"]
