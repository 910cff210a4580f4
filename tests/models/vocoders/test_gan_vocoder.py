import functools

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tests.support.gradients import gradients
from tests.support.streaming_contract import randomise
from tf_wavenet import GANVocoder, HiFiGAN, ISTFTVocoder, MelSpec, MultiResolutionSTFTLoss, ParallelWaveGAN, backend
from tf_wavenet.losses import LoudnessLoss
from tf_wavenet.models import MultiPeriodDiscriminator, ParallelWaveGANDiscriminator
from tf_wavenet.signal import log_mel

SPEC = MelSpec.from_preset("speech_16k", hop_length=16, win_length=64, fft_length=128, num_mels=6)
TIME = 2048
MAKERS = {
    "hifi_gan": lambda **options: HiFiGAN((4, 4), (8, 8), 8, 2, (3,), ((1, 3),), mel_spec=SPEC, **options),
    "parallel_wavegan": lambda **options: ParallelWaveGAN(
        4, 2, residual_channels=4, gate_channels=8, skip_channels=4, upsample_scales=(4, 4), mel_spec=SPEC, **options
    ),
    "istft_vocoder": lambda **options: ISTFTVocoder(8, 2, kernel_size=3, mel_spec=SPEC, **options),
}
RESOLUTIONS = ((64, 16, 64), (128, 20, 100), (256, 64, 200), (32, 8, 16))
WEIGHTS = {
    "istft_vocoder": {
        **{"adversarial_weight": 0.1, "feature_matching_weight": 0.1, "mel_weight": 0.5, "stft_weight": 1.0},
        **{"stft_resolutions": RESOLUTIONS, "resolutions_per_step": 2},
    },
    "hifi_gan": {"feature_matching_weight": 2.0, "mel_weight": 45.0},
    "parallel_wavegan": {"adversarial_weight": 4.0, "stft_weight": 1.0},
}
# JAX would compile every operation by itself, which takes longer; the others take most steps as they are written.
COMPILED = keras.backend.backend() == "jax"
POLICIES = ("mixed_bfloat16", "mixed_float16")
kinds = pytest.mark.parametrize("kind", MAKERS)
slow = functools.partial(pytest.param, marks=pytest.mark.large)
# What the generator has little to do with: one of them here, the others with the large tests.
one_kind = pytest.mark.parametrize("kind", [slow("hifi_gan"), slow("parallel_wavegan"), "istft_vocoder"])
tracing = pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch traces no steps")
published = pytest.mark.parametrize("kind", ["hifi_gan", "parallel_wavegan"])


def make(
    kind, dtype="float32", generator_optimizer=None, discriminator_optimizer=None, jit_compile=COMPILED, **options
):
    keras.utils.set_random_seed(1)
    discriminators = [MultiPeriodDiscriminator((2, 3), (4, 8), dtype=dtype)]
    if kind == "parallel_wavegan":
        discriminators = [ParallelWaveGANDiscriminator(4, 4, dtype=dtype)]
    model = GANVocoder(MAKERS[kind](dtype=dtype), discriminators, **{**WEIGHTS[kind], **options})
    model.compile(
        generator_optimizer or keras.optimizers.Adam(1e-3, use_ema=True, ema_momentum=0.5),
        discriminator_optimizer or keras.optimizers.Adam(2e-3),
        jit_compile=jit_compile,
    )
    return model


