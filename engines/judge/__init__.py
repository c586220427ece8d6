"""How good a take is: metrics over its frames, its sound and, where there are any, portrait, reference and motion."""
