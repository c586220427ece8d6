"""Generators of talking heads; importable without the application (no Qt, no ``app``)."""
