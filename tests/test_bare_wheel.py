"""What a bare `pip install` gives: the library without any extra."""

import subprocess
import sys
from pathlib import Path

import pytest

import tf_wavenet

ROOT = Path(__file__).parent.parent
# Of the extras; none may be needed to import the package or to use a public name.
EXTRAS = ("soundfile", "soxr", "scipy", "librosa", "matplotlib", "tyro", "tqdm", "tensorboard", "yaml", "safetensors")
USE = """
import numpy as np, tf_wavenet, tf_wavenet.models
from tf_wavenet.signal import log_mel, preprocess
for name in tf_wavenet.__all__:
    getattr(tf_wavenet, name)
assert set(tf_wavenet.__all__) <= set(dir(tf_wavenet))
spec = tf_wavenet.MelSpec.from_preset("speech_16k", num_mels=6, hop_length=8, win_length=32, fft_length=64)
features = log_mel(np.zeros((1, 64), "float32"), spec)
preprocess(np.zeros(64), spec)
conditioning = tf_wavenet.layers.Conditioning(mel_spec=spec)
model = tf_wavenet.WaveNet((1, 2), residual_channels=4, skip_channels=4, conditioning=conditioning)
model.compile("adam")
model.fit({"waveform": np.zeros((1, 64), "float32"), "local_condition": features}, np.zeros((1, 64)), verbose=0)
tf_wavenet.export_saved_model(model, "exported")
for name in tf_wavenet.shipped():
    model = tf_wavenet.load(name)
    assert (model.mel_spec or model).sample_rate in (8000, 16000)
print("done")
"""


def run(python, folder, script=USE):
    command = [python, "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=500, check=False)


@pytest.mark.large
def test_no_public_name_needs_an_extra(tmp_path):
    blocked = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfor name in {EXTRAS}: sys.modules[name] = None\n"
    done = run(sys.executable, tmp_path, blocked + USE)
    assert done.stdout.splitlines()[-1:] == ["done"], done.stderr[-2000:]


@pytest.mark.large
def test_the_wheel_alone_in_a_fresh_environment(tmp_path):
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", str(ROOT), "-w", tmp_path], check=True)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python, [wheel] = tmp_path / "venv/bin/python", tmp_path.glob("*.whl")
    subprocess.run([python, "-m", "pip", "install", "-q", wheel], check=True)
    done = run(python, tmp_path)
    assert done.stdout.splitlines()[-1:] == ["done"], done.stderr[-2000:]
    where = run(python, tmp_path, "import tf_wavenet; print(tf_wavenet.__version__, tf_wavenet.__file__)").stdout
    assert where.startswith(tf_wavenet.__version__) and "site-packages" in where
    assert run(python, tmp_path, "import tf_wavenet; print(tf_wavenet.shipped())").stdout == f"{tf_wavenet.shipped()}\n"
