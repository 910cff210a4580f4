import numpy as np
import pytest
import soundfile

from training.amp.pair import AmpPair, measure_latency, read_pair

RATE = 8000


def playing(rng, seconds=2.0):
    """Plucked low notes with a little noise."""
    time = np.arange(int(seconds * RATE)) / RATE
    decay = np.exp(-6 * (time % 0.25))
    return (decay * (0.5 * np.sin(2 * np.pi * 110 * time) + 0.1 * rng.normal(size=len(time)))).astype("float32")


def amplified(x):
    """Distortion, a second of nothing but a gentle filter behind it, and the polarity of a tube stage."""
    y = np.tanh(4 * x)
    return -0.6 * (y - 0.5 * np.r_[0.0, y[:-1]]).astype("float32")


@pytest.mark.parametrize("latency", [0, 1, 37, 1500, -20])
def test_finds_and_removes_the_latency(rng, latency):
    x = playing(rng)
    y = amplified(x)
    if latency >= 0:
        late = AmpPair(x, np.r_[np.zeros(latency, "float32"), y][: len(x)], RATE)
    else:
        late = AmpPair(np.r_[np.zeros(-latency, "float32"), x][: len(x)], y, RATE)
    assert measure_latency(late) == latency
    pair = late.shifted(latency)
    assert len(pair.input) == len(pair.output) == len(x) - abs(latency) and pair.sample_rate == RATE
    np.testing.assert_allclose(pair.output[1:], amplified(pair.input)[1:], atol=1e-6)


@pytest.mark.parametrize("latency", [2 * RATE, -3 * RATE])
def test_a_latency_leaves_something(rng, latency):
    x = playing(rng)
    with pytest.raises(ValueError, match=f"Expected a latency below 16000 samples, all there are. Received: {latency}"):
        AmpPair(x, x, RATE).shifted(latency)


@pytest.fixture
def write(tmp_path):
    def write(name, waveform, rate=RATE):
        soundfile.write(tmp_path / name, waveform, rate)
        return tmp_path / name

    return write


def test_reads_a_pair(rng, write):
    x = playing(rng)
    pair = read_pair(write("in.wav", x), write("out.wav", amplified(x)))
    assert pair.sample_rate == RATE
    np.testing.assert_allclose(pair.input, x, atol=1e-4)
    np.testing.assert_allclose(pair.output, amplified(x), atol=1e-4)


@pytest.mark.parametrize(
    ("change", "rate", "message"),
    [
        (lambda y: y, 16000, "Expected recordings of one rate. Received: 8000 and 16000 Hz"),
        (lambda y: y[:-5], RATE, "Expected recordings of one length. Received: 16000 and 15995 samples"),
        (lambda y: 1e-4 * y, RATE, "Expected sound in .*out.wav. Received: a peak of"),
        (lambda y: 0 * y, RATE, "Expected sound in .*out.wav. Received: a peak of 0.0e[+]00"),
        (lambda y: (40 * y).clip(-1, 1), RATE, "Expected .*out.wav not to be clipped. Received: a flat peak at sample"),
        (lambda y: (-40 * y).clip(-1, 1), RATE, "Expected .*out.wav not to be clipped"),
    ],
)
def test_refuses_bad_pairs_in_one_line(rng, write, change, rate, message):
    x = playing(rng)
    paths = write("in.wav", x), write("out.wav", change(amplified(x)), rate)
    with pytest.raises(ValueError, match=message) as error:
        read_pair(*paths)
    assert "\n" not in str(error.value)


def test_says_where_it_is_clipped(write):
    tone = 0.5 * np.sin(np.arange(4000) / 9)
    tone[1234:1238] = 1.0
    with pytest.raises(ValueError, match="flat peak at sample 1234"):
        read_pair(write("in.wav", tone), write("out.wav", tone))
    tone[1235] = 0.2  # two equal samples at full scale are no flat peak
    read_pair(write("in.wav", tone), write("out.wav", tone))


def test_refuses_what_is_no_recording(rng, write, tmp_path):
    good = write("in.wav", playing(rng))
    with pytest.raises(ValueError, match="Expected a recording. Not found: .*none.wav"):
        read_pair(good, tmp_path / "none.wav")
    (tmp_path / "text.wav").write_text("hello")
    with pytest.raises(ValueError, match="Expected .*text.wav to be a recording"):
        read_pair(good, tmp_path / "text.wav")
