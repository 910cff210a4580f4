"""Scripts around tf_wavenet: each module is one verb, run as `python -m training.VERB`.

Importing the package silences TensorFlow's start-up log, which TensorFlow reads once, when it is first imported.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
