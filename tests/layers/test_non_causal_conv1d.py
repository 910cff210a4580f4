import keras
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose
from tests.support.streaming_contract import randomise
from tf_wavenet.layers import NonCausalConv1D, ResidualBlock, ResidualStack


@pytest.mark.parametrize("time", [1, 4, 40])
@pytest.mark.parametrize(("kernel_size", "dilation"), [(1, 1), (3, 1), (3, 7), (5, 2)])
def test_equals_numpy_and_keras(rng, kernel_size, dilation, time):
    layer, x = NonCausalConv1D(6, kernel_size, dilation), rng.normal(size=(2, time, 3)).astype("float32")
    layer(x)
    randomise(layer)
    assert_allclose(layer(x), reference.centred_conv(x, layer.kernel, layer.bias, dilation), atol=1e-5)
    theirs = keras.layers.Conv1D(6, kernel_size, dilation_rate=dilation, padding="same")
    theirs.build(x.shape)
    theirs.set_weights(layer.get_weights())
    assert_allclose(layer(x), theirs(x), atol=1e-5)


def test_residual_stack_over_it_equals_numpy(rng):
    stack, x = ResidualStack((1, 2, 4), 4, 6, 3, causal=False), rng.normal(size=(2, 20, 4)).astype("float32")
    stack(x)
    randomise(stack)
    assert_allclose(stack(x), reference.residual_stack(x, stack), atol=1e-5)


def test_does_not_stream():
    for layer in (NonCausalConv1D(4, 3), ResidualBlock(4, 4, causal=False, kernel_size=3)):
        layer.build((None, None, 4))
        with pytest.raises(ValueError, match="Expected causal=True to stream"):
            layer.get_initial_state(1)


def test_refuses_an_even_kernel():
    with pytest.raises(ValueError, match="Expected kernel_size to be odd. Received: kernel_size=2"):
        NonCausalConv1D(4, 2)
