import dataclasses

import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tests.support.pytorch import import_torch
from tf_wavenet import MelSpec
from tf_wavenet.layers import InverseSTFT
from tf_wavenet.signal.mel_filterbank import analysis_window

SPECS = {
    **{name: MelSpec.from_preset(name) for name in ("speech_16k", "kan_bayashi", "jik876")},
    "no multiple": MelSpec.from_preset("speech_16k", win_length=600, hop_length=250, window="hamming"),
    "two hops": MelSpec.from_preset("speech_16k", win_length=400),
}


def spectrum(shape, rng):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def channels(complex_spectrum):
    return np.concatenate([complex_spectrum.real, complex_spectrum.imag], axis=-1).astype("float32")


def frames_of(waveform, spec):
    """The windowed transforms that `log_mel` takes, by their definition."""
    window = analysis_window(spec.window, spec.win_length, spec.fft_length)
    padded = np.pad(waveform, ((0, 0), (spec.frame_offset, spec.fft_length)))
    starts = range(0, waveform.shape[1], spec.hop_length)
    return np.stack([np.fft.rfft(padded[:, s : s + spec.fft_length] * window) for s in starts], axis=1)


def offset(spec):
    return spec.win_length // 2 - (spec.fft_length // 2 - spec.frame_offset)


@pytest.mark.parametrize("frames", [1, 2, 9])
@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("center", ["hop", "sample"])
def test_inverts_the_frames_of_log_mels(rng, name, center, frames):
    spec = dataclasses.replace(SPECS[name], center=center)
    waveform = rng.normal(0, 0.1, (2, frames * spec.hop_length))
    layer = InverseSTFT(spec.hop_length, spec.win_length, spec.fft_length, spec.window, offset(spec), causal=False)
    y = numpy_of(layer(channels(frames_of(waveform, spec))))
    assert y.shape == waveform.shape
    # At its end, a window that begins and ends at zero may see next to nothing: there it fades.
    whole = waveform.shape[1] - (spec.hop_length // 2 if center == "sample" else 0)
    assert_allclose(y[:, :whole], waveform[:, :whole], atol=2e-5)
    assert np.abs(y).max() <= np.abs(waveform).max() * 1.01


@pytest.mark.parametrize("frames", [1, 2, 7])
@pytest.mark.parametrize("sizes", [(4, 8, 8), (4, 8, 16), (4, 16, 16), (3, 8, 16), (5, 6, 8)])
@pytest.mark.parametrize("window", ["hann", "hamming"])
def test_causal_equals_numpy(rng, sizes, window, frames):
    layer, x = InverseSTFT(*sizes, window), spectrum((2, frames, sizes[2] // 2 + 1), rng)
    expected = reference.inverse_stft(x, layer)
    assert_allclose(layer(channels(x)), expected, atol=1e-5 * np.abs(expected).max())


def test_equals_torch(rng):
    torch = import_torch()
    x = spectrum((2, 10, 513), rng)
    x[..., [0, -1]] = x[..., [0, -1]].real
    options = {"n_fft": 1024, "hop_length": 200, "win_length": 800, "window": torch.hann_window(800).double()}
    theirs = torch.istft(torch.from_numpy(x.transpose(0, 2, 1)), **options).numpy()
    layer = InverseSTFT(200, 800, 1024, offset=400, causal=False)
    assert_allclose(layer(channels(x))[:, : theirs.shape[1]], theirs, atol=1e-4 * np.abs(theirs).max())


@pytest.mark.parametrize("sizes", [(4, 8, 8), (4, 16, 16), (3, 8, 16)])
def test_blocks_give_what_the_whole_gives(rng, sizes):
    layer, x = InverseSTFT(*sizes), channels(spectrum((2, 9, sizes[2] // 2 + 1), rng))
    state, parts = layer.get_initial_state(2), []
    for first, last in ((0, 1), (1, 2), (2, 7), (7, 9)):
        y, new = layer.prime(x[:, first:last], state)
        assert new["tail"].shape == state["tail"].shape
        parts.append(numpy_of(y))
        state = new
    assert_allclose(np.concatenate(parts, axis=1), layer(x), atol=1e-6)


def test_causal_looks_at_nothing_later(rng):
    layer, x = InverseSTFT(4, 16, 16), channels(spectrum((2, 9, 9), rng))
    spoiled = x.copy()
    spoiled[:, 5:] = np.nan
    assert_array_equal(numpy_of(layer(spoiled))[:, :20], numpy_of(layer(x))[:, :20])


def test_computes_in_float32_whatever_the_policy(rng):
    x = channels(spectrum((1, 5, 9), rng))
    exact, mixed = InverseSTFT(4, 16, 16), InverseSTFT(4, 16, 16, dtype="mixed_bfloat16")
    assert_array_equal(mixed(x), exact(x))


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((0, 8, 8), {}, "Expected hop_length to be a positive int"),
        ((2, 7, 8), {}, "Expected win_length to be even. Received: win_length=7"),
        ((2, 8, 6), {}, "Expected win_length to be at most fft_length=6. Received: win_length=8"),
        ((8, 8, 8), {}, "Expected hop_length so short that windows of 8 samples leave none out"),
        ((2, 8, 8), {"window": "boxcar"}, "Expected window to be one of"),
        ((2, 8, 8), {"offset": 1}, r"Expected offset to be an int in \[0, 0\]. Received: offset=1"),
        ((2, 8, 8), {"offset": 7, "causal": False}, r"Expected offset to be an int in \[0, 6\]"),
    ],
)
def test_refuses_arguments(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        InverseSTFT(*arguments, **options)


def test_refuses_inputs():
    with pytest.raises(ValueError, match="Expected 10 channels, real and imaginary parts"):
        InverseSTFT(2, 8, 8)(np.zeros((1, 3, 9), "float32"))
    layer = InverseSTFT(2, 8, 8, causal=False)
    with pytest.raises(ValueError, match="Expected causal=True to stream"):
        layer.prime(np.zeros((1, 3, 10), "float32"), layer.get_initial_state(1))
