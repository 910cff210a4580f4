"""Makes the embedded sample corpus: `python -m training.make_sample_corpus` (needs the program espeak-ng).

The corpus is in the repository already; this script states how it was made and makes it again.
"""

import dataclasses
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tf_wavenet.data import AudioError, load_audio
from training.cli.command_line import parse, run
from training.prepare import write_flac, write_metadata
from training.text.espeak_voice import PEAK, VOICES, WORDS_PER_MINUTE

SAMPLE_RATE = 16000
SENTENCES = {
    "female": (
        "A quiet river bends around the old mill before it reaches the sea.",
        "Who left the yellow umbrella on the kitchen chair?",
        "Seven small boats were tied to the wooden pier.",
        "Please bring the blue notebook, the ruler, and two sharp pencils.",
        "Every morning the baker opens her shop at half past five.",
        "The clouds moved slowly, and the valley turned from gold to grey.",
        "I have never heard a violin played in such a large cave.",
        "Put the kettle on; our guests will be here soon.",
        "The judge paused, turned a page, and began to read aloud.",
        "Fresh paint covers the fence, so do not lean against it.",
        "Sound travels faster through water than it does through air.",
        "Could you show me the shortest path to the train station?",
        "The children built a castle of sand, shells, and driftwood.",
        "Nothing in the attic had been touched for thirty years.",
        "He weighed the apples twice and charged us only once.",
        "A good teacher knows when to wait for the answer.",
        "Snow fell on the harbour, and the fishing boats stayed home.",
        "The garden needs rain, but the roof would rather have sun.",
    ),
    "male": (
        "The lighthouse keeper counted the ships that passed in the fog.",
        "Why does the moon look so much bigger near the horizon?",
        "Four grey geese flew low over the frozen lake.",
        "My brother repairs clocks, radios, and other patient machines.",
        "The recipe asks for flour, butter, salt, and a pinch of thyme.",
        "We walked until the road became a path, and the path became grass.",
        "Such a strange noise could only come from the cellar.",
        "Choose a number between one and a thousand, but keep it secret.",
        "The museum closes early on Thursdays during the winter.",
        "Her voice on the telephone was clear, calm, and very far away.",
        "Thick ice had formed on the inside of the window.",
        "Is there enough room in the van for both of the bicycles?",
        "An engineer should measure first and argue afterwards.",
        "The old oak by the gate was planted by my grandfather.",
        "They sang without any music, and nobody missed a note.",
        "Tomorrow we shall know whether the bridge can carry the load.",
        "A thin blue line of smoke rose above the far hills.",
        "Measure the shelf again, and then cut the board.",
    ),
}


@dataclasses.dataclass(frozen=True)
class SampleCorpusConfig:
    """Makes the sample corpus with espeak-ng: two voices, 16 kHz mono 16-bit FLAC, metadata.csv (LJSpeech's form)."""

    out: Path = Path(__file__).parent / "sample_corpus"
    """Folder to write to."""


def speak(text: str, voice: str) -> np.ndarray:
    """Speaks one sentence with espeak-ng.

    Args:
        text: The sentence.
        voice: Name of an espeak-ng voice, such as "en-us+f2".

    Returns:
        float32 array [time] at `SAMPLE_RATE`, peak at -3 dBFS, silence at both ends at most 50 ms.

    Raises:
        AudioError: If espeak-ng is not installed or fails.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise AudioError("espeak-ng", "expected the program to be installed (Debian: apt-get install espeak-ng).")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "speech.wav")
        command = [program, "-v", voice, "-s", str(WORDS_PER_MINUTE), "-w", str(path), text]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            raise AudioError("espeak-ng", f"expected speech. Received: {result.stderr.strip()}")
        waveform = load_audio(path, SAMPLE_RATE)
    audible = np.flatnonzero(np.abs(waveform) > 1e-3)
    margin = SAMPLE_RATE // 20
    waveform = waveform[max(0, audible[0] - margin) : audible[-1] + margin]
    return waveform * (PEAK / np.abs(waveform).max())


def main() -> None:
    """Runs the command."""
    out = parse(SampleCorpusConfig).out
    lines = [
        (f"{speaker}/{number:02d}", voice, text)
        for speaker, voice in VOICES.items()
        for number, text in enumerate(SENTENCES[speaker], start=1)
    ]
    for name, voice, text in tqdm(lines, desc="speaking", unit="file"):
        write_flac(out / "wavs" / f"{name}.flac", speak(text, voice), SAMPLE_RATE)
    write_metadata(out, [(name, text) for name, _, text in lines])


if __name__ == "__main__":
    run(main)
