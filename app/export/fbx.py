"""The FBX adapter."""

from app.export.fbx_read import read_curves, read_head
from app.export.fbx_write import write

__all__ = ["read_curves", "read_head", "write"]
