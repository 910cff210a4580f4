"""What the page says and plays, and the exported model behind it, without a browser."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.streaming_contract import randomise
from tf_wavenet import MelSpec, ParallelWaveGAN, WaveNet, export_saved_model
from tf_wavenet.data import log_mel, preprocess
from tf_wavenet.layers import Conditioning
from training.demo_page import PageConfig, find_models, speak
from training.runs.served_model import ServedModel

pytestmark = pytest.mark.large


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    model = WaveNet((1, 2), 2, 4, 6, conditioning=Conditioning(speakers=("ann", "bob")))
    randomise(model, scale=0.4)
    path = tmp_path_factory.mktemp("saved_models") / "voices"
    export_saved_model(model, path, sample_rate=4000)
    return model, path


def ask(path, **changes):
    settings = {"seconds": 1.2, "temperature": 1.0, "top_p": 0.9, "seed": 3, "speaker": "bob", "prompt": None}
    return speak(path, 16000, **{**settings, "recording": None, **changes})


def test_chunks_then_picture_and_file(voices):
    model, path = voices
    made, chunks = ask(path), []
    while (last := next(made))[2] is None:
        chunks.append(last)
    audio, picture, file, message = last
    heard = np.concatenate([pcm for (_, pcm), *_ in chunks])
    assert {rate for (rate, _), *_ in chunks} == {4000} and len(chunks) == 3 and audio is None
    expected = model.generate(4800, seed=3, top_p=0.9, global_condition="bob")[0]
    np.testing.assert_allclose(heard, expected * 32767, atol=1)
    written, rate = soundfile.read(file)
    assert rate == 4000 and message.startswith("1.2 s at 4000 Hz")
    np.testing.assert_allclose(written, expected, atol=2**-15)
    with open(picture, "rb") as png:
        assert png.read(4) == b"\x89PNG"
    assert next(made, None) is None and not Path(file).exists() and not Path(picture).exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": -1}, "Seed: a whole number from 0 on"),
        ({"speaker": "eve"}, "Expected a speaker of: ann, bob. Received: eve"),
        ({"prompt": __file__}, "Prompt: this file is no recording"),
        ({"temperature": -1.0}, "Expected temperature finite and >= 0"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(voices, changes, message):
    with pytest.raises(ValueError, match=message) as caught:
        list(ask(voices[1], **changes))
    assert "\n" not in str(caught.value)


def test_models_are_found_or_missed_in_words(voices, tmp_path):
    assert find_models(voices[1].parent) == {"voices": voices[1]}
    with pytest.raises(ValueError, match="Expected a SavedModel in"):
        find_models(tmp_path)
    with pytest.raises(ValueError, match="to be an export of this package"):
        ServedModel(tmp_path)
    with pytest.raises(ValueError, match="Expected port to be 1 to 65535"):
        PageConfig(port=0)


def test_a_vocoder_speaks_a_recording_again(tmp_path, rng):
    spec = MelSpec.from_preset("speech_16k", num_mels=5, preemphasis=0.5, loudness=-20.0)
    model = WaveNet((1, 2), 2, 4, 6, conditioning=Conditioning(local_context=1, mel_spec=spec))
    randomise(model, scale=0.3)
    export_saved_model(model, tmp_path / "vocoder")
    recording = rng.uniform(-0.3, 0.3, 2100).astype("float32")
    gain = np.float32(preprocess(recording, spec)[1])
    expected = model.generate(2100, seed=1, local_condition=log_mel(gain * recording, spec))[0] / gain
    served = ServedModel(tmp_path / "vocoder")
    made = np.concatenate(list(served.stream(None, 500, recording=recording, seed=1)))
    np.testing.assert_allclose(made, expected, atol=1e-4)
    with pytest.raises(ValueError, match="Expected a recording to speak again"):
        next(served.stream(100, 50))


@pytest.mark.parametrize("causal", [False, True])
def test_a_vocoder_of_whole_frames_speaks_a_recording_again(tmp_path, rng, causal):
    spec = MelSpec.from_preset("speech_16k", num_mels=5, hop_length=16, win_length=64, fft_length=128)
    sizes = {"residual_channels": 4, "gate_channels": 4, "skip_channels": 4, "upsample_scales": (4, 4)}
    model = ParallelWaveGAN(2, 1, **sizes, mel_spec=spec, causal=causal)
    export_saved_model(model, tmp_path / "vocoder", jit_compile=False)
    recording = rng.uniform(-0.3, 0.3, 1000).astype("float32")
    served, ways = ServedModel(tmp_path / "vocoder"), []
    for size in (160, 1000):
        chunks = list(served.stream(None, size, recording=recording, seed=1))
        assert len(chunks) == (-(-1000 // (size // 16 * 16)) if causal else 1)  # of whole frames of 16 samples
        ways.append(np.concatenate(chunks))
    assert ways[0].shape == (1000,) and ways[0].std() > 0
    np.testing.assert_allclose(ways[0], ways[1], atol=1e-5 * np.abs(ways[1]).max())


def test_an_export_of_an_older_version_is_refused_in_words(voices, tmp_path):
    copy = tmp_path / "old"
    shutil.copytree(voices[1], copy)
    about = (copy / "signatures.json").read_text()
    (copy / "signatures.json").write_text(about.replace('"waveform"', '"generated"'))
    with pytest.raises(ValueError, match="export the model again"):
        ServedModel(copy)


def test_trained_models_are_exported_once_and_speak(tmp_path, capsys):
    shutil.copy(Path("saved_models") / "istft_vocoder_16k.keras", tmp_path)
    for said in ("exporting", ""):
        assert list(find_models(tmp_path)) == ["istft_vocoder_16k"]
        assert capsys.readouterr().out[:9] == said
    *_, (_, _, file, message) = ask(tmp_path / "istft_vocoder_16k", recording="saved_models/prompt.flac")
    assert message.startswith("1.2 s at 16000 Hz") and file
