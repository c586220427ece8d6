"""Generators of talking heads; importable without the application (no Qt, no ``app``).

Frames are drawn side by side, each by many small matrix products. OpenBLAS spreads such a product over all cores and
lets them spin while they wait, which costs more than it gains: a third of the time of a frame. So it keeps to one
thread, unless ``OPENBLAS_NUM_THREADS`` says otherwise; results no longer depend on the number of cores either.
"""

import os
import sys

if "OPENBLAS_NUM_THREADS" not in os.environ:
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    if "numpy" in sys.modules:  # too late for the variable: its library has started its threads already
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, "blas")
