"""Speed and quality, measured: each module is one benchmark, run as `python -m benchmarks.NAME`.

Importing the package sets what TensorFlow and PyTorch read once, when they are first imported: no start-up log, and
threads that sleep while they wait, so that a busy neighbour does not slow them down many times over.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
