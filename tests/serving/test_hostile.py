"""Requests that are wrong: each is refused in words, and the process lives on."""

import numpy as np
import pytest

from tests.serving.conftest import ROWS, Refused, carried

pytestmark = pytest.mark.large  # with each served model's process, a minute
NAN, INF = np.float32(np.nan), np.float32(np.inf)


@pytest.fixture
def good(served):
    """One good request for each signature."""
    state = served.host("initial_state", batch_size=np.int32(ROWS))
    waveform = np.full((ROWS, 12), 0.25, "float32")
    conditions, window = served.conditions, served.window(0, 12)
    size = {"num_samples": np.int32(12), "batch_size": np.int32(ROWS)}
    requests = {
        "serving_default": {"waveform": waveform, **conditions},
        "score": {"waveform": waveform, **conditions},
        "generate": size | served.sampling() | conditions,
        "initial_state": {"batch_size": np.int32(ROWS)},
        "prime": {"waveform": waveform, **state, **window},
        "generate_chunk": {"num_samples": np.int32(12), **served.sampling(), **state, **window},
        "step": {"previous_sample": waveform[:, 0], **state},
        "mu_law_encode": {"waveform": waveform},
        "mu_law_decode": {"levels": np.full((ROWS, 12), 7, "int32")},
    }
    if conditions:
        encoded = served.host("encode_condition", **conditions)["encoded_condition"]
        requests |= {"encode_condition": dict(conditions)}
        requests["step"]["condition"] = encoded[:, 0]
    if served.model.local_channels is not None:
        requests["log_mel"] = {"waveform": waveform}
    return requests


@pytest.mark.parametrize(
    ("signature", "change", "message"),
    [
        ("generate", {"num_samples": np.int32(-1)}, "Expected num_samples >= 0"),
        ("generate", {"num_samples": np.int32(2**31 - 1)}, "Expected at most 1048576 samples"),
        ("generate", {"batch_size": np.int32(2**30)}, "Expected at most 1048576 samples"),
        ("generate", {"temperature": INF}, "Expected temperature finite"),
        ("generate_chunk", {"num_samples": np.int32(-1)}, "Expected num_samples >= 0"),
        ("generate_chunk", {"num_samples": np.int32(2**31 - 1)}, "Expected at most 1048576 samples"),
        ("generate_chunk", {"num_samples": np.array([3, 4], "int32")}, "Expected num_samples to be the same"),
        ("generate_chunk", {"num_samples": np.array([], "int32")}, "Expected num_samples to be one number"),
        ("generate_chunk", {"seed": np.array([1, 2, 3], "int64")}, "Expected seed to be one number, or one a row"),
        ("generate_chunk", {"seed": np.int64(-1)}, "Expected seed >= 0"),
        ("generate_chunk", {"temperature": NAN}, "Expected temperature finite"),
        ("generate_chunk", {"temperature": np.float32(-1)}, "Expected temperature finite"),
        ("generate_chunk", {"temperature": INF}, "Expected temperature finite"),
        ("generate_chunk", {"top_k": np.int32(-1)}, "Expected top_k >= 0; 0 is off"),
        ("generate_chunk", {"top_p": np.float32(0)}, "Expected top_p in"),
        ("initial_state", {"batch_size": np.int32(0)}, "Expected batch_size >= 1"),
        ("initial_state", {"batch_size": np.int32(2**31 - 1)}, "Expected batch_size <= 10485"),
        ("prime", {"waveform": np.zeros((ROWS, 0), "float32")}, "Expected waveform of at least 1 sample"),
        ("prime", {"waveform": np.full((ROWS, 5), NAN)}, "without NaN"),
        ("step", {"previous_sample": np.full(ROWS, 1.5, "float32")}, "Expected previous_sample in"),
        ("serving_default", {"waveform": np.full((ROWS, 5), NAN)}, "without NaN"),
        ("score", {"waveform": np.zeros((ROWS, 0), "float32")}, "Expected waveform of at least 1 sample"),
        ("mu_law_encode", {"waveform": np.full((ROWS, 5), INF)}, "without NaN or infinity"),
        ("mu_law_decode", {"levels": np.full((ROWS, 5), 256, "int32")}, "Expected levels in"),
    ],
)
def test_bad_values_are_named(served, good, signature, change, message):
    with pytest.raises(Refused, match=message):
        served.host(signature, **good[signature] | change)
    assert served.host(signature, **good[signature])


