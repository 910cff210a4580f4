"""Conditioned models through the scripts: train, evaluate, generate."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import soundfile

from tf_wavenet import Gaussian, MelSpec, MixtureOfLogistics, WaveNet
from tf_wavenet.data import AudioError, load_audio, log_mel, preprocess, save_features
from tf_wavenet.layers import Conditioning
from training.corpora.read_corpus import read_corpus
from training.evaluate import EvaluateConfig, evaluate
from training.generate import GenerateConfig, generate
from training.runs.conditions import model_arguments
from training.runs.run_folder import load_model
from training.train import train


@pytest.mark.large
def test_a_vocoder_speaks_a_recording_again(vocoder, voices, tmp_path):
    model = load_model(vocoder)
    assert model.mel_spec == MelSpec.from_preset("speech_16k", preemphasis=0.85, loudness=-20.0).standardized()
    recording = voices / "ann" / "0.wav"
    wav, _ = generate(GenerateConfig(model=vocoder, out=tmp_path / "again.wav", copy_synthesis=recording, seed=2))
    waveform = load_audio(recording, 16000)
    _, gain = preprocess(waveform, model.mel_spec)
    mel = np.asarray(log_mel(gain * waveform, model.mel_spec))
    expected = model.generate(local_condition=mel, seed=2)[0] / gain
    heard, rate = soundfile.read(wav, dtype="float32")
    assert rate == 16000 and len(heard) == 4000
    np.testing.assert_allclose(heard, np.clip(expected, -1, 1), atol=1 / 32768)

    path = tmp_path / "mel.npz"
    save_features(path, mel, model.mel_spec)
    wav, _ = generate(GenerateConfig(model=vocoder, out=tmp_path / "mel.wav", mel=path, seed=2, seconds=0.1))
    np.testing.assert_allclose(soundfile.read(wav)[0], np.clip(expected * gain, -1, 1)[:1600], atol=1 / 32768)


@pytest.mark.large
def test_a_vocoder_is_evaluated_on_what_it_speaks(vocoder, voices):
    scores, total = evaluate(EvaluateConfig(model=vocoder, data=voices))
    assert len(scores) == 6 and 0 < total.model < 9 and total.entropy < 8
    assert total.samples == sum(file.num_samples for file in read_corpus(voices, 16000).files)


@pytest.mark.parametrize("distribution", [pytest.param("logistics", marks=pytest.mark.large), "gaussian"])
@pytest.mark.large
def test_a_model_of_speakers_wants_a_name(tiny, tmp_path, distribution):
    run = train(tiny(tmp_path / "run", preset="speaker", distribution=distribution)).path
    model = load_model(run)
    assert model.speakers == ("ann", "bob")
    assert isinstance(model.distribution, {"logistics": MixtureOfLogistics, "gaussian": Gaussian}[distribution])
    clips = {}
    for speaker in model.speakers:
        wav, _ = generate(GenerateConfig(model=run, out=tmp_path / f"{speaker}.wav", speaker=speaker, seconds=0.05))
        clips[speaker] = soundfile.read(wav)[0]
    assert len(clips["ann"]) == 800 and (clips["ann"] != clips["bob"]).any()
    for speaker, message in ((None, "Expected --speaker, one of: ann, bob"), ("eve", "a speaker of: ann, bob")):
        with pytest.raises(ValueError, match=message):
            generate(GenerateConfig(model=run, out=tmp_path / "x.wav", speaker=speaker))
    assert not (tmp_path / "x.wav").exists()


@pytest.mark.large
def test_a_model_of_stored_features_trains_and_resumes(tiny, features, make_features, tmp_path):
    config = tiny(tmp_path / "run", features=features, speakers=True)
    run = train(config)
    assert run.linguistic_spec.read_text() == (features / "spec.json").read_text()
    train(dataclasses.replace(config, steps=4, resume=True))
    assert run.checkpoints()[-1][0] == 4
    assert evaluate(EvaluateConfig(model=run.path))[1].model < 9
    with pytest.raises(ValueError, match="Expected what to speak"):
        generate(GenerateConfig(model=run.path, out=tmp_path / "x.wav", speaker="ann"))
    with pytest.raises(ValueError, match="Expected the architecture of .*speakers=True. Received: speakers=False"):
        train(dataclasses.replace(config, resume=True, speakers=False))

    spec = json.loads((features / "spec.json").read_text())
    other = make_features(tmp_path / "other", {**spec, "colour": "red", "phones": ["a", "c"]}, 5)
    message = r"Expected the features of .*run, phones=\['a', 'b'\]. Received: phones=\['a', 'c'\] in .*other"
    with pytest.raises(ValueError, match=message):
        evaluate(EvaluateConfig(model=run.path, features=other))
    before = run.config.read_text(), run.linguistic_spec.read_text()
    with pytest.raises(ValueError, match=message):
        train(dataclasses.replace(config, steps=5, resume=True, features=other))
    assert (run.config.read_text(), run.linguistic_spec.read_text()) == before
    (other / "spec.json").write_text(json.dumps(spec))
    (other / "bob" / "1.npz").unlink()
    with pytest.raises(ValueError, match="1.npz: expected features. Received: No such file"):
        evaluate(EvaluateConfig(model=run.path, features=other, data=config.data))


def test_features_of_another_rate_are_refused(tiny, make_features, tmp_path):
    folder = make_features(tmp_path / "features", {"hop_length": 80, "sample_rate": 22050}, 5)
    with pytest.raises(ValueError, match="Expected --sample-rate 22050, that of .*features. Received: 16000"):
        model_arguments(tiny(tmp_path / "run", features=folder), None)
    conditioning = Conditioning(local_channels=5, local_hop=80)
    model = WaveNet(dilations=(1, 2), residual_channels=4, skip_channels=8, conditioning=conditioning)
    model.save(tmp_path / "alone.keras")
    config = EvaluateConfig(tmp_path / "alone.keras", tiny(tmp_path).data, folder, sample_rate=16000)
    with pytest.raises(ValueError, match="Expected --sample-rate 22050"):
        evaluate(config)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("ann/2.npz", lambda path: path.unlink(), "2.npz: expected features. Received: No such file"),
        ("bob/0.npz", lambda path: path.write_bytes(path.read_bytes()[:99]), "0.npz: expected features in a whole"),
        ("bob/1.npz", lambda path: np.savez(path, features=np.ones((9, 5))), "1.npz: expected 57 to 59 frames"),
        ("bob/1.npz", lambda path: np.savez(path, features=np.ones((57, 4))), "frames of 5 channels for 4500 samples"),
    ],
)
def test_features_that_do_not_fit_leave_no_run_folder(tiny, features, tmp_path, name, damage, message):
    folder = shutil.copytree(features, tmp_path / "features")
    damage(folder / name)
    with pytest.raises(AudioError, match=message):
        train(tiny(tmp_path / "run", features=folder))
    assert not (tmp_path / "run").exists()


def test_the_order_of_the_linear_prediction_is_a_flag_and_the_rest_is_the_presets(tiny, tmp_path):
    preset = WaveNet.preset_arguments("lpc_vocoder")["conditioning"].linear_prediction
    for order in (0, 12):
        config = tiny(tmp_path / "run", preset="lpc_vocoder", linear_prediction=order)
        assert model_arguments(config, None)["conditioning"].linear_prediction == {**preset, "order": order}
    made = model_arguments(tiny(tmp_path / "run", preset="lpc_vocoder"), None)
    assert made["conditioning"].linear_prediction == preset


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mel": "jik876"}, "Expected --sample-rate 22050, the mels'. Received: 16000"),
        ({"preemphasis": 0.5}, "with mels only"),
        ({"preset": "vocoder", "features": "FEATURES"}, "Expected --features or mels"),
        ({"linear_prediction": 16}, "Expected a mel_spec, from which linear_prediction is made"),
        ({"preset": "vocoder", "loudness": 5.0}, "Expected loudness to be None or -60 to 0 dB"),
    ],
)
def test_refuses_what_does_not_go_together(tiny, features, tmp_path, changes, message):
    changes = {name: features if value == "FEATURES" else value for name, value in changes.items()}
    with pytest.raises(ValueError, match=message):
        train(tiny(tmp_path / "run", **changes))
    assert not (tmp_path / "run").exists()


def test_a_corpus_that_does_not_tell_its_speakers_is_refused(tiny, voices, tmp_path):
    config = tiny(tmp_path / "run", data=voices / "ann", preset="speaker")
    with pytest.raises(ValueError, match="Expected --data to tell its speakers"):
        train(config)
    corpus = shutil.copytree(voices, tmp_path / "corpus")
    shutil.copy(voices / "ann" / "0.wav", corpus / "loose.wav")
    message = "Expected --data to hold a folder for each speaker. Received: .*loose.wav in none"
    with pytest.raises(ValueError, match=message):
        train(dataclasses.replace(config, data=corpus))
    assert not config.run.exists()


@pytest.mark.large
@pytest.mark.parametrize("flag", ["copy_synthesis", "mel", "text"])
def test_what_a_model_cannot_speak_is_refused(vocoder, tmp_path, flag):
    model = load_model(vocoder)
    with pytest.raises(ValueError, match="Expected one of input, copy_synthesis, mel and text"):
        GenerateConfig(text="hello", mel="x.npz")
    if flag == "text":
        with pytest.raises(ValueError, match="Expected a model trained with --features for --text"):
            generate(GenerateConfig(model=vocoder, out=tmp_path / "x.wav", text="hello"))
    elif flag == "mel":
        path = tmp_path / "mel.npz"
        other = MelSpec.from_preset("speech_16k").standardized()
        save_features(path, np.zeros((4, 80), "float32"), other)
        with pytest.raises(
            ValueError, match="mel.npz: Expected features of preemphasis=0.85. Received: preemphasis=0.0"
        ):
            generate(GenerateConfig(model=vocoder, out=tmp_path / "x.wav", mel=path))
    else:
        with pytest.raises(ValueError, match="Expected finite|Expected local_condition|Expected features"):
            model.generate(local_condition=np.zeros((4, 79), "float32"))
    assert not (tmp_path / "x.wav").exists()
