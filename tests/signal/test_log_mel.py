"""Log-mel features against librosa on speech and against NumPy, their alignment and their gradient."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
import scipy.signal

from tests.support.arrays import assert_allclose, numpy_of
from tests.support.slow import some
from tf_wavenet import MelSpec
from tf_wavenet.data import load_audio
from tf_wavenet.signal import log_mel, mel_filterbank
from tf_wavenet.signal.mel_spec import PRESETS

CORPUS = Path(__file__).parents[2] / "training" / "sample_corpus" / "wavs"
SPEECH = MelSpec.from_preset("speech_16k")
by_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's graphs")


def by_librosa(name, waveform):
    """What the three projects compute, each with its own calls of librosa, from their published settings."""
    import librosa

    if name == "jik876":
        basis = librosa.filters.mel(sr=22050, n_fft=1024, n_mels=80, fmin=0, fmax=8000)
        padded = np.pad(waveform, 384, mode="reflect")  # (n_fft - hop) / 2
        spectrum = librosa.stft(padded, n_fft=1024, hop_length=256, win_length=1024, window="hann", center=False)
        return np.log(np.maximum(basis @ np.sqrt(np.abs(spectrum) ** 2 + 1e-9), 1e-5)).T
    fmin = {"r9y9": 125, "kan_bayashi": 80}[name]
    basis = librosa.filters.mel(sr=22050, n_fft=1024, n_mels=80, fmin=fmin, fmax=7600)
    spectrum = librosa.stft(waveform, n_fft=1024, hop_length=256, window="hann", pad_mode="reflect")
    return np.log10(np.maximum(basis @ np.abs(spectrum), 1e-10)).T


@pytest.fixture(scope="module")
def speech():
    return load_audio(CORPUS / "female" / "01.flac", 22050)


@pytest.mark.parametrize("samples", [None, 256 * 40, 256 * 40 + 1, 256 * 40 - 1, 3001, 1025])
@pytest.mark.parametrize("name", ["r9y9", "kan_bayashi", "jik876"])
def test_published_recipes_are_reproduced_on_speech(name, speech, samples):
    pytest.importorskip("librosa")
    waveform = speech[20000:][:samples]
    expected = by_librosa(name, waveform)
    features = numpy_of(log_mel(waveform, MelSpec.from_preset(name)))
    assert features.dtype == np.float32
    assert len(features) - len(expected) == (name == "jik876" and len(waveform) % 256 > 0)  # a last hop not full
    assert expected.std() > 0.5
    assert_allclose(features[: len(expected)], expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", PRESETS)
def test_standardized_features_of_speech_are_near_mean_0_and_deviation_1(name, speech):
    spec = MelSpec.from_preset(name).standardized()
    features = numpy_of(log_mel(speech, dataclasses.replace(spec, sample_rate=22050)))
    assert abs(features.mean()) < 0.5 and 0.7 < features.std() < 1.4
    plain = numpy_of(log_mel(speech, dataclasses.replace(spec, sample_rate=22050, normalization=None)))
    unit = 1.0 if spec.log_base == "e" else np.log(10.0)
    assert_allclose(features, (plain * unit + 5.0) / 2.0, rtol=0, atol=1e-5)


def test_loud_quiet_and_silent_passages(speech):
    pytest.importorskip("librosa")
    for waveform in (speech / np.abs(speech).max(), speech * 1e-4, np.zeros(5000, "float32")):
        for name in ("r9y9", "jik876"):
            features = numpy_of(log_mel(waveform, MelSpec.from_preset(name)))
            expected = by_librosa(name, waveform)
            assert_allclose(features[: len(expected)], expected, rtol=0, atol=1e-3)


def by_numpy(waveform, spec):
    """The definition: one frame after another, in float64."""
    basis = mel_filterbank(spec.sample_rate, spec.fft_length, spec.num_mels, spec.fmin, spec.fmax).T
    before = (spec.fft_length - spec.win_length) // 2
    window = np.zeros(spec.fft_length)
    window[before : before + spec.win_length] = scipy.signal.get_window(spec.window, spec.win_length)
    frames = []
    for frame in range(spec.num_frames(len(waveform))):
        middle = frame * spec.hop_length + ((spec.hop_length + 1) // 2 if spec.center == "hop" else 0)
        start = middle - spec.fft_length // 2
        mode = {"mode": "constant"} if spec.padding == "zeros" else {"mode": "reflect"}
        padded = np.pad(waveform.astype("float64"), 4 * spec.fft_length, **mode)[4 * spec.fft_length + start :]
        magnitude = np.sqrt(np.abs(np.fft.rfft(padded[: spec.fft_length] * window)) ** 2 + spec.power_offset)
        frames.append(np.log(np.maximum(basis @ magnitude, spec.floor)))
    features = np.array(frames) / (1.0 if spec.log_base == "e" else np.log(10.0))
    mean, scale = spec.normalization or (0.0, 1.0)
    return (features - np.array(mean)) / np.array(scale)


VARIANTS = {
    **{name: MelSpec.from_preset(name) for name in PRESETS},
    "hamming": dataclasses.replace(SPEECH, window="hamming", win_length=601, hop_length=133, padding="reflect"),
    "normalized": dataclasses.replace(SPEECH, normalization=(np.linspace(-6, -1, 80), np.linspace(0.1, 3, 80))),
    "centred": dataclasses.replace(SPEECH, center="sample"),
}


@pytest.mark.parametrize("samples", [1, 2, 100, 199, 201, 512, 1023, 2777])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_length_follows_the_definition(variant, samples, speech):
    spec, waveform = VARIANTS[variant], speech[30000 : 30000 + samples]
    features = numpy_of(log_mel(waveform, spec))
    assert features.shape == (spec.num_frames(samples), spec.num_mels)
    expected = by_numpy(waveform, spec)
    # Where a mel is nothing beside the rest of its frame (one sample, mirrored, is a constant), float32 leaves noise.
    logs = by_numpy(waveform, dataclasses.replace(spec, normalization=None))
    audible = (np.e if spec.log_base == "e" else 10.0) ** logs > 1e-4 * np.abs(waveform).max()
    assert audible.mean() > 0.5 or samples <= 2
    assert_allclose(features[audible], expected[audible], rtol=0, atol=2e-3)


def test_rows_of_a_batch_do_not_meet(speech):
    batch = np.stack([speech[:9000], speech[30000:39000]])
    features = numpy_of(log_mel(batch, SPEECH))
    for row in range(2):
        assert_allclose(features[row], log_mel(batch[row], SPEECH), rtol=0, atol=1e-5)


@pytest.mark.large
@by_tensorflow
@pytest.mark.parametrize("name", some(PRESETS, "speech_16k"))
def test_graphs_and_xla_give_the_same(name, speech):
    import tensorflow as tf

    spec = MelSpec.from_preset(name)
    eager = numpy_of(log_mel(speech[None, :20001], spec))
    for jit_compile in (False, True):
        function = tf.function(
            lambda waveform: log_mel(waveform, spec),
            input_signature=[tf.TensorSpec([None, None], tf.float32)],
            jit_compile=jit_compile,
        )
        assert_allclose(function(speech[None, :20001]), eager, rtol=0, atol=1e-3)
        assert function(speech[None, :300]).shape == (1, spec.num_frames(300), 80)


@by_tensorflow
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", some(PRESETS, "kan_bayashi"))
def test_gradients(name, jit_compile, speech):
    import tensorflow as tf

    spec = MelSpec.from_preset(name)

    @tf.function(jit_compile=jit_compile)
    def gradient(waveform):
        with tf.GradientTape() as tape:
            tape.watch(waveform)
            loss = tf.reduce_mean(log_mel(waveform, spec))
        return tape.gradient(loss, waveform)

    for waveform in (np.zeros(3000), np.full(3000, 0.5), np.full(3000, 1e-20), 1e-12 * (np.arange(3000) == 900)):
        assert np.all(np.isfinite(gradient(tf.constant(waveform[None], tf.float32))))
    waveform, direction = speech[None, 30000:33000], np.random.default_rng(0).normal(0, 1, (1, 3000))
    slope = np.sum(numpy_of(gradient(tf.constant(waveform))) * direction)
    step = 1e-6 * direction
    up, down = (by_numpy((waveform + sign * step)[0], spec).mean() for sign in (1, -1))
    assert slope == pytest.approx((up - down) / 2e-6, rel=0.02)


@pytest.mark.parametrize("sample", [0, 1, 99, 199, 201, 399, 1000, 1001, 1234, 4999])
def test_frame_f_describes_its_hop(sample):
    waveform = np.zeros(5000, "float32")
    waveform[sample] = 1.0
    level = numpy_of(log_mel(waveform, SPEECH)).mean(-1)
    assert level.shape == (25,)
    assert level[sample // 200] >= level.max() - 1e-4  # at a border of hops, two frames are equally near
    if sample % 200:
        assert level.argmax() == sample // 200


@pytest.mark.parametrize(
    ("waveform", "message"),
    [
        (np.zeros((2, 3, 4), "float32"), r"Expected a floating point waveform \[batch, time\] or \[time\]"),
        (np.zeros((2, 0), "float32"), r"Expected a floating point waveform \[batch, time\] or \[time\]"),
        (np.zeros(9, "int16"), "divide 16-bit samples by 32768. Received: dtype int16"),
    ],
)
def test_what_is_no_waveform_is_refused(waveform, message):
    with pytest.raises(ValueError, match=message):
        log_mel(waveform, SPEECH)


def test_half_precision_is_computed_in_float32(speech):
    features = log_mel(speech[:4000].astype("float16"), SPEECH)
    assert keras.backend.standardize_dtype(features.dtype) == "float32"
    assert_allclose(features, log_mel(speech[:4000].astype("float16").astype("float32"), SPEECH), atol=1e-5)
