"""The adapter of point caches."""

from app.export.meshes import write_cache as write

__all__ = ["write"]
