import keras
import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tests.support.streaming_contract import randomise
from tf_wavenet import HiFiGAN, MelSpec

SMALL = {
    "upsample_rates": (4, 3),
    "upsample_kernel_sizes": (8, 6),
    "upsample_initial_channel": 8,
    "resblock_kernel_sizes": (3, 5),
    "resblock_dilation_sizes": ((1, 3), (1, 2)),
    "num_mels": 5,
}
# Of jik876/hifi-gan, `Generator`, weight norm removed; the paper's table 1 says 13.92, 0.92 and 1.46 million.
PUBLISHED = {"hifi_gan_v1": 13_926_017, "hifi_gan_v2": 925_985, "hifi_gan_v3": 1_462_273}


def make(**options):
    model = HiFiGAN(**{**SMALL, **options})
    randomise(model)
    return model


@pytest.mark.parametrize("frames", [1, 2, 7])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("resblock", [1, 2])
def test_equals_numpy(rng, resblock, causal, frames):
    model, features = make(resblock=resblock, causal=causal), rng.normal(size=(2, frames, 5)).astype("float32")
    expected = reference.hifi_gan(features, model)
    assert expected.shape == (2, 12 * frames)
    assert_allclose(model(features), expected, atol=1e-5)


@pytest.mark.parametrize("preset", PUBLISHED)
def test_has_as_many_weights_as_published(preset):
    assert HiFiGAN.from_preset(preset).count_params() == PUBLISHED[preset]


@pytest.mark.parametrize("chunk_frames", [pytest.param(1, marks=pytest.mark.large), 3, 50])
def test_chunks_give_what_the_whole_gives(rng, chunk_frames):
    model, features = make(causal=True), rng.normal(size=(2, 20, 5)).astype("float32")
    whole = model.generate(features)
    chunks = list(model.stream(features, chunk_frames))
    assert [chunk.shape[1] for chunk in chunks[:-1]] == [12 * chunk_frames] * (len(chunks) - 1)
    assert_allclose(np.concatenate(chunks, axis=1), whole, atol=1e-6)


def test_causal_looks_at_nothing_later(rng):
    model, features = make(causal=True), rng.normal(size=(1, 9, 5)).astype("float32")
    spoiled = features.copy()
    spoiled[:, 5:] = np.nan
    assert_array_equal(numpy_of(model(spoiled))[:, :60], numpy_of(model(features))[:, :60])


def test_saves_and_loads_with_its_mel_spec(rng, tmp_path):
    spec = MelSpec.from_preset("speech_16k", num_mels=5, hop_length=12)
    model = make(mel_spec=spec, num_mels=None)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.mel_spec == spec and loaded.get_config() == model.get_config()
    features = rng.normal(-5, 1, size=(7, 5)).astype("float32")
    assert_array_equal(loaded.generate(features), model.generate(features))
    with pytest.raises(ValueError, match="Expected features"):
        loaded.generate(features[:, :4])


def test_half_precision_keeps_float32_weights_and_waveform(rng):
    model = make(dtype="mixed_bfloat16", causal=True)
    features = rng.normal(size=(1, 4, 5)).astype("float32")
    assert {w.dtype for w in model.weights} == {"float32"}
    waveform = model(features)
    assert keras.backend.standardize_dtype(waveform.dtype) == "float32"
    chunks = np.concatenate(list(model.stream(features, 2)), axis=1)
    assert_allclose(chunks, waveform, atol=0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resblock": 3}, "Expected resblock to be 1 or 2. Received: resblock=3"),
        ({"upsample_rates": (4, 0)}, "Expected upsample_rates to be positive ints"),
        ({"upsample_kernel_sizes": (8,)}, "Expected as many upsample_kernel_sizes as upsample_rates"),
        ({"upsample_kernel_sizes": (8, 2)}, "Expected kernel_size to be at least strides=3"),
        ({"resblock_dilation_sizes": ((1, 3),)}, "Expected as many resblock_dilation_sizes as resblock_kernel_sizes"),
        ({"upsample_initial_channel": 10}, r"Expected upsample_initial_channel to be a multiple of 2\*\*2"),
        ({"mel_spec": 7}, "Expected mel_spec to be a MelSpec"),
        ({"mel_spec": MelSpec.from_preset("jik876")}, "Received: num_mels=5"),
        ({"mel_spec": MelSpec.from_preset("jik876"), "num_mels": None}, "with the product 256"),
        ({"mel_spec": MelSpec.from_preset("r9y9"), "num_mels": None}, "Expected mel_spec without preemphasis"),
    ],
)
def test_refuses_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_refuses_inputs():
    model = make()
    with pytest.raises(ValueError, match=r"Expected local_condition of shape \[batch, frames, 5\]"):
        model.generate(np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"Expected inputs \['local_condition'\]"):
        model({"waveform": np.zeros((1, 3, 5), "float32")})
    with pytest.raises(ValueError, match="Expected causal=True to stream"):
        model.stream(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="Expected seed to be None or an int"):
        model.generate(np.zeros((3, 5)), seed=-1)
    with pytest.raises(ValueError, match="Expected a preset of"):
        HiFiGAN.from_preset("parallel_wavegan")
