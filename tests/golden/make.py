"""Makes the golden files: `python -m tests.golden.make`. Files that are there stay as they are.

One small model per family, saved as `.keras` by the version of its time, and what it answered. Later versions must
load every file and give the same answers (`tests/test_golden.py`), so no file is made anew. Some are trained for a few
steps as well, and must have the losses of `losses.json` on every Keras backend (`tests/test_golden_training.py`).
"""

import dataclasses
import json
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np
import soundfile

import tf_wavenet
from tf_wavenet import MelSpec, models
from tf_wavenet.data import MelFeatures, WindowSource, index_corpus
from tf_wavenet.layers import Conditioning, ContextStack

HERE = Path(__file__).parent
SPEC = MelSpec.from_preset("speech_16k", num_mels=6, hop_length=8, win_length=32, fft_length=64).standardized()
SMALL = {"dilations": (1, 2), "residual_channels": 4, "skip_channels": 6, "mu": 15}


def wavenet():
    """Unconditioned, of mu-law levels."""
    return tf_wavenet.WaveNet(**SMALL)


def wavenet_conditioned():
    """Speakers, features, context and a mixture of logistics."""
    conditioning = Conditioning(local_channels=6, local_hop=8, speakers=("ann", "bob"), global_channels=3)
    context = ContextStack((1,), hop_length=4, residual_channels=3)
    distribution = tf_wavenet.MixtureOfLogistics(2)
    return tf_wavenet.WaveNet(**SMALL, conditioning=conditioning, context_stack=context, distribution=distribution)


def wavenet_vocoder():
    """Mels, upsampled by interpolation."""
    conditioning = Conditioning(mel_spec=SPEC, local_context=1, local_filters=3)
    return tf_wavenet.WaveNet(**SMALL, conditioning=conditioning)


def wavenet_of_linear_prediction():
    """Mels, encoded at their own rate, and linear prediction from them."""
    network = {"channels": 5, "num_blocks": 1, "kernel_size": 3}
    spec = dataclasses.replace(SPEC, preemphasis=0.85)
    conditioning = Conditioning(mel_spec=spec, frame_network=network, linear_prediction=3)
    return tf_wavenet.WaveNet(**SMALL, conditioning=conditioning, past_noise=1.0)


def hifi_gan():
    """The generator."""
    sizes = {"upsample_rates": (4, 2), "upsample_kernel_sizes": (8, 4), "upsample_initial_channel": 8}
    return tf_wavenet.HiFiGAN(**sizes, mel_spec=SPEC)


def parallel_wavegan():
    """The generator."""
    sizes = {"residual_channels": 4, "gate_channels": 8, "skip_channels": 4, "num_layers": 2, "num_stacks": 1}
    return tf_wavenet.ParallelWaveGAN(**sizes, upsample_scales=(4, 2), mel_spec=SPEC)


def istft_vocoder():
    """The generator."""
    return tf_wavenet.ISTFTVocoder(channels=8, num_blocks=1, kernel_size=3, mel_spec=SPEC)


def gan_vocoder():
    """A generator and two discriminators; the third kind has no small one."""
    discriminators = [
        models.MultiPeriodDiscriminator((2,), channels=(2, 4)),
        models.ParallelWaveGANDiscriminator(2, channels=2),
    ]
    model = tf_wavenet.GANVocoder(hifi_gan(), discriminators, stft_weight=1.0, stft_resolutions=[(64, 16, 64)])
    model.compile("adam", "adam", jit_compile=False)
    return model


def nam():
    """Two arrays of layers."""
    arrays = [{"channels": 4, "dilations": (1, 2), "head_channels": 2}, {"channels": 2, "dilations": (3,)}]
    return tf_wavenet.NamWaveNet(arrays, head_scale=1.0)


FAMILIES = (wavenet, wavenet_conditioned, wavenet_vocoder, wavenet_of_linear_prediction, hifi_gan, parallel_wavegan)
FAMILIES += (istft_vocoder, gan_vocoder, nam)


def inputs_of(name: str):
    """What a model is asked.

    Args:
        name: Of the family.

    Returns:
        The inputs: two utterances of 64 samples, eight frames of each.
    """
    rng = np.random.default_rng(1)
    waveform = rng.uniform(-0.5, 0.5, (2, 64)).astype("float32")
    features = rng.uniform(-1.0, 1.0, (2, 8, 6)).astype("float32")
    noise = rng.normal(size=(2, 64)).astype("float32")
    if name in ("wavenet", "nam"):
        return waveform
    if name == "wavenet_conditioned":
        return {"waveform": waveform, "local_condition": features, "global_condition": np.array([1, 0], "int32")}
    if name.startswith("wavenet"):
        return {"waveform": waveform, "local_condition": features}
    return {"local_condition": features, "noise": noise} if name == "parallel_wavegan" else features


def answers(model: keras.Model, name: str) -> np.ndarray:
    """What a model answers.

    Args:
        model: Of the family.
        name: Of the family.

    Returns:
        Its outputs.
    """
    return keras.ops.convert_to_numpy(model(inputs_of(name)))