@pytest.mark.parametrize("signature", ["prime", "generate_chunk", "step"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda queues, stream: (queues[:, :-1], stream), "Expected state_queues of shape"),
        (lambda queues, stream: (queues[:, :0], stream), "Expected state_queues of shape"),
        (lambda queues, stream: (queues[:1], stream), "Expected state_|rows"),
        (lambda queues, stream: (queues, stream[:, :3]), "Expected state_stream of shape"),
        (lambda queues, stream: (queues, stream[:0]), "Expected state_stream of as many rows"),
        (lambda queues, stream: (queues, stream + [1, 0, 0, 0]), "Expected a state of this model"),
        (lambda queues, stream: (queues, stream - [0, 0, 1, 0]), "Expected state_stream with indices"),
        (lambda queues, stream: (queues, stream - [0, 0, 0, 2]), "Expected state_stream with rows"),
        (lambda queues, stream: (queues * NAN, stream), "Expected state_queues without NaN"),
    ],
)
def test_a_spoiled_state_is_named(served, good, signature, spoil, message):
    request = dict(good[signature])
    queues, stream = spoil(request["state_queues"], request["state_stream"])
    request |= {"state_queues": queues.astype("float32"), "state_stream": stream.astype("int32")}
    with pytest.raises(Refused, match=message):
        served.host(signature, **request)
    assert carried(served.host(signature, **good[signature]))


def _spoil(rng, value):
    """Another shape, dtype or content."""
    value = np.asarray(value)
    kind = rng.integers(9)
    if kind == 0:
        return value[np.newaxis]
    if kind == 1:
        return value.reshape(-1)[:0]
    if kind == 2:
        return value.astype(rng.choice(["float64", "int32", "int64", "uint8", "complex64"]))
    if kind == 3:
        return np.concatenate([value.reshape(-1)] * 2)
    if kind == 4:
        return value[..., :-1] if value.ndim else value[()]
    if kind == 5:
        return np.full(rng.integers(0, 5, rng.integers(0, 4)), rng.choice([0, -1, 3])).astype(value.dtype)
    if kind == 6:
        return np.array("text")
    wild = [np.nan, np.inf, -np.inf, 1e30, -1e30] if value.dtype.kind == "f" else [-1, 2**31 - 1, -(2**31)]
    return np.full(value.shape, rng.choice(wild)).astype(value.dtype)


def test_a_thousand_random_requests_do_no_harm(served, good):
    rng = np.random.default_rng(0)
    # Whatever a signature needs of memory for good requests, it has after the first hundred.
    expected = {name: served.host(name, **request) for name, request in good.items()}
    kilobytes = refused = 0
    for i in range(1000):
        name = rng.choice(sorted(good))
        request = dict(good[name])
        for key in rng.choice(sorted(request), min(len(request), rng.integers(1, 3)), replace=False):
            if rng.random() < 0.1:
                request.pop(key, None)
            elif key in request:
                with np.errstate(all="ignore"):
                    request[key] = _spoil(rng, request[key])
        try:
            served.host(name, **request)
        except Refused:
            refused += 1
        if i == 300:
            kilobytes = served.host("")["kilobytes"]
    assert refused > 700
    assert served.host("")["kilobytes"] - kilobytes < 64 * 1024
    for name, request in good.items():
        for key, value in served.host(name, **request).items():
            np.testing.assert_array_equal(value, expected[name][key])
