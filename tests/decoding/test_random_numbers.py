import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tf_wavenet.decoding.random_numbers import threefry2x32, uniforms


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        # The known answers that Random123 publishes for threefry2x32 with 20 rounds.
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
    ],
)
@pytest.mark.parametrize("jit_compile", [False, True])
def test_threefry_known_answers(counter, key, expected, jit_compile):
    words = [tf.constant(w, tf.uint32) for w in (*key, *counter)]
    x0, x1 = tf.function(threefry2x32, jit_compile=jit_compile)(*words)
    assert (int(x0), int(x1)) == expected


def draw(seed, row, index):
    shape = np.broadcast_shapes(np.shape(row), np.shape(index))
    row, index = (tf.constant(np.broadcast_to(v, shape), tf.uint32) for v in (row, index))
    return uniforms(tf.constant(seed, tf.uint32), row, index).numpy()


def test_uniform_passes_kolmogorov_smirnov_and_is_independent():
    index = np.arange(20000)
    draws = {
        (k, column): draw(*k, index)[:, column]
        for k in (((0, 0), 0), ((0, 0), 1), ((1, 0), 0), ((0, 1), 0))
        for column in (0, 1)
    }
    for u in draws.values():
        assert 0 < u.min() and u.max() < 1
        assert stats.kstest(u, "uniform").pvalue > 1e-3
        assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 0.03
    correlations = np.corrcoef(list(draws.values())) - np.eye(8)
    assert np.abs(correlations).max() < 0.03


def test_a_number_depends_on_its_own_indices_only():
    whole = draw((7, 3), np.arange(5), 12)
    np.testing.assert_array_equal(whole[3:], draw((7, 3), np.arange(3, 5), 12))


def test_a_number_is_the_middle_of_the_interval_that_the_upper_23_bits_name():
    words = [tf.constant(w, tf.uint32) for w in (7, 3, 12, 5)]
    bits = np.array([int(x) >> 9 for x in threefry2x32(*words)])
    np.testing.assert_array_equal(draw((7, 3), [5], 12)[0], (bits + 0.5) * 2.0**-23)