def gan_of_istft_vocoder():
    """The generator of `istft_vocoder.keras` and a discriminator, with every loss; the STFT's resolutions in turn."""
    generator = keras.models.load_model(HERE / "istft_vocoder.keras")
    discriminator, rng = models.MultiPeriodDiscriminator((2,), channels=(2, 4)), np.random.default_rng(3)
    weights = {"feature_matching_weight": 1.0, "mel_weight": 1.0, "stft_weight": 1.0}
    turns = {"stft_resolutions": [(32, 8, 16), (64, 16, 64)], "resolutions_per_step": 1}
    model = tf_wavenet.GANVocoder(generator, [discriminator], **weights, **turns)
    for weight in discriminator.weights:
        weight.assign(rng.normal(scale=0.3, size=weight.shape))
    return model


TRAINED = ("wavenet_vocoder", "wavenet_conditioned", "gan_vocoder", "gan_of_istft_vocoder")


def windows_of(name: str, steps: int):
    """What a model is trained on.

    Args:
        name: Of `TRAINED`.
        steps: How many batches.

    Yields:
        The inputs, the waveform and the weight of its samples: those of `inputs_of`, others in each step.
    """
    rng = np.random.default_rng(4)
    for _ in range(steps):
        waveform = rng.uniform(-0.5, 0.5, (2, 64)).astype("float32")
        features, weight = rng.uniform(-1.0, 1.0, (2, 8, 6)).astype("float32"), np.ones((2, 64), "float32")
        weight[1, 50:] = 0.0
        inputs = {"waveform": waveform, "local_condition": features}
        if name == "wavenet_conditioned":
            inputs["global_condition"] = np.array([1, 0], "int32")
        yield inputs, waveform, weight


def ready_to_learn(name: str) -> keras.Model:
    """Compiles a golden model.

    Args:
        name: Of `TRAINED` or `FITTED`.

    Returns:
        The model.
    """
    path = HERE / f"{name}.keras"
    model = keras.models.load_model(path) if path.exists() else gan_of_istft_vocoder()
    optimizers = [keras.optimizers.Adam(1e-3) for _ in range(1 + isinstance(model, tf_wavenet.GANVocoder))]
    model.compile(*optimizers, jit_compile=keras.backend.backend() == "jax")
    return model


def losses(name: str, steps: int = 10) -> dict[str, list[float]]:
    """Trains a golden model.

    Args:
        name: Of `TRAINED`.
        steps: How many steps.

    Returns:
        What `train_on_batch` said in each step, by the names of the losses and metrics.
    """
    model, said = ready_to_learn(name), []
    for inputs, waveform, weight in windows_of(name, steps):
        model.reset_metrics()
        said.append(model.train_on_batch(inputs, waveform, weight, return_dict=True))
    return {key: [float(logs[key]) for logs in said] for key in said[0]}


FITTED = ("wavenet", "wavenet_vocoder", "gan_of_istft_vocoder")


def source_of(network: keras.Model, **options) -> WindowSource:
    """Batches of three recordings, five an epoch.

    Args:
        network: A WaveNet or a generator.
        **options: Further arguments of `WindowSource`.

    Returns:
        The source, which holds the recordings.
    """
    rng = np.random.default_rng(5)
    with tempfile.TemporaryDirectory() as folder:
        for number, length in enumerate((300, 200, 60)):
            soundfile.write(f"{folder}/{number}.wav", rng.uniform(-0.5, 0.5, length), 16000)
        features = None if network.mel_spec is None else MelFeatures(network.mel_spec)
        options |= {"features": features, "context_frames": network.context_frames, "period": network.period}
        source = WindowSource(index_corpus(folder), 64, network.context_samples, 2, shuffle=True, seed=6, **options)
        list(source)
    return source


def fit_losses(name: str, **options) -> dict[str, list[float]]:
    """Fits a golden model to files for two epochs.

    Args:
        name: Of `FITTED`.
        **options: Further arguments of `WindowSource`.

    Returns:
        What `fit` said after each step, means over the epoch so far, by the names of the losses and metrics.
    """
    model, said = ready_to_learn(name), []
    source = source_of(getattr(model, "generator", model), **options)
    listen = keras.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: said.append(dict(logs)))
    model.fit(source, epochs=2, shuffle=False, verbose=0, callbacks=[listen])
    return {key: [float(logs[key]) for logs in said] for key in said[0]}


def write_losses() -> None:
    """Adds the losses that are not there yet: on TensorFlow, which they were first seen on."""
    path = HERE / "losses.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    missing = {name: (losses, name) for name in TRAINED} | {f"fit_{name}": (fit_losses, name) for name in FITTED}
    found |= {key: function(name) for key, (function, name) in missing.items() if key not in found}
    path.write_text(json.dumps(found, indent=1) + "\n")


def main() -> None:
    """Writes what is not there yet."""
    write_losses()
    for family in FAMILIES:
        name = family.__name__
        path = HERE / f"{name}.keras"
        if path.exists():
            continue
        model, rng = family(), np.random.default_rng(2)
        answers(model, name)
        for weight in model.weights:
            if weight.dtype == "float32":
                weight.assign(rng.normal(scale=0.3, size=weight.shape))
        model.save(path)
        with zipfile.ZipFile(path) as archive:
            parts = {part: archive.read(part) for part in archive.namelist()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:  # a third of the size
            for part, content in parts.items():
                archive.writestr(part, content)
        np.save(HERE / f"{name}.npy", answers(model, name))


if __name__ == "__main__":
    main()
