from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from tests.models.nam.test_nam_wavenet import CASES, case
from tests.support.arrays import assert_allclose, numpy_of
from tests.support.slow import some
from tests.support.streaming_contract import randomise
from tf_wavenet import NamWaveNet
from tf_wavenet.models.nam.activations import _FUNCTIONS

pytest.importorskip("numba")

ALL_FILMS = (
    "conv_pre_film conv_post_film input_mixin_pre_film input_mixin_post_film activation_pre_film activation_post_film "
    "layer1x1_post_film head1x1_post_film"
).split()


def made(name):
    if name in ("standard", "a2"):
        model = NamWaveNet.from_preset(name, head_scale=1.0)
    elif name == "all films":
        films = {site: {"shift": i % 2 == 0} for i, site in enumerate(ALL_FILMS)}
        array = {"channels": 5, "dilations": (1, 4), "head1x1_channels": 5, "films": films, "gating_mode": "gated"}
        model = NamWaveNet([array], head_scale=1.0)
    elif name == "no residual, three outputs, 24 channels":
        array = {"channels": 24, "dilations": (2, 1, 300), "layer1x1_groups": None, "head_channels": 3}
        model = NamWaveNet([array], head_scale=0.7)
    else:
        model = case(name)
    model.build()
    randomise(model)
    return model


def in_blocks(process, waveform, state, sizes):
    outputs, first = [], 0
    for size in sizes:
        output, state = process(waveform[:, first : first + size], state)
        outputs.append(output)
        first += size
    assert first == waveform.shape[1]
    return np.concatenate(outputs, axis=1), state


OTHERS = ("two stages", "two stages, modulated first", "all films", "no residual, three outputs, 24 channels")


@pytest.mark.parametrize("name", some([*CASES, *OTHERS, "standard", "a2"], *CASES, *OTHERS))
def test_blocks_are_the_whole(rng, name):
    model = made(name)
    waveform = rng.uniform(-1, 1, (2, 2048)).astype("float32")
    whole = numpy_of(model(waveform))
    process = model.block_processor("native")
    # Shorter and longer than what is processed together, and than the past that is looked back at.
    got, state = in_blocks(process, waveform, model.get_initial_state(2), [1, 3, 64, 17, 256, 700, 1, 1000, 6])
    assert_allclose(got, whole, atol=2e-5 * np.abs(whole).max())
    _, wanted = model.prime(waveform, model.get_initial_state(2))
    wanted = numpy_of(model.pack_state(wanted))
    assert_allclose(process.pack_state(state), wanted, atol=2e-5 * max(1.0, np.abs(wanted).max(initial=0.0)))


@pytest.mark.parametrize("name", sorted(_FUNCTIONS))
def test_activations(rng, name):
    model = NamWaveNet([{"channels": 3, "dilations": (1, 2), "activation": name}], head_scale=1.0)
    model.build()
    randomise(model)
    waveform = rng.uniform(-1, 1, (1, 100)).astype("float32")
    got, _ = in_blocks(model.block_processor("native"), waveform, model.get_initial_state(1), [60, 40])
    assert_allclose(got, model(waveform), atol=1e-5)


def test_goes_on_where_the_model_was_and_back(rng):
    model = made("everything")
    waveform = rng.uniform(-1, 1, (2, 96)).astype("float32")
    whole = numpy_of(model(waveform))
    process = model.block_processor("native")
    _, state = model.prime(waveform[:, :32], model.get_initial_state(2))
    middle, state = process(waveform[:, 32:64], state)
    end, _ = model.prime(waveform[:, 64:], model.unpack_state(process.pack_state(state)))
    assert_allclose(np.concatenate([middle, end], axis=1), whole[:, 32:], atol=1e-5)


def test_fills_an_output_and_keeps_its_weights(rng):
    model = made("classic")
    waveform = rng.uniform(-1, 1, (1, 64)).astype("float32")
    whole, start = numpy_of(model(waveform)), model.get_initial_state(1)
    process, room = model.block_processor("native"), np.full((1, 64), np.nan, "float32")
    for variable in model.weights:
        variable.assign(keras.ops.zeros(variable.shape))
    output, _ = process(waveform, start, output=room)
    assert output is room
    assert_allclose(room, whole, atol=1e-5)


@pytest.mark.large
def test_threads_share_a_processor(rng):
    model = made("standard")
    process = model.block_processor("native")
    waveforms = rng.uniform(-1, 1, (4, 1, 4000)).astype("float32")

    def run(waveform):
        return in_blocks(process, waveform, model.get_initial_state(1), [100] * 40)[0]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(run, waveforms))
    for waveform, output in zip(waveforms, together, strict=True):
        np.testing.assert_array_equal(output, run(waveform))


def test_none_is_native_and_xla_gives_tensors(rng):
    model = made("classic")
    waveform = rng.uniform(-1, 1, (1, 16)).astype("float32")
    assert isinstance(model.block_processor()(waveform, model.get_initial_state(1))[0], np.ndarray)
    output, _ = model.block_processor("xla")(waveform, model.get_initial_state(1))
    assert not isinstance(output, np.ndarray)
    assert_allclose(output, model(waveform), atol=1e-5)


def test_mistakes_are_told_in_one_line():
    model = made("classic")
    process, state = model.block_processor("native"), model.get_initial_state(2)
    with pytest.raises(ValueError, match=r"^Expected waveform of shape \[batch, time\].*Received: shape \(5,\)$"):
        process(np.zeros(5, "float32"), state)
    with pytest.raises(ValueError, match=r"at least 1 sample. Received: shape \(2, 0\)$"):
        process(np.zeros((2, 0), "float32"), state)
    _, moved = process(np.zeros((2, 5), "float32"), state)
    with pytest.raises(ValueError, match=r"^Expected waveform of 2 rows, as the state. Received: shape \(1, 5\)$"):
        process(np.zeros((1, 5), "float32"), moved)
    with pytest.raises(ValueError, match=r"^Expected output to be float32 \(2, 5\). Received: float32 \(2, 4\)$"):
        process(np.zeros((2, 5), "float32"), state, output=np.zeros((2, 4), "float32"))
    with pytest.raises(ValueError, match=r"^Expected rows of shape .*Received: shape \(2, 3\)$"):
        process(np.zeros((2, 5), "float32"), {"past": np.zeros((2, 3), "float32")})
    with pytest.raises(ValueError, match="^Expected engine to be None, 'native' or 'xla'. Received: engine='fast'$"):
        model.block_processor("fast")
    with pytest.raises(ValueError, match="to be built before it streams"):
        NamWaveNet.from_preset("nano").block_processor("native")
