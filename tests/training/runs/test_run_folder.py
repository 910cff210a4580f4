"""Finding the model of a run."""

import keras
import pytest

from tf_wavenet import WaveNet
from training.evaluate import EvaluateConfig, evaluate
from training.generate import GenerateConfig, generate
from training.runs.run_folder import RunFolder, find_run, load_model, stored_sample_rate


@pytest.mark.large
def test_run_folder_and_file_name_the_same_model(trained, tmp_path):
    for path in (trained.path, trained.best):
        assert find_run(path) == trained
        model = load_model(path)
        assert stored_sample_rate(path, model, None) == 8000
        assert stored_sample_rate(path, model, 44100) == 44100
        assert model.receptive_field == 9
    moved = tmp_path / "model.keras"
    moved.write_bytes(trained.best.read_bytes())
    assert find_run(moved) is None
    assert load_model(moved).receptive_field == 9
    assert stored_sample_rate(moved, load_model(moved), None) == 8000
    model = WaveNet((1,), residual_channels=4, skip_channels=4)
    with pytest.raises(ValueError, match="Expected --sample-rate, because no config.json lies beside"):
        stored_sample_rate(moved, model, None)


@pytest.mark.large
def test_a_model_of_mels_has_their_rate(vocoder, voices, tmp_path):
    moved = tmp_path / "model.keras"
    moved.write_bytes((vocoder / "best.keras").read_bytes())
    for path in (vocoder, moved):
        assert [stored_sample_rate(path, load_model(path), given) for given in (None, 16000)] == [16000, 16000]
    message = "Expected --sample-rate 16000, the mels'. Received: 22050"
    with pytest.raises(ValueError, match=message):
        evaluate(EvaluateConfig(model=moved, data=voices, sample_rate=22050))
    with pytest.raises(ValueError, match=message):
        recording = voices / "ann" / "0.wav"
        generate(GenerateConfig(vocoder, tmp_path / "x.wav", copy_synthesis=recording, sample_rate=22050))


def test_what_is_not_a_wavenet_is_refused(tmp_path):
    with pytest.raises(ValueError, match="run folder or a .keras file. Not found"):
        load_model(tmp_path / "nowhere.keras")
    with pytest.raises(ValueError, match="Not found: .*best.keras"):
        load_model(tmp_path)
    (tmp_path / "text.keras").write_text("text")
    with pytest.raises(ValueError, match="text.keras to be a model saved by Keras"):
        load_model(tmp_path / "text.keras")
    other = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    other.save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="to be of the class WaveNet. Received: Sequential"):
        load_model(tmp_path / "other.keras")


def test_checkpoints_come_in_order_of_steps(tmp_path):
    run = RunFolder(tmp_path)
    assert run.checkpoints() == []
    assert run.best_score() is None
    run.checkpoint(1).parent.mkdir()
    for step in (900, 10000, 123456789, 3):
        run.checkpoint(step).touch()
    (tmp_path / "checkpoints" / "partial-step-00000001.weights.h5").touch()
    assert run.checkpoints() == [(step, run.checkpoint(step)) for step in (3, 900, 10000, 123456789)]


def test_a_damaged_file_is_told_in_one_line(tmp_path):
    path = tmp_path / "model.keras"
    WaveNet((1,), residual_channels=2, skip_channels=2, mu=3).save(path)
    whole = path.read_bytes()
    spoilt = whole[:200] + bytes(len(whole) - 1000) + whole[-800:]
    message = "Expected .*model.keras to be a model saved by Keras. Received: "
    for content in (whole[:-100], whole[:100], b"", spoilt):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message) as error:
            load_model(path)
        assert "\n" not in str(error.value) and "not found" not in str(error.value).lower()
