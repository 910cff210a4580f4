import dataclasses

import keras
import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tests.support.slow import some
from tests.support.streaming_contract import randomise
from tf_wavenet import ISTFTVocoder, MelSpec
from tf_wavenet.signal import log_mel

SPEC = MelSpec.from_preset("speech_16k", hop_length=6, win_length=24, fft_length=32, num_mels=5).standardized()
SMALL = {"channels": 8, "num_blocks": 2, "kernel_size": 3, "mel_spec": SPEC}


def make(**options):
    model = ISTFTVocoder(**{**SMALL, **options})
    randomise(model)
    return model


def mels(rng, *shape):
    return rng.uniform(-3, 0, (*shape, 5)).astype("float32")


@pytest.mark.parametrize("frames", [1, 2, 7])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"prior": False}, {"hidden_channels": 5}, {"win_length": 16}, {"win_length": 40}, {"center": 1}]
)
def test_equals_numpy(rng, options, causal, frames):
    spec = dataclasses.replace(SPEC, center="sample" if options.pop("center", 0) else "hop")
    model, features = make(causal=causal, mel_spec=spec, **options), mels(rng, 2, frames)
    expected = reference.istft_vocoder(features, model)
    assert expected.shape == (2, 6 * frames)
    # Where squared windows sum to next to nothing, behind the last frame's middle, samples fade.
    whole = 6 * frames - (2 if spec.center == "sample" else 0)
    assert_allclose(model(features)[:, :whole], expected[:, :whole], atol=2e-5 * np.abs(expected).max())


@pytest.mark.large
@pytest.mark.parametrize("refinements", [1, 3])
def test_refinements_equal_numpy_and_bring_the_mels_closer(rng, refinements):
    waveform = np.exp(np.cumsum(rng.normal(0, 0.05, (2, 240)), axis=1)) * rng.normal(0, 0.1, (2, 240))
    model, features = make(refinements=refinements), numpy_of(log_mel(waveform.astype("float32"), SPEC))
    expected = reference.istft_vocoder(features, model)
    made = model(features)
    assert_allclose(made, expected, atol=2e-4 * np.abs(expected).max())
    plain = make()
    plain.set_weights(model.get_weights())

    def distance(waveform):
        return np.abs(numpy_of(log_mel(waveform, SPEC)) - features).mean()

    assert distance(made) < 0.7 * distance(plain(features))
    plain.refinements = refinements  # quality for time, whatever was trained
    assert_allclose(plain(features), made, atol=1e-6)
    assert ISTFTVocoder.from_config(model.get_config()).refinements == refinements


def test_preset():
    model = ISTFTVocoder.from_preset()
    assert model.count_params() == 3_716_098 and model.local_hop == 200 and model.mel_spec.normalization is not None
    layer, causal = model.inverse_stft, ISTFTVocoder.from_preset(causal=True, num_blocks=1).inverse_stft
    assert (layer.win_length, layer.fft_length, layer.offset) == (800, 1024, 300)
    assert (causal.win_length, causal.fft_length, causal.offset) == (400, 512, 0)


@pytest.mark.parametrize("chunk_frames", some([1, 3, 50], 3))
@pytest.mark.parametrize("options", [{}, {"win_length": 16}, pytest.param({"prior": False}, marks=pytest.mark.large)])
def test_chunks_give_what_the_whole_gives(rng, options, chunk_frames):
    model, features = make(causal=True, **options), mels(rng, 2, 20)
    whole = model.generate(features)
    chunks = list(model.stream(features, chunk_frames))
    assert [chunk.shape[1] for chunk in chunks[:-1]] == [6 * chunk_frames] * (len(chunks) - 1)
    assert_allclose(np.concatenate(chunks, axis=1), whole, atol=1e-5 * np.abs(whole).max())


