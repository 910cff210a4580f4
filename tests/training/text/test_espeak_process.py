"""The process that speaks, run as it is run in earnest; what it says is checked in test_phonemes."""

import json
import subprocess
import sys

import numpy as np
import pytest

from training.text import espeak_process
from training.text.phonemes import find_espeak

try:
    LIBRARY = find_espeak()
except ValueError:
    LIBRARY = None


@pytest.mark.skipif(LIBRARY is None, reason="needs espeak-ng's library or espeakng-loader")
def test_events_lie_in_the_samples_that_come_with_them():
    library, data = LIBRARY
    request = {"library": library, "data": data, "text": "Hello, world.", "voice": "en-us"}
    command = [sys.executable, "-I", espeak_process.__file__]
    outputs = {}
    for speed in (120, 160, 120):
        given = json.dumps(request | {"words_per_minute": speed}).encode()
        outputs.setdefault(speed, []).append(
            subprocess.run(command, input=given, capture_output=True, check=True).stdout
        )
    assert outputs[120][0] == outputs[120][1]
    counts = []
    for speed in (120, 160):
        header, _, samples = outputs[speed][0].partition(b"\n")
        header = json.loads(header)
        positions = [position for _, position in header["events"]]
        levels = np.frombuffer(samples, np.int16)
        assert header["rate"] == 22050
        assert 0 <= positions[0] < positions[-1] <= len(levels)
        assert positions == sorted(positions)
        assert "h" in [name for name, _ in header["events"]]
        counts.append(len(levels))
    assert counts[0] > 1.1 * counts[1]  # slower speech is longer


def test_an_event_is_laid_out_as_in_c():
    # As the C compiler lays it out: six ints, a pointer, a union of 8 bytes.
    assert [getattr(espeak_process.Event, name).offset for name, _ in espeak_process.Event._fields_] == [
        *range(0, 24, 4),
        24,
        32,
    ]
    for name in ("", "tʃ", "aɪɚ", "abcdefgh"):
        event = espeak_process.Event(symbol=int.from_bytes(name.encode().ljust(8, b"\0"), sys.byteorder))
        assert event.name == name
