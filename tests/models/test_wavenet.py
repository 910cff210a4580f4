import sys

import keras
import numpy as np
import pytest
from keras import ops

from tests.support import reference
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tests.support.slow import some
from tests.support.streaming_contract import randomise, verify_streaming_contract
from tf_wavenet import Gaussian, MelSpec, Streamable, WaveNet
from tf_wavenet.layers import Conditioning

TENSORFLOW = keras.backend.backend() == "tensorflow"


def tiny(**options):
    return WaveNet(**{"dilations": (1, 2, 3), "residual_channels": 4, "skip_channels": 6, **options})


def previous(x):
    return np.concatenate([np.zeros((len(x), 1), "float32"), x[:, :-1]], axis=1)


@pytest.fixture
def waveform(rng):
    return rng.uniform(-1, 1, (2, 40)).astype("float32")


@pytest.mark.parametrize("kernel_size", some([1, 2, 3], 2))
@pytest.mark.parametrize("encoding", some(["one_hot", "scalar"], "scalar"))
def test_streams(waveform, kernel_size, encoding):
    model = tiny(kernel_size=kernel_size, input_encoding=encoding)
    assert isinstance(model, Streamable)
    verify_streaming_contract(model, waveform, previous, differentiable=False)


def test_receptive_field_of_the_scalar_model_from_gradients(waveform):
    model = tiny(distribution=Gaussian())
    assert model.input_encoding == "scalar"
    randomise(model)
    from tests.support.streaming_contract import _field_from_gradients

    assert _field_from_gradients(model, previous(waveform)) == model.receptive_field == 1 + 1 + 6


@pytest.mark.parametrize(
    "options",
    [{}, {"input_encoding": "scalar"}, {"mu": 100, "gate_channels": 6, "head_channels": 5, "causal_kernel_size": 3}],
)
def test_equals_numpy(waveform, options):
    model = tiny(kernel_size=3, residual_scale=0.8, skip_scale=0.5, **options)
    randomise(model)
    expected = reference.wavenet(waveform, model)
    assert_allclose(model(waveform), expected, atol=1e-5 * np.abs(expected).max())


def test_takes_numpy_integers():
    model = tiny(dilations=np.array([1, 2]), mu=np.int64(15), kernel_size=np.int32(2))
    assert model.get_config() == tiny(dilations=(1, 2), mu=15, kernel_size=2).get_config() | {"name": model.name}


def test_present_sample_is_not_looked_at(waveform):
    model = tiny()
    randomise(model)
    changed = waveform.copy()
    changed[:, 20] *= -1
    a, b = numpy_of(model(waveform)), numpy_of(model(changed))
    assert_array_equal(a[:, :21], b[:, :21])
    assert (a[:, 21] != b[:, 21]).any()


def test_log_prob_and_the_metric_agree_with_numpy(waveform):
    model = tiny()
    randomise(model)
    logits = reference.wavenet(waveform, model)
    levels = reference.mu_law_levels(waveform)
    nats = np.take_along_axis(reference.log_softmax(logits), levels[..., None], -1)[..., 0]
    assert_allclose(model.log_prob(waveform), nats, rtol=1e-4, atol=1e-4)
    model.compile("adam", jit_compile=False)
    result = model.evaluate(waveform, waveform, verbose=0, return_dict=True)
    assert_allclose(result["bits_per_sample"], -nats.mean() / np.log(2), rtol=1e-5)
    assert_allclose(result["loss"], -nats.mean(), rtol=1e-5)


