import keras
import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tests.support.streaming_contract import randomise
from tf_wavenet import MelSpec, ParallelWaveGAN

SMALL = {
    "num_layers": 6,
    "num_stacks": 2,
    "residual_channels": 4,
    "gate_channels": 6,
    "skip_channels": 16,
    "upsample_scales": (4, 3),
    "num_mels": 5,
}


def make(**options):
    model = ParallelWaveGAN(**{**SMALL, **options})
    randomise(model)
    return model


def inputs(rng, frames):
    features, noise = rng.normal(size=(2, frames, 5)), rng.normal(size=(2, 12 * frames))
    return {"local_condition": features.astype("float32"), "noise": noise.astype("float32")}


@pytest.mark.parametrize("frames", [1, 2, 7])
@pytest.mark.parametrize("options", [{}, {"causal": True}, {"kernel_size": 2, "causal": True}, {"kernel_size": 5}])
def test_equals_numpy(rng, options, frames):
    model, x = make(**options), inputs(rng, frames)
    expected = reference.parallel_wavegan(x["local_condition"], x["noise"], model)
    assert expected.shape == (2, 12 * frames)
    assert expected.std() > 0.005 * np.abs(expected).max()  # the ReLUs of the head are not all at zero
    assert_allclose(model(x), expected, atol=1e-5 * np.abs(expected).max())


def test_has_as_many_weights_as_published():
    # kan-bayashi's generator, weight norm removed, has 4,160 more: a last residual projection that nothing uses.
    assert ParallelWaveGAN.from_preset().count_params() == 1_334_309 - (64 * 64 + 64)


@pytest.mark.parametrize("chunk_frames", [pytest.param(1, marks=pytest.mark.large), 3, 50])
def test_chunks_give_what_the_whole_gives(rng, chunk_frames):
    model, features = make(causal=True), rng.normal(size=(2, 20, 5)).astype("float32")
    whole = model.generate(features, seed=3)
    chunks = list(model.stream(features, chunk_frames, seed=3))
    assert [chunk.shape[1] for chunk in chunks[:-1]] == [12 * chunk_frames] * (len(chunks) - 1)
    assert_allclose(np.concatenate(chunks, axis=1), whole, atol=1e-5 * np.abs(whole).max())
    assert (whole[0] != model.generate(features, seed=4)[0]).any()


def test_causal_looks_at_nothing_later(rng):
    model, x = make(causal=True), inputs(rng, 9)
    spoiled = {name: value.copy() for name, value in x.items()}
    spoiled["local_condition"][:, 5:] = np.nan
    spoiled["noise"][:, 60:] = np.nan
    assert_array_equal(numpy_of(model(spoiled))[:, :60], numpy_of(model(x))[:, :60])


def test_saves_and_loads_with_its_mel_spec(rng, tmp_path):
    spec = MelSpec.from_preset("speech_16k", num_mels=5, hop_length=12)
    model = make(mel_spec=spec, num_mels=None)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.mel_spec == spec and loaded.get_config() == model.get_config()
    features = rng.normal(-5, 1, size=(7, 5)).astype("float32")
    assert_array_equal(loaded.generate(features), model.generate(features))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_stacks": 4}, "Expected num_layers to be a multiple of num_stacks=4. Received: num_layers=6"),
        ({"kernel_size": 2}, "Expected kernel_size to be odd"),
        ({"gate_channels": 7}, "Expected gate_channels to be even"),
        ({"mel_spec": MelSpec.from_preset("jik876"), "num_mels": None}, "Expected upsample_scales with the product"),
    ],
)
def test_refuses_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_refuses_inputs(rng):
    with pytest.raises(ValueError, match=r"Expected inputs \['local_condition', 'noise'\]"):
        make()(inputs(rng, 2)["local_condition"])
    with pytest.raises(ValueError, match="Expected the preset 'parallel_wavegan'"):
        ParallelWaveGAN.from_preset("hifi_gan_v1")
