"""What evaluation finds: bits per sample of a model, beside those of codes that it must beat."""

import dataclasses

import numpy as np

from tf_wavenet import MelSpec, MixtureOfLogistics, MuLawCategorical, Residual
from tf_wavenet.data import AudioFile, preprocess
from training.scoring.baselines import LEVELS, LinearPredictor, count_levels, entropy_bits, unigram_bits

BASELINE_SAMPLES = 30 * 60 * 16000  # the baselines learn from no more than this, in whole files
BASELINE_UNIT = f"{LEVELS} mu-law levels"


def unit_of(distribution: object) -> str:
    """What a model's bits per sample are bits of; those of different units cannot be compared.

    Args:
        distribution: The model's.

    Returns:
        Such as "256 mu-law levels".
    """
    if isinstance(distribution, Residual):
        return f"{unit_of(distribution.distribution)} of the residual"
    if isinstance(distribution, MuLawCategorical):
        return f"{distribution.mu + 1:,} mu-law levels"
    if isinstance(distribution, MixtureOfLogistics):
        return f"{2**distribution.bits:,} levels"
    return "a density of the amplitude (differential)"


@dataclasses.dataclass(frozen=True)
class Score:
    """Bits per sample of one file, or of all. Codes of another unit than the model's are None.

    Attributes:
        name: Id of the file in its corpus, or "all".
        samples: Its length.
        seconds: The same in seconds.
        unit: What the bits are bits of, as `unit_of` says.
        model: The model.
        linear: The order-2 linear predictor.
        unigram: The training files' frequencies of levels.
        entropy: The file's own frequencies of levels.
        uniform: No knowledge at all.
    """

    name: str
    samples: int
    seconds: float
    unit: str
    model: float
    linear: float | None = None
    unigram: float | None = None
    entropy: float | None = None
    uniform: float | None = None


class Baselines:
    """The codes that know no more than their training files' levels, or two samples of context.

    Args:
        files: Training files.
        sample_rate: In Hz.
        spec: `MelSpec` of the model, if it has one: its pre-emphasis and loudness are applied first, as for the model.
    """

    def __init__(self, files: list[AudioFile], sample_rate: int, spec: MelSpec | None = None) -> None:
        chosen, samples = [], 0
        for index in np.random.default_rng(0).permutation(len(files)):
            if samples < BASELINE_SAMPLES:
                chosen.append(files[index])
                samples += files[index].num_samples
        self._spec = spec
        waveforms = [self._prepared(file.load(sample_rate)) for file in chosen]
        self.counts = sum(count_levels(waveform) for waveform in waveforms)
        self.predictor = LinearPredictor.fit(waveforms)

    def score(self, waveform: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
        """Codes one file.

        Args:
            waveform: Float array `[time]`.

        Returns:
            `linear`, `unigram`, `entropy` and `uniform` in bits per sample, and the counts of the file's levels.
        """
        waveform = self._prepared(waveform)
        counts = count_levels(waveform)
        figures = {
            "linear": self.predictor.bits(waveform) / len(waveform),
            "unigram": unigram_bits(self.counts, counts),
            "entropy": entropy_bits(counts),
            "uniform": float(np.log2(LEVELS)),
        }
        return figures, counts

    def _prepared(self, waveform: np.ndarray) -> np.ndarray:
        return waveform if self._spec is None else preprocess(waveform, self._spec)[0]


def table(scores: list[Score], total: Score) -> str:
    """Lays out scores.

    Args:
        scores: Of the files.
        total: Of all of them.

    Returns:
        Lines of text; the last one names the unit, if it is not that of the baselines.
    """
    width = max(len(name) for name in ["file", "all", *(score.name for score in scores)])
    columns = ("model", "linear", "unigram", "entropy", "uniform")
    lines = [f"{'file':{width}}  seconds  " + "".join(f"{column:>9}" for column in columns) + "  (bits per sample)"]
    for score in [*scores, total]:
        values = [getattr(score, column) for column in columns]
        figures = "".join(f"{'-':>9}" if value is None else f"{value:9.3f}" for value in values)
        lines.append(f"{score.name:{width}}  {score.seconds:7.2f}  {figures}")
    if total.unit != BASELINE_UNIT:
        lines.append(f"The model's bits are of {total.unit}, not of {BASELINE_UNIT} as those of the other codes.")
    return "\n".join(lines)
