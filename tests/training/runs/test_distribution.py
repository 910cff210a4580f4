"""--strategy: what is refused, and that parts of batches are the batches."""

import keras
import numpy as np
import pytest

from tf_wavenet.data import WindowSource, index_corpus
from training.runs.config import AcousticConfig
from training.runs.distribution import Distribution, distribute

tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.distribute is TensorFlow's")


@tensorflow
@pytest.mark.parametrize(
    "config",
    [
        "",
        "[]",
        "{",
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
        '{"cluster": {}, "task": {"type": "worker", "index": 0}}',
    ],
)
def test_a_wrong_tf_config_is_refused(monkeypatch, config):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match="Expected the environment variable TF_CONFIG to be"):
        distribute("multi_worker", 4)


def test_pytorch_is_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ValueError, match="Expected strategy=mirrored with TensorFlow or JAX. Received: torch"):
        distribute("mirrored", 4)


def test_rows_that_devices_can_share():
    assert [Distribution(replicas=3).divisible(rows) for rows in (1, 3, 16)] == [3, 3, 18]


@tensorflow
def test_a_batch_that_cannot_be_divided_is_refused(monkeypatch):
    monkeypatch.setattr("training.runs.distribution._mirrored", lambda: Distribution(object(), replicas=3))
    with pytest.raises(ValueError, match="multiple of 3, the number of devices. Received: batch_size=4"):
        distribute("mirrored", 4)


def test_parts_of_batches_are_the_batches(corpus):
    arguments = index_corpus(corpus, 8000), 300, 100, 4
    options = {"shuffle": True, "seed": 3, "repeat": True}
    whole = WindowSource(*arguments, **options)
    parts = [WindowSource(*arguments, **options, shard=(number, 2)) for number in range(2)]
    for step in (0, 5, len(whole) - 1, len(whole) + 1):
        for arrays in zip(whole.batch(step), *(part.batch(step) for part in parts), strict=True):
            np.testing.assert_array_equal(arrays[0], np.concatenate(arrays[1:]))
    assert len(parts[0]) == len(whole)


@pytest.mark.parametrize(("shard", "batch_size"), [((0, 3), 4), ((2, 2), 4), ((-1, 2), 4), ((0, 0), 4)])
def test_wrong_parts_are_refused(corpus, shard, batch_size):
    with pytest.raises(ValueError, match="Expected shard="):
        WindowSource(index_corpus(corpus, 8000), 300, 100, batch_size, shard=shard)


def test_the_text_voice_is_not_distributed(tmp_path):
    with pytest.raises(ValueError, match="no --strategy with --model acoustic. Received: mirrored"):
        AcousticConfig(model="acoustic", features=tmp_path, strategy="mirrored")
