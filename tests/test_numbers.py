"""Every number that the pages tell is rendered from results (tests/benchmarks/test_tables.py), or is computed here.

What is not a figure is known by what stands around it: versions, years, sections, ranges, settings in code.
"""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fuzzing.data_kinds import AUDIO_FILES
from tf_wavenet.data import window_source
from tf_wavenet.layers import FrameNetwork
from tf_wavenet.models import ISTFTVocoder
from tf_wavenet.models.presets import PRESETS
from training.prepare_linguistic import PrepareLinguisticConfig
from training.text import align

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
NUMBER = r"(?<![\w.-])\d[\d,]*(?:\.\d+)*(?:e-\d+)?(?![\w.]*\w)"
# Numbers that are names, or say what a quantity is: of versions, papers and formats, bounds of what may be given.
NAMES = r"""
Python.[\d.]+(.to.[\d.]+)? | (TensorFlow|Keras|NumPy|tensorflow-io)(.below)?.[\d.]+(.and.\d)? |
[Vv]ersions?.[\d.]+(.to.[\d.]+)? | Apache-2.0 | CC-BY-SA-[\d.]+ | arXiv:[\d.]+ | \b(19|20)\d\d\b | section.[\d.]+ |
exit.code.\d | \[-1,.1\] | \b16-bit | SHA-256 | \b0.is.perfect,.1.is | \b0.to.mu | 16.kHz |
(80|128).mels | 4.GB | order.2 | FastSpeech.2 | such.as.0\.99 |
\b1.samples.what.the.model.predicts,.below.1.is.safer,.0.takes
"""


def result(name):
    return json.loads((ROOT / "benchmarks/results" / name).read_text())


def text_of(page):
    """A page without its rendered tables and blocks of code, each run of white space one space."""
    text = (ROOT / page).read_text(encoding="utf-8")
    text = re.sub(r"<!-- table: .*?<!-- end of table -->|^```.*?^```$", "", text, flags=re.S | re.M)
    text = re.sub(r"^    .*$", "", text, flags=re.M)
    return " ".join(text.split())


def preset(name):
    given = PRESETS[name]
    kernel = f", kernel {given['kernel_size']}" if "kernel_size" in given else ""
    return f"{len(given['dilations'])}{kernel}", f"{given['residual_channels']}, {given['skip_channels']}"


def row(*names):
    layers, channels = zip(*map(preset, names), strict=True)
    return f"| {'; '.join(layers)} | {'; '.join(channels)} |"


def tolerance(path, argument):
    """The number of a keyword argument, if a test is called with it."""
    assert argument in (ROOT / path).read_text(), f"{path} lacks {argument}"
    return argument.split("=")[1]


def traced():
    """Per page, phrases that must stand there, their numbers computed."""
    spec = ISTFTVocoder.from_preset("istft_vocoder").mel_spec
    after = (spec.win_length - spec.hop_length) // 2
    milliseconds = 1000 / spec.sample_rate
    linear_prediction = PRESETS["lpc_vocoder"]["conditioning"]["linear_prediction"]
    frames = FrameNetwork(**PRESETS["lpc_vocoder"]["conditioning"]["frame_network"]).reach[1]
    command = re.search(r"--dilations ([\d ]+)", (ROOT / "docs/training.md").read_text())
    dilations = [int(word) for word in command[1].split()]
    past = (PRESETS["babble"]["kernel_size"] - 1) * sum(dilations) / 8000
    native = {name: (ROOT / f"tf_wavenet/decoding/native/{name}.py").read_text() for name in ("products", "tiles")}
    tile = re.search(r"^TILE = (\d+)", native["products"], re.M)
    groups = re.search(r"^GROUPS = \((\d+), (\d+), (\d+)\)", native["tiles"], re.M)
    default = {field.name: field.default for field in dataclasses.fields(PrepareLinguisticConfig)}
    return {
        "docs/conditioning.md": [
            f"agree with librosa within {tolerance('tests/signal/test_log_mel.py', 'atol=1e-3')}",
            f"in the recordings, to {1000 * align._FRAME_SECONDS:.0f} ms",
            f"every {1000 * default['hop_length'] / 16000:.0f} ms",
        ],
        "docs/decoding.md": [
            f"to {tolerance('tests/decoding/test_native.py', 'rtol=1e-3')} (`tests/decoding/test_native.py`",
            f"rows go {groups[1]}, {groups[2]} or {groups[3]} at a time",
            f"whose {tile[1]} sums stay in registers",
            f"above {int(np.finfo('float16').max):,}",
        ],
        "docs/environments.md": [f"within {tolerance('tests/test_golden_training.py', 'rtol=1e-4')} (a test)"],
        "docs/reliability.md": [f"A corpus with {AUDIO_FILES} damaged recordings"],
        "docs/scaling.md": [
            f"less than {4 * window_source._CACHE_NUMBERS / 2**30:.0f} GiB",
            f"{window_source._CACHE_NUMBERS / 16000 / 3600:.1f} hours at 16 kHz",
        ],
        "docs/training.md": [
            f"a corpus of {result('speech_corpus.json')['minutes']:.0f} minutes",
            *(row(name) for name in ("tiny", "small", "paper", "babble", "speaker")),
            row("vocoder", "lpc_vocoder"),
            f"looks back {past:.1f} s",
            f"For 256 mu-law levels, {np.log2(256):.0f} bits is",
        ],
        "docs/vocoders.md": [
            f"On {result('istft_vocoder_16k.json')['points'][-1]['files']} recordings",
            f"A frame of {spec.hop_length} samples then looks {after} samples ({after * milliseconds:.0f} ms) ahead",
            f"multiplied by `voiced_temperature`, {linear_prediction['voiced_temperature']}",
            f"looks {frames} frames ({frames * spec.hop_length * milliseconds:.0f} ms) ahead",
        ],
    }


TRACED = traced()


def test_phrases_with_computed_numbers_stand_in_their_pages():
    for page, phrases in TRACED.items():
        for phrase in phrases:
            assert phrase in text_of(page), f"{page} lacks: {phrase}"


@pytest.mark.parametrize("page", PAGES)
def test_every_other_number_is_a_name(page):
    text = text_of(page)
    for phrase in TRACED.get(page, ()):
        text = text.replace(phrase, "")
    text = re.sub(r"`[^`]*`|\]\([^)]*\)", "", text)
    text = re.sub(NAMES, "", text, flags=re.X)
    assert not [text[max(0, m.start() - 60) : m.end() + 30] for m in re.finditer(NUMBER, text)]