@pytest.mark.large
def test_presets_have_the_published_sizes():
    paper = WaveNet.from_preset("paper")
    assert (len(paper.dilations), paper.receptive_field) == (30, 3071)
    assert (paper.residual_channels, paper.skip_channels, paper.kernel_size) == (64, 256, 2)
    assert WaveNet.from_preset("small").receptive_field == 2048
    assert WaveNet.from_preset("tiny", skip_channels=7).skip_channels == 7
    with pytest.raises(ValueError, match="Expected a preset of .*'tiny'.* Received: preset='nope'"):
        WaveNet.from_preset("nope")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dilations": (0, 2)}, r"Expected dilations to be positive ints. Received: dilations=\(0, 2\)"),
        ({"kernel_size": 0}, "Received: kernel_size=0"),
        ({"residual_channels": -1}, "Received: residual_channels=-1"),
        ({"skip_channels": 1.5}, "Received: skip_channels=1.5"),
        ({"input_encoding": "mel"}, "Received: input_encoding='mel'"),
        ({"mu": 0}, "Received: mu=0"),
        ({"skip_scale": "x"}, "Received: skip_scale='x'"),
        ({"residual_scale": None}, "Received: residual_scale=None"),
    ],
)
def test_refuses_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        tiny(**arguments)


def test_no_samples_have_no_parameters():
    assert tuple(tiny()(np.zeros((2, 0), "float32")).shape) == (2, 0, 256)
    assert tuple(tiny().log_prob(np.zeros((2, 0), "float32")).shape) == (2, 0)


@pytest.mark.parametrize("shape", [(3,), (3, 4, 1)])
def test_refuses_inputs_that_are_not_batch_by_time(shape):
    with pytest.raises(ValueError, match=r"Expected waveform of shape \[batch, time\]"):
        tiny()(np.zeros(shape, "float32"))


def fit(model, data, **options):
    return model.fit(data, epochs=2, verbose=0, shuffle=False, **options).history["bits_per_sample"]


@pytest.mark.skipif(not TENSORFLOW, reason="tf.data needs the TensorFlow backend")
@pytest.mark.large
def test_fits_waveforms_pairs_and_arrays_alike(waveform):
    import tensorflow as tf

    histories = []
    for data in (
        tf.data.Dataset.from_tensors(waveform),
        tf.data.Dataset.from_tensors((waveform, waveform)),
        tf.data.Dataset.from_tensors((waveform, waveform, np.ones_like(waveform))),
    ):
        keras.utils.set_random_seed(0)
        model = tiny()
        model.compile("adam", jit_compile=False)
        histories.append(fit(model, data))
        assert histories[-1][1] < histories[-1][0]
    keras.utils.set_random_seed(0)
    model = tiny()
    model.compile("adam", jit_compile=False)
    histories.append(model.fit(waveform, waveform, epochs=2, verbose=0).history["bits_per_sample"])
    assert_allclose(histories, [histories[0]] * 4, rtol=1e-5)


@pytest.mark.large
def test_learns_a_tone_with_xla():
    # A 16-level model of a sine must get far below the 4 bits of ignorance.
    tone = 0.9 * np.sin(2 * np.pi * np.arange(256) / 16, dtype="float32")[None].repeat(2, axis=0)
    model = tiny(mu=15, dilations=(1, 2, 4))
    model.compile(keras.optimizers.Adam(0.02), jit_compile=keras.backend.backend() != "torch")
    assert -np.mean(numpy_of(model.log_prob(tone))) / np.log(2) > 3.5
    tones = np.tile(tone, (50, 1))
    history = model.fit(tones, tones, batch_size=2, epochs=3, verbose=0).history["bits_per_sample"]
    assert history[-1] < 0.3


@pytest.mark.large
def test_saves_loads_and_clones_in_every_keras_way(waveform, tmp_path):
    model = tiny(mu=100)
    model.compile(keras.optimizers.Adam(0.005), jit_compile=False)
    model.fit(waveform, waveform, verbose=0)
    expected = numpy_of(model(waveform))

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_array_equal(loaded(waveform), expected)
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    # The optimizer's slots came along: training goes on as if it had not stopped.
    for m in (model, loaded):
        m.fit(waveform, waveform, verbose=0)
    assert_allclose(loaded(waveform), model(waveform), atol=1e-6)

    model.save_weights(tmp_path / "w.weights.h5")
    fresh = WaveNet.from_config(model.get_config())
    fresh.load_weights(tmp_path / "w.weights.h5")
    assert_array_equal(fresh(waveform), model(waveform))

    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert_array_equal(clone(waveform), model(waveform))
    assert clone.get_config() == model.get_config()


