"""What the artist touches: the studio core, the exporters, the window and the command line."""
