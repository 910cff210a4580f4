"""From phonemes to log-mels: what is seen by what, training, speech, and what is refused."""

import keras
import numpy as np
import pytest
from keras import ops, tree

from tests.support.arrays import assert_allclose, numpy_of
from tests.support.streaming_contract import randomise
from tf_wavenet import MelSpec
from tf_wavenet.models import AcousticModel
from tf_wavenet.models.acoustic_model import frames_of

SPEC = MelSpec.from_preset("speech_16k", num_mels=6).standardized()


def make(**changes):
    sizes = {"channels": 8, "symbol_blocks": 2, "prosody_blocks": 1, "frame_blocks": 2, "kernel_size": 3}
    return AcousticModel("abc .", SPEC, **{**sizes, **changes})


def inputs_of(rng, durations, symbols=None):
    durations = np.array(durations)
    place, position = frames_of(durations)
    numbers = rng.integers(1, 6, len(durations)) if symbols is None else np.array(symbols)
    pitch = rng.normal(size=(len(durations), 1)).astype("float32")
    return {"symbols": numbers.astype("int32"), "pitch": pitch, "symbol_of_frame": place, "position": position}


def test_frames_of_symbols():
    place, position = frames_of(np.array([2, 0, 1, 4]))
    np.testing.assert_array_equal(place, [0, 0, 2, 3, 3, 3, 3])
    np.testing.assert_allclose(position[:, 0], [0.25, 0.75, 0.5, 0.125, 0.375, 0.625, 0.875])
    np.testing.assert_allclose(position[:, 1] * 10, [0.5, 1.5, 0.5, 0.5, 1.5, 2.5, 3.5], rtol=1e-6)
    np.testing.assert_allclose(position[:, 2] * 10, [1.5, 0.5, 0.5, 3.5, 2.5, 1.5, 0.5], rtol=1e-6)


def test_utterances_in_one_row_do_not_see_each_other(rng):
    model = make()
    randomise(model)
    first, second = inputs_of(rng, [3, 0, 5]), inputs_of(rng, [2, 4])
    alone = [tree.map_structure(numpy_of, model({k: v[None] for k, v in each.items()})) for each in (first, second)]
    gap = model.kernel_size // 2

    def join(name, none):
        between = np.full((gap, *first[name].shape[1:]), none, first[name].dtype)
        return np.concatenate([first[name], between, second[name], between])[None]

    row = {name: join(name, -1 if name == "symbol_of_frame" else 0) for name in first}
    after = row["symbol_of_frame"][0, 8 + gap :]
    after[after >= 0] += 3 + gap
    together = tree.map_structure(numpy_of, model(row))
    assert_allclose(together["mels"][0, :8], alone[0]["mels"][0], atol=1e-5)
    assert_allclose(together["mels"][0, 8 + gap : 14 + gap], alone[1]["mels"][0], atol=1e-5)
    assert not together["mels"][0, 8 : 8 + gap].any()
    for name in ("log_duration", "pitch"):
        assert_allclose(together[name][0, :3], alone[0][name][0], atol=1e-5)
        assert_allclose(together[name][0, 3 + gap : 5 + gap], alone[1][name][0], atol=1e-5)


@pytest.mark.large
def test_fit_learns_what_symbols_sound_like(rng):
    keras.utils.set_random_seed(0)
    model = make(dropout=0.0, symbol_blocks=1, frame_blocks=1)
    model.compile(keras.optimizers.Adam(0.02), jit_compile=False)
    given = inputs_of(rng, [3, 2, 4, 2], symbols=[1, 2, 3, 5])
    x = {name: value[None] for name, value in given.items()}
    x["pitch"] = np.array([[[1.0], [-1.0], [0.0], [0.0]]], "float32")
    sounds = rng.normal(size=(5, 6)).astype("float32")
    y = {
        "mels": sounds[given["symbol_of_frame"]][None],
        "log_duration": np.log1p([[[3.0], [2.0], [4.0], [2.0]]]),
        "pitch": x["pitch"],
    }
    weights = {"mels": np.ones((1, 11)), "log_duration": np.ones((1, 4)), "pitch": np.ones((1, 4))}
    often = [{name: np.repeat(value, 100, axis=0) for name, value in each.items()} for each in (x, y, weights)]
    model.fit(*often[:2], sample_weight=often[2], batch_size=1, verbose=0)
    figures = model.evaluate(x, y, sample_weight=weights, return_dict=True, verbose=0)
    assert figures["mels_loss"] < 0.3 and figures["log_duration_loss"] < 0.01 and figures["pitch_loss"] < 0.01
    mels = model.generate("abc.")
    assert mels.shape == (11, 6) and mels.dtype == np.float32
    np.testing.assert_allclose(mels, numpy_of(model(x)["mels"])[0], atol=0.05)
    assert len(model.generate("abc.", speed=0.5)) == 22
    assert not np.array_equal(model.generate("abc.", pitch=1.0), mels)


