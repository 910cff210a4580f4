"""The norm of the gradients, against NumPy."""

import keras
import numpy as np
import pytest

from tf_wavenet import GANVocoder, HiFiGAN
from tf_wavenet.models import MultiPeriodDiscriminator
from training.recipes import recipe_of
from training.runs.config import VocoderConfig, WaveNetConfig
from training.runs.gradient_norm import log_gradient_norms, norm


def test_norm_is_that_of_one_long_vector():
    parts = [np.arange(6.0).reshape(2, 3), None, np.array(-7.0)]
    assert float(norm(parts)) == pytest.approx(np.linalg.norm([0, 1, 2, 3, 4, 5, -7]))


@pytest.mark.parametrize("scaled", [False, True])
def test_steps_tell_the_norm_before_clipping(scaled, rng):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    optimizer = keras.optimizers.SGD(0.0, global_clipnorm=1e-3)
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=128.0)
    model.compile(optimizer, "mse", jit_compile=False)
    log_gradient_norms(model)
    x, y = rng.normal(size=(5, 3)).astype("float32"), rng.normal(size=(5, 1)).astype("float32")
    logs = model.train_on_batch(x, y, return_dict=True)
    gradient = 2 * x.T @ (x @ model.get_weights()[0] - y) / 5
    assert sorted(logs) == ["gradient_norm", "loss"]
    assert float(logs["gradient_norm"]) == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
    assert "gradient_norm" not in model.evaluate(x, y, verbose=0, return_dict=True)


@pytest.mark.large
def test_a_gan_tells_both_norms_once_its_discriminators_learn(rng):
    generator = HiFiGAN(upsample_rates=(8, 8), upsample_kernel_sizes=(16, 16), upsample_initial_channel=8)
    model = GANVocoder(generator, [MultiPeriodDiscriminator(channels=(4, 8))], stft_weight=1.0, discriminator_start=1)
    model.compile("adam", "adam", jit_compile=False)
    log_gradient_norms(model)
    batch = {"local_condition": rng.normal(size=(2, 20, 80))}, rng.uniform(-0.5, 0.5, (2, 1280))
    alone, both = (model.train_on_batch(*batch, return_dict=True) for _ in range(2))
    assert alone["gradient_norm"] > 0 and "discriminator_gradient_norm" not in alone
    assert both["gradient_norm"] > 0 and both["discriminator_gradient_norm"] > 0


@pytest.mark.large
def test_float16_scales_the_loss():
    small = {"precision": "mixed_float16", "jit_compile": False, "steps": 4}
    wavenet = WaveNetConfig(**small, dilations=(1,), residual_channels=4, skip_channels=4)
    gan = VocoderConfig(
        **small,
        model="istft_vocoder",
        generator_channels=16,
        discriminator_channels=16,
        discriminator_start=2,
    )
    for config in (wavenet, gan):
        recipe = recipe_of(config)
        optimizers = [optimizer for optimizer, _ in recipe.optimizers(recipe.build())]
        assert len(optimizers) == (1 if config is wavenet else 2)
        for optimizer in optimizers:
            assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
            assert type(optimizer.inner_optimizer) in (keras.optimizers.Adam, keras.optimizers.AdamW)
