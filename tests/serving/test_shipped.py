"""The trained models of the package, exported by the command and run from C, make what they make in Python."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests.serving.test_consumers import EXAMPLES, run
from tf_wavenet import load, shipped
from tf_wavenet.models.shipped import FOLDERS
from training.export import ExportConfig, export

pytestmark = pytest.mark.large
FRAMES, SEED = 12, 3


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    if shutil.which("cc") is None:
        pytest.skip("no program cc")
    folder = tmp_path_factory.mktemp("programs")
    run(EXAMPLES / "c" / "build.sh", sys.executable, folder)
    return folder


def speak(program, *arguments):
    return subprocess.run(list(map(str, [program, *arguments[:-1]])), input=arguments[-1], capture_output=True)


@pytest.mark.parametrize("name", [name for name in shipped() if name != "acoustic_16k"])
def test_c_makes_the_sound_of_a_shipped_model(name, programs, tmp_path, rng):
    model = load(name)
    folder = export(ExportConfig(model=FOLDERS[1] / f"{name}.keras", out=tmp_path / "out"))
    spec = model.mel_spec
    if spec is None:
        expected = model.generate(700, seed=SEED)[0]
        audio = run(programs / "stream", folder, 700, 320, SEED)
    else:
        mels = rng.normal(-0.5, 0.5, (FRAMES, spec.num_mels)).astype("<f4")
        samples = {} if "vocoder" in type(model).__name__.lower() else {"num_samples": FRAMES * spec.hop_length}
        expected = np.asarray(model.generate(local_condition=mels, seed=SEED, **samples))[0]
        arguments = (folder, spec.num_mels, spec.hop_length, SEED)
        done = speak(programs / "speak", *arguments, mels.tobytes())
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        audio = done.stdout
        cut = speak(programs / "speak", *arguments, mels.tobytes()[:-1])
        assert cut.returncode == 2 and "error: mels: expected" in cut.stderr.decode() and not cut.stdout
    assert len(expected) and np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(np.frombuffer(audio, "<f4"), expected, atol=1e-3 * np.abs(expected).max())