@pytest.mark.large
def test_what_is_not_weighted_is_not_learned(rng):
    model = make()
    model.compile("sgd")
    x = {name: value[None] for name, value in inputs_of(rng, [3, 2]).items()}
    y = {"mels": np.ones((1, 5, 6)), "log_duration": np.ones((1, 2, 1)), "pitch": np.ones((1, 2, 1))}
    weights = {
        "mels": np.array([[1.0, 0, 0, 0, 0]]),
        "log_duration": np.array([[1.0, 0]]),
        "pitch": np.array([[1.0, 0]]),
    }
    spoilt = {name: value.copy() for name, value in y.items()}
    for value in spoilt.values():
        value[:, -1] = 1e3
    assert model.evaluate(x, y, sample_weight=weights, verbose=0) == pytest.approx(
        model.evaluate(x, spoilt, sample_weight=weights, verbose=0)
    )


def test_silence_is_the_quietest(rng):
    model = make()
    model.head.bias.assign(np.full(6, -100.0))
    SPEC.check_features(model.generate("ab."))
    assert len(model.generate("a")) >= 1


def test_saved_and_loaded_it_says_the_same(tmp_path):
    model = make()
    randomise(model)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.symbols == model.symbols and again.mel_spec == SPEC
    np.testing.assert_array_equal(again.generate("abba cab."), model.generate("abba cab."))


@pytest.mark.large
@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras draws dropout from PyTorch's own generator")
def test_what_is_dropped_after_loading_is_what_would_have_been_dropped(rng, tmp_path):
    model, again = make(dropout=0.5), make(dropout=0.5)
    randomise(model)
    x = {name: value[None] for name, value in inputs_of(rng, [3, 2]).items()}
    model(x, training=True)
    model.save_weights(tmp_path / "model.weights.h5")
    expected = numpy_of(model(x, training=True)["mels"])
    again.load_weights(tmp_path / "model.weights.h5")
    assert_allclose(again(x, training=True)["mels"], expected, atol=1e-6)


def test_half_precision_gives_float32(rng):
    model = make(dtype="mixed_bfloat16")
    outputs = model({name: value[None] for name, value in inputs_of(rng, [3, 2]).items()})
    assert {str(ops.dtype(value)) for value in outputs.values()} == {"float32"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 0}, "Expected channels to be a positive int. Received: channels=0"),
        ({"frame_blocks": 1.5}, "Expected frame_blocks to be a positive int. Received: frame_blocks=1.5"),
        ({"kernel_size": 4}, "kernel_size"),
        ({"dropout": 1.0}, "Expected dropout to be at least 0 and below 1. Received: dropout=1.0"),
    ],
)
def test_bad_sizes_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_bad_symbols_and_specs_are_refused():
    with pytest.raises(ValueError, match="Expected symbols to be distinct strings. Received: symbols='aa'"):
        AcousticModel("aa", SPEC)
    with pytest.raises(ValueError, match="Expected mel_spec to be a MelSpec. Received: mel_spec=None"):
        AcousticModel("ab", None)
    model = make()
    with pytest.raises(ValueError, match="Expected symbols out of 'a' 'b' 'c' ' ' '.'. Received: 'x' 'y'"):
        model.generate("axy")
    with pytest.raises(ValueError, match="Received: none"):
        model.generate("")
    with pytest.raises(ValueError, match="Expected speed to be above 0. Received: speed=0"):
        model.generate("a", speed=0)
