"""What the window's commands do, one class a menu."""