def batches(number):
    rng = np.random.default_rng(0)
    for _ in range(number):
        features = rng.normal(-5.0, 2.0, (2, TIME // 16, 6)).astype("float32")
        real, weight = rng.normal(0.0, 0.1, (2, TIME)).astype("float32"), np.ones((2, TIME), "float32")
        weight[1, 1500:] = 0.0
        yield {"waveform": real, "local_condition": features}, real, weight


def arrays(variables):
    return [np.array(numpy_of(variable)) for variable in variables]


def numpies_of(tensors):
    return keras.tree.map_structure(numpy_of, tensors)


def state(model):
    return arrays([*model.weights, *model.optimizer.variables, *model.discriminator_optimizer.variables])


def same(a, b):
    return [np.array_equal(x, y) for x, y in zip(a, b, strict=True)]


@pytest.mark.parametrize("kind", ["hifi_gan", "istft_vocoder"])
@pytest.mark.large
def test_three_steps_and_three_more_are_six(kind, tmp_path):
    options = {"discriminator_start": 2}
    whole = make(kind, **options)
    for inputs, real, weight in batches(6):
        whole.train_on_batch(inputs, real, weight)
    first, second = make(kind, **options), make(kind, **options)
    for inputs, real, weight in list(batches(6))[:3]:
        first.train_on_batch(inputs, real, weight)
    first.save_weights(tmp_path / "step.weights.h5")
    randomise(second)
    second.load_weights(tmp_path / "step.weights.h5")
    assert all(same(state(first), state(second)))
    for inputs, real, weight in list(batches(6))[3:]:
        second.train_on_batch(inputs, real, weight)
    assert all(same(state(whole), state(second)))
    assert not any(same(arrays(whole.generator.trainable_weights), arrays(first.generator.trainable_weights)))


@kinds
@pytest.mark.large
def test_discriminators_start_when_told(kind):
    model = make(kind, discriminator_start=2)
    before, changed, losses = arrays(model.discriminators[0].weights), [], []
    for inputs, real, weight in batches(4):
        losses.append(model.train_on_batch(inputs, real, weight, return_dict=True)["discriminator_loss"])
        changed.append(not all(same(before, arrays(model.discriminators[0].weights))))
        model.reset_metrics()
    assert changed == [False, False, True, True]
    assert [loss > 0 for loss in losses] == changed


@tracing
@pytest.mark.large
def test_steps_before_discriminators_start_are_traced_without_them(monkeypatch):
    model, traced = make("hifi_gan", discriminator_start=2), []
    train = model._train_discriminators
    monkeypatch.setattr(model, "_train_discriminators", lambda *both: traced.append(True) or train(*both))
    for number, (inputs, real, weight) in enumerate(batches(4)):
        model.train_on_batch(inputs, real, weight)
        assert len(traced) == (number >= 2)


@pytest.mark.large
@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras takes one step an execution on PyTorch")
def test_discriminators_start_with_an_execution():
    model = make("hifi_gan", discriminator_start=4)
    model.compile("adam", "adam", steps_per_execution=3)
    [batch] = batches(1)
    model.fit((batch for _ in range(12)), steps_per_epoch=9, shuffle=False, verbose=0)
    assert (int(model.optimizer.iterations), int(model.discriminator_optimizer.iterations)) == (9, 3)


@pytest.mark.large
@published
def test_generator_descends_the_sum_of_its_losses(kind):
    """One step of gradient descent, discriminators held still, against the losses put together here."""
    optimizers = {
        "generator_optimizer": keras.optimizers.SGD(0.1),
        "discriminator_optimizer": keras.optimizers.SGD(0.0),
    }
    if kind == "parallel_wavegan":
        optimizers["loudness_weight"] = 0.5
    model = make(kind, **optimizers, jit_compile=False)  # compiled, XLA rounds otherwise than what is put together here
    inputs, real, weight = next(batches(1))
    noise = backend.normal(real.shape, 0, 0)
    given = {"local_condition": inputs["local_condition"], "noise": noise}
    given = given if kind == "parallel_wavegan" else inputs["local_condition"]
    [discriminator] = model.discriminators
    true, audible = ops.convert_to_tensor(real * weight), ops.convert_to_tensor(weight)

    def loss():
        generated = model.generator(given) * audible
        fake, wanted = discriminator(generated), discriminator(true)
        adversarial = sum(ops.mean((1 - outputs[-1]) ** 2) for outputs in fake)
        if kind == "hifi_gan":
            pairs = zip(keras.tree.flatten(wanted), keras.tree.flatten(fake), strict=True)
            matching = sum(ops.mean(ops.abs(a - b)) for a, b in pairs)
            spec = MelSpec.from_config(SPEC.get_config() | {"fmax": 8000.0})
            mel = ops.mean(ops.abs(log_mel(true, spec) - log_mel(generated, spec)))
            return adversarial + 2 * matching + 45 * mel
        heard = LoudnessLoss(SPEC.sample_rate)(true, generated)
        return 4 * adversarial + MultiResolutionSTFTLoss()(true, generated) + 0.5 * heard

    variables = model.generator.trainable_variables
    expected, slopes = gradients(loss, variables)
    wanted = [numpy_of(v) - 0.1 * g for v, g in zip(arrays(variables), slopes, strict=True)]
    of_discriminators = sum(
        np.mean((r[-1] - 1) ** 2) + np.mean(f[-1] ** 2)
        for r, f in zip(*(numpies_of(discriminator(x)) for x in (true, model.generator(given) * audible)), strict=True)
    )
    logs = model.train_on_batch(inputs, real, weight, return_dict=True)
    assert_allclose(logs["loss"], expected, rtol=1e-5)
    assert_allclose(logs["discriminator_loss"], of_discriminators, rtol=1e-5)
    for variable, value in zip(arrays(variables), wanted, strict=True):
        assert_allclose(variable, value, rtol=1e-4, atol=1e-5 * np.abs(value).max())


@pytest.mark.parametrize(
    ("kind", "dtype", "jit_compile"),
    [
        slow("hifi_gan", "mixed_bfloat16", COMPILED),
        *[slow("istft_vocoder", dtype, True) for dtype in POLICIES],
        slow("parallel_wavegan", "mixed_float16", True),
    ],
)
def test_mixed_precision(kind, dtype, jit_compile):
    model = make(kind, dtype, jit_compile=jit_compile)
    before = arrays(model.generator.weights)
    for inputs, real, weight in batches(2):
        logs = model.train_on_batch(inputs, real, weight, return_dict=True)
    assert all(np.isfinite(list(logs.values()))) and {w.dtype for w in model.generator.weights} == {"float32"}
    if dtype == "mixed_float16":
        assert isinstance(model.discriminator_optimizer, keras.optimizers.LossScaleOptimizer)
    else:
        assert not all(same(before, arrays(model.generator.weights)))


@pytest.mark.large
@one_kind
def test_held_out_losses_are_means_over_samples_of_weight_one(kind):
    model, (inputs, real, weight) = make(kind), next(batches(1))
    logs = model.evaluate(inputs, real, sample_weight=weight, return_dict=True, verbose=0, batch_size=2)
    noise = backend.normal(real.shape, 0, -1)
    given = {"local_condition": inputs["local_condition"], "noise": noise}
    generated = model.generator(given if kind == "parallel_wavegan" else inputs["local_condition"])
    generated = numpy_of(generated) * weight
    lengths = zip(*RESOLUTIONS, strict=True) if kind == "istft_vocoder" else ()
    rows = numpy_of(MultiResolutionSTFTLoss(*lengths, reduction=None)(real * weight, generated))
    assert_allclose(logs["stft_loss"], np.average(rows, weights=weight.mean(axis=1)), rtol=1e-5)
    assert logs["mel_loss"] > 0


def distance(model, loss, features, real, weight):
    return loss(real, ops.multiply(model.generator(features), weight))


@pytest.mark.parametrize(
    ("per_step", "shares", "jit_compile"),
    [(2, [(0, 2), (1, 3)], COMPILED), (1, [(0,), (1,), (2,), (3,)], COMPILED), (2, [(0, 2), (1, 3)], True)],
)
@pytest.mark.large
def test_a_step_descends_its_share_of_the_resolutions(per_step, shares, jit_compile):
    optimizer = keras.optimizers.SGD(0.01)
    options = {"resolutions_per_step": per_step, "mel_weight": 0.0, "adversarial_weight": 0.0}
    options |= {"generator_optimizer": optimizer, "jit_compile": jit_compile, "feature_matching_weight": 0.0}
    model = make("istft_vocoder", **options)
    variables = model.generator.trainable_variables
    for (inputs, real, weight), share in zip(batches(5), [*shares * 3][:5], strict=True):
        loss = MultiResolutionSTFTLoss(*zip(*(RESOLUTIONS[i] for i in share), strict=True))
        given = inputs["local_condition"], real * weight, weight
        expected, slopes = gradients(functools.partial(distance, model, loss, *given), variables)
        wanted = [v - 0.01 * g for v, g in zip(arrays(variables), slopes, strict=True)]
        model.reset_metrics()
        logs = model.train_on_batch(inputs, real, weight, return_dict=True)
        assert_allclose(logs["stft_loss"], expected, rtol=1e-4)
        for variable, value in zip(arrays(variables), wanted, strict=True):
            assert_allclose(variable, value, rtol=1e-3, atol=1e-3 * np.abs(value).max())


@tracing
@pytest.mark.large
def test_a_share_is_drawn_in_one_trace():
    model, traced = make("istft_vocoder"), []
    loss = model._stft_loss
    model._stft_loss = lambda *arguments: traced.append(True) or loss(*arguments)
    for inputs, real, weight in batches(4):
        model.train_on_batch(inputs, real, weight)
    assert len(traced) == 1


@kinds
@pytest.mark.large
def test_past_the_end_nothing_counts(kind):
    losses = []
    for spoilt in (0.0, 1.0):
        model, (inputs, real, weight) = make(kind), next(batches(1))
        real[1, 1500:] += spoilt
        losses.append(model.train_on_batch(inputs, real, weight))
    assert_array_equal(*losses)


@kinds
def test_config_rebuilds_the_model(kind):
    model = make(kind, discriminator_start=7, seed=3)
    again = GANVocoder.from_config(model.get_config())
    assert again.get_config() == model.get_config()
    assert [v.shape for v in again.weights] == [v.shape for v in model.weights]


@pytest.mark.large
def test_a_saved_model_goes_on_learning(tmp_path):
    model, (inputs, real, weight) = make("hifi_gan"), next(batches(1))
    model.train_on_batch(inputs, real, weight)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert all(same(state(model), state(loaded)))
    for each in (model, loaded):
        each.train_on_batch(inputs, real, weight)
    assert all(same(state(model), state(loaded)))


def test_a_configuration_from_before_there_were_resolutions_loads():
    model = make("hifi_gan")
    config = model.get_config()
    assert config.pop("stft_resolutions") is None and config.pop("resolutions_per_step") is None
    assert GANVocoder.from_config(config).get_config() == model.get_config()


def test_refuses_to_train_discriminators_without_an_optimizer():
    with pytest.raises(ValueError, match="Expected a discriminator_optimizer"):
        make("hifi_gan").compile("adam")


def test_refuses():
    generator = HiFiGAN((4,), (8,), 4, 2, (3,), ((1,),))
    for options, message in (
        ({"mel_weight": 1.0}, "Expected a generator with a mel_spec"),
        ({"stft_weight": -1.0}, "Expected stft_weight to be at least 0"),
        ({"discriminator_start": -1}, "Expected discriminator_start to be a non-negative int"),
        ({"stft_resolutions": [(64, 16)]}, "Expected stft_resolutions to be triples"),
        ({"stft_resolutions": [(64, 16, 0)]}, "Expected stft_resolutions to be positive ints"),
        ({"stft_resolutions": []}, "Expected stft_resolutions to be triples"),
        ({"resolutions_per_step": 2}, "Expected resolutions_per_step to divide the number of resolutions, 3"),
        ({"resolutions_per_step": 0}, "Expected resolutions_per_step to be a positive int"),
    ):
        with pytest.raises(ValueError, match=message):
            GANVocoder(generator, [], **options)
