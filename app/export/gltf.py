"""The glTF adapter."""

from app.export.gltf_read import read_curves, read_head, read_start
from app.export.gltf_write import write

__all__ = ["read_curves", "read_head", "read_start", "write"]
