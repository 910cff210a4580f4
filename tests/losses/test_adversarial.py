import numpy as np
import pytest

from tests.support.arrays import assert_allclose
from tf_wavenet.losses.adversarial import discriminator_loss, feature_matching_loss, generator_loss


@pytest.fixture
def outputs(rng):
    """Real and generated: two discriminators of different depths and sizes."""
    shapes = [[(2, 5, 3), (2, 5, 1)], [(4, 9, 2), (4, 3, 8), (4, 3, 1)]]
    return [[[rng.normal(size=s).astype("float32") for s in layers] for layers in shapes] for _ in range(2)]


def test_discriminators_are_summed_and_scores_averaged(outputs):
    real, generated = outputs
    expected = sum(np.mean((r[-1] - 1) ** 2) + np.mean(g[-1] ** 2) for r, g in zip(real, generated, strict=True))
    assert_allclose(discriminator_loss(real, generated), expected, rtol=1e-6)


def test_generator_wants_scores_of_one(outputs):
    _, generated = outputs
    assert_allclose(generator_loss(generated), sum(np.mean((1 - g[-1]) ** 2) for g in generated), rtol=1e-6)


def test_features_of_every_layer_count_alike(outputs):
    real, generated = outputs
    pairs = [pair for r, g in zip(real, generated, strict=True) for pair in zip(r, g, strict=True)]
    expected = sum(np.mean(np.abs(r - g)) for r, g in pairs)
    assert_allclose(feature_matching_loss(real, generated), expected, rtol=1e-6)
    assert float(feature_matching_loss(real, real)) == 0.0


def test_as_many_real_as_generated(outputs):
    real, generated = outputs
    with pytest.raises(ValueError, match="zip"):
        discriminator_loss(real, generated[:1])
