from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("librosa", reason="librosa is not installed: pip install -e '.[quality]'")

from benchmarks.judging.griffin_lim import griffin_lim  # noqa: E402
from tf_wavenet import MelSpec  # noqa: E402
from tf_wavenet.data import log_mel  # noqa: E402

pytestmark = pytest.mark.large  # librosa compiles its transforms first
CLIP = Path(__file__).parents[3] / "training/sample_corpus/wavs/female/02.flac"
SMALL = {"sample_rate": 16000, "hop_length": 128, "win_length": 512, "fft_length": 512, "num_mels": 40}
SPECS = {
    "speech_16k": MelSpec.from_preset("speech_16k"),
    "sample": MelSpec(**SMALL, fmin=0.0, fmax=8000.0, center="sample", padding="reflect", log_base="10", floor=1e-10),
    "normalised": MelSpec(**SMALL, fmin=50.0, fmax=8000.0, normalization=([-3.0] * 40, [2.0] * 40)),
}


@pytest.mark.parametrize("name", SPECS)
def test_has_the_features_asked_for(name):
    """Within a third of the spread of the features over time, whatever the recipe."""
    spec = SPECS[name]
    speech = soundfile.read(CLIP, dtype="float32")[0][4000:12001]
    features = np.asarray(log_mel(speech, spec))
    audio = griffin_lim(features, spec, len(speech))
    assert audio.shape == speech.shape and audio.dtype == np.float32
    error = np.abs(np.asarray(log_mel(audio, spec)) - features).mean()
    assert error < 0.3 * features.std(axis=0).mean()


@pytest.mark.parametrize("name", SPECS)
def test_a_click_stays_where_it_was(name):
    spec = SPECS[name]
    click = np.zeros(6000, np.float32)
    click[3000] = 0.9
    audio = griffin_lim(np.asarray(log_mel(click, spec)), spec, len(click))
    energy = audio.astype(np.float64) ** 2
    assert abs(np.sum(energy * np.arange(6000)) / energy.sum() - 3000) < spec.hop_length / 2
    assert np.array_equal(audio, griffin_lim(np.asarray(log_mel(click, spec)), spec, len(click)))
