"""The cache of decoded recordings: what it holds, drops, and how often it decodes."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tf_wavenet.data import AudioError, AudioFile, Manifest
from tf_wavenet.data.waveform_cache import WaveformCache


@pytest.fixture
def decoded(monkeypatch):
    """Counts decodings; files are numbers."""
    counts = Counter()

    def load(self, sample_rate):
        counts[self.path.name] += 1
        time.sleep(0.001)
        if self.path.name == "bad":
            raise AudioError(self.path, "expected a whole file.")
        return np.full(self.num_samples, int(self.path.name), np.float32)

    monkeypatch.setattr(AudioFile, "load", load)
    return counts


def manifest_of(*names, samples=100):
    return Manifest(16000, tuple(AudioFile(Path(name), samples) for name in names))


def test_each_file_is_decoded_once_by_many_threads(decoded):
    cache = WaveformCache(manifest_of("0", "1", "2"), limit_samples=300)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda i: cache.load(i % 3)[0], range(300)))
    assert results == [i % 3 for i in range(300)]
    assert decoded == {"0": 1, "1": 1, "2": 1}


def test_the_longest_unused_is_dropped(decoded):
    cache = WaveformCache(manifest_of("0", "1", "2"), limit_samples=200)
    for index in (0, 1, 0, 2, 0, 1):
        cache.load(index)
    assert decoded == {"0": 1, "1": 2, "2": 1}


def test_a_file_over_the_limit_is_held_while_in_use(decoded):
    cache = WaveformCache(manifest_of("0", "1"), limit_samples=10)
    assert [len(cache.load(index)) for index in (0, 0, 1, 1)] == [100] * 4
    assert decoded == {"0": 1, "1": 1}


def test_errors_reach_all_who_wait(decoded):
    cache = WaveformCache(manifest_of("bad"), limit_samples=10)
    caught = []

    def ask():
        with pytest.raises(AudioError) as error:
            cache.load(0)
        caught.append(error.value.reason)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert caught == ["expected a whole file."] * 4
