"""What the measures of a corpus's files say about it: one check a kind of trouble."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from training.corpora.measures import FileMeasures
from training.corpora.mel_statistics import MelStatistics

CLIPPED_SHARE = 1e-4
MIN_SECONDS = 0.5  # for offset and noise: shorter sounds need not have a mean of zero, nor a pause
DC = 0.002  # 9 levels of 8-bit mu-law
FILE_SILENCE = 0.5
EDGE_SECONDS = 0.5
LEVEL_DB = 10.0
BAND_SHARE = 0.87  # of half the training rate; good resamplers begin to fall off at 0.9
NOISE_DB = -60.0
NOISE_BELOW_LOUD_DB = 30.0
FLOOR_SHARE = 0.5


@dataclasses.dataclass(frozen=True)
class Check:
    """One row of the table.

    Attributes:
        name: What is looked at.
        measured: The figures as text.
        figures: The same for programs.
        files: Ids of the files concerned, worst first; more than 0 is a warning.
        suggestion: What to do about it; shown with a warning.
    """

    name: str
    measured: str
    figures: dict[str, Any]
    files: tuple[str, ...]
    suggestion: str

    @property
    def verdict(self) -> str:
        """Returns "warn" if files are concerned, else "ok"."""
        return "warn" if self.files else "ok"


def check_corpus(
    measures: Sequence[FileMeasures],
    rejected: Sequence[tuple[str, str]],
    floors: Sequence[float],
    mel: MelStatistics,
    sample_rate: int,
    receptive_field: int,
) -> list[Check]:
    """Judges a corpus.

    Args:
        measures: Of its files.
        rejected: Pairs (name, reason) of the files that cannot be read.
        floors: Share of each file's mels that lie at the floor.
        mel: Of all of them.
        sample_rate: In Hz, at which a model is to be trained.
        receptive_field: Of the model, in samples.

    Returns:
        The rows of the table.
    """
    return [
        Check(
            "unreadable",
            f"{len(rejected)} files" + (f", first: {rejected[0][1]}" if rejected else ""),
            {"files": len(rejected)},
            tuple(name for name, _ in rejected),
            "They are left out of training; mend or remove them.",
        ),
        _clipping(measures),
        _offset(measures),
        _silence(measures),
        _level(measures),
        _band(measures, sample_rate),
        _rates(measures),
        _duplicates(measures),
        _short(measures, sample_rate, receptive_field),
        _mels(measures, floors, mel),
        _noise(measures),
    ]


def _concerned(pairs: Iterable[tuple[float, str]]) -> tuple[str, ...]:
    """Orders (badness, name) pairs."""
    return tuple(name for _, name in sorted(pairs, key=lambda pair: (-pair[0], pair[1])))


def _clipping(measures):
    worst = max(m.clipped for m in measures)
    share = float(np.average([m.clipped for m in measures], weights=[m.num_samples for m in measures]))
    return Check(
        "clipping",
        f"{share:.4%} of samples in runs at full scale; worst file {worst:.3%}",
        {"share": share, "worst_file": worst},
        _concerned((m.clipped, m.name) for m in measures if m.clipped > CLIPPED_SHARE),
        "Flat tops are learnt as a buzz: record again, lower, or leave these files out. Turning them down is no cure.",
    )


def _offset(measures):
    long = [m for m in measures if m.seconds >= MIN_SECONDS]
    worst = max((m.dc for m in long), key=abs, default=0.0)
    return Check(
        "DC offset",
        f"worst file {worst:+.4f} of full scale",
        {"worst_file": worst},
        _concerned((abs(m.dc), m.name) for m in long if abs(m.dc) > DC),
        "Mu-law is finest around zero: remove the offset with a high-pass filter at about 20 Hz.",
    )


def _silence(measures):
    seconds = [m.seconds for m in measures]
    share = float(np.average([m.silence for m in measures], weights=seconds))
    edges = {m.name: max(m.leading, m.trailing) for m in measures}
    longest = max(edges.values())
    mostly = [m for m in measures if m.silence > FILE_SILENCE]
    concerned = {m.name: m.silence for m in mostly} | {
        name: edge for name, edge in edges.items() if edge > EDGE_SECONDS
    }
    return Check(
        "silence",
        f"{share:.1%} of the time; {len(mostly)} files mostly silent; up to {longest:.2f} s before or after the sound",
        {"share": share, "mostly_silent_files": len(mostly), "longest_edge_seconds": longest},
        _concerned((badness, name) for name, badness in concerned.items()),
        "Much silence teaches silence: use python -m training.prepare --trim-silence, and leave silent files out.",
    )


def _level(measures):
    levels = [m.level for m in measures if m.level is not None]
    if not levels:
        return Check("level", "no sound", {}, (), "")
    median, low, high = (float(level) for level in np.percentile(levels, (50, 5, 95)))
    far = ((abs(m.level - median), m.name) for m in measures if m.level is not None)
    return Check(
        "level",
        f"median {median:.1f} dB, 90 % of files within {low:.1f} to {high:.1f} dB",
        {"median_db": median, "percentile_5_db": low, "percentile_95_db": high},
        _concerned(pair for pair in far if pair[0] > LEVEL_DB),
        f"These files lie more than {LEVEL_DB:.0f} dB from the median: bring all to one loudness.",
    )


def _band(measures, sample_rate):
    limits = {
        m.name: min(m.band_limit or m.sample_rate / 2, m.sample_rate / 2) for m in measures if m.level is not None
    }
    lowest, wanted = min(limits.values(), default=0.0), sample_rate / 2
    return Check(
        "band limit",
        f"lowest {lowest / 1000:.2f} kHz of the {wanted / 1000:.2f} kHz that {sample_rate} Hz can hold",
        {"lowest_hz": lowest, "half_sample_rate_hz": wanted},
        _concerned((-limit, name) for name, limit in limits.items() if limit < BAND_SHARE * wanted),
        "Upsampled or telephone material sounds dull and wastes capacity: train at twice the limit, or leave it out.",
    )


def _rates(measures):
    rates = Counter(m.sample_rate for m in measures)
    usual = rates.most_common(1)[0][0]
    return Check(
        "sample rates",
        ", ".join(f"{count} files at {rate} Hz" for rate, count in sorted(rates.items())),
        {"files_by_rate": {str(rate): count for rate, count in sorted(rates.items())}},
        tuple(m.name for m in measures if m.sample_rate != usual),
        "Files of different rates often differ in origin and bandwidth; do these belong to the corpus?",
    )


def _duplicates(measures):
    groups = defaultdict(list)
    for m in measures:
        groups[m.digest].append(m.name)
    copies = [name for names in groups.values() for name in names[1:]]
    return Check(
        "duplicates",
        f"{len(copies)} files hold the same audio as another",
        {"files": len(copies), "groups": [names for names in groups.values() if len(names) > 1]},
        tuple(f"{name} (= {names[0]})" for names in groups.values() for name in names[1:]),
        "A copy that is held out is no test, and one that is trained on counts twice: remove the copies.",
    )


def _short(measures, sample_rate, receptive_field):
    shortest = min(m.seconds for m in measures)
    needed = receptive_field / sample_rate
    return Check(
        "length",
        f"shortest {shortest:.3f} s; receptive field {needed:.3f} s ({receptive_field} samples)",
        {"shortest_seconds": shortest, "receptive_field_seconds": needed},
        _concerned((-m.seconds, m.name) for m in measures if m.seconds < needed),
        "In these files the model never has the past that it can use: join them, or choose a smaller receptive field.",
    )


def _mels(measures, floors, mel):
    mean, at_floor = float(mel.mean.mean()), mel.at_floor / (mel.frames * mel.num_mels)
    deviation = float(np.sqrt(np.mean(mel.deviation**2 + (mel.mean - mean) ** 2)))
    return Check(
        "log-mels",
        f"mean {mean:.2f}, standard deviation {deviation:.2f}, {at_floor:.1%} at the floor of {mel.floor:.2f}",
        {"mean": mean, "standard_deviation": deviation, "share_at_floor": at_floor, "floor": mel.floor},
        _concerned((s, m.name) for s, m in zip(floors, measures, strict=True) if s > FLOOR_SHARE),
        "Most of these files' features say nothing: digital silence, a missing band, or a level far too low.",
    )


def _noise(measures):
    sounding = [m for m in measures if m.level is not None and m.seconds >= MIN_SECONDS]
    if not sounding:
        return Check("noise floor", f"no file of {MIN_SECONDS} s or more with sound", {}, (), "")
    noise = float(np.median([m.noise for m in sounding]))
    distance = float(np.median([m.loud - m.noise for m in sounding]))
    noisy = (
        (m.noise - m.loud, m.name) for m in sounding if m.noise > NOISE_DB and m.loud - m.noise < NOISE_BELOW_LOUD_DB
    )
    return Check(
        "noise floor",
        f"median {noise:.1f} dB, {distance:.1f} dB below the loud passages",
        {"median_db": noise, "median_below_loud_db": distance},
        _concerned(noisy),
        "The quietest moments are not quiet: noise or reverberation that a model will speak, or sound without pauses.",
    )
