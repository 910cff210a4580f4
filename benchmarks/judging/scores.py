"""Scores of systems: every file judged, averaged, laid out."""

import numpy as np
import soxr
from tqdm import tqdm

from benchmarks.judging.packages import SAMPLE_RATE, judge
from benchmarks.judging.words import Recognizer, normalise, word_edits
from tf_wavenet.data import AudioFile

JUDGES = {"pesq_wb": "PESQ-WB", "stoi": "STOI", "mcd_db": "MCD dB", "stft_loss": "STFT loss", "dnsmos": "DNSMOS"}
JUDGES |= {"f0_cents": "F0 cents", "voicing_error": "voicing"}
COLUMNS = {**JUDGES, "word_error": "word error"}

Corpus = list[tuple[AudioFile, np.ndarray]]


def score(name: str, corpus: Corpus, audio: list[np.ndarray], rate: int, recognizer: Recognizer | None) -> list[dict]:
    """Judges what a system made of each file.

    Args:
        name: Of the system, for the progress bar.
        corpus: Files and recordings.
        audio: Float arrays `[time]`, one a recording, of its length.
        rate: Their rate in Hz.
        recognizer: None to leave words out.

    Returns:
        A dict a file: `file`, the scores of `judge` (None where there is none), and
        `words`, `word_edits` where its text has words.
    """
    rows = []
    bar = tqdm(corpus, desc=f"judge {name}", unit="file", dynamic_ncols=True)
    for (file, recording), made in zip(bar, audio, strict=True):
        reference, heard = (soxr.resample(np.clip(w, -1.0, 1.0), rate, SAMPLE_RATE) for w in (recording, made))
        scores = {judge_: value if np.isfinite(value) else None for judge_, value in judge(reference, heard).items()}
        rows.append({"file": file.name, **scores})
        said = normalise(file.text or "")
        if recognizer is not None and said:
            rows[-1] |= {"words": len(said), "word_edits": word_edits(said, recognizer.listen(heard))}
    return rows


def summarise(name: str, corpus: Corpus, rows: list[dict], rate: int) -> dict:
    """Averages scores: over the files that have them; word errors over words. None where no file has one."""
    means = {}
    for column in JUDGES:
        judged = [row[column] for row in rows if row[column] is not None]
        means[column] = float(np.mean(judged)) if judged else None
        means[f"{column}_files"] = len(judged)
    words = sum(row.get("words", 0) for row in rows)
    edits = sum(row.get("word_edits", 0) for row in rows)
    means |= {"word_error": edits / words if words else None, "words": words}
    seconds = sum(len(recording) for _, recording in corpus) / rate
    return {"system": name, "files": len(rows), "seconds": round(seconds, 2), **means}


def table(summaries: list[dict]) -> str:
    """Lays out what `summarise` returned, a line a system."""
    width = max(len(summary["system"]) for summary in summaries)
    lines = [" " * width + "".join(f"{title:>12}" for title in COLUMNS.values())]
    for summary in summaries:
        figures = ("-" if summary[column] is None else f"{summary[column]:.3f}" for column in COLUMNS)
        lines.append(f"{summary['system']:{width}}" + "".join(f"{figure:>12}" for figure in figures))
    first = summaries[0]
    files = ", ".join(f"{title} {first[f'{column}_files']}" for column, title in JUDGES.items())
    lines.append(f"{first['files']} files, {first['seconds']:.1f} s, {first['words']} words; files judged: {files}")
    return "\n".join(lines)
