"""Streams in chunks, by a process that never imports tf_wavenet, against `model.generate`."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.conftest import FRAMES, HOP, ROWS, Refused, assert_same_samples, carried, verify_names

TOTAL = FRAMES * HOP


def test_the_host_knows_nothing_of_us(served):
    served.speak([3], ROWS)
    assert served.host("")["imported"] == []


def test_names_are_those_of_every_family(served):
    verify_names(served.folder, streams=True)


@pytest.mark.large
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_chunking_gives_the_samples_of_generate(served, data):
    period = served.model.period
    heard = data.draw(st.sampled_from([0, 1, 5, 8, 20, 31]), label="prompt")
    chunks = data.draw(st.lists(st.sampled_from([0, 1, 2, 7, 12, 25]), max_size=5), label="chunks")
    while heard + sum(chunks) > TOTAL:
        chunks.pop()
    seed = data.draw(st.integers(0, 2**63 - 1), label="seed")
    top_k, top_p = data.draw(st.sampled_from([(0, 1.0), (5, 1.0), (9, 0.8)]), label="top")
    prompt = np.random.default_rng(heard).uniform(-0.9, 0.9, (ROWS, heard)).astype("float32")
    spoken = served.speak(
        chunks,
        ROWS,
        prompt if heard else None,
        seed=np.int64(seed),
        temperature=np.float32(0.9),
        top_k=np.int32(top_k),
        top_p=np.float32(top_p),
    )
    ours = {"top_k": top_k or None, "top_p": None if top_p == 1 else top_p, "temperature": 0.9, "seed": seed}
    expected = served.model.generate(sum(chunks), batch_size=ROWS, prompt=prompt, **ours, **served.conditions)
    assert period >= 1 and spoken.shape == expected.shape
    assert_same_samples(served.model, spoken, expected)


def strangers(served, rng, count):
    """States of streams at random positions, with their conditions, their seeds, and how far they are."""
    states, windows, positions = [], [], rng.integers(1, 8, count) * served.model.period
    for position in positions:
        row = slice(0, 1) if rng.random() < 0.5 else slice(1, 2)
        state = served.host("initial_state", batch_size=np.int32(1))
        prompt = rng.uniform(-0.9, 0.9, (1, position)).astype("float32")
        window = served.window(0, position, row)
        states.append(carried(served.host("prime", waveform=prompt, **state, **window)))
        # All frames, so that windows of streams at different positions have one shape.
        whole = {name: value[row] for name, value in served.conditions.items()}
        windows.append(whole | ({"first_frame": np.zeros(1, "int32")} if "local_condition" in whole else {}))
    return states, windows, rng.integers(0, 2**60, count)


def side_by_side(parts, order):
    return {name: np.concatenate([parts[i][name] for i in order]) for name in parts[0]}


@pytest.mark.large
def test_strangers_side_by_side(served, rng):
    states, windows, seeds = strangers(served, rng, 64)

    def run(order):
        inputs = side_by_side(states, order) | side_by_side(windows, order)
        sampling = served.sampling(seed=seeds[order])
        return served.host("generate_chunk", num_samples=np.int32(16), **sampling, **inputs)

    first = run(np.arange(64))
    order = rng.permutation(64)
    order[:32] = order[rng.integers(0, 32, 32)]  # other neighbours, some of them twice
    second = run(order)
    for name, value in second.items():
        np.testing.assert_array_equal(value, first[name][order], err_msg=name)
    assert len({row.tobytes() for row in first["waveform"]}) == 64
    for i in rng.integers(0, 64, 4):
        alone = run(np.array([i]))
        np.testing.assert_array_equal(alone["waveform"], first["waveform"][i : i + 1])


def test_a_stream_is_the_same_alone_and_among_64(served, rng):
    states, windows, _ = strangers(served, rng, 64)
    together, alone = side_by_side(states, range(64)), [states[i] for i in (0, 17, 63)]
    condition, encoded = {}, [{}] * 64
    if served.conditions:
        whole = [{key: value for key, value in window.items() if key != "first_frame"} for window in windows]
        encoded = [
            {"condition": served.host("encode_condition", **given)["encoded_condition"][:, 0]} for given in whole
        ]
        condition = side_by_side(encoded, range(64))
    for _ in range(5):
        samples = rng.uniform(-0.9, 0.9, 64).astype("float32")
        many = served.host("step", previous_sample=samples, **together, **condition)
        together = carried(many)
        for place, i in enumerate((0, 17, 63)):
            one = served.host("step", previous_sample=samples[i : i + 1], **alone[place], **encoded[i])
            alone[place] = carried(one)
            scale = np.abs(one["parameters"]).max()
            np.testing.assert_allclose(many["parameters"][i], one["parameters"][0], rtol=0, atol=1e-5 * scale)


@pytest.mark.large
def test_settings_and_seeds_by_row(served, rng):
    state = served.host("initial_state", batch_size=np.int32(ROWS))
    settings_ = {
        "seed": np.array([7, 9], "int64"),
        "temperature": np.array([1.0, 0.0], "float32"),
        "top_k": np.array([0, 3], "int32"),
        "top_p": np.array([0.5, 1.0], "float32"),
    }
    window = served.window(0, 30)
    out = served.host("generate_chunk", num_samples=np.array([30, 30], "int32"), **settings_, **state, **window)
    first = served.model.generate(30, batch_size=ROWS, seed=7, top_p=0.5, **served.conditions)
    second = served.model.generate(30, batch_size=ROWS, temperature=0.0, **served.conditions)
    assert_same_samples(served.model, out["waveform"], np.stack([first[0], second[1]]))


def test_steps_of_a_client_are_the_call(served, rng):
    waveform = rng.uniform(-0.9, 0.9, (ROWS, 15)).astype("float32")
    state, conditions = served.host("initial_state", batch_size=np.int32(ROWS)), {}
    given = served.conditions
    if given:
        encoded = served.host("encode_condition", **given)["encoded_condition"]
    fed, made = np.pad(waveform, ((0, 0), (1, 0)))[:, :-1], []
    for t in range(15):
        if given:
            conditions = {"condition": encoded[:, t if encoded.shape[1] > 1 else 0]}
        out = served.host("step", previous_sample=fed[:, t], **state, **conditions)
        state = carried(out)
        made.append(out["parameters"])
    expected = np.asarray(served.model({"waveform": waveform, **given} if given else waveform))
    np.testing.assert_allclose(np.stack(made, axis=1), expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    with pytest.raises(Refused, match="what step returns can only go on in step"):
        served.host("generate_chunk", num_samples=np.int32(1), **served.sampling(), **state, **served.window(15, 1))
