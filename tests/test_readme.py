"""The README's Python examples run, in order, as a reader would run them; its make targets exist."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.large
def test_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 4
    audio = []
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
        audio.append(names["audio"].shape)
    assert audio[0] == (1, 8000) and audio[-1] == (1, 16000)
    assert keras.models.load_model("vocoder.keras").mel_spec == names["spec"]
    assert "generate" in tf.saved_model.load("tone_saved_model").signatures
    x = np.zeros((3, 500), "float32")
    names["classifier"].fit(x, np.arange(3), verbose=0)
    assert names["outputs"].shape == (1, 4000, 4)


def test_first_example_is_short():
    block = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    assert len([line for line in block.splitlines() if line.strip()]) <= 15


def test_vocoder_example_is_short():
    block = next(b for b in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "log_mel" in b)
    assert len([line for line in block.splitlines() if line.strip()]) <= 20


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"README names make {target}"


def test_modules_exist():
    for module in re.findall(r"python -m ([a-z_.]+)", README):
        assert (ROOT / (module.replace(".", "/") + ".py")).exists(), f"README names python -m {module}"


def test_nothing_is_left_open():
    assert not re.findall(r"@[A-Z]+@", README)
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), f"README links {target}"
