"""Finds the recordings of a folder and decodes each once."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tf_wavenet.data.audio_error import AudioError
from tf_wavenet.data.corpus_listing import CorpusListing, find_twins, twin_reason
from tf_wavenet.data.manifest import AudioFile, Manifest
from tf_wavenet.data.read_audio import check_sample_rate


def index_corpus(
    folder: str | os.PathLike,
    sample_rate: int = 16000,
    *,
    trim_silence_db: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Manifest:
    """Indexes a folder of recordings. Every file is decoded once; bad ones are listed with their reason and left out.

    Three layouts are read, and may be mixed:
    - any folder, with or without subfolders: all files of a kind that `load_audio` reads, such as .wav, .flac or .mp3;
    - LJSpeech: `metadata.csv` with lines `id|text` or `id|text|normalised text` (the last is taken) and the recordings
      as `wavs/<id>.wav` or `<id>.wav`, of any of the suffixes; ids may be file names as well, `a.wav` or `wavs/a.wav`;
    - Hugging Face's audiofolder: `metadata.csv` with a header such as `file_name,transcription`, or `metadata.jsonl`;
      they may lie in any folder, and files are looked for from there;
    - VCTK: `wav48_silence_trimmed/<speaker>/<id>_mic1.flac`, `wav48/<speaker>/<id>.wav` or `<speaker>/<id>.wav`, texts
      in `txt/<speaker>/<id>.txt`. Of two microphones' takes of one utterance only the first is taken.

    The first folder below the corpus or its wavs folder names the speaker (so does an LJSpeech id `speaker/number`).
    Hidden files and folders are passed over; linked folders are followed once. Of one recording in two formats, such as
    `a.flac` beside `a.wav` of the same length, one is taken, lossless if possible.

    Args:
        folder: The corpus.
        sample_rate: Rate in Hz, 1000 to 384000, that the corpus will be read at.
        trim_silence_db: If given, a level in dB relative to full scale, such as -50: leading and trailing samples below
            it are cut off, all but 50 ms.
        progress: Called with (files decoded, files in all) after each file.

    Returns:
        The manifest, files ordered by path.

    Raises:
        AudioError: If there is no such folder, if it holds no audio file, or none that can be read.

    Example:
    >>> import tempfile, numpy as np, soundfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     soundfile.write(f"{folder}/clip.wav", np.zeros(8000), 16000)
    ...     _ = Path(folder, "broken.wav").write_text("not audio")
    ...     manifest = index_corpus(folder)
    >>> manifest.seconds, [path.name for path, reason in manifest.rejected]
    (0.5, ['broken.wav'])

    References:
        Ito and Johnson, The LJ Speech Dataset (2017); Yamagishi et al., CSTR VCTK Corpus (2019).
    """
    check_sample_rate(sample_rate, "sample_rate")
    listing = CorpusListing(folder)

    def examine(recording):
        try:
            return recording.decode(sample_rate, trim_silence_db)[0]
        except AudioError as error:
            return recording.path, error.reason

    files, rejected = [], listing.rejected
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, result in enumerate(pool.map(examine, listing.recordings), start=1):
            (files if isinstance(result, AudioFile) else rejected).append(result)
            if progress is not None:
                progress(done, len(listing.recordings))
    named = {recording.path for recording in listing.recordings if recording.named}
    twins = find_twins(files, named, sample_rate)
    rejected += [(path, twin_reason(twin.relative_to(listing.folder))) for path, twin in twins.items()]
    files = [file for file in files if file.path not in twins]
    if not files:
        path, reason = rejected[0]
        received = f"{len(rejected)} files, all rejected, first {path.name}: {reason}"
        raise AudioError(folder, f"expected at least one readable audio file. Received: {received}")
    return Manifest(sample_rate, tuple(files), tuple(rejected))
