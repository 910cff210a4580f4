import numpy as np
import pytest

from benchmarks.judging.bits import bits_per_sample, held_out_bits, mean


def test_bits_are_weighted_and_in_base_2():
    nats = np.log(2.0) * np.array([[1.0, 2.0, 3.0]])
    assert bits_per_sample(nats, np.array([[1.0, 0.0, 2.0]])) == pytest.approx((7.0, 3.0))


def test_held_out_bits_weigh_batches_by_what_counts_in_them():
    batches = [(np.full((1, 2), x), None, np.array(w)) for x, w in ((1.0, [[1.0, 1.0]]), (4.0, [[1.0, 0.0]]))]
    assert held_out_bits(lambda waveform: waveform * np.log(2.0), batches) == pytest.approx(2.0)


def test_mean_is_of_all_that_counts():
    assert mean([(6.0, 2.0), (3.0, 1.0), (0.0, 0.0)]) == 3.0
