"""What engines share that draw a square of the picture by a network's own coordinates."""
