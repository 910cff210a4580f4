"""PyTorch, for tests that compare with it."""

import sys

import pytest


def import_torch():
    """Returns PyTorch; skips where it is missing, and beside TensorFlow: the two in one process crash."""
    if "tensorflow" in sys.modules:
        pytest.skip("TensorFlow is in this process; PyTorch is compared by `make test-torch`", allow_module_level=True)
    return pytest.importorskip("torch")
