"""Quality over training time: `python -m benchmarks.curve --run RUN`, again and again while it trains.

The newest model of a run, `last.keras`, speaks the held-out files again and is scored as in `benchmarks.quality`. The
point is added to a JSON file, with the time it took to train there, and the picture beside the file is drawn anew.
`--draw a.json b.json --picture out.png` draws several files into one picture.
Needs `pip install -e ".[quality]"`.
"""

import dataclasses
import datetime
import json
import platform
import subprocess
from pathlib import Path

import keras
import tensorflow as tf

from benchmarks.judging import points
from benchmarks.judging.packages import PACKAGES, require
from benchmarks.judging.recordings import read
from benchmarks.judging.scores import score, summarise
from benchmarks.judging.words import make_recognizer
from benchmarks.quality import copy_synthesis
from tf_wavenet import Vocoder
from tf_wavenet.files import atomic_path
from training.cli.command_line import check_numbers, parse, run
from training.runs import history
from training.runs.run_folder import SPEAKERS, RunFolder, load_model, set_voiced_temperature

# Of a run's configuration; where they lay says nothing elsewhere.
_PATHS = ("data", "extra_data", "initial_model", "features")


@dataclasses.dataclass(frozen=True)
class CurveConfig:
    """Scores the newest model of a run, and draws its scores so far over the time."""

    run: Path | None = None
    """Run folder of a vocoder, in training or not."""
    out: Path | None = None
    """JSON file that the point is added to; benchmarks/results/RUN.json if not given. The picture lies beside it."""
    minutes: float = 5.0
    """How much of the held-out files to score; whole files are drawn at random, silent ones left out."""
    temperature: float = 1.0
    """Of a WaveNet's sampling."""
    voiced_temperature: float | None = None
    """Factor on it in voiced frames, for a model with linear prediction; its own if not given."""
    batch_size: int = 8
    """Files to speak at once."""
    seed: int = 0
    """Of the draw and of the model; same seed, same figures."""
    words: bool = False
    """Count the errors of a recogniser too, which takes longest."""
    baseline: Path | None = None
    """What `benchmarks.quality --json` printed: the recordings and Griffin-Lim become horizontal lines."""
    draw: tuple[Path, ...] = ()
    """JSON files to draw into one picture, instead of scoring."""
    picture: Path | None = None
    """That picture."""

    def __post_init__(self) -> None:
        """Checks what nothing else does."""
        if (self.run is None) == (not self.draw):
            raise ValueError(f"Expected --run or --draw. Received: {'neither' if self.run is None else 'both'}")
        if bool(self.draw) != (self.picture is not None):
            raise ValueError("Expected --draw and --picture together. Received: one of them")
        check_numbers(self, "minutes", "batch_size")


def newest(folder: RunFolder) -> tuple[keras.Model, dict]:
    """Loads the last model of a run and what is known of that moment.

    Args:
        folder: The run, which may be training.

    Returns:
        The model and its line of `progress.jsonl`.

    Raises:
        ValueError: If the run has no such model, or the model is no vocoder.
    """
    step, model = folder.last_step(), None
    while step is not None:
        model = load_model(folder.last, SPEAKERS)
        before, step = step, folder.last_step()
        if before == step:
            break
    rows = [row for row in history.read(folder.progress) if row["step"] == step]
    if not rows:
        raise ValueError(f"Expected --run to be a run with last.keras, last.json and progress.jsonl: {folder.path}")
    if model.mel_spec is None:
        raise ValueError(f"Expected --run to be of a vocoder, made with a mel_spec. Received: {folder.path}")
    return model, rows[-1]


def measure(config: CurveConfig) -> dict:
    """Scores the newest model of a run.

    Args:
        config: What to score.

    Returns:
        The point.

    Raises:
        ValueError: For a run that cannot be used, or a package that is missing.
    """
    for package in PACKAGES:
        require(package)
    folder = RunFolder(config.run)
    model, row = newest(folder)
    set_voiced_temperature(model, config.voiced_temperature)
    rate = model.mel_spec.sample_rate
    corpus, texts = read((folder.last,), None, rate, config.minutes, config.seed)
    temperature = None if isinstance(model, Vocoder) else config.temperature
    sampling = {} if temperature is None else {"temperature": temperature}
    audio = copy_synthesis(model, [w for _, w in corpus], config.batch_size, config.seed, **sampling)
    name = folder.path.name
    recognizer = make_recognizer(texts) if config.words else None
    means = summarise(name, corpus, score(name, corpus, audio, rate, recognizer), rate)
    names = [*points.PANELS, "files", *(["word_error", "words"] if config.words else [])]
    times = {key: row[key] for key in ("step", "minutes", "cpu_minutes", "samples")}
    if config.voiced_temperature is not None:
        times["voiced_temperature"] = config.voiced_temperature
    return {**times, "temperature": temperature, **{key: means[key] for key in names}}


def about(folder: RunFolder) -> dict:
    """What made a point: the run's configuration, the code and the machine that scores."""
    cpuinfo = Path("/proc/cpuinfo")
    names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line] if cpuinfo.exists() else []
    here = Path(__file__).parent
    config = json.loads(folder.config.read_text())
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False)
    return {
        "run": folder.path.name,
        "config": config | {name: Path(config[name]).name for name in _PATHS if config.get(name) is not None},
        "commit": commit.stdout.strip() or None,
        "processor": names[0].split(":")[1].strip() if names else platform.processor(),
        "cores": len(names) or None,
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def save_picture(curves: dict[str, dict], path: Path) -> None:
    """Draws curves into a PNG file."""
    with atomic_path(path) as partial:
        points.draw(curves).savefig(partial, format="png")


def main() -> None:
    """Scores or draws as the command line says."""
    config = parse(CurveConfig)
    if config.draw:
        save_picture({path.stem: points.load(path) for path in config.draw}, config.picture)
        return
    baselines = {} if config.baseline is None else {"baselines": points.load_baselines(config.baseline)}
    out = config.out or Path("benchmarks/results") / f"{config.run.resolve().name}.json"
    points.of_run(out, RunFolder(config.run).path.name)  # before the minutes that scoring takes
    point, made_by = measure(config), about(RunFolder(config.run))
    point |= {name: made_by[name] for name in ("commit", "date")}
    curve = points.add(out, point, made_by | baselines)
    save_picture({out.stem: curve}, out.with_suffix(".png"))
    print(json.dumps(point))


if __name__ == "__main__":
    run(main)
