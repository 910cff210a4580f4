"""The cutting of recordings into windows, by its properties: each sample a target once, true past before it."""

import numpy as np
import pytest

from tf_wavenet.data.windows import count_windows, cut_windows

hypothesis = pytest.importorskip("hypothesis")
given, settings, st = hypothesis.given, hypothesis.settings, hypothesis.strategies

CORPUS = st.lists(st.integers(1, 60), min_size=1, max_size=8)


@settings(max_examples=300, deadline=None)
@given(lengths=CORPUS, window=st.integers(1, 12), context=st.integers(0, 15), seed=st.none() | st.integers(0, 99))
def test_every_sample_is_a_target_once_and_has_its_past(lengths, window, context, seed):
    random = None if seed is None else np.random.default_rng(seed)
    windows = cut_windows(lengths, window, context, random, pool_samples=40)
    assert len(windows.file) == count_windows(lengths, window, context).sum()
    seen = [np.zeros(length, int) for length in lengths]
    for file, begin, end, start in zip(windows.file, windows.begin, windows.end, windows.start, strict=True):
        assert 0 <= start <= begin < end <= min(start + context + window, lengths[file])
        assert begin - start == (0 if begin == 0 else context)
        seen[file][begin:end] += 1
    for count in seen:
        np.testing.assert_array_equal(count, 1)


def test_fewest_windows():
    lengths = [1, 13, 14, 18, 19, 23, 24]  # the first window covers 13 samples, each later one 5
    np.testing.assert_array_equal(count_windows(lengths, 5, 8), [1, 1, 2, 2, 3, 3, 4])
    np.testing.assert_array_equal(count_windows([1, 5, 6, 10, 11], 5, 0), [1, 1, 2, 2, 3])


def test_in_order():
    windows = cut_windows([30, 4], 10, 6, None, pool_samples=1)
    np.testing.assert_array_equal(windows.file, [0, 0, 0, 1])
    np.testing.assert_array_equal(windows.begin, [0, 16, 26, 0])
    np.testing.assert_array_equal(windows.end, [16, 26, 30, 4])
    np.testing.assert_array_equal(windows.start, [0, 10, 20, 0])


def test_borders_move_over_the_whole_slack():
    borders = [cut_windows([105], 10, 0, np.random.default_rng(seed), 1000) for seed in range(200)]
    first = [int(np.sort(windows.end)[0]) for windows in borders]
    assert set(first) == {5, 6, 7, 8, 9, 10}


def test_pools_keep_files_together_and_mix_within():
    lengths = np.full(40, 100)
    windows = cut_windows(lengths, 10, 0, np.random.default_rng(0), pool_samples=1000)
    pools = windows.file.reshape(4, 100)
    assert [len(set(pool)) for pool in pools] == [10] * 4
    assert len(set(windows.file)) == 40
    assert all(len(set(pool[:10])) >= 5 for pool in pools)
    changes = np.mean(windows.file[1:] != windows.file[:-1])
    assert changes > 0.8


@pytest.mark.parametrize("seed", [0, 1])
def test_random_is_fixed_by_its_source(seed):
    first, second = (cut_windows([50, 70], 10, 5, np.random.default_rng(seed), 1000) for _ in range(2))
    np.testing.assert_array_equal(first.begin, second.begin)
    np.testing.assert_array_equal(first.file, second.file)