def test_causal_looks_at_nothing_later(rng):
    model, features = make(causal=True), mels(rng, 1, 9)
    spoiled = features.copy()
    spoiled[:, 5:] = np.nan
    assert_array_equal(numpy_of(model(spoiled))[:, :30], numpy_of(model(features))[:, :30])
    assert np.isnan(numpy_of(model(spoiled))[:, 30:]).any()


@pytest.mark.parametrize("causal", [False, True])
def test_a_tone_has_the_level_that_its_mels_say(causal):
    """The prior alone, with the tone's own phases: what comes out is as loud as what went in, whatever the windows."""
    spec = MelSpec.from_preset("speech_16k", num_mels=200).standardized()
    model = ISTFTVocoder(8, 1, mel_spec=spec, causal=causal)
    bins = np.arange(spec.fft_length // 2 + 1) * spec.sample_rate / spec.fft_length
    magnitude = 100.0 * np.exp(-(((bins - 2000) / 300) ** 2))
    log_mels = np.log(np.maximum(magnitude @ spec.filterbank(), spec.floor))
    mean, scale = map(np.array, spec.normalization)
    prior = numpy_of(model.log_prior(((log_mels - mean) / scale)[None, None].astype("float32")))[0, 0]
    ours = model.inverse_stft
    centre = round(2000 * ours.fft_length / spec.sample_rate)
    assert abs(np.exp(prior[centre]) / (100.0 * ours.win_length / spec.win_length) - 1) < 0.1


def test_saves_and_loads_with_its_mel_spec(rng, tmp_path):
    model = make(causal=True, win_length=16)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.mel_spec == SPEC and loaded.get_config() == model.get_config()
    features = mels(rng, 7)
    assert_array_equal(loaded.generate(features), model.generate(features))
    with pytest.raises(ValueError, match="Expected features"):
        loaded.generate(features[:, :4])


def test_half_precision_keeps_float32_weights_and_waveform(rng):
    # As trained, not random weights: those would make exponents of tens.
    exact = ISTFTVocoder(**SMALL, causal=True)
    model = ISTFTVocoder(**SMALL, causal=True, dtype="mixed_bfloat16")
    model.set_weights(exact.get_weights())
    features = mels(rng, 1, 8)
    assert {w.dtype for w in model.weights} == {"float32"}
    waveform = model(features)
    assert keras.backend.standardize_dtype(waveform.dtype) == "float32"
    scale = np.abs(numpy_of(exact(features))).max()
    assert_allclose(waveform, exact(features), atol=0.05 * scale)
    chunks = np.concatenate(list(model.stream(features, 2)), axis=1)
    assert_allclose(chunks, waveform, atol=0.05 * scale)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mel_spec": None}, "Expected mel_spec to be a MelSpec, which the windows come from"),
        ({"channels": 0}, "Expected channels to be a positive int"),
        ({"num_blocks": 0}, "Expected num_blocks to be a positive int"),
        ({"hidden_channels": 0}, "Expected hidden_channels to be a positive int"),
        ({"kernel_size": 4}, "Expected kernel_size to be odd"),
        ({"win_length": 7}, "Expected win_length to be even. Received: win_length=7"),
        ({"win_length": 6}, "Expected hop_length so short that windows of 6 samples"),
        ({"refinements": -1}, "Expected refinements to be an int >= 0. Received: refinements=-1"),
        ({"refinements": 1, "causal": True}, "Expected causal=False and win_length=None with refinements"),
        ({"refinements": 1, "win_length": 16}, "Expected causal=False and win_length=None with refinements"),
        ({"num_mels": 6}, "Received: num_mels=6"),
        ({"mel_spec": MelSpec.from_preset("r9y9")}, "Expected mel_spec without preemphasis"),
    ],
)
def test_refuses_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_refuses_another_preset():
    with pytest.raises(ValueError, match="Expected the preset 'istft_vocoder'. Received: preset='hifi_gan_v1'"):
        ISTFTVocoder.from_preset("hifi_gan_v1")
