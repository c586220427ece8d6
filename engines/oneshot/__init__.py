"""Any portrait moves at once, by the base that is shipped with Soliloquy."""
