"""The path of training, `python -m training.demo_train`: recordings, training, evaluation, sound, SavedModel."""

import shutil
import time
from pathlib import Path

from training.cli.command_line import run as run_command
from training.evaluate import EvaluateConfig, evaluate
from training.export import ExportConfig, export
from training.generate import GenerateConfig, generate
from training.runs.config import WaveNetConfig
from training.runs.run_folder import RunFolder
from training.scoring.scores import table
from training.train import train

CONFIG = WaveNetConfig(
    data=Path("training/sample_corpus"),
    run=Path("runs/demo_train"),
    preset="tiny",
    window_samples=4000,
    batch_size=1,  # many small steps: the quickest way down on a few cores
    steps=2000,
    learning_rate=0.006,
    warmup_steps=100,
    ema=0.99,
    validate_every=500,
    checkpoint_every=500,
    log_every=20,
)


def demo(config: WaveNetConfig = CONFIG, saved_model: Path = Path("saved_models/demo")) -> None:
    """Trains on a folder of recordings, measures, generates and exports; replaces what an earlier demo made.

    Args:
        config: The training run.
        saved_model: Folder of the SavedModel.
    """
    began = time.monotonic()
    if RunFolder(config.run).config.exists():
        shutil.rmtree(config.run)
    run = train(config)
    scores, total = evaluate(EvaluateConfig(model=run.path))
    wav, picture = generate(GenerateConfig(model=run.path, out=run.path / "generated.wav", seconds=3.0))
    export(ExportConfig(model=run.path, out=saved_model, overwrite=True))
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    print(
        f"\n{table(scores, total)}\n\n"
        f"held-out bits per sample: {total.model:.2f}, which is {total.entropy - total.model:.2f} below the entropy of "
        f"the levels ({total.entropy:.2f}); a linear predictor needs {total.linear:.2f}\n"
        f"model        {run.best}\n"
        f"sound        {wav}\n"
        f"picture      {picture}\n"
        f"SavedModel   {saved_model}\n"
        f"TensorBoard  tensorboard --logdir {run.logs}\n"
        f"time         {minutes} min {seconds} s"
    )


if __name__ == "__main__":
    run_command(demo)
