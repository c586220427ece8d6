"""The timeline: its Qt-free model (scale, layout, hits, edits) and the widget that draws it."""
