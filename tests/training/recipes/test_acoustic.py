"""Training of an acoustic model from aligned recordings to a text that is spoken."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.streaming_contract import randomise
from tests.training.test_train import assert_same_checkpoint
from tf_wavenet import MelSpec, load
from tf_wavenet.models import AcousticModel
from training.export import ExportConfig, export
from training.generate import GenerateConfig, generate
from training.prepare_linguistic import PrepareLinguisticConfig, prepare
from training.runs.config import AcousticConfig, load_config
from training.runs.run_folder import RunFolder, load_model
from training.text.phonemes import PUNCTUATION, STRESS, WORD, find_espeak, phonemize, speak_phonemes
from training.text.utterances import spoken
from training.train import train

for package in ("pyworld", "pocketsphinx"):
    pytest.importorskip(package, reason=f"needs {package}", exc_type=ImportError)
try:
    find_espeak()
except ValueError as error:
    pytest.skip(str(error), allow_module_level=True)

TEXTS = ("a kettle", "seven boats", "small guests", "soon")


@pytest.fixture(scope="module")
def aligned(tmp_path_factory):
    """A corpus that espeak-ng speaks, one recording in it that is no speech, and its features."""
    corpus, features = (tmp_path_factory.mktemp("acoustic") / name for name in ("corpus", "features"))
    (corpus / "wavs").mkdir(parents=True)
    waveforms = [speak_phonemes(text, "en-us", 16000)[0] for text in TEXTS]
    waveforms.append(0.1 * np.sin(np.arange(8000)))
    for number, waveform in enumerate(waveforms):
        soundfile.write(corpus / "wavs" / f"{number}.wav", waveform, 16000)
    rows = [f"{number}|{text}|{text}\n" for number, text in enumerate((*TEXTS, "a whole sentence that nobody said"))]
    (corpus / "metadata.csv").write_text("".join(rows))
    prepare(PrepareLinguisticConfig(corpus, features, align=True, hop_length=200))
    return corpus, features


@pytest.fixture(scope="module")
def config(aligned, tmp_path_factory):
    corpus, features = aligned
    return AcousticConfig(
        data=corpus,
        features=features,
        run=tmp_path_factory.mktemp("runs") / "run",
        channels=8,
        window_samples=8000,
        batch_size=2,
        validation_fraction=0.3,
        steps=6,
        warmup_steps=0,
        ema=0.5,
        validate_every=3,
        checkpoint_every=3,
        sample_seconds=0.1,
        precision="float32",
        jit_compile=False,
    )


@pytest.fixture(scope="module")
def run(config):
    return train(config)


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """File of an untrained model that knows the symbols of the texts."""
    symbols = sorted({WORD, *STRESS, *PUNCTUATION}.union(*phonemize(TEXTS, "en-us")))
    spec = MelSpec.from_preset("speech_16k").standardized()
    model = AcousticModel(symbols, spec, channels=8, symbol_blocks=1, prosody_blocks=1, frame_blocks=1)
    randomise(model)
    path = tmp_path_factory.mktemp("models") / "acoustic.keras"
    model.save(path)
    return path


def test_alignment_writes_labels_and_leaves_out_what_is_not_its_text(aligned):
    _, features = aligned
    assert sorted(path.name for path in features.iterdir()) == [
        *(f"{number}.{kind}" for number in range(4) for kind in ("lab", "npz")),
        "spec.json",
    ]


@pytest.mark.large
def test_the_best_model_says_the_symbols_of_the_texts(run, config):
    model = load_model(run.best, (AcousticModel,))
    used = {symbol for symbols in phonemize(TEXTS, "en-us") for symbol in symbols}
    assert used <= set(model.symbols)
    assert load_config(run.config) == config
    assert np.isfinite(run.best_score()[1])


@pytest.mark.large
def test_a_stopped_run_goes_on_as_if_it_had_never_stopped(run, config, tmp_path):
    resumed = RunFolder(tmp_path / "run")
    shutil.copytree(run.path, resumed.path)
    resumed.checkpoint(6).unlink()  # killed: what it did after its checkpoint is lost
    train(dataclasses.replace(config, run=resumed.path, resume=True))
    assert_same_checkpoint(resumed.checkpoint(6), run.checkpoint(6))


@pytest.mark.large
def test_a_text_is_spoken_by_a_vocoder(said, tmp_path):
    settings = {"model": said, "out": tmp_path / "out.wav", "text": "Seven kettle, soon."}
    heard, rate = soundfile.read(generate(GenerateConfig(**settings))[0])
    model = load_model(said, (AcousticModel,))
    mels = model.generate(spoken(phonemize([settings["text"]], "en-us")[0]))
    expected = load("istft_vocoder_16k").generate(mels)[0]
    assert rate == 16000
    np.testing.assert_allclose(heard, np.clip(expected, -1, 1), atol=1 / 32768)
    slow = soundfile.read(generate(GenerateConfig(**settings, speed=0.5))[0])[0]
    assert len(slow) == pytest.approx(2 * len(heard), abs=400)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": None}, "Expected --text, and no --speaker, with an acoustic model"),
        ({"text": "..."}, "Expected a text with something to say. Received: '...'"),
        ({"speaker": "ann"}, "Expected --text, and no --speaker, with an acoustic model"),
        ({"text": "vision"}, "Expected symbols out of"),
        ({"vocoder": "nope.keras"}, "Expected a run folder or a .keras file. Not found: nope.keras"),
    ],
)
def test_what_cannot_be_spoken_is_refused(said, tmp_path, changes, message):
    changes = {name: Path(value) if name == "vocoder" else value for name, value in changes.items()}
    with pytest.raises(ValueError, match=message):
        generate(GenerateConfig(**{"model": said, "out": tmp_path / "out.wav", "text": "soon", **changes}))
    assert not list(tmp_path.iterdir())


@pytest.mark.large
def test_a_vocoder_of_other_mels_is_refused(said, vocoder, tmp_path):
    with pytest.raises(ValueError, match="Expected --vocoder to speak the log-mels of"):
        generate(GenerateConfig(model=said, out=tmp_path / "out.wav", text="soon", vocoder=vocoder))


@pytest.mark.large
def test_a_vocoder_and_a_speed_are_for_acoustic_models(trained, tmp_path):
    with pytest.raises(ValueError, match="Expected --vocoder and --speed with an acoustic model only"):
        generate(GenerateConfig(model=trained.path, out=tmp_path / "out.wav", speed=2.0))


def test_an_acoustic_model_is_not_exported(said, tmp_path):
    with pytest.raises(
        ValueError, match="to be of the class WaveNet or Vocoder or NamWaveNet. Received: AcousticModel"
    ):
        export(ExportConfig(model=said, out=tmp_path / "out"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": None}, "Expected --features, a folder of training.prepare_linguistic --align"),
        ({"augment": True}, "Expected no --augment with --model acoustic"),
        ({"channels": 0}, "channels"),
    ],
)
def test_configurations_that_cannot_be(config, changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(config, **changes)


@pytest.mark.large
def test_features_of_other_frames_are_refused_and_nothing_is_written(aligned, config, tmp_path):
    corpus, features = aligned
    other = tmp_path / "features"
    shutil.copytree(features, other)
    spec = (other / "spec.json").read_text()
    (other / "spec.json").write_text(spec.replace('"hop_length": 200', '"hop_length": 80'))
    run = tmp_path / "run"
    with pytest.raises(ValueError, match="Expected --features with the mels' frames: --hop-length 200. Received: 80"):
        train(dataclasses.replace(config, features=other, run=run))
    assert not run.exists()
