"""Mistakes that users make with models: each ends in one line that says what was expected."""

import functools
import re

import keras
import numpy as np
import pytest

from tests.support.arrays import assert_array_equal, numpy_of
from tests.support.slow import some
from tf_wavenet import (
    GANVocoder,
    ISTFTVocoder,
    MelSpec,
    NamWaveNet,
    ParallelWaveGAN,
    WaveNet,
    mu_law_decode,
    mu_law_encode,
)
from tf_wavenet.layers import Conditioning
from tf_wavenet.losses import MultiResolutionSTFTLoss
from tf_wavenet.models import MultiPeriodDiscriminator
from tf_wavenet.signal import log_mel, preprocess

SPEC = MelSpec.from_preset("speech_16k", hop_length=16, win_length=64, fft_length=128, num_mels=6)
RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (2, 48)).astype("float32")
MELS = RNG.normal(-5, 1, (2, 3, 6)).astype("float32")
SPEAKERS = np.array([0, 1])
GIVEN = {"waveform": X, "local_condition": MELS, "global_condition": SPEAKERS}
PCM = np.rint(X * 32767)
NAN = np.full_like(X, np.nan)


def wavenet(**options):
    return WaveNet((1, 2), residual_channels=4, skip_channels=6, mu=15, **options)


@functools.cache
def plain():
    return compiled(wavenet())


@functools.cache
def told():
    return compiled(wavenet(conditioning=Conditioning(mel_spec=SPEC, speakers=("ann", "bob"))))


@functools.cache
def vocoder():
    return ISTFTVocoder(8, 1, kernel_size=3, mel_spec=SPEC, causal=True)


@functools.cache
def noisy():
    sizes = {"residual_channels": 4, "gate_channels": 4, "skip_channels": 4, "upsample_scales": (4, 4)}
    return ParallelWaveGAN(2, 1, **sizes, mel_spec=SPEC, causal=True)


@functools.cache
def gan():
    model = GANVocoder(vocoder(), [MultiPeriodDiscriminator(channels=(4,))], mel_weight=1.0)
    model.compile("adam", "adam", jit_compile=False)
    return model


def fresh_amp():
    model = NamWaveNet([{"channels": 2, "dilations": (1, 2)}])
    model.compile("adam", "mse", jit_compile=False)
    return model


amp = functools.cache(fresh_amp)


def compiled(model):
    model.compile("adam", jit_compile=False)
    return model


def state(rows=2):
    return plain().get_initial_state(rows)


def condition():
    given = {name: GIVEN[name] for name in ("local_condition", "global_condition")}
    return told().conditioning(given)


