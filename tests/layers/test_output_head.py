from tests.support import reference
from tests.support.arrays import assert_allclose
from tests.support.streaming_contract import randomise
from tf_wavenet.layers import OutputHead


def test_equals_numpy_for_sequences_and_steps(rng):
    head = OutputHead(units=5, hidden_units=7)
    x = rng.normal(size=(2, 6, 4)).astype("float32")
    head(x)
    randomise(head)
    expected = reference.output_head(x, head)
    assert_allclose(head(x), expected, atol=1e-5)
    assert_allclose(head(x[:, 0]), expected[:, 0], atol=1e-5)
