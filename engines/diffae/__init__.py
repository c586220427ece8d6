"""Official DiffAE weights that the artist brings, driven by the timeline and by videos."""
