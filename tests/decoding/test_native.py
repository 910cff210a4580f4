"""The native decoder makes what XLA makes, up to rounding: every option of a WaveNet, alone and together."""

import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("numba", reason="numba is not installed: pip install -e '.[fast]'")

from tests.support.arrays import numpy_of  # noqa: E402
from tests.support.flat import wavenet  # noqa: E402
from tests.support.slow import some  # noqa: E402
from tests.support.streaming_contract import randomise  # noqa: E402
from tf_wavenet import MelSpec, NamWaveNet, load  # noqa: E402
from tf_wavenet.data import load_audio  # noqa: E402
from tf_wavenet.decoding import native  # noqa: E402
from tf_wavenet.decoding.decoder import decoder_of  # noqa: E402
from tf_wavenet.decoding.native import native_decoder  # noqa: E402
from tf_wavenet.decoding.native.native_decoder import NativeDecoder  # noqa: E402
from tf_wavenet.decoding.native.products import forget_stale  # noqa: E402
from tf_wavenet.decoding.native.sampling import normal_quantile  # noqa: E402
from tf_wavenet.decoding.sampler import SamplingSettings  # noqa: E402
from tf_wavenet.distributions import Gaussian, MixtureOfGaussians, MixtureOfLogistics, MuLawCategorical  # noqa: E402
from tf_wavenet.signal import log_mel  # noqa: E402

HOP, FRAMES = 16, 12
SPEC = MelSpec.from_preset("speech_16k", hop_length=HOP, win_length=64, fft_length=128, num_mels=6, preemphasis=0.85)
NETWORK = {"channels": 4, "num_blocks": 1, "kernel_size": 3}
MODELS = {
    "alone": {},
    "kernel of 3, odd widths": {"kernel_size": 3, "residual_channels": 21, "skip_channels": 70, "gate_channels": 34},
    "kernel of 1": {"kernel_size": 1},
    "first kernel of 4": {"causal_kernel_size": 4},
    "no biases, scales": {"use_bias": False, "residual_scale": 0.7, "skip_scale": 0.4, "head_channels": 9},
    "16 levels": {"mu": 15, "distribution": MuLawCategorical(15)},
    "companded": {"input_encoding": "companded"},
    "logistics": {"distribution": MixtureOfLogistics(3)},
    "gaussians": {"distribution": MixtureOfGaussians(3)},
    "gaussian": {"distribution": Gaussian()},
    "speakers": {"speakers": 3},
    "vector": {"global_channels": 3},
    "features": {"local_channels": 6, "local_hop": HOP, "local_context": 1},
    "frame network": {"local_channels": 6, "local_hop": HOP, "frame_network": NETWORK, "speakers": 3},
    "mels": {"mel_spec": SPEC},
    "prediction": {"mel_spec": SPEC, "linear_prediction": {"order": 3, "voiced_temperature": 0.5}},
    "context": {"context_dilations": (1, 2, 5), "context_hop": 8},
    "context of features": {
        **{"local_channels": 6, "local_hop": HOP, "context_dilations": (2, 1), "context_hop": 8},
        **{"kernel_size": 3, "input_encoding": "scalar", "distribution": MixtureOfLogistics(3)},
    },
    "order 0": {"mel_spec": SPEC, "linear_prediction": 0, "frame_network": NETWORK},
    "prediction of logistics": {
        **{"mel_spec": SPEC, "linear_prediction": 4, "frame_network": NETWORK},
        **{"distribution": MixtureOfLogistics(2), "kernel_size": 3},
    },
}

QUICK = ("kernel of 3, odd widths", "speakers", "context", "prediction of logistics")


@pytest.fixture(autouse=True)
def _float32(monkeypatch):
    """Arithmetic is compared in float32; what float16 changes has a test of its own."""
    monkeypatch.setattr(native_decoder.NativeDecoder.__init__, "__defaults__", ("float32", None, False))


def make(name, rows=2):
    options = {"residual_channels": 8, "skip_channels": 12, **MODELS[name]}
    model, rng, given = wavenet((1, 2, 5), **options), np.random.default_rng(1), {}
    randomise(model, scale=0.4)
    if model.local_channels:
        given["local_condition"] = rng.normal(-6, 1, (rows, FRAMES, 6)).astype("float32")
    if model.speakers:
        given["global_condition"] = np.arange(rows) % 3
    elif model.global_channels:
        given["global_condition"] = rng.normal(size=(rows, model.global_channels)).astype("float32")
    return model, given or {"batch_size": rows}


def told(model, conditions, rows):
    """The encoded condition, and each sample's projected one as `step` takes it."""
    given = {name: value for name, value in conditions.items() if name != "batch_size"}
    if not given:
        return None, lambda t: None
    encoded = model.conditioning.encode(**given)
    held = np.asarray(model.conditioning.held(model.conditioning.project(encoded)))
    return encoded, lambda t: held[:, min(t, held.shape[1] - 1)]


