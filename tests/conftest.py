import contextlib
import gc
import os
from pathlib import Path
from unittest import mock

# Traced functions are hundreds of thousands of objects that stay; collecting them anew each time takes minutes in all.
gc.set_threshold(100_000, 50, 1000)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if "PYTEST_XDIST_WORKER" in os.environ:  # processes side by side, whose threads would wait for each other
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")

import pytest  # noqa: E402

# keras is imported where it is used: the process that only hands tests out starts its workers seconds sooner.


@pytest.fixture(autouse=True)
def _seeded():
    """Seeds all but TensorFlow's own operations, which no test draws by: for that TensorFlow forgets its kernels."""
    import keras

    with contextlib.ExitStack() as stack:
        if keras.backend.backend() == "tensorflow":
            stack.enter_context(mock.patch("tensorflow.random.set_seed"))
        keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True, scope="session")
def _by_xla():
    """Models generate by XLA unless a test names another engine: its samples are those of exports, to the bit."""
    import keras

    if keras.backend.backend() != "tensorflow":
        yield
        return
    from tf_wavenet.decoding import generation_request as requests

    is_native = requests.is_native
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests, "is_native", lambda model, engine=None: is_native(model, engine or "xla"))
        yield


@pytest.fixture(autouse=True, scope="module")
def _memory():
    """Frees what lies in circles, traced functions above all, before a process of the large tests fills the machine."""
    yield
    statm = Path("/proc/self/statm")
    if statm.is_file() and int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") > 5e9:
        gc.collect()


@pytest.fixture
def rng():
    import numpy as np

    return np.random.default_rng(0)