fit = functools.partial(lambda model, *data, **options: model.fit(*data, verbose=0, **options))
SHAPE = "Expected waveform of shape [batch, time]"
SCALE = "divide 16-bit samples by 32768"
EVERYWHERE = {
    "numbers in a row": (lambda: plain()([0.1, 0.2]), SHAPE),
    "ragged": (lambda: plain()([[0.1], [0.2, 0.3]]), "all rows of one length"),
    "text": (lambda: plain()("speech.wav"), "Received: 'speech.wav'"),
    "nothing": (lambda: plain()(None), "Received: None"),
    "int16": (lambda: plain()(PCM.astype("int16")), SCALE),
    "not scaled": (lambda: plain()(PCM), SCALE),
    "no batch": (lambda: plain()(X[0]), SHAPE),
    "channels": (lambda: plain()(X[..., None]), SHAPE),
    "key": (lambda: plain()({"wave": X}), "Expected inputs ['waveform']. Received: ['wave']"),
    "condition not wanted": (lambda: plain()(GIVEN), "Received: ['global_condition', 'local_condition', 'waveform']"),
    "loss by name": (lambda: wavenet().compile(loss="mse"), "Received: loss='mse'"),
    "loss of Keras": (lambda: wavenet().compile(loss=keras.losses.MeanSquaredError()), "Expected loss to be None"),
    "fit no batch": (lambda: fit(plain(), X[0], X[0]), SHAPE),
    "fit channels": (lambda: fit(plain(), X[..., None], X), SHAPE),
    "fit int16": (lambda: fit(plain(), PCM.astype("int16"), X), SCALE),
    "fit targets short": (lambda: fit(plain(), X, X[:, 1:]), "Expected targets y of the waveform's shape"),
    "fit targets of fewer rows": (lambda: fit(plain(), X, X[:1]), "Expected as many rows in all of x and y"),
    "fit weights short": (lambda: fit(plain(), X, X, sample_weight=X[:, :3]), "Expected sample_weight of shape"),
    "fit ragged": (lambda: fit(plain(), [[0.1], [0.1, 0.2]]), "all rows of one length"),
    "fit key": (lambda: fit(plain(), {"wave": X}, X), "Expected inputs ['waveform']"),
    "fit not scaled": (lambda: fit(plain(), PCM, PCM), "divide 16-bit samples by 32768. Received: values up to 3"),
    "fit targets not scaled": (lambda: fit(plain(), X, PCM), SCALE),
    "fit NaN": (lambda: fit(plain(), NAN, X), "Received: NaN or infinity in the first batch"),
    "fit targets NaN": (lambda: fit(plain(), X, NAN), "Received: NaN or infinity in the first batch"),
    "evaluate not scaled": (lambda: plain().evaluate(PCM, verbose=0), SCALE),
    "batch not scaled": (lambda: plain().train_on_batch(PCM), SCALE),
    "predict no batch": (lambda: plain().predict(X[0], verbose=0), SHAPE),
    "preset": (lambda: WaveNet.from_preset(["tiny"]), "Expected a preset"),
    "rows of a state": (lambda: plain().get_initial_state(-1), "Expected batch_size to be an int >= 0"),
    "rows that are no int": (lambda: plain().get_initial_state(1.5), "Received: batch_size=1.5"),
    "step rank": (lambda: plain().step(X, state()), "Expected previous_sample of shape [batch]"),
    "step number": (lambda: plain().step(0.0, state()), "Expected previous_sample"),
    "step int16": (lambda: plain().step(PCM[:, 0].astype("int16"), state()), SCALE),
    "step batch": (lambda: plain().step(X[:1, 0], state()), "as get_initial_state(1) returns, causal_conv/ring of"),
    "step no state": (lambda: plain().step(X[:, 0], None), "Received: NoneType"),
    "step empty state": (lambda: plain().step(X[:, 0], {}), "Received: no causal_conv/"),
    "step state of a layer": (lambda: plain().step(X[:, 0], state()["stack"]), "Received: no causal_conv"),
    "step condition": (lambda: plain().step(X[:, 0], state(), X), "Expected no condition in step"),
    "prime rank": (lambda: plain().prime(X[:, 0], state()), "Expected previous_samples of shape [batch, time]"),
    "prime batch": (lambda: plain().prime(X, state(3)), "as get_initial_state(2) returns"),
    "pack": (lambda: plain().pack_state({}), "Expected a state of"),
    "unpack": (lambda: plain().unpack_state(X, 0), "Expected rows of shape [batch, 28]"),
    "log_prob rank": (lambda: plain().log_prob(X[0]), SHAPE),
    "no conditions": (lambda: told()(X), "Expected inputs ['global_condition', 'local_condition', 'waveform']"),
    "mels transposed": (lambda: told()(GIVEN | {"local_condition": MELS.transpose(0, 2, 1)}), "[batch, frames, 6]"),
    "mels of one row": (lambda: told()(GIVEN | {"local_condition": MELS[:1]}), "of as many rows as the waveform, 2"),
    "few mels": (lambda: told()(GIVEN | {"local_condition": MELS[:, :1]}), "at least 3 frames for 48 samples"),
    "speaker unknown": (lambda: told()(GIVEN | {"global_condition": SPEAKERS + 1}), "ints in [0, 2). Received: [1, 2]"),
    "speaker's name": (lambda: told()(GIVEN | {"global_condition": ["ann", "bob"]}), "Expected global_condition"),
    "mels NaN": (lambda: fit(told(), GIVEN | {"local_condition": MELS * np.nan}, X), "Received: NaN or infinity"),
    "step no condition": (lambda: told().step(X[:, 0], state()), "Expected a condition, model.conditioning(...)"),
    "step all conditions": (
        lambda: told().step(X[:, 0], told().get_initial_state(2), condition()),
        "Expected condition of shape [batch, 16]",
    ),
    "mels in text": (lambda: vocoder()("mels.npy"), "Received: 'mels.npy'"),
    "vocoder no batch": (lambda: vocoder()(MELS[0]), "Expected local_condition of shape [batch, frames, 6]"),
    "vocoder transposed": (lambda: vocoder()(MELS.transpose(0, 2, 1)), "Received: shape (2, 6, 3)"),
    "vocoder key": (lambda: vocoder()({"mel": MELS}), "Expected inputs ['local_condition']. Received: ['mel']"),
    "vocoder NaN": (lambda: vocoder().generate(MELS * np.nan), "Expected finite features"),
    "vocoder speaks text": (lambda: vocoder().generate("hello"), "Received: 'hello'"),
    "vocoder speaks transposed": (lambda: vocoder().generate(MELS[0].T), "transposed?"),
    "vocoder prime state": (lambda: vocoder().prime(MELS, {}), "Expected a state of"),
    "vocoder prime rows": (lambda: vocoder().prime(MELS, vocoder().get_initial_state(3)), "get_initial_state(2)"),
    "vocoder chunk": (lambda: vocoder().stream(MELS, chunk_frames=0), "Received: chunk_frames=0"),
    "vocoder unpack": (lambda: vocoder().unpack_state(X), "Expected rows of shape [batch, "),
    "no noise": (lambda: noisy()(MELS), "Expected inputs ['local_condition', 'noise']"),
    "noise short": (lambda: noisy()({"local_condition": MELS, "noise": X[:, 1:]}), "Expected noise of shape (2, 48)"),
    "noise seed": (lambda: noisy().generate(MELS, seed=-1), "Received: seed=-1"),
    "GAN of no vocoder": (lambda: GANVocoder(3, []), "Expected generator to be a Vocoder"),
    "GAN of one discriminator": (lambda: GANVocoder(vocoder(), 3), "Expected discriminators to be a list of models"),
    "GAN key": (lambda: fit(gan(), {"mel": MELS}, X), "Expected inputs ['local_condition']"),
    "GAN short": (lambda: fit(gan(), MELS, X[:, 1:]), "Expected waveforms y of shape [batch, frames * 16]"),
    "GAN channels": (lambda: fit(gan(), MELS, X[..., None]), "Expected waveforms y of shape"),
    "GAN no targets": (lambda: fit(gan(), MELS), "Received: none"),
    "GAN weights": (lambda: fit(gan(), MELS, X, sample_weight=X[:, :3]), "Expected sample_weight of shape"),
    "GAN not scaled": (lambda: fit(gan(), MELS, PCM), SCALE),
    "amp in a row": (lambda: amp()([0.1, 0.2]), SHAPE),
    "amp in text": (lambda: amp()("di.wav"), "Received: 'di.wav'"),
    "amp of a dict": (lambda: amp()({"waveform": X}), "Received: ['waveform']"),
    "amp int16": (lambda: amp()(PCM.astype("int16")), SCALE),
    "amp not scaled": (lambda: amp()(PCM), SCALE),
    "amp fit no batch": (lambda: fit(amp(), X[0], X[0]), SHAPE),
    "amp fit not scaled": (lambda: fit(amp(), PCM, X), "Received: values up to 3"),
    "amp fit targets not scaled": (lambda: fit(amp(), X, PCM), SCALE),
    "amp fit NaN": (lambda: fit(amp(), NAN, X), "Received: NaN or infinity in the first batch"),
    "amp fit targets short": (lambda: fit(fresh_amp(), X, X[:, 1:]), "Expected targets y of the output's shape"),
    "amp fit no targets": (lambda: fit(amp(), X), "Received: none"),
    "amp step rank": (lambda: amp().step(X, amp().get_initial_state(2)), "Expected sample of shape [batch]"),
    "amp prime rank": (lambda: amp().prime(X[0], amp().get_initial_state(2)), SHAPE),
    "amp prime rows": (lambda: amp().prime(X, amp().get_initial_state(3)), "get_initial_state(2)"),
    "amp no state": (lambda: amp().prime(X, None), "Received: NoneType"),
    "amp rows of a state": (lambda: amp().get_initial_state(-1), "Expected batch_size to be an int >= 0"),
    "amp unpack": (lambda: amp().unpack_state(X), "Expected rows of shape [batch, "),
    "STFT loss of a short waveform": (
        lambda: MultiResolutionSTFTLoss()(X, X),
        "Expected y_true and y_pred longer than half of the longest transform, 1024 samples",
    ),
    "STFT loss of channels": (
        lambda: MultiResolutionSTFTLoss()(X[..., None], X[..., None]),
        "of one shape [batch, time]",
    ),
    "STFT loss of two lengths": (lambda: MultiResolutionSTFTLoss()(X, X[:, 1:]), "of one shape [batch, time]"),
    "preprocess int16": (lambda: preprocess(PCM.astype("int16"), SPEC), SCALE),
    "preprocess not scaled": (lambda: preprocess(PCM, SPEC), SCALE),
    "log_mel int16": (lambda: log_mel(PCM.astype("int16"), SPEC), SCALE),
    "log_mel not scaled": (lambda: log_mel(PCM, SPEC), SCALE),
    "levels above mu": (lambda: mu_law_decode([300]), "Expected mu-law levels to be ints in [0, 255]"),
    "levels below 0": (lambda: mu_law_decode(np.array([-1, 3]), 15), "Received: int64 in [-1, 3]"),
    "levels between": (lambda: mu_law_decode([0.5]), "Expected mu-law levels"),
    "encodes text": (lambda: mu_law_encode("a"), "Received: 'a'"),
    "encodes int16": (lambda: mu_law_encode(PCM.astype("int16")), SCALE),
}
ON_TENSORFLOW = {
    "generate in a graph": (lambda: traced(plain().generate, 5), "outside of a compiled function"),
    "stream in a graph": (lambda: traced(plain().stream, 5), "outside of a compiled function"),
    "vocoder in a graph": (lambda: traced(vocoder().generate, MELS), "outside of a compiled function"),
    "prompt int16": (lambda: plain().generate(5, prompt=PCM[0].astype("int16")), SCALE),
    "prompt not scaled": (lambda: plain().generate(5, prompt=PCM[0]), SCALE),
    "prompt in text": (lambda: plain().generate(5, prompt="a.wav"), "Received: 'a.wav'"),
    "prompt of other rows": (lambda: plain().generate(5, batch_size=3, prompt=X), "[time] or [3, time]"),
    "prompt of a condition's rows": (
        lambda: told().generate(5, None, prompt=X, **of(3)),
        "Expected conditions of 1 row",
    ),
    "seed": (lambda: plain().generate(5, seed=[1]), "Received: seed=[1]"),
    "samples": (lambda: plain().generate(1.5), "Received: num_samples=1.5"),
    "temperature": (lambda: plain().generate(5, temperature=-1), "Received: temperature=-1"),
    "chunk": (lambda: plain().stream(5, chunk_samples=0), "Received: chunk_samples=0"),
    "no mels": (lambda: told().generate(5), "Expected local_condition for this model"),
    "speaker": (lambda: told().generate(5, local_condition=MELS, global_condition="eve"), "Received: 'eve'"),
    "too long": (lambda: told().generate(500, local_condition=MELS, global_condition=0), "at least 32 frames"),
}
TENSORFLOW = keras.backend.backend() == "tensorflow"
CASES = [*EVERYWHERE, *(ON_TENSORFLOW if TENSORFLOW else ())]
SLOW = ["GAN not scaled", "GAN short", "mels NaN", "rows that are no int", "fit not scaled", "amp fit not scaled"]
SLOW += ["fit targets not scaled", "amp fit targets not scaled", "batch not scaled", "amp fit NaN", "fit targets NaN"]