@pytest.mark.parametrize("name", some(MODELS, *QUICK))
def test_parameters_are_those_of_step(name):
    """Of every sample, both fed what the native decoder drew."""
    model, conditions = make(name)
    encoded, condition_at = told(model, conditions, 2)
    decoder, engine = decoder_of(model), NativeDecoder(model)
    start = decoder.initial_state(2)
    states, state, previous = engine.start(start), start["model"], np.zeros(2, "float32")
    size = model.distribution.parameter_size - (2 if model.predictor is not None else 0)
    for t in range(40):
        expected, state = model.step(previous, state, condition_at(t))
        condition = encoded
        if encoded is not None and encoded.shape[1] > 1:
            condition = encoded[:, t // model.conditioning.hold :]
        engine.decode(states, 1, 3, SamplingSettings(), condition)
        actual = np.stack([row.parameters[:size] for row in states])
        expected = np.asarray(expected)[:, :size]
        np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
        previous = np.concatenate([row.previous for row in states])


@pytest.mark.parametrize("name", some([name for name in MODELS if "gaussian" not in name], QUICK[-1]))
def test_samples_are_those_of_xla(name):
    """Of densities the smallest difference goes on; where there are levels, most are equal."""
    model, conditions = make(name)
    length = min(150, FRAMES * HOP - 20)
    prompt = np.random.default_rng(2).uniform(-0.1, 0.1, 20).astype("float32")
    settings = {"seed": 5, "prompt": prompt, "temperature": 0.9, **conditions}
    if model.distribution.has_levels:
        settings |= {"top_k": 12, "top_p": 0.95}
    ours, theirs = (model.generate(length, engine=engine, **settings) for engine in ("native", "xla"))
    np.testing.assert_allclose(ours, theirs, atol=2e-4)
    assert theirs.std() > 1e-3


@pytest.mark.parametrize(
    "name", ["kernel of 3, odd widths", "features", "context", "frame network", "prediction of logistics"]
)
def test_rows_and_chunks_change_nothing(name, monkeypatch):
    """Of 13 rows, eight and four are side by side; each is what it is alone with its number."""
    model, conditions = make(name, rows=13)
    whole = model.generate(100, seed=5, engine="native", **conditions)
    chunks = list(model.stream(100, 37, seed=5, engine="native", **conditions))
    np.testing.assert_array_equal(np.concatenate(chunks, axis=1), whole)
    monkeypatch.setattr(native_decoder.products, "GROUPS", ())
    alone = model.generate(100, seed=5, engine="native", **conditions)
    np.testing.assert_allclose(alone, whole, atol=2e-4)
    assert len({row.tobytes() for row in whole}) == 13


def test_places_of_a_context_stack_are_checked():
    model, _ = make("context")
    engine = NativeDecoder(model)
    states = engine.start(decoder_of(model).initial_state(2))
    engine.check(states)
    states[1].heard.positions[2] = 5
    with pytest.raises(ValueError, match="Expected a state that a decoder has made. Received: positions of 5"):
        engine.check(states)


def test_mode_has_no_luck():
    model, conditions = make("alone")
    one, other = (model.generate(50, seed=s, temperature=0.0, engine="native", **conditions) for s in (1, 2))
    np.testing.assert_array_equal(one, other)


def test_float16_weights_are_the_rounded_ones(monkeypatch):
    model, _ = make("kernel of 3, odd widths")
    monkeypatch.setattr(native_decoder.NativeDecoder.__init__, "__defaults__", ("float16", None, False))
    rounded = type(model).from_config(model.get_config())
    matrices = [weight.ndim > 1 and "causal_conv" not in weight.path for weight in model.weights]
    pairs = zip(model.get_weights(), matrices, strict=True)
    rounded.set_weights([w.astype("float16").astype("float32") if matrix else w for w, matrix in pairs])
    made = model.generate(200, seed=2, engine="native")
    np.testing.assert_array_equal(made, rounded.generate(200, seed=2, engine="native"))
    assert NativeDecoder(model)._network.weights.dtype == np.uint16
    model.set_weights([1e5 * w for w in model.get_weights()])
    assert NativeDecoder(model)._network.weights.dtype == np.float32


def test_weights_are_float32_where_they_fit_in_the_cache(monkeypatch):
    model, _ = make("alone")
    size = 4 * NativeDecoder(model)._network.weights.size
    for cache, dtype in ((2 * size, np.float32), (2 * size - 1, np.uint16), (0, np.uint16)):
        monkeypatch.setattr(native_decoder, "_cache_bytes", lambda cache=cache: cache)
        assert NativeDecoder(model, None)._network.weights.dtype == dtype


def test_weights_of_now_are_used():
    model, _ = make("alone")
    before = model.generate(100, engine="native")
    randomise(model, seed=7, scale=0.4)
    assert not np.array_equal(model.generate(100, engine="native"), before)


def test_a_model_of_nan_is_an_error():
    for name in ("alone", "gaussian", "logistics", "prediction"):
        model, conditions = make(name)
        model.head.out.bias.assign(np.nan * np.zeros(model.head.out.bias.shape))
        with pytest.raises(FloatingPointError, match="Expected the model to predict finite parameters"):
            model.generate(5, engine="native", **conditions)


def test_engines():
    model, _ = make("alone")
    assert native.is_native(model) and native.is_native(model, "native") and not native.is_native(model, "xla")
    with pytest.raises(ValueError, match="Expected engine to be None, 'native' or 'xla'. Received: engine='gpu'"):
        model.generate(5, engine="gpu")
    with pytest.raises(ValueError, match="Expected engine=None or 'xla': NamWaveNet is no WaveNet"):
        native.is_native(NamWaveNet([{"channels": 2, "dilations": (1,)}]), "native")


def test_without_numba_there_is_xla(monkeypatch):
    monkeypatch.setattr(native.importlib.util, "find_spec", lambda name: None)
    model, _ = make("alone")
    assert not native.is_native(model)
    with pytest.raises(ValueError, match=r"numba is not installed \(pip install tf-wavenet\[fast\]\)"):
        model.generate(5, engine="native")


def test_quantiles_of_the_normal_distribution():
    scipy = pytest.importorskip("scipy.special")
    probabilities = np.concatenate([[2.0**-24, 1 - 2.0**-24], np.linspace(0.001, 0.999, 99)])
    quantiles = [normal_quantile(p) for p in probabilities]
    np.testing.assert_allclose(quantiles, scipy.ndtri(probabilities), rtol=1e-6, atol=1e-9)


@pytest.mark.large
@pytest.mark.parametrize("name", ["lpc_vocoder_16k"])
def test_a_trained_model_draws_the_same(name):
    """Of 10,000 samples with the same past, as many as a handful may differ."""
    model = load(name)
    prompt = load_audio(Path(__file__).parents[2] / "saved_models" / "prompt.flac", 16000)[16000:26000]
    mels = numpy_of(log_mel(prompt[np.newaxis], model.mel_spec))[:, :50]
    audio = model.generate(local_condition=mels, seed=4, engine="xla")
    engine, decoder = NativeDecoder(model, "float16"), decoder_of(model)
    encoded = model.conditioning.encode(mels)
    states, different, spoken, before = engine.start(decoder.initial_state(1)), 0, 0.0, 0.0
    for t in range(audio.shape[1]):
        made = engine.decode(states, 1, 4, SamplingSettings(), encoded[:, t // model.conditioning.hold :][:, :1])
        different += abs(made[0, 0] - audio[0, t]) > 1e-3
        spoken, before = audio[0, t] - model.mel_spec.preemphasis * before, audio[0, t]
        states[0].previous[:], states[0].output[:] = spoken, before
    assert audio.shape == (1, 10000) and audio.std() > 0.02 and different <= 5


@pytest.mark.large
def test_positions_go_round_as_by_xla():
    model, conditions = make("frame network")
    decoder, encoded = decoder_of(model), model.conditioning.encode(**conditions)
    turn = decoder.positions.cycle
    start = decoder.initial_state(2) | {"index": tf.constant([turn - 3, 4 * HOP - 3])}
    audio, state = decoder.decode(
        start, tf.constant(30), tf.constant([5, 0], tf.uint32), tf.constant(1.0), condition=encoded
    )
    engine = NativeDecoder(model)
    states = engine.start(start)
    np.testing.assert_allclose(
        engine.decode(states, 30, 5, SamplingSettings(), encoded), audio[:30].numpy().T, atol=2e-4
    )
    for row, (index, name) in enumerate(zip(state["index"].numpy(), state["row"].numpy(), strict=True)):
        assert (states[row].index[0], states[row].row[0]) == (index, name)


def test_what_was_compiled_before_a_change_is_forgotten(tmp_path):
    compiled = tmp_path / "__pycache__"
    compiled.mkdir()
    for name, changed in (("kernel.py", 100), ("products.py", 300)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (changed, changed))
    for name, made in (("kernel.old.nbi", 200), ("kernel.new.nbi", 400), ("kernel.pyc", 200)):
        (compiled / name).touch()
        os.utime(compiled / name, (made, made))
    forget_stale(tmp_path)
    assert sorted(path.name for path in compiled.iterdir()) == ["kernel.new.nbi", "kernel.pyc"]
