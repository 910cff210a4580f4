import keras
import numpy as np
import pytest

from tests.support import reference
from tests.support.arrays import assert_allclose, numpy_of
from tests.support.streaming_contract import randomise
from tf_wavenet.layers import FeatureUpsampler

METHODS = ("linear", "repeat", "transposed")
HOPS = (1, 5, 6, 7, 12)
CONVOLUTIONS = [{"context_frames": 2}, {"context_frames": 1, "filters": 3}, {"filters": 3}]
methods = pytest.mark.parametrize("method", METHODS)
hops = pytest.mark.parametrize("hop", HOPS)
sizes = pytest.mark.parametrize(
    ("hop", "convolution"), [*((hop, {}) for hop in (*HOPS, 200)), *((6, convolution) for convolution in CONVOLUTIONS)]
)
BEYOND = 4


def upsample(x, layer):
    """By the definition, in float64: with frames beyond the ends, so many that the ends of these are not felt."""
    context, hop = layer.context_frames, layer.hop_length
    x = np.pad(numpy_of(x, "float64"), ((0, 0), (BEYOND + context,) * 2, (0, 0)), mode="edge")
    if layer.frame_conv is not None:
        x = reference.causal_conv(x, layer.frame_conv.kernel, layer.frame_conv.bias)[:, 2 * context :]
    if layer.method == "linear":
        x = between_centres(x, hop)
    for i, scale in enumerate(layer.scales):
        if layer.method == "repeat":
            x = smooth(np.repeat(x, scale, axis=1), numpy_of(layer.smoothing[i], "float64"))
        else:
            x = transposed(np.where(x < 0, 0.1 * x, x) if i else x, scale, layer.stages[i])
    return x[:, BEYOND * hop : -BEYOND * hop]


def between_centres(x, hop):
    y = np.zeros((len(x), x.shape[1] * hop, x.shape[2]))
    for t in range(y.shape[1]):
        at = np.clip((t + 0.5) / hop - 0.5, 0, x.shape[1] - 1)
        left = min(int(at), x.shape[1] - 2)
        y[:, t] = (left + 1 - at) * x[:, left] + (at - left) * x[:, left + 1]
    return y


def smooth(x, taps):
    y, scale = np.zeros_like(x), len(taps) // 2
    for t in range(x.shape[1]):
        for j, tap in enumerate(taps):
            if 0 <= t + j - scale < x.shape[1]:
                y[:, t] += tap * x[:, t + j - scale]
    return y


def transposed(x, scale, stage):
    kernel = numpy_of(stage.kernel, "float64")  # [taps, out, in]
    y = np.zeros((len(x), x.shape[1] * scale, kernel.shape[1])) + numpy_of(stage.bias, "float64")
    for frame in range(x.shape[1]):
        for j in range(2 * scale):
            t = frame * scale + j - scale // 2
            if 0 <= t < y.shape[1]:
                y[:, t] += x[:, frame] @ kernel[j].T
    return y


def make(hop, method, channels=2, **options):
    layer = FeatureUpsampler(hop, method, **options)
    layer.build((None, None, channels))
    randomise(layer)
    return layer


