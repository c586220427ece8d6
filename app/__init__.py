"""What the artist touches: the studio core, the exporters, the window and the command line."""

import engines  # noqa: F401  before numpy: it settles the threads of matrix products
