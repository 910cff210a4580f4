"""The recipe: what it refuses, what it stores, and which features it recognises as not its own."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from tests.support.arrays import numpy_of
from tf_wavenet import MelSpec
from tf_wavenet.signal.mel_spec import PRESETS

SPEECH = MelSpec.from_preset("speech_16k")
NORMALIZATION = ([-5.0] * 80, [2.0] * 80)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("sample_rate", 999, "1000 to 384000 Hz"),
        ("sample_rate", 16000.0, "a positive int"),
        ("hop_length", 0, "a positive int"),
        ("hop_length", 401, "at most 400, half of win_length"),
        ("win_length", 1025, "at most 1024, fft_length"),
        ("fft_length", 1023, "even"),
        ("num_mels", True, "a positive int"),
        ("num_mels", 400, "few enough that each filter holds a bin"),
        ("fmin", -1.0, "a frequency of at least 0 Hz"),
        ("fmin", float("nan"), "a frequency of at least 0 Hz"),
        ("fmax", 8001.0, "above fmin=0 and at most 8000 Hz, half of sample_rate"),
        ("fmax", 0, "above fmin=0"),
        ("window", "kaiser", "'hann' or 'hamming'"),
        ("log_base", 10, "'e' or '10'"),
        ("floor", 0.0, "a positive number"),
        ("floor", "1e-5", "a positive number"),
        ("center", True, "'hop' or 'sample'"),
        ("padding", "edge", "'zeros' or 'reflect'"),
        ("power_offset", -1e-9, "a number of at least 0"),
        ("normalization", ([0.0] * 80, [1.0] * 79), "(mean, scale) of 80 finite numbers"),
        ("normalization", ([0.0] * 80, [0.0] * 80), "scales positive"),
        ("normalization", ([np.nan] * 80, [1.0] * 80), "finite"),
        ("normalization", 3.0, "None or (mean, scale)"),
        ("preemphasis", 1.0, "a number in [0, 1)"),
        ("loudness", 3.0, "None or -60 to 0 dB"),
    ],
)
def test_values_out_of_range_are_refused_by_name(field, value, expected):
    with pytest.raises(ValueError, match=f"^Expected {field} to be .*Received: {field}=") as caught:
        dataclasses.replace(SPEECH, **{field: value})
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_is_an_immutable_value():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SPEECH.hop_length = 100
    with pytest.raises(TypeError):
        MelSpec(16000, 200, 800, 1024, 80, 0.0, 7600.0)
    numpy_values = {"sample_rate": np.int64(16000), "floor": np.float64(1e-5), "fmin": 0}
    assert dataclasses.replace(SPEECH, **numpy_values) == SPEECH
    arrays = MelSpec.from_preset("speech_16k", normalization=np.array(NORMALIZATION))
    lists = MelSpec.from_preset("speech_16k", normalization=NORMALIZATION)
    assert arrays == lists and hash(arrays) == hash(lists) and arrays != SPEECH


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_a_recipe_keeps_its_times_and_frequencies_at_other_rates(name, rate):
    own = MelSpec.from_preset(name, loudness=-20.0).standardized()
    spec = own.at_rate(rate)
    assert (spec == own) == (rate == own.sample_rate)
    assert spec.hop_length / rate == pytest.approx(own.hop_length / own.sample_rate, rel=0.01)
    assert spec.win_length == 4 * spec.hop_length and spec.hop_length % 2 == 0
    assert spec.win_length <= spec.fft_length < 2 * spec.win_length
    assert (spec.fmin, spec.fmax) == (own.fmin, min(own.fmax, rate / 2))
    others = ("num_mels", "window", "log_base", "center", "padding", "normalization", "preemphasis", "loudness")
    assert [getattr(spec, field) for field in others] == [getattr(own, field) for field in others]


def test_a_recipe_takes_the_hop_of_a_network_at_another_rate():
    own = MelSpec.from_preset("jik876")
    assert own.at_rate(16000, 256) == dataclasses.replace(own, sample_rate=16000)
    assert own.at_rate(22050, 256) is own
    spec = own.at_rate(22050, 300)
    assert (spec.hop_length, spec.win_length, spec.fft_length) == (300, 1200, 2048)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((999,), "Expected sample_rate to be 1000 to 384000 Hz"),
        ((1000,), "Expected num_mels to be few enough"),
        ((16000.5,), "Expected sample_rate to be a positive int"),
        ((8000, 0), "Expected hop_length to be a positive int"),
    ],
)
def test_rates_that_a_recipe_cannot_have_are_refused(arguments, expected):
    with pytest.raises(ValueError, match=expected):
        SPEECH.at_rate(*arguments)


@pytest.mark.parametrize("name", PRESETS)
def test_round_trips(name):
    spec = MelSpec.from_preset(name, normalization=(np.linspace(-6, -1, 80), np.linspace(0.1, 3, 80)))
    assert MelSpec.from_config(json.loads(json.dumps(spec.get_config()))) == spec
    stored = json.loads(json.dumps(keras.saving.serialize_keras_object(spec)))
    assert stored["registered_name"] == "tf_wavenet>MelSpec"
    assert keras.saving.deserialize_keras_object(stored) == spec


def test_a_model_holds_it_in_its_config(tmp_path):
    @keras.saving.register_keras_serializable(package="test_mel_spec")
    class Holder(keras.Model):
        def __init__(self, mel_spec, **kwargs):
            super().__init__(**kwargs)
            self.mel_spec = mel_spec

        def call(self, inputs):
            return inputs

        def get_config(self):
            return {**super().get_config(), "mel_spec": keras.saving.serialize_keras_object(self.mel_spec)}

        @classmethod
        def from_config(cls, config):
            return cls(**{**config, "mel_spec": keras.saving.deserialize_keras_object(config["mel_spec"])})

    model = Holder(MelSpec.from_preset("r9y9", normalization=NORMALIZATION))
    model(np.zeros((1, 2), "float32"))
    model.save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").mel_spec == model.mel_spec


def test_presets_are_the_published_recipes():
    # r9y9: egs/mol/conf/mol_wavenet.json; kan-bayashi: ljspeech parallel_wavegan.v1.yaml; jik876: config_v1.json
    for name in ("r9y9", "kan_bayashi", "jik876"):
        spec = MelSpec.from_preset(name)
        lengths = (spec.sample_rate, spec.hop_length, spec.win_length, spec.fft_length, spec.num_mels, spec.window)
        assert lengths == (22050, 256, 1024, 1024, 80, "hann")
    r9y9, kan_bayashi, jik876 = (MelSpec.from_preset(name) for name in ("r9y9", "kan_bayashi", "jik876"))
    assert (r9y9.fmin, r9y9.fmax, r9y9.log_base, r9y9.floor, r9y9.preemphasis) == (125, 7600, "10", 1e-10, 0.85)
    assert (kan_bayashi.fmin, kan_bayashi.fmax, kan_bayashi.log_base, kan_bayashi.floor) == (80, 7600, "10", 1e-10)
    assert (jik876.fmin, jik876.fmax, jik876.log_base, jik876.floor, jik876.power_offset) == (0, 8000, "e", 1e-5, 1e-9)
    assert [spec.center for spec in (r9y9, kan_bayashi, jik876, SPEECH)] == ["sample", "sample", "hop", "hop"]
    assert SPEECH.hop_length / SPEECH.sample_rate == 0.0125
    with pytest.raises(
        ValueError, match="Expected a preset out of speech_16k, r9y9, kan_bayashi, jik876. Received: 'x'"
    ):
        MelSpec.from_preset("x")
    with pytest.raises(ValueError, match=r"Expected the fields of a MelSpec .* Received: hop$"):
        MelSpec.from_preset("r9y9", hop=3)
    with pytest.raises(ValueError, match="Received: no sample_rate, no hop_length"):
        MelSpec.from_config({})


@pytest.mark.parametrize(("samples", "hop", "sample"), [(1, 1, 1), (200, 1, 2), (201, 2, 2), (399, 2, 2), (400, 2, 3)])
def test_number_of_frames(samples, hop, sample):
    assert SPEECH.num_frames(samples) == hop
    assert dataclasses.replace(SPEECH, center="sample").num_frames(samples) == sample


def test_transforms_begin_before_their_frame():
    offsets = {name: MelSpec.from_preset(name).frame_offset for name in PRESETS}
    assert offsets == {"speech_16k": 412, "r9y9": 512, "kan_bayashi": 512, "jik876": 384}


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(MelSpec)])
def test_the_first_field_that_differs_is_named_with_both_values(field):
    others = {
        **{"sample_rate": 22050, "hop_length": 100, "win_length": 900, "fft_length": 2048, "num_mels": 60},
        **{"fmin": 20.0, "fmax": 7000.0, "window": "hamming", "log_base": "10", "floor": 1e-6, "center": "sample"},
        **{"padding": "reflect", "power_offset": 1e-9, "normalization": NORMALIZATION, "preemphasis": 0.9},
        **{"loudness": -20.0},
    }
    other = dataclasses.replace(SPEECH, **{field: others[field]})
    SPEECH.check_same(dataclasses.replace(SPEECH))
    with pytest.raises(ValueError) as caught:
        SPEECH.check_same(other)
    expected, _, received = str(caught.value).partition(". Received: ")
    assert expected.startswith(f"Expected features of {field}={getattr(SPEECH, field)!r}"[:50])
    assert received.startswith(f"{field}=")
    assert len(str(caught.value)) < 300
    if field == "hop_length":
        assert str(caught.value) == "Expected features of hop_length=200. Received: hop_length=100"


def features(**kwargs):
    """Something like speech: 300 frames between pauses at the floor and loud vowels, in natural logarithms."""
    random = np.random.default_rng(0)
    loudness = np.linspace(-11.5, -1.0, 300)[:, None]
    return np.maximum(loudness + random.normal(0, 1, (300, 80)), np.log(1e-5)).astype("float32")


def test_features_of_the_recipe_pass():
    SPEECH.check_features(features())
    SPEECH.check_features(features().astype("float16"))
    SPEECH.check_features(np.stack([features()] * 2))
    normalized = dataclasses.replace(SPEECH, normalization=NORMALIZATION)
    normalized.check_features((features() + 5.0) / 2.0)


def with_nan():
    return np.where(np.arange(300)[:, None] == 7, np.nan, features())


@pytest.mark.parametrize(
    ("received", "spec", "message"),
    [
        (features()[:, :79], SPEECH, "num_mels=80]. Received: shape (300, 79)"),
        (features().T, SPEECH, "Received: shape (80, 300); transposed?"),
        (features()[0], SPEECH, "Received: shape (80,)"),
        (features()[None, None], SPEECH, "Received: shape (1, 1, 300, 80)"),
        (with_nan(), SPEECH, "Expected finite features. Received: 80 values that are NaN or infinite"),
        (features().astype("int16"), SPEECH, "Expected features as floating point numbers. Received: int16"),
        (features() - 3.0, SPEECH, "at least -11.51. Received: -14.51"),  # a lower floor
        (
            features(),
            MelSpec.from_preset("kan_bayashi"),
            "log_base='10', floor=1e-10, normalization=None: at least -10",
        ),
        ((features() + 5.0) / 2.0, SPEECH, "log_base='e', floor=1e-05, normalization=None, whose frames average"),
        (features() + 5, dataclasses.replace(SPEECH, normalization=NORMALIZATION), "normalization=(("),
        (np.full((3, 80), 1e30), SPEECH, "whose frames average at most"),  # linear
        (np.maximum(features(), -9) * 8.686 + 100, SPEECH, "whose frames average at most"),  # decibels
    ],
)
def test_features_of_another_recipe_are_refused(received, spec, message):
    with pytest.raises(ValueError) as caught:
        spec.check_features(received)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["square", "noise", "impulses", "constant"])
@pytest.mark.parametrize("name", PRESETS)
def test_no_waveform_in_full_scale_is_refused(name, kind, rng):
    from tf_wavenet.signal import log_mel

    time = np.arange(8000)
    square = np.sign(np.sin(2 * np.pi * time / 100 + 0.1))
    waveform = {
        **{"square": square, "noise": rng.choice([-1.0, 1.0], 8000), "impulses": (time % 7 == 0) * 1.0},
        **{"constant": np.ones(8000)},
    }
    spec = MelSpec.from_preset(name)
    spec.check_features(numpy_of(log_mel(waveform[kind].astype("float32"), spec)))
