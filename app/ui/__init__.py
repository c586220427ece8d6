"""PySide6 windows and panels."""