def of(rows):
    return {"local_condition": np.repeat(MELS[:1], rows, axis=0), "global_condition": [0] * rows}


def traced(function, *arguments):
    """Calls a function in a graph; the model is made before, since variables made in a graph are the graph's."""
    import tensorflow as tf

    return tf.function(lambda: function(*arguments), autograph=False)()


@pytest.mark.parametrize("name", some(CASES, *(name for name in CASES if name not in SLOW)))
def test_a_mistake_is_told_in_one_line(name):
    mistake, message = (EVERYWHERE | ON_TENSORFLOW)[name]
    with pytest.raises((ValueError, RuntimeError)) as error:
        mistake()
    told = str(error.value)
    assert told.startswith("Expected") and "\n" not in told and message in told


@pytest.mark.skipif(not TENSORFLOW, reason="other backends trace a step for each shape")
def test_a_mistake_after_batches_of_other_shapes():
    model = compiled(wavenet())
    for waveform in (X, X[:, 1:]):
        model.evaluate(waveform, waveform, verbose=0)
    expected = re.escape("Expected waveform of shape [batch, time]")
    with pytest.raises(ValueError, match=expected):
        model.evaluate(X[0], X[0], verbose=0)
    with pytest.raises(ValueError, match=expected):
        model.test_on_batch(X[..., None], X)
    with pytest.raises(ValueError, match="Expected targets y of the"):
        model.evaluate(X, X[:, 1:], verbose=0)


