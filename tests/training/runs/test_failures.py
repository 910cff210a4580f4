"""A corpus that goes away while training reads it, a batch that does not fit, and Ctrl-C twice."""

import dataclasses
import shutil
import subprocess
import sys

import pytest

import training.train as script
from tf_wavenet.data import AudioError
from training.runs.failures import in_one_line
from training.runs.run_folder import RunFolder


def test_the_line_is_found_in_what_a_pipeline_says():
    said = (
        "InvalidArgumentError: {{function_node x}}\n\ntf_wavenet.data.audio_error.AudioError: a: b.wav: expected c.\n\n"
    )
    with pytest.raises(AudioError, match="^a: b.wav: expected c.$"), in_one_line():
        raise RuntimeError(said)
    with pytest.raises(RuntimeError, match="^another$"), in_one_line():
        raise RuntimeError("another")
    same = AudioError("b.wav", "expected c.")
    with pytest.raises(AudioError) as caught, in_one_line():
        raise same
    assert caught.value is same


@pytest.mark.parametrize(
    ("error", "received"),
    [
        (
            RuntimeError("at x:\nOOM when allocating tensor with shape[9]\nHint"),
            "OOM when allocating tensor with shape[9]",
        ),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes."), "Out of memory allocating 9 bytes."),
        (RuntimeError("err == 0. you tried to allocate 9 bytes. Error code 12"), "tried to allocate 9 bytes"),
        (MemoryError("Unable to allocate 9 GiB"), "Unable to allocate 9 GiB"),
    ],
)
def test_memory_is_named_in_every_backends_words(error, received):
    with pytest.raises(MemoryError) as caught, in_one_line():
        raise error
    assert str(caught.value).endswith(f"Received: {received}")
    assert "--batch-size" in str(caught.value)


@pytest.mark.large
def test_a_run_ends_with_one_line_and_a_checkpoint(new_config, tmp_path, monkeypatch):
    corpus = tmp_path / "corpus"
    shutil.copytree(new_config.data, corpus)
    monkeypatch.setattr("tf_wavenet.data.window_source._CACHE_NUMBERS", 2000)
    original = script.callbacks.Progress.on_step

    def on_step(self, step, logs):
        original(self, step, logs)
        if step == 2:
            shutil.rmtree(corpus)

    monkeypatch.setattr(script.callbacks.Progress, "on_step", on_step)
    config = dataclasses.replace(new_config, data=corpus, steps=1000, checkpoint_every=1000, validate_every=1000)
    with pytest.raises(AudioError, match=r"\.wav: expected an audio file. Received: no such file.$"):
        script.train(config)
    ((step, _),) = RunFolder(config.run).checkpoints()
    assert 2 <= step < 1000


# Batches that take longer than steps, so that some are being made when Ctrl-C is pressed twice.
INTERRUPTED = """
import os, signal, sys, time
import training.train as script
from tf_wavenet.data.window_source import WindowSource

batch, on_step = WindowSource.batch, script.callbacks.Progress.on_step

def slow(self, step):
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        sum(range(1000))
    return batch(self, step)

def interrupt(self, step, logs):
    on_step(self, step, logs)
    if step == 2:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background processes ignore it
WindowSource.batch, script.callbacks.Progress.on_step = slow, interrupt
sys.argv[1:] = sys.argv[1:] + "--dilations 1 2 --residual-channels 4 --skip-channels 8 --sample-rate 8000".split()
sys.argv[1:] = sys.argv[1:] + "--window-samples 400 --steps 1000 --validation-fraction 0.3 --no-jit-compile".split()
script.run_command(script.main)
"""


@pytest.mark.large
def test_ctrl_c_twice_ends_training_at_once(new_config):
    command = [sys.executable, "-c", INTERRUPTED, f"--data={new_config.data}", f"--run={new_config.run}"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=150)
    assert ended.stderr.splitlines()[-1].endswith("interrupted")
    assert ended.returncode == 130
