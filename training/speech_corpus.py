"""Makes a speech corpus of Debian's telephone prompts: `python -m training.speech_corpus --out OUT`.

The package asterisk-core-sounds-en-g722 holds 568 prompts, 25.5 minutes, of one studio voice (Allison Smith) as raw
G.722 at 16 kHz, licensed CC-BY-SA-3.0; asterisk-core-sounds-en holds what is said. `apt-get install` both first, or
`apt-get download` them and name the two .deb files.
"""

import dataclasses
import gzip
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tf_wavenet.data import AudioError
from training.cli.command_line import parse, run
from training.prepare import write_flac, write_metadata

SAMPLE_RATE = 16000  # G.722 has no other
_REMARK = re.compile(r"\[[^]]*\]|\([^)]*\)|<[^>]*>")


@dataclasses.dataclass(frozen=True)
class SpeechCorpusConfig:
    """Turns Debian's asterisk-core-sounds-en-g722 into 16 kHz mono 16-bit FLAC and metadata.csv (LJSpeech's form)."""

    out: Path
    """Folder to write to; recordings that are there already are kept."""
    sounds: Path = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
    """Folder of .g722 files, or the package asterisk-core-sounds-en-g722 as a .deb file."""
    texts: Path = Path("/usr/share/doc/asterisk-core-sounds-en")
    """Folder of core-sounds-en.txt.gz, or the package asterisk-core-sounds-en as a .deb file; may be missing."""


def decode_g722(path: Path) -> np.ndarray:
    """Decodes a raw G.722 file with PyAV where it is installed, else with the program ffmpeg.

    Args:
        path: The file: 64 kbit/s, no header.

    Returns:
        float32 array [time] at 16 kHz in [-1, 1), two samples a byte.

    Raises:
        AudioError: If neither decoder is installed, or the file does not decode.

    References:
        ITU-T G.722 (2012), mode 1.
    """
    if not path.stat().st_size:
        raise AudioError(path, "expected at least 1 sample. Received: an empty file.")
    if importlib.util.find_spec("av"):
        levels = _decode_with_pyav(path)
    elif shutil.which("ffmpeg"):
        levels = _decode_with_ffmpeg(path)
    else:
        raise AudioError(path, "expected a decoder of G.722: the Python package av, or the program ffmpeg.")
    return levels.astype(np.float32) / 32768.0


def _decode_with_pyav(path):
    import av

    try:
        with av.open(str(path), format="g722") as container:
            blocks = [frame.to_ndarray().ravel() for frame in container.decode(audio=0)]
    except av.FFmpegError as error:
        raise AudioError(path, f"expected raw G.722. PyAV: {error.strerror}.") from None
    return np.concatenate(blocks)


def _decode_with_ffmpeg(path):
    command = ["ffmpeg", "-v", "error", "-nostdin", "-f", "g722", "-i", str(path), "-f", "s16le", "-"]
    result = subprocess.run(command, capture_output=True)
    if result.returncode != 0:
        raise AudioError(path, f"expected raw G.722. ffmpeg: {' '.join(result.stderr.decode().split())}")
    return np.frombuffer(result.stdout, "<i2")


def read_texts(folder: Path) -> dict[str, str]:
    """Reads what the prompts say.

    Args:
        folder: Folder in or under which `core-sounds-*.txt` or `core-sounds-*.txt.gz` lies: lines `name: text`.

    Returns:
        Dict of name, such as "digits/1", to text, without remarks in brackets; empty where there is no such file.
    """
    texts = {}
    for path in sorted(folder.rglob("core-sounds-*.txt*")):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for line in content.decode("utf-8", errors="replace").splitlines():
            name, colon, text = line.partition(":")
            text = _REMARK.sub("", text).strip()  # "at [@]", "[ascending tones]"
            if colon and text and not line.startswith(";"):
                texts[name.strip()] = text
    return texts


@contextmanager
def unpacked(source: Path) -> Iterator[Path]:
    """Yields a folder: `source` itself, or what a .deb file holds, unpacked for as long as the context lasts.

    Args:
        source: A folder or a .deb file.

    Raises:
        AudioError: If `source` is neither, or dpkg-deb is missing or fails.
    """
    if source.is_dir():
        yield source
        return
    if source.suffix != ".deb" or not source.is_file():
        raise AudioError(source, "expected a folder or a .deb file; apt-get install asterisk-core-sounds-en-g722.")
    if not shutil.which("dpkg-deb"):
        raise AudioError(source, "expected the program dpkg-deb to unpack it; unpack it by hand and name the folder.")
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(["dpkg-deb", "-x", str(source), folder], capture_output=True, text=True)
        if result.returncode != 0:
            raise AudioError(source, f"expected a Debian package. dpkg-deb: {' '.join(result.stderr.split())}")
        yield Path(folder)


def main() -> None:
    """Runs the command."""
    config = parse(SpeechCorpusConfig)
    with unpacked(config.sounds) as folder:
        files = sorted(folder.rglob("*.g722"))
        if not files:
            raise AudioError(config.sounds, "expected .g722 files. Received: none.")
        root = os.path.commonpath([file.parent for file in files])
        prompts = {}
        for file in files:
            if file.stat().st_size:
                prompts[file.relative_to(root).with_suffix("").as_posix()] = file
            else:  # "is" of the Russian package
                print(f"left out: {file}: empty", file=sys.stderr)
        if not prompts:
            raise AudioError(config.sounds, "expected .g722 files of at least 1 sample. Received: empty ones.")
        for name, file in tqdm(prompts.items(), desc="decoding", unit="file"):
            target = config.out / "wavs" / f"{_identity(name)}.flac"
            if not target.is_file():
                write_flac(target, decode_g722(file), SAMPLE_RATE)
    texts = {}
    if config.texts.exists():
        with unpacked(config.texts) as folder:
            texts = read_texts(folder)
    write_metadata(config.out, [(_identity(name), texts.get(name)) for name in prompts])
    print(f"{len(prompts)} prompts, {sum(name in texts for name in prompts)} with text, in {config.out}")


def _identity(name):
    return name.replace("/", "-")  # digits/1 is no speaker named digits


if __name__ == "__main__":
    run(main)
