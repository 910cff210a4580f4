import numpy as np
import pytest
import soundfile

from training.amp.pair import AmpPair, read_pair

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


@pytest.mark.parametrize("latency", [1500, -20])
def test_a_shift_removes_a_latency(rng, latency):
    x = playing(rng)
    y = amplified(x)
    late, early = (y, x) if latency >= 0 else (x, y)
    late = np.r_[np.zeros(abs(latency), "float32"), late][: len(x)]
    pair = AmpPair(*((early, late) if latency >= 0 else (late, early)), RATE).shifted(latency)
    assert len(pair.input) == len(pair.output) == len(x) - abs(latency) and pair.sample_rate == RATE
    np.testing.assert_allclose(pair.output[1:], amplified(pair.input)[1:], atol=1e-6)


@pytest.mark.parametrize("latency", [2 * RATE, -3 * RATE])
def test_a_latency_leaves_something(rng, latency):
    x = playing(rng)
    with pytest.raises(ValueError, match=f"Expected a latency below 16000 samples, all there are. Received: {latency}"):
        AmpPair(x, x, RATE).shifted(latency)


@pytest.fixture
def write(tmp_path):
    def write(name, waveform, rate=RATE, subtype="PCM_16"):
        soundfile.write(tmp_path / name, waveform, rate, subtype=subtype)
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
        (lambda y: np.r_[y, y, 0], RATE, "Expected recordings of one length, within 2.0 s. Received: 16000 and 32001"),
        (lambda y: 1e-4 * y, RATE, "Expected sound in .*out.wav. Received: a peak of"),
        (lambda y: 0 * y, RATE, "Expected sound in .*out.wav. Received: a peak of 0.0e[+]00"),
        (
            lambda y: (40 * y).clip(-1, 1),
            RATE,
            "Expected .*out.wav not to be clipped.* Received: a flat peak at sample",
        ),
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


@pytest.mark.parametrize("frequency", [20, 41.2, 110, 440])
@pytest.mark.parametrize("rate", [44100, 96000])
def test_a_tone_at_full_scale_is_not_clipped_until_it_is(write, frequency, rate):
    tone = np.sin(2 * np.pi * frequency * np.arange(rate // 4) / rate)
    whole = write("in.wav", tone, rate)
    read_pair(whole, whole)
    with pytest.raises(ValueError, match="Expected .*out.wav not to be clipped"):
        read_pair(whole, write("out.wav", (1.05 * tone).clip(-1, 1), rate))


def test_flat_peaks_below_full_scale_are_the_effect_s_own(rng, write):
    x = playing(rng)
    fuzz = (40 * x).clip(-1, 1)
    with pytest.raises(
        ValueError, match="not to be clipped, or lowered below 0.99 where the flat peaks are the effect"
    ):
        read_pair(write("in.wav", x), write("out.wav", fuzz))
    np.testing.assert_allclose(
        read_pair(write("in.wav", x), write("out.wav", 0.98 * fuzz)).output, 0.98 * fuzz, atol=1e-4
    )


def test_takes_what_is_a_little_longer_or_louder_and_says_so(rng, write):
    x = playing(rng)
    y = (1.25 * amplified(x) / np.abs(amplified(x)).max()).astype("float32")
    pair = read_pair(write("in.wav", np.r_[x, 0.0]), write("out.wav", y, subtype="FLOAT"))
    np.testing.assert_array_equal(pair.output, y)
    assert len(pair.input) == len(pair.output) == len(x)
    above, longer = pair.notes
    assert above.endswith("out.wav peaks at 1.250, above full scale; it is taken as it is")
    assert longer == "16001 and 16000 samples long; the end of the longer recording is left out"
    assert pair.shifted(3).notes == pair.notes


def test_takes_the_tail_that_a_workstation_adds(rng, write):
    x = playing(rng)
    pair = read_pair(write("in.wav", x), write("out.wav", np.r_[amplified(x), np.zeros(RATE)]))
    np.testing.assert_allclose(pair.output, amplified(x), atol=1e-4)
    assert pair.notes == ("16000 and 24000 samples long; the end of the longer recording is left out",)


def test_takes_the_channel_that_is_asked_for(rng, write):
    x = playing(rng)
    left, right = amplified(x), -amplified(x)  # whose mean is silence
    mono, stereo = write("in.wav", x), write("out.wav", np.stack([left, right], axis=1))
    with pytest.raises(ValueError, match="Expected --output-channel, 1 to 2: the channels of .*out.wav differ"):
        read_pair(mono, stereo)
    for channel, expected in ((1, left), (2, right)):
        pair = read_pair(mono, stereo, output_channel=channel)
        np.testing.assert_allclose(pair.output, expected, atol=1e-4)
        assert pair.notes == ()
    with pytest.raises(ValueError, match="Expected --output-channel to be 1 to 2, the channels of .*. Received: 3"):
        read_pair(mono, stereo, output_channel=3)
    with pytest.raises(ValueError, match="Expected --input-channel to be 1 to 1, the channels of .*. Received: 2"):
        read_pair(mono, stereo, input_channel=2, output_channel=1)


@pytest.mark.parametrize(("gains", "taken"), [((1, 1), 1), ((0, 1), 2), ((1, 0), 1), ((1, 0, 1), 1)])
def test_takes_the_only_sound_there_is_at_its_own_level(rng, write, gains, taken):
    x = playing(rng)
    several = write("out.wav", amplified(x)[:, None] * np.array(gains))
    pair = read_pair(write("in.wav", x), several)
    np.testing.assert_allclose(pair.output, amplified(x), atol=1e-4)
    (note,) = pair.notes
    assert note.endswith(f"out.wav has {len(gains)} channels; {taken} is taken, all others are equal to it or silent")


def test_refuses_what_is_no_recording(rng, write, tmp_path):
    good = write("in.wav", playing(rng))
    with pytest.raises(ValueError, match="none.wav: expected an audio file. Received: no such file"):
        read_pair(good, tmp_path / "none.wav")
    (tmp_path / "text.wav").write_text("hello")
    with pytest.raises(ValueError, match="text.wav: expected a whole audio file"):
        read_pair(good, tmp_path / "text.wav")