@methods
@sizes
def test_impulses_in_every_frame_equal_numpy(hop, method, convolution, rng):
    layer = make(hop, method, **convolution)
    impulses = (np.eye(6)[..., None] * rng.normal(size=(6, 1, 2))).astype("float32")
    expected = upsample(impulses, layer)
    assert expected.shape == (6, 6 * hop, layer.filters or 2)
    assert_allclose(layer(impulses), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("frames", [1, 2, 9])
@methods
def test_any_number_of_frames_equals_numpy(method, frames, rng):
    layer, x = make(12, method, context_frames=1), rng.normal(size=(2, frames, 2)).astype("float32")
    expected = upsample(x, layer)
    assert_allclose(layer(x), expected, atol=1e-5 * np.abs(expected).max())


@hops
def test_linear_interpolation_is_that_of_numpy(hop, rng):
    x = rng.normal(size=(2, 5, 3)).astype("float32")
    assert_allclose(FeatureUpsampler(hop)(x), reference.interpolate(x, hop), atol=1e-6)


@methods
@hops
def test_an_impulse_has_its_centre_in_the_middle_of_its_frame(hop, method):
    layer = FeatureUpsampler(hop, method)
    layer.build((None, None, 1))
    for stage in layer.stages:
        stage.kernel.assign(np.ones(stage.kernel.shape))
    y = numpy_of(layer(np.eye(7, dtype="float32")[3].reshape(1, 7, 1)), "float64")[0, :, 0]
    centre = np.average(np.arange(7 * hop), weights=y)
    # An even kernel on an odd frame is half a sample of its stage off.
    assert abs(centre - (3 * hop + (hop - 1) / 2)) <= (0.2 * hop if method == "transposed" else 1e-3)


@methods
@hops
def test_repeat_starts_as_a_moving_average_and_constants_stay(hop, method):
    if method == "transposed":
        pytest.skip("starts at random")
    x = np.full((1, 3, 2), 0.7, "float32")
    assert_allclose(FeatureUpsampler(hop, method)(x), np.full((1, 3 * hop, 2), 0.7), atol=1e-6)


@pytest.mark.parametrize("context_frames", [0, 1])
@methods
@hops
def test_reach_is_enough(hop, method, context_frames):
    layer = make(hop, method, context_frames=context_frames)
    x = np.zeros((1, 11, 2), "float32")
    changed = x.copy()
    changed[:, 5] = [1.0, -2.0]
    felt = np.flatnonzero((np.abs(numpy_of(layer(x)) - numpy_of(layer(changed))) > 1e-6).any(axis=(0, 2)))
    measured = np.abs(felt // hop - 5).max()
    assert measured == context_frames + (2 if len(layer.scales) > 1 and method == "repeat" else min(hop - 1, 1))
    assert measured <= layer.reach


@methods
@sizes
def test_beyond_the_ends_stands_the_nearest_frame(hop, method, convolution, rng):
    layer, x = make(hop, method, **convolution), rng.normal(size=(2, 5, 2)).astype("float32")
    longer = np.concatenate([x[:, :1]] * 3 + [x] + [x[:, -1:]] * 4, axis=1)
    assert_allclose(layer(x), numpy_of(layer(longer))[:, 3 * hop : -4 * hop], atol=1e-5)


@methods
@hops
def test_only_transposed_stages_are_joined_by_a_leaky_relu(hop, method, rng):
    layer, x = make(hop, method), rng.normal(size=(2, 5, 2)).astype("float32")
    for stage in layer.stages:
        stage.bias.assign([0.0, 0.0])
    odd = np.allclose(numpy_of(layer(-x)), -numpy_of(layer(x)), atol=1e-5)
    assert odd == (len(layer.stages) < 2)


def test_scales_are_short_stages_and_their_product_is_the_hop():
    for hop in range(1, 301):
        for method in ("repeat", "transposed"):
            scales = FeatureUpsampler(hop, method).scales
            assert np.prod(scales, dtype=int) == hop and list(scales) == sorted(scales, reverse=True)
            assert all(scale < 6 or all(scale % i for i in range(2, scale)) for scale in scales)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hop_length": 0}, "Received: hop_length=0"),
        ({"hop_length": 4, "method": "cubic"}, "Received: method='cubic'"),
        ({"hop_length": 4, "context_frames": -1}, "Received: context_frames=-1"),
        ({"hop_length": 4, "filters": 0}, "Received: filters=0"),
    ],
)
def test_refuses_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        FeatureUpsampler(**arguments)


def test_refuses_unknown_channels():
    with pytest.raises(ValueError, match=r"Expected the last axis \(channels\) to be known"):
        FeatureUpsampler(4).build((None, None, None))
    with pytest.raises(ValueError, match="expected ndim=3"):
        FeatureUpsampler(4)(keras.ops.zeros((2, 3)))