def test_mixed_precision_predicts_float32(waveform):
    model = tiny(dtype="mixed_bfloat16")
    randomise(model)
    full = tiny()
    full.set_weights(model.get_weights())
    params = model(waveform)
    assert model(keras.Input((None,))).dtype == "float32"
    assert keras.backend.standardize_dtype(params.dtype) == "float32"
    assert_allclose(params, full(waveform), atol=0.05 * np.abs(numpy_of(full(waveform))).max())
    y, _ = model.step(ops.zeros(2), model.get_initial_state(2))
    assert_allclose(y, params[:, 0], atol=0.05 * np.abs(numpy_of(params)).max())


@pytest.mark.parametrize("half", ["bfloat16", "float16"])
def test_mixed_precision_does_not_round_the_parameters(waveform, half):
    model = tiny(dtype=f"mixed_{half}")
    randomise(model)
    assert model.stack.compute_dtype == half
    fed = previous(waveform)
    skip = ops.cast(model.stack(model.causal_conv(model._encode(fed))), "float32")
    expected = reference.output_head(numpy_of(skip, "float64"), model.head)
    assert_allclose(model(waveform), expected, atol=1e-5 * np.abs(expected).max())
    y, _ = model.step(fed[:, 0], model.get_initial_state(2))
    assert_allclose(y, expected[:, 0], atol=0.05 * np.abs(expected).max())
    assert np.mean(numpy_of(y) != numpy_of(ops.cast(ops.cast(y, half), "float32"))) > 0.9


def test_two_streams_at_once_do_not_disturb_each_other(waveform):
    model = tiny()
    randomise(model)
    a, b = model.get_initial_state(1), model.get_initial_state(1)
    fed = previous(waveform)
    expected = numpy_of(model(waveform))
    for t in range(20):
        y, a = model.step(fed[:1, t], a)
        z, b = model.step(fed[1:, t], b)
        assert_allclose(y, expected[:1, t], atol=1e-5)
        assert_allclose(z, expected[1:, t], atol=1e-5)


@pytest.mark.skipif(TENSORFLOW, reason="the TensorFlow backend imports TensorFlow itself")
def test_layers_and_models_do_not_import_tensorflow(waveform):
    tiny()(waveform)
    assert "tensorflow" not in sys.modules
    with pytest.raises(RuntimeError, match="Expected the Keras backend to be tensorflow"):
        tiny().generate(1)


def test_numpys_numbers_are_numbers(tmp_path):
    model = WaveNet(tuple(np.array([1, 2])), residual_channels=np.int64(4), skip_channels=np.int32(4), mu=np.int64(15))
    model.save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").get_config() == model.get_config()


def test_knows_its_sample_rate():
    model = WaveNet((1,), residual_channels=4, skip_channels=4, sample_rate=8000)
    assert model.sample_rate == WaveNet.from_config(model.get_config()).sample_rate == 8000
    assert WaveNet((1,), residual_channels=4, skip_channels=4).sample_rate is None
    mels = Conditioning(mel_spec=MelSpec.from_preset("speech_16k"))
    assert WaveNet((1,), residual_channels=4, skip_channels=4, conditioning=mels).sample_rate == 16000
    with pytest.raises(ValueError, match="Expected sample_rate to be that of the mel_spec, 16000. Received"):
        WaveNet((1,), residual_channels=4, skip_channels=4, conditioning=mels, sample_rate=8000)
    with pytest.raises(ValueError, match="Expected sample_rate to be positive"):
        WaveNet((1,), residual_channels=4, skip_channels=4, sample_rate=0)
