import functools
import json

import numpy as np
import pytest
import tensorflow as tf

from tests.serving.conftest import verify_names
from tests.support.streaming_contract import randomise
from tf_wavenet import HiFiGAN, ISTFTVocoder, MelSpec, ParallelWaveGAN, export_saved_model
from tf_wavenet.serving import VocoderSignatures
from tf_wavenet.serving.warmup import warmup_requests
from tf_wavenet.signal import log_mel

SPEC = MelSpec.from_preset("speech_16k", hop_length=16, win_length=64, fft_length=128, num_mels=6)
MAKERS = {
    "istft_vocoder": lambda causal: ISTFTVocoder(8, 2, kernel_size=3, mel_spec=SPEC, causal=causal),
    "hifi_gan": lambda causal: HiFiGAN((4, 4), (8, 8), 8, 2, (3,), ((1, 3),), mel_spec=SPEC, causal=causal),
    "parallel_wavegan": lambda causal: ParallelWaveGAN(
        4,
        2,
        residual_channels=8,
        gate_channels=8,
        skip_channels=16,
        upsample_scales=(4, 4),
        mel_spec=SPEC,
        causal=causal,
    ),
}
slow = functools.partial(pytest.param, marks=pytest.mark.large)
kinds = pytest.mark.parametrize("kind", ["istft_vocoder", slow("hifi_gan"), slow("parallel_wavegan")])


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Function of kind, causality and compilation: model, folder, signatures."""
    made = {}

    def get(kind, causal=True, jit_compile=False):
        key = kind, causal, jit_compile
        if key not in made:
            model, path = MAKERS[kind](causal), tmp_path_factory.mktemp("export") / kind
            randomise(model)
            export_saved_model(model, str(path), jit_compile=jit_compile)
            loaded = tf.saved_model.load(str(path))
            made[key] = model, path, loaded
        model, path, loaded = made[key]
        return model, path, loaded.signatures

    return get


def request(kind, features, seed=5):
    inputs = {"local_condition": tf.constant(features)}
    return {**inputs, "seed": tf.constant(seed, tf.int64)} if kind == "parallel_wavegan" else inputs


def mels(rng, frames=11):
    return rng.normal(-5.0, 1.0, (2, frames, 6)).astype("float32")


@pytest.mark.parametrize("kind", [slow("hifi_gan"), "istft_vocoder"])
@pytest.mark.parametrize(
    ("causal", "jit_compile"), [(False, False), slow(True, True), slow(False, True), slow(True, False)]
)
def test_speaks_as_the_model(exported, rng, kind, causal, jit_compile):
    model, path, signatures = exported(kind, causal, jit_compile)
    features = mels(rng)
    waveform = signatures["serving_default"](**request(kind, features))["waveform"]
    expected = np.asarray(model(features))
    np.testing.assert_allclose(waveform, expected, atol=1e-5 * np.abs(expected).max())  # XLA sums in another order
    same = signatures["generate"](**request(kind, features))["waveform"]
    np.testing.assert_array_equal(same, waveform)
    names = {"serving_default", "generate", "log_mel"} | ({"initial_state", "generate_chunk"} if causal else set())
    assert set(signatures) == names
    assert MelSpec.from_config(json.loads((path / "assets.extra/mel_spec.json").read_text())) == SPEC


@pytest.mark.large
@kinds
@pytest.mark.parametrize("jit_compile", [False, slow(True)])
def test_chunks_give_what_the_whole_gives(exported, rng, kind, jit_compile):
    _, _, signatures = exported(kind, True, jit_compile)
    features = mels(rng)
    whole = np.asarray(signatures["serving_default"](**request(kind, features))["waveform"])
    state = signatures["initial_state"](batch_size=tf.constant(2))
    parts = []
    for first, last in ((0, 1), (1, 4), (4, 11)):
        new = signatures["generate_chunk"](**request(kind, features[:, first:last]), **state)
        parts.append(np.asarray(new.pop("waveform")))
        state = {name.removeprefix("new_"): value for name, value in new.items()}
    assert state["state_stream"][:, 2:].numpy().tolist() == [[11 * 16, 0], [11 * 16, 1]] and whole.std() > 0
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-5 * np.abs(whole).max())


@pytest.mark.large
def test_noise_is_gaussian_and_of_the_seed(exported):
    _, _, signatures = exported("parallel_wavegan")
    features = np.full((3, 11, 6), -5.0, "float32")
    one, same, other = (
        np.asarray(signatures["serving_default"](**request("parallel_wavegan", features, seed))["waveform"])
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any() and (one[0] != one[1]).any()
    served = VocoderSignatures(MAKERS["parallel_wavegan"](True), False, 1 << 20)
    given = {"local_condition": tf.fill((2, 2000, 6), -5.0), "seed": tf.constant(3, tf.int64)}
    noise = served._with_noise(given, tf.zeros(2, tf.int32), tf.range(2))["noise"].numpy()
    assert noise.shape == (2, 32000) and np.isfinite(noise).all()
    assert abs(noise.mean()) < 0.02 and abs(noise.std() - 1.0) < 0.02
    assert abs(np.mean(np.abs(noise) < 0.6745) - 0.5) < 0.01 and abs((noise[0] * noise[1]).mean()) < 0.02
    assert abs((noise[:, 1:] * noise[:, :-1]).mean()) < 0.02


@pytest.mark.large
@kinds
def test_bad_requests_are_refused(exported, rng, kind):
    _, _, signatures = exported(kind)
    features = mels(rng)
    spoilt = features.copy()
    spoilt[0, 3, 2] = np.nan
    for bad, message in (
        (spoilt, "Expected local_condition without NaN"),
        (features[:, :0], "at least 1 row and 1 frame"),
        (features[:0], "at least 1 row and 1 frame"),
        (features - 100.0, "log-mels of at least"),
        (features[..., :5], r"Expected local_condition of shape \[batch, frames, 6\]"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            signatures["serving_default"](**request(kind, bad))
    state = signatures["initial_state"](batch_size=tf.constant(3))
    with pytest.raises(tf.errors.InvalidArgumentError, match="of as many rows as the batch"):
        signatures["generate_chunk"](**request(kind, features), **state)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected batch_size >= 1"):
        signatures["initial_state"](batch_size=tf.constant(0))


@pytest.mark.large
def test_features_of_a_recording(exported, rng):
    model, _, signatures = exported("hifi_gan")
    waveform = rng.uniform(-0.5, 0.5, (2, 200)).astype("float32")
    made = signatures["log_mel"](waveform=tf.constant(waveform))
    np.testing.assert_allclose(made["features"], log_mel(waveform, SPEC), atol=1e-5)
    assert MelSpec.from_config(json.loads(made["spec"].numpy())) == model.mel_spec


@kinds
@pytest.mark.parametrize("causal", [False, True])
def test_documents_say_what_the_signatures_take(exported, kind, causal):
    model, path, signatures = exported(kind, causal)
    verify_names(path, streams=causal)
    about = json.loads((path / "signatures.json").read_text())
    facts, described = about["model"], about["signatures"]
    assert facts["family"] == type(model).__name__ and facts["sample_rate"] == 16000 and facts["local_hop"] == 16
    assert set(described) == set(signatures)
    for name, function in signatures.items():
        assert set(described[name]["inputs"]) == set(function.structured_input_signature[1])
        assert set(described[name]["outputs"]) == set(function.structured_outputs)
        for tensor in (*described[name]["inputs"].values(), *described[name]["outputs"].values()):
            assert tensor["meaning"] and tensor["unit"]
    readme = (path / "README.md").read_text()
    assert readme.startswith(f"# {type(model).__name__}, exported") and ("A stream: " in readme) == causal
    size = model.state_size if causal else None
    assert facts["state_numbers_per_stream"] == size
    if causal:
        assert described["generate_chunk"]["inputs"]["state_queues"]["shape"] == [None, size]
        assert facts["state_bytes_per_stream"] == 4 * size + 16


@kinds
def test_warmup_requests_are_answered(exported, kind):
    _, _, signatures = exported(kind)
    served = VocoderSignatures(exported(kind)[0], False, 1 << 20)
    requests = list(warmup_requests(served, 3, 40))
    assert [name for name, _ in requests] == ["generate", "generate_chunk"]
    for name, inputs in requests:
        made = signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
        assert made["waveform"].shape == (3, 48)  # 3 frames of 16 samples


@pytest.mark.large
def test_writes_warmup_requests(tmp_path):
    pytest.importorskip("tensorflow_serving", reason="no package tensorflow-serving-api")
    export_saved_model(MAKERS["hifi_gan"](False), tmp_path / "model", jit_compile=False, warmup_batch_sizes=(1, 2))
    records = tf.data.TFRecordDataset(str(tmp_path / "model" / "assets.extra" / "tf_serving_warmup_requests"))
    assert len(list(records)) == 2


@pytest.mark.large
def test_whole_utterances_are_not_compiled_for_each_length():
    served = VocoderSignatures(MAKERS["istft_vocoder"](True), True, 1 << 20)
    compiled = {}
    for name, function in served.functions().items():
        library = function.graph.as_graph_def().library.function
        compiled[name] = any(inner.attr["_XlaMustCompile"].b for inner in library)
    assert not compiled["generate"] and not compiled["serving_default"] and compiled["generate_chunk"]
