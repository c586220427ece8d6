"""Performances from footage: a video of a face becomes head motion, gaze and ARKit weights."""
