"""The demo: the models that come with the package speak."""

import soundfile

from tf_wavenet import shipped
from training.demo import MODELS, DemoConfig, demo


def test_every_shipped_model_speaks_its_prompt_again(tmp_path, capsys):
    written = demo(DemoConfig(out=tmp_path / "demo"))
    assert [path.name for path in written] == [f"{name}.{kind}" for name in shipped() for kind in ("wav", "png")]
    said = capsys.readouterr().out
    prompt = soundfile.info(MODELS / "prompt.flac").frames
    for path in written:
        assert str(path) in said and path.stat().st_size > 1000
    for name in shipped():
        waveform, rate = soundfile.read(tmp_path / "demo" / f"{name}.wav")
        assert rate == 16000 and 0 <= len(waveform) - prompt < 200 and 0.02 < waveform.std() < 0.3
