"""The trained models that come with the package load, are small, and speak a recording again."""

import keras
import numpy as np
import pytest

from tests.support.arrays import numpy_of
from tf_wavenet import load, shipped
from tf_wavenet.models.shipped import FOLDERS
from tf_wavenet.signal import log_mel


def test_files_are_small():
    sizes = [path.stat().st_size for folder in FOLDERS for path in folder.glob("*.keras")]
    assert len(sizes) == len(shipped()) and max(sizes) < 8e6 and sum(sizes) < 40e6


@pytest.mark.parametrize("name", shipped())
def test_weights_are_float32_and_finite(name):
    model = load(name)
    assert {keras.backend.standardize_dtype(weight.dtype) for weight in model.trainable_weights} == {"float32"}
    assert all(np.isfinite(numpy_of(weight)).all() for weight in model.weights)
    rate = model.sample_rate if model.mel_spec is None else model.mel_spec.sample_rate
    assert rate == int(name.rpartition("_")[2].removesuffix("k")) * 1000


@pytest.mark.large
def test_the_parallel_vocoder_keeps_the_mels_of_a_recording():
    soundfile = pytest.importorskip("soundfile")
    model = load("istft_vocoder_16k")
    waveform, rate = soundfile.read(FOLDERS[1] / "prompt.flac", dtype="float32")
    assert rate == model.mel_spec.sample_rate
    mels = numpy_of(log_mel(waveform[:32000], model.mel_spec))
    again = numpy_of(log_mel(np.array(model.generate(mels))[0], model.mel_spec))
    assert np.abs(again - mels).mean() < 0.15 < np.abs(mels - mels.mean(axis=0)).mean()


@pytest.mark.large
def test_the_acoustic_model_says_a_text_in_the_vocoders_log_mels():
    model, vocoder = load("acoustic_16k"), load("istft_vocoder_16k")
    assert model.mel_spec == vocoder.mel_spec
    mels = model.generate(" ɡˈʊd mˈɔːɹnɪŋ.".replace("ɔːɹ", "ɔ"))
    assert 40 < len(mels) < 160  # 0.5 to 2 s
    model.mel_spec.check_features(mels)


@pytest.mark.large
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="decoding is TensorFlow's")
def test_the_piano_plays_on_its_scale():
    describe = pytest.importorskip("benchmarks.tuning", exc_type=ImportError).describe  # needs librosa
    figures = describe([*load("piano_8k").generate(24000, batch_size=2, seed=0)], 8000)
    assert figures["in_scale_share"] > 0.8 and figures["cents_off"] < 10 and figures["onsets_per_second"] > 1
    assert figures["sounding_share"] > 0.5


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"Expected name to be one of \['acoustic_16k', .*Received: name='nope'"):
        load("nope")
