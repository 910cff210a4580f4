import keras
import numpy as np
import pytest
from keras import ops

from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tests.support.slow import some
from tests.support.streaming_contract import randomise, verify_streaming_contract
from tf_wavenet import NamWaveNet, Streamable

TENSORFLOW = keras.backend.backend() == "tensorflow"
FILMS = ("conv_pre_film", "conv_post_film", "input_mixin_pre_film", "input_mixin_post_film", "activation_pre_film")
EVERYTHING = {
    "channels": 4,
    "dilations": (1, 3),
    "kernel_sizes": (3, 2),
    "activation": ["SiLU", {"type": "PReLU", "negative_slopes": [0.1, 0.2]}],
    "gating_mode": ["gated", "blended"],
    "secondary_activation": ["Sigmoid", {"type": "LeakyHardtanh", "min_val": 0.0}],
    "bottleneck": 2,
    "head_channels": 2,
    "head_kernel_size": 3,
    "head_dilation": 2,
    "layer1x1_groups": 2,
    "head1x1_channels": 4,
    "head1x1_groups": 2,
    "groups_input": 2,
    "groups_input_mixin": 1,
    "films": {site: {"shift": True} for site in FILMS} | {"layer1x1_post_film": {"shift": False}},
}
CASES = {
    "no memory": [{"channels": 2, "dilations": (1, 2), "kernel_sizes": 1}],
    "classic": [{"channels": 4, "dilations": (1, 2), "head_channels": 2}, {"channels": 2, "dilations": (3,)}],
    "kernel 1": [{"channels": 2, "dilations": (1, 2), "kernel_sizes": (1, 2)}],
    "everything": [EVERYTHING],
}


def two_stages(films=None):
    first = NamWaveNet([{"channels": 2, "dilations": (1,), "head_channels": 3}], head_scale=1.0)
    return NamWaveNet([{"channels": 2, "dilations": (2, 1), "films": films}], head_scale=1.0, condition_dsp=first)


def case(name):
    if name == "two stages":
        return two_stages()
    if name == "two stages, modulated first":
        return two_stages({"conv_pre_film": {}})
    head = {"channels": 3, "out_channels": 1, "kernel_sizes": (2, 3), "activation": "ReLU"}
    return NamWaveNet(CASES[name], head if name == "everything" else None, head_scale=1.0)


cases = pytest.mark.parametrize("name", some([*CASES, "two stages", "two stages, modulated first"], "everything"))


@cases
def test_streams(rng, name):
    model = case(name)
    assert isinstance(model, Streamable)
    verify_streaming_contract(model, rng.uniform(-1, 1, (2, 2 * model.receptive_field + 5)).astype("float32"))


@cases
def test_starts_as_after_endless_silence(rng, name):
    model = case(name)
    model.build()
    randomise(model)
    waveform = rng.uniform(-1, 1, (2, 20)).astype("float32")
    silence = np.zeros((2, model.receptive_field + 10), "float32")
    after = numpy_of(model(np.concatenate([silence, waveform], axis=1)))
    assert_allclose(after[:, : silence.shape[1]], np.full_like(silence, after[0, 0]), atol=1e-5)
    assert_allclose(model(waveform), after[:, silence.shape[1] :], atol=1e-5)
    if not model.state_size:
        return
    # Zeros in every convolution would be another start.
    zeros = {"past": ops.zeros((2, model.state_size))}
    assert np.abs(numpy_of(model.prime(waveform, zeros)[0]) - numpy_of(model(waveform))).max() > 1e-3


# Weights without the scale, which is no weight here, and receptive fields, as NAM's trainer has them.
@pytest.mark.parametrize(
    ("name", "weights", "field"),
    [
        ("standard", 13801, 4093),
        ("lite", 6553, 4093),
        ("feather", 3025, 4093),
        ("nano", 841, 4093),
        ("a2", 12145, 6347),
        ("a2_lite", 1870, 6347),
    ],
)
def test_presets_have_the_published_sizes(name, weights, field):
    model = NamWaveNet.from_preset(name)
    model.build()
    assert (model.count_params(), model.receptive_field) == (weights, field)


@pytest.mark.large
@pytest.mark.skipif(not TENSORFLOW, reason="block_processor needs the TensorFlow backend")
def test_blocks_are_the_whole(rng):
    model = NamWaveNet.from_preset("nano", head_scale=1.0)
    model.build()
    randomise(model)
    waveform = rng.uniform(-1, 1, (2, 1000)).astype("float32")
    whole = numpy_of(model(waveform))
    process, state, outputs = model.block_processor(), model.get_initial_state(2), []
    for first in range(0, waveform.shape[1], 64):  # the last block is shorter
        output, state = process(waveform[:, first : first + 64], state)
        outputs.append(output)
    assert_allclose(np.concatenate(outputs, axis=1), whole, atol=1e-5 * np.abs(whole).max())
    # It keeps the weights that it was made with.
    state = model.get_initial_state(2)
    model.weights[0].assign(np.zeros(model.weights[0].shape))
    assert_array_equal(process(waveform[:, :64], state)[0], outputs[0])


@pytest.mark.skipif(TENSORFLOW, reason="shows the error of the other backends")
def test_needs_tensorflow_for_its_block_processor():
    with pytest.raises(RuntimeError, match="Expected the Keras backend to be tensorflow"):
        NamWaveNet.from_preset("nano").block_processor()


@cases
def test_config_and_file_bring_the_model_back(rng, tmp_path, name):
    model = case(name)
    waveform = rng.uniform(-1, 1, (2, 20)).astype("float32")
    model(waveform)
    randomise(model)
    again = NamWaveNet.from_config(model.get_config())
    again(waveform)
    again.set_weights(model.get_weights())
    assert_array_equal(again(waveform), model(waveform))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_array_equal(loaded(waveform), model(waveform))


