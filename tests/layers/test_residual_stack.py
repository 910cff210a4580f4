import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose
from tests.support.slow import some
from tests.support.streaming_contract import randomise, verify_streaming_contract
from tf_wavenet.layers import ResidualStack


@pytest.mark.parametrize("kernel_size", some([1, 2, 3], 2))
def test_streams(rng, kernel_size):
    stack = ResidualStack((1, 3, 2), 4, 6, kernel_size)
    verify_streaming_contract(stack, rng.normal(size=(2, 31, 4)).astype("float32"))


@pytest.mark.parametrize("options", [{}, {"residual_scale": 0.7, "skip_scale": 0.6}])
def test_equals_numpy(rng, options):
    stack = ResidualStack((1, 2, 4) * 2, 4, 6, **options)
    x = rng.normal(size=(2, 40, 4)).astype("float32")
    stack(x)
    randomise(stack)
    assert_allclose(stack(x), reference.residual_stack(x, stack), atol=1e-5)


def test_every_weight_is_used(rng):
    # The last block has no residual projection: its weights could never learn.
    stack = ResidualStack((1, 2), 4, 6)
    stack.build((None, None, 4))
    assert [block.use_residual for block in stack.blocks] == [True, False]


@pytest.mark.parametrize("dilations", [(1, 0), (), 3, (1, 2.0), None])
def test_refuses_dilations(dilations):
    with pytest.raises(ValueError, match="Expected dilations to be positive ints. Received: dilations="):
        ResidualStack(dilations, 4, 6)
