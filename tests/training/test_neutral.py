"""Training where TensorFlow is not installed, by the commands themselves."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from benchmarks import workers
from training.runs.config import VocoderConfig
from training.runs.run_folder import SPEAKERS, RunFolder, load_model
from training.train import train

ROOT = Path(__file__).parents[2]
here = pytest.mark.skipif(
    bool(importlib.util.find_spec("tensorflow")), reason="needs an environment without TensorFlow"
)


def gpu_voice(*arguments, **environment):
    command = ["sh", "training/gpu_voice.sh", *map(str, arguments)]
    environment = {**os.environ, "PYTHON": sys.executable, **environment}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@here
@pytest.mark.parametrize("model", ["wavenet", "istft_vocoder"])
def test_a_stopped_run_goes_on_as_if_it_had_never_stopped(corpus, new_config, model):
    config = new_config
    if model == "istft_vocoder":
        sizes = {"generator_channels": 8, "window_samples": 2048, "batch_size": 2, "sample_rate": 8000}
        config = VocoderConfig(
            data=corpus, run=config.run, model=model, validation_fraction=0.3, ema=0.5, precision="float32", **sizes
        )

    def run(name, steps, **changes):
        settings = {"validate_every": 2, "checkpoint_every": 2, "sample_seconds": 0.0}
        settings |= {"schedule": "constant", "warmup_steps": 0}
        values = {**vars(config), **settings, "run": config.run / name, "steps": steps, **changes}
        return train(type(config)(**values))

    whole = run("whole", 4)
    run("halves", 2)
    halves = run("halves", 4, resume=True)
    ours, theirs = (load_model(each.last, SPEAKERS).get_weights() for each in (halves, whole))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    rows = [json.loads(line) for line in halves.progress.read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4]


@here
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="PyTorch's processes are not joined")
def test_two_processes_learn_what_one_learns(tmp_path):
    workers.make_corpus(tmp_path / "corpus")
    flags = ["--data", str(tmp_path / "corpus"), *workers.COMMON, *workers.KINDS["wavenet"].split()]
    flags += ["--steps", "3", "--validate-every", "3", "--checkpoint-every", "3"]
    for number in (1, 2):
        processes = workers.start([*flags, "--run", str(tmp_path / str(number))], number, tmp_path / "log")
        workers.finish(processes, tmp_path / "log")
    one, two = (workers.curve(tmp_path / str(number)) for number in (1, 2))
    np.testing.assert_allclose(two, one, rtol=1e-6)
    assert len(one) == 1


@here
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the script is for JAX")
def test_the_script_measures_the_device_and_ends_with_a_model(corpus, tmp_path):
    folder, out = tmp_path / "folder", tmp_path / "out"
    shutil.copytree(corpus, folder / "corpus")
    tiny = {"FLAGS": "--batch-size 1 --window-samples 2048", "GPU_FLAGS": "--seconds 0.1 --windows 1 --size 64"}
    finished = gpu_voice("train", folder, out, 0.1, **tiny)
    assert finished.returncode == 0, finished.stderr
    figures = json.loads((out / "gpu.json").read_text())
    assert figures["backend"] == "jax" and figures["product_tflops"] > 0
    assert all(figures[name]["samples_per_second"] > 0 for name in ("istft_vocoder", "lpc_vocoder"))
    run = RunFolder(out / "run")
    assert load_model(run.best, SPEAKERS).generate(np.zeros((3, 80), "float32")).shape == (1, 600)
    assert np.isfinite(run.best_score()[1]) and run.checkpoints()
    # The time is used up, and the device is not measured anew.
    again = gpu_voice("train", folder, out, 0.1, **tiny | {"GPU_FLAGS": "--help"})
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pack"], "expected: training/gpu_voice.sh pack FOLDER CORPUS, or train FOLDER OUT [MINUTES]"),
        (["pack", "folder", "nowhere"], "expected a folder that training.prepare wrote. Received: nowhere"),
        (["train", "nowhere", "out"], "expected a folder of `gpu_voice.sh pack`. Received: nowhere"),
        (["fly", "a", "b"], "expected pack or train. Received: fly"),
    ],
)
def test_mistakes_are_one_line(arguments, message):
    finished = gpu_voice(*arguments)
    assert (finished.returncode, finished.stderr) == (2, f"error: {message}\n")