def test_keeps_rate_and_metadata(tmp_path):
    model = NamWaveNet(CASES["kernel 1"], sample_rate=44100, metadata={"name": "amp", "training": {"esr": 0.01}})
    model.build()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert (loaded.sample_rate, loaded.metadata) == (44100, {"name": "amp", "training": {"esr": 0.01}})


def test_modulation_starts_as_the_identity(rng):
    waveform = rng.uniform(-1, 1, (1, 9)).astype("float32")
    array = {"channels": 2, "dilations": (1, 2)}
    plain, modulated = NamWaveNet([array]), NamWaveNet([array | {"films": {"activation_pre_film": {}}}])
    for model in (plain, modulated):
        model.build()
    for layer in modulated.layer_arrays[0].layers:
        layer.films["activation_pre_film"].kernel.assign(np.zeros((1, 1, 4)))
    weights = iter(plain.get_weights())
    for variable in modulated.weights:
        if "film" not in variable.path:
            variable.assign(next(weights))
    assert_allclose(modulated(waveform), plain(waveform), atol=1e-7)


@pytest.mark.large
@cases
def test_every_trainable_weight_is_trained(rng, name):
    model = case(name)
    x = rng.uniform(-1, 1, (2, 20)).astype("float32")
    model(x)
    randomise(model)
    model.compile("sgd", "mse", jit_compile=False)
    before = model.get_weights()
    model.fit(x, x, verbose=0)  # Keras would warn of weights without a gradient
    moved = [(a != b).any() for a, b in zip(model.get_weights(), before, strict=True)]
    assert moved == [v.trainable for v in model.weights]
    # A projection whose output goes nowhere, and its modulation; in each of two stages.
    assert sum(not v.trainable for v in model.weights) == (2 if name in ("classic", "kernel 1", "no memory") else 4)


@pytest.mark.large
def test_fits_an_effect(rng):
    x = rng.uniform(-1, 1, (8, 200)).astype("float32")
    y = np.tanh(2 * x) - 0.3 * np.pad(x, ((0, 0), (1, 0)))[:, :-1]
    model = NamWaveNet([{"channels": 8, "dilations": (1, 2)}], head_scale=0.5)
    model.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=False)
    losses = model.fit(x, y, batch_size=4, epochs=60, verbose=0).history["loss"]
    assert losses[-1] < 0.03 * np.mean(y**2)


def test_mixed_precision_ends_in_float32(rng):
    model = NamWaveNet([EVERYTHING | {"head_channels": 1}], dtype="mixed_bfloat16")
    y = model(rng.uniform(-1, 1, (2, 9)).astype("float32"))
    assert keras.backend.standardize_dtype(y.dtype) == "float32" and np.isfinite(numpy_of(y)).all()
    assert all(w.dtype == "float32" for w in model.weights)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"channels": 0}, "Received: channels=0"),
        ({"dilations": ()}, "Received: dilations="),
        ({"kernel_sizes": (1, 2, 3)}, "Expected 2 kernel_sizes, as many as dilations"),
        ({"kernel_sizes": (3, 0)}, "Received: kernel_size=0"),
        ({"bottleneck": 1.5}, "Received: bottleneck=1.5"),
        ({"head_channels": -1}, "Received: head_channels=-1"),
        ({"head_kernel_size": 0}, "Received: kernel_size=0"),
        ({"groups_input": 3}, "Expected groups to divide"),
        ({"gating_mode": "both"}, "Received: gating_mode='both'"),
        ({"activation": "Gelu"}, "Received: activation='Gelu'"),
        ({"activation": {"type": "Tanh", "slope": 1}}, "Expected Tanh to have the parameters"),
        ({"activation": {"type": "PReLU", "negative_slopes": [0.1]}}, "Expected 4 negative_slopes"),
        ({"activation": {"type": "LeakyReLU", "negative_slope": float("nan")}}, "Expected negative_slope to be finite"),
        ({"films": {"somewhere": {}}}, "Expected films at"),
        ({"films": {"head1x1_post_film": {}}}, "Expected no head1x1_post_film without a head1x1"),
    ],
)
def test_refuses_arrays(changed, message):
    with pytest.raises(ValueError, match=message):
        NamWaveNet([{"channels": 4, "dilations": (1, 2)} | changed])


def test_refuses_what_does_not_fit():
    array = {"channels": 4, "dilations": (1,), "head_channels": 3}
    with pytest.raises(ValueError, match="Expected head_channels of array 0 .* Received: 3, 2, 2"):
        NamWaveNet([array, {"channels": 2, "dilations": (1,)}])
    with pytest.raises(ValueError, match="Expected at least 1 array"):
        NamWaveNet([])
    with pytest.raises(ValueError, match="Expected kernel_sizes, at least 1"):
        NamWaveNet([array], {"channels": 1, "out_channels": 1, "kernel_sizes": ()})
    with pytest.raises(ValueError, match="Received: condition_dsp='wah'"):
        NamWaveNet([array], condition_dsp="wah")
    with pytest.raises(ValueError, match="Expected condition_dsp to have sample_rate=48000.0. Received: None"):
        NamWaveNet([array], condition_dsp=NamWaveNet([array]), sample_rate=48000)
    with pytest.raises(ValueError, match="Received: head_scale='x'"):
        NamWaveNet([array], head_scale="x")
    with pytest.raises(ValueError, match="Expected a preset of .*'nano'.* Received: preset='tiny'"):
        NamWaveNet.from_preset("tiny")
    with pytest.raises(ValueError, match="Expected amp to be built before it streams"):
        NamWaveNet([array], name="amp").get_initial_state(1)
