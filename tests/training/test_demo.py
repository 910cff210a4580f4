"""The demo: the models that come with the package speak."""

import pytest
import soundfile

from tf_wavenet import shipped
from training.demo import MODELS, PIANO, PIANO_SECONDS, TEXT_VOICE, DemoConfig, demo
from training.text.phonemes import find_espeak

try:
    find_espeak()
    SAYS = [TEXT_VOICE]
except ValueError:
    SAYS = []


@pytest.mark.large
def test_every_shipped_model_speaks_its_prompt_again(tmp_path, capsys):
    written = demo(DemoConfig(out=tmp_path / "demo"))
    names = [name for name in shipped() if name not in (TEXT_VOICE, PIANO)]
    assert sorted(path.name for path in written) == sorted(
        ["side_by_side.png", *(f"{n}.{k}" for n in (*names, PIANO, *SAYS) for k in ("wav", "png"))]
    )
    said = capsys.readouterr().out
    prompt = soundfile.info(MODELS / "prompt.flac").frames
    for path in written:
        assert str(path) in said and path.stat().st_size > 1000
    for name in names:
        waveform, rate = soundfile.read(tmp_path / "demo" / f"{name}.wav")
        assert rate == 16000 and 0 <= len(waveform) - prompt < 200 and 0.02 < waveform.std() < 0.3
    waveform, rate = soundfile.read(tmp_path / "demo" / f"{PIANO}.wav")
    assert (rate, len(waveform)) == (8000, 8000 * PIANO_SECONDS) and waveform.std() > 0.005


@pytest.mark.large
def test_a_text_of_ones_own_is_said(tmp_path, espeak):
    demo(DemoConfig(out=tmp_path, text="Good morning."))
    waveform, rate = soundfile.read(tmp_path / f"{TEXT_VOICE}.wav")
    assert rate == 16000 and 0.5 < len(waveform) / rate < 2.5 and waveform.std() > 0.02


@pytest.mark.large
def test_without_espeak_the_vocoders_speak_and_a_text_is_refused(tmp_path, monkeypatch, capsys):
    def missing():
        raise ValueError("espeak-ng: expected its library to be installed")

    monkeypatch.setattr("training.demo.find_espeak", missing)
    monkeypatch.setattr("training.demo.shipped", lambda: ("istft_vocoder_16k",))
    assert len(demo(DemoConfig(out=tmp_path))) == 3
    assert "no text is said: espeak-ng: expected its library to be installed" in capsys.readouterr().out
    with pytest.raises(ValueError, match="espeak-ng: expected its library"):
        demo(DemoConfig(out=tmp_path, text="Good morning."))
