import keras
import numpy as np
import pytest

from tests.support.flat import wavenet
from tests.support.slow import some
from tests.support.streaming_contract import randomise
from tf_wavenet import ISTFTVocoder, MelSpec
from training.runs.half_precision import save_half

SPEC = MelSpec.from_preset("speech_16k", num_mels=6, hop_length=8, win_length=32, fft_length=64)


def vocoder(**options):
    return ISTFTVocoder(16, 2, kernel_size=3, mel_spec=SPEC, **options)


@pytest.mark.large
@pytest.mark.parametrize("policy", some(["float32", "mixed_bfloat16", "mixed_float16"], "float32"))
@pytest.mark.parametrize("trained_in", ["float32", "mixed_bfloat16"])
def test_a_file_of_half_the_size_loads_in_any_policy(policy, trained_in, tmp_path, rng):
    model = vocoder(dtype=trained_in)
    randomise(model, scale=0.3)
    model.save(tmp_path / "whole.keras")
    save_half(model, tmp_path / "half.keras")
    sizes = [(tmp_path / f"{name}.keras").stat().st_size for name in ("half", "whole")]
    assert sizes[0] < 0.7 * sizes[1]
    keras.config.set_dtype_policy(policy)
    try:
        loaded = keras.models.load_model(tmp_path / "half.keras")
    finally:
        keras.config.set_dtype_policy("float32")
    assert loaded.dtype_policy.name == "float32" and {weight.dtype for weight in loaded.weights} == {"float32"}
    for ours, theirs in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(ours, np.asarray(theirs).astype("float16"))
    again = type(loaded).from_config(loaded.get_config() | {"dtype": policy})
    again.set_weights(loaded.get_weights())
    features = rng.normal(-3, 1, (1, 5, 6)).astype("float32")
    expected = np.asarray(vocoder_of(model)(features))
    np.testing.assert_allclose(again(features), expected, atol=0.1 * np.abs(expected).max())


def test_fewer_bits_of_the_mantissa_make_a_smaller_file(tmp_path):
    model = ISTFTVocoder(96, 1, kernel_size=3, mel_spec=SPEC)
    randomise(model, scale=0.3)
    sizes = []
    for bits in (10, 7):
        save_half(model, tmp_path / f"{bits}.keras", bits)
        sizes.append((tmp_path / f"{bits}.keras").stat().st_size)
    assert sizes[1] < 0.95 * sizes[0]
    loaded = keras.models.load_model(tmp_path / "7.keras")
    for ours, theirs in zip(loaded.weights, model.weights, strict=True):
        ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        normal = np.abs(theirs) > 2.0**-14
        assert np.abs(ours / theirs - 1)[normal].max(initial=0.0) <= 2.0**-8 + 2.0**-11  # and float16's own rounding


def vocoder_of(model):
    exact = vocoder()
    exact.set_weights(model.get_weights())
    return exact


def test_a_wavenet_with_conditions(tmp_path):
    network = {"channels": 5, "num_blocks": 1, "kernel_size": 3}
    model = wavenet((1, 2), 3, 4, 6, mel_spec=SPEC, linear_prediction=3, frame_network=network)
    save_half(model, tmp_path / "half.keras")
    assert keras.models.load_model(tmp_path / "half.keras").get_config() == model.get_config()


def test_weights_that_do_not_fit_are_refused_and_nothing_is_written(tmp_path):
    model = vocoder()
    model.weights[0].assign(np.full(model.weights[0].shape, 1e6))
    with pytest.raises(ValueError, match="Expected weights that float16 can hold. Received: larger ones in .*conv"):
        save_half(model, tmp_path / "half.keras")
    assert not list(tmp_path.iterdir())
