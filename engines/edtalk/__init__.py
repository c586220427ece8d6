"""The engine that runs EDTalk's and LIA's own networks, with weights that the artist brings."""
