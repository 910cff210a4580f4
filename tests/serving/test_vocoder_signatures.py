import json

import numpy as np
import pytest
import tensorflow as tf

from tests.support.streaming_contract import randomise
from tf_wavenet import HiFiGAN, ISTFTVocoder, MelSpec, ParallelWaveGAN, export_saved_model

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
kinds = pytest.mark.parametrize("kind", MAKERS)


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


@pytest.mark.parametrize("kind", ["hifi_gan", "istft_vocoder"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_speaks_as_the_model(exported, rng, kind, causal, jit_compile):
    model, path, signatures = exported(kind, causal, jit_compile)
    features = mels(rng)
    waveform = signatures["serving_default"](**request(kind, features))["waveform"]
    expected = np.asarray(model(features))
    np.testing.assert_allclose(waveform, expected, atol=1e-5 * np.abs(expected).max())  # XLA sums in another order
    names = {"serving_default"} | ({"initial_state", "generate_chunk"} if causal else set())
    assert set(signatures) == names
    assert MelSpec.from_config(json.loads((path / "assets.extra/mel_spec.json").read_text())) == SPEC


@kinds
@pytest.mark.parametrize("jit_compile", [False, True])
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
    assert int(state["state_position"]) == 11 * 16 and whole.std() > 0
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-5 * np.abs(whole).max())


def test_noise_is_gaussian_and_of_the_seed(exported):
    _, _, signatures = exported("parallel_wavegan")
    features = np.full((3, 11, 6), -5.0, "float32")
    one, same, other = (
        np.asarray(signatures["serving_default"](**request("parallel_wavegan", features, seed))["waveform"])
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any() and (one[0] != one[1]).any()
    from tf_wavenet.serving import VocoderSignatures

    served = VocoderSignatures(MAKERS["parallel_wavegan"](True), False, 1 << 20)
    noise = served._inputs(tf.fill((2, 2000, 6), -5.0), tf.constant(3, tf.int64), tf.constant(0))["noise"].numpy()
    assert noise.shape == (2, 32000) and np.isfinite(noise).all()
    assert abs(noise.mean()) < 0.02 and abs(noise.std() - 1.0) < 0.02
    assert abs(np.mean(np.abs(noise) < 0.6745) - 0.5) < 0.01 and abs((noise[0] * noise[1]).mean()) < 0.02
    assert abs((noise[:, 1:] * noise[:, :-1]).mean()) < 0.02


@kinds
def test_bad_requests_are_refused(exported, rng, kind):
    _, _, signatures = exported(kind)
    features = mels(rng)
    spoilt = features.copy()
    spoilt[0, 3, 2] = np.nan
    for bad, message in (
        (spoilt, "Expected local_condition without NaN"),
        (features[:, :0], "at least 1 row and 1 frame"),
        (features - 100.0, "log-mels of at least"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            signatures["serving_default"](**request(kind, bad))
    state = signatures["initial_state"](batch_size=tf.constant(3))
    with pytest.raises(tf.errors.InvalidArgumentError, match="of as many rows as the batch"):
        signatures["generate_chunk"](**request(kind, features), **state)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected batch_size >= 1"):
        signatures["initial_state"](batch_size=tf.constant(0))


def test_refuses_warmup_requests(tmp_path):
    with pytest.raises(ValueError, match="Expected no warmup_batch_sizes"):
        export_saved_model(MAKERS["hifi_gan"](False), str(tmp_path / "model"), warmup_batch_sizes=(1,))
