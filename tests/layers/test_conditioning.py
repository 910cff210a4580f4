import keras
import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, assert_array_equal, numpy_of
from tests.support.streaming_contract import randomise
from tf_wavenet.layers import Conditioning, ConvInUpsampleNetwork

HOP, FRAMES = 6, 5
LOCAL = {"local_channels": 3, "local_hop": HOP}
CASES = {
    "local": LOCAL,
    "vector": {"global_channels": 2},
    "speakers": {"global_channels": 4, "speakers": 3},
    "local and vector": {**LOCAL, "global_channels": 2},
    "local and speakers": {**LOCAL, "global_channels": 4, "speakers": 3},
}
cases = pytest.mark.parametrize("case", CASES)


def make(case, **options):
    layer = Conditioning(**{**CASES[case], **options}, units=8)
    layer.build()
    randomise(layer)
    rng, given = np.random.default_rng(1), {}
    if layer.local_channels:
        given["local_condition"] = rng.normal(size=(2, FRAMES, 3)).astype("float32")
    if layer.num_speakers:
        given["global_condition"] = np.array([2, 0], "int32")
    elif layer.global_channels:
        given["global_condition"] = rng.normal(size=(2, 2)).astype("float32")
    return layer, given


@cases
def test_equals_numpy(case):
    layer, given = make(case)
    expected = reference.conditioning(layer, **given)
    time = FRAMES * HOP if layer.local_channels else 1
    assert expected.shape == (2, time, 8)
    assert_allclose(layer(given), expected, atol=1e-5)
    encoded = layer.encode(**given)
    assert tuple(encoded.shape) == (2, time, layer.encoded_channels)
    assert_array_equal(layer.project(encoded), layer(given))
    assert_allclose(layer.project(encoded[:, 0]), expected[:, 0], atol=1e-5)
    assert tuple(layer.compute_output_shape({name: value.shape for name, value in given.items()})) == (2, time, 8)


def test_equals_numpy_with_a_shifted_frame_only_if_numpy_shifts_too():
    layer, given = make("local")
    shifted = reference.conditioning(layer, np.roll(given["local_condition"], 1, axis=1))
    assert np.abs(numpy_of(layer(given)) - shifted).max() > 0.1


def test_stretch_is_the_upsampling_of_parallel_wavegan():
    layer, given = make("local", upsampling="stretch", upsample_scales=[3, 2], local_context=1)
    alone = ConvInUpsampleNetwork([3, 2], 1)
    alone.build((None, None, 3))
    alone.set_weights(layer.upsampler.get_weights())
    encoded = layer.encode(**given)
    assert layer.encoded_channels == encoded.shape[-1] == 3
    assert_array_equal(encoded, alone(given["local_condition"]))
    assert layer.get_config().items() >= {"upsampling": "stretch", "upsample_scales": [3, 2]}.items()


@pytest.mark.parametrize("frames", [0, 2])
def test_stretch_reaches_no_farther_than_it_says(frames, rng):
    upsampler = ConvInUpsampleNetwork([2, 3, 2], frames)
    upsampler.build((None, None, 1))
    randomise(upsampler)
    x = rng.normal(size=(1, 15, 1)).astype("float32")
    changed = x + np.eye(15, dtype="float32")[7, None, :, None]
    felt = np.flatnonzero(np.abs(numpy_of(upsampler(changed)) - numpy_of(upsampler(x)))[0, :, 0] > 1e-6) // 12
    assert np.abs(felt - 7).max() == upsampler.reach == frames + 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"upsampling": "stretch"}, "Expected upsample_scales with upsampling='stretch' only"),
        ({"upsample_scales": [6]}, "Expected upsample_scales with upsampling='stretch' only"),
        ({"upsampling": "stretch", "upsample_scales": [5]}, "Expected upsample_scales whose product is local_hop"),
        ({"upsampling": "stretch", "upsample_scales": [6], "local_filters": 2}, "and no local_filters"),
        ({"upsampling": "stretch", "upsample_scales": [0]}, "Expected upsample_scales to be positive ints"),
    ],
)
def test_refuses_stages_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        make("local", **options)


def test_upsampling_context_and_filters_reach_the_upsampler():
    layer, given = make("local", upsampling="repeat", local_context=2, local_filters=5)
    assert layer.upsampler.get_config().items() >= {"method": "repeat", "context_frames": 2, "filters": 5}.items()
    encoded = layer.encode(**given)
    assert layer.encoded_channels == encoded.shape[-1] == 5
    assert_array_equal(encoded, layer.upsampler(given["local_condition"]))


def test_speakers_numbers_stay_exact_under_mixed_precision():
    layer = Conditioning(global_channels=2, speakers=300, units=4, dtype="mixed_bfloat16")
    layer.build()
    randomise(layer)
    rows = numpy_of(layer.encode(global_condition=np.array([256, 257], "int32")), "float32")
    embeddings = numpy_of(layer.embedding.embeddings)[[256, 257]]
    assert_allclose(rows[:, 0], embeddings, rtol=0.01)  # half precision keeps 8 bits; 257 would be 256
    assert keras.backend.standardize_dtype(layer({"global_condition": np.array([3], "int32")}).dtype) == "bfloat16"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "Received: units=0"),
        ({}, "Expected local_channels, a mel_spec, speakers or global_channels. Received: none of them"),
        ({"local_channels": 3}, "Expected local_channels with local_hop"),
        ({"local_hop": 3}, "Expected local_channels with local_hop"),
        ({"speakers": ("ann", "ann")}, "Expected speakers to be different names"),
        (
            {"local_channels": 0, "local_hop": 3},
            "Expected local_channels to be a positive int. Received: local_channels=0",
        ),
        ({"local_channels": 3, "local_hop": 0}, "Received: hop_length=0"),
        ({"global_channels": 0}, "Expected global_channels to be a positive int. Received: global_channels=0"),
        ({"global_channels": 0, "speakers": 2}, "Received: global_channels=0"),
        ({"speakers": 0}, "Expected speakers to be a positive int. Received: speakers=0"),
        ({**LOCAL, "local_filters": 0}, "Received: filters=0"),
    ],
)
def test_refuses_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Conditioning(**{"units": 4, **arguments})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"local_condition": None}, "Expected a local_condition. Received: none"),
        ({"global_condition": None}, "Expected a global_condition. Received: none"),
        ({"local_condition": np.zeros((2, 5, 4))}, r"of shape \[batch, frames, 3\]. Received: shape \(2, 5, 4\)"),
        ({"global_condition": np.zeros((2, 1), "int32")}, r"of shape \[batch\]. Received: shape \(2, 1\)"),
    ],
)
def test_refuses_conditions(changes, message):
    layer, given = make("local and speakers")
    with pytest.raises(ValueError, match=message):
        layer.encode(**{**given, **changes})


def test_refuses_a_condition_that_it_was_not_made_for():
    layer, given = make("local")
    with pytest.raises(ValueError, match=r"Expected no global_condition. Received: shape \(2,\)"):
        layer.encode(**given, global_condition=np.array([0, 1]))
