"""The exception root of Soliloquy.

Every message says what is wrong, where, and what the user can do about it; it is shown as it stands
in the window and on the command line.
"""

from __future__ import annotations


class StudioError(Exception):
    """Root of every error that Soliloquy raises on purpose."""


class InputError(StudioError):
    """A file or value that the user gave cannot be used (portrait, voice, curves, option)."""


class EngineError(StudioError):
    """An engine could not prepare or render."""


class WeightsMissing(EngineError):
    """A checkpoint that the user has to provide is absent, damaged or of another architecture."""


class OutOfMemory(EngineError):
    """The device has too little memory, also after other engines were unloaded."""


class ProjectError(StudioError):
    """A project file cannot be read, upgraded or saved."""


class ExportError(StudioError):
    """A result could not be written."""


class Cancelled(StudioError):
    """The user cancelled the work; nothing was left under the final name."""
