import numpy as np
import pytest

from training.amp.held_out import held_out_part
from training.amp.pair import AmpPair

RATE = 1000


def pair(*pieces, hiss=0.0):
    """Sines of these amplitudes, a second each, of input and output."""
    tone = np.sin(np.arange(RATE) / 2)
    rng = np.random.default_rng(0)
    both = (np.concatenate([piece[i] * tone for piece in pieces]) for i in range(2))
    return AmpPair(*((a + hiss * rng.normal(size=len(a))).astype("float32") for a in both), RATE)


LOUD, SILENT, SOFT = (0.5, 0.9), (0.0, 0.0), (0.02, 0.05)


@pytest.mark.parametrize(
    ("pieces", "end"),
    [
        ([LOUD] * 4, 4.0),
        ([LOUD, LOUD, SILENT], 3.0),  # half of the two seconds is enough
        ([LOUD] * 3 + [SILENT] * 3, 4.5),
        ([LOUD] * 3 + [(0.0, 0.9)] * 3, 4.5),  # hum without playing
        ([LOUD] * 3 + [(0.5, 0.0)] * 3, 4.5),  # the amplifier was off
        ([LOUD] * 3 + [SOFT] * 2, 5.0),
    ],
)
@pytest.mark.parametrize("hiss", [0.0, 1e-4])
def test_is_the_last_part_with_sound(pieces, end, hiss):
    part = held_out_part(pair(*pieces, hiss=hiss), 2 * RATE)
    assert part.stop - part.start == 2 * RATE
    assert part.stop == pytest.approx(end * RATE, abs=50)


def test_says_that_there_is_none():
    message = "part of 2.0 s with sound in --input and --output at once.* none in 4.0 s; a shorter --validation-seconds"
    with pytest.raises(ValueError, match=message):
        held_out_part(pair((0.5, 0.0), (0.0, 0.5), SILENT, SILENT), 2 * RATE)
    with pytest.raises(ValueError, match="Received: none in 4.0 s"):  # there is, but nothing before it
        held_out_part(pair(LOUD, SILENT, SILENT, SILENT), RATE, first=RATE + 900)
    assert held_out_part(pair(LOUD), 7).stop == RATE  # shorter than a block
