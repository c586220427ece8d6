"""Passes: pure functions from Performance to Performance, one a file, seeded and switchable."""