@pytest.mark.large
def test_lists_are_arrays():
    model = compiled(wavenet())
    assert_array_equal(model(X.tolist()), model(X))
    assert_array_equal(model([*X]), model(X))
    assert_array_equal(model.log_prob(X.tolist()), model.log_prob(X))
    assert_array_equal(model.predict(X.tolist(), verbose=0), model.predict(X, verbose=0))
    assert model.evaluate(X.tolist(), verbose=0) == model.evaluate(X, X.tolist(), verbose=0)


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="PyTorch takes every step as it is written, checks and all"
)
def test_a_later_batch_is_not_looked_at_and_logs_hold_no_peak():
    batches = (batch for batch in [(X, X), (PCM, PCM)])
    history = compiled(wavenet()).fit(batches, steps_per_epoch=2, shuffle=False, verbose=0).history
    assert sorted(history) == ["bits_per_sample", "loss"] and np.isfinite(history["loss"]).all()


def test_nan_has_no_probability():
    x = X.copy()
    x[0, 3] = np.nan
    nats = numpy_of(plain().distribution.log_prob(np.zeros((2, 48, 16), "float32"), x))
    expected = np.full((2, 48), -np.log(16))
    expected[0, 3] = np.nan
    np.testing.assert_allclose(nats, expected, rtol=1e-6)
