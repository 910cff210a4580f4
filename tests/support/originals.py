"""Originals in PyTorch and what they are asked: the same for answers that are stored and for a checkout at hand.

An original has a configuration in its own words. Its weights and what it is asked are random numbers from a seed, made
without PyTorch; so `tests/originals` need hold no more than the names and shapes of its tensors, and its answers.
"""

import copy
import importlib
import os
import sys
import types
import warnings

import keras
import numpy as np
import pytest

from tests.importers import r9y9_reference
from tests.importers.vocoder_reference import HIFI_GAN, JIK876, PARALLEL_WAVEGAN
from tests.support.arrays import assert_allclose, numpy_of
from tests.support.pytorch import import_torch
from tf_wavenet import MelSpec, MixtureOfGaussians, MixtureOfLogistics, MultiResolutionSTFTLoss, mu_law_decode
from tf_wavenet import models as our_models
from tf_wavenet.importers import Settings, StateDict, fold_weight_norm, from_jik876, from_kan_bayashi, from_r9y9
from tf_wavenet.losses import adversarial
from tf_wavenet.signal.log_mel import log_mel

CHECKOUTS = {
    "HIFI_GAN": "jik876/hifi-gan",
    "PARALLEL_WAVEGAN": "kan-bayashi/ParallelWaveGAN",
    "WAVENET_VOCODER": "r9y9/wavenet_vocoder",
}
FRAMES = (1, 2, 31)
KEPT = 251  # of the numbers of an answer, about


def loader(variable, monkeypatch):
    """Returns a function that imports a module of the checkout that a variable names; skips where there is none."""
    import_torch()
    checkout = os.environ.get(variable)
    if checkout is None:
        pytest.skip(f"no checkout of {CHECKOUTS[variable]} in {variable}")
    monkeypatch.syspath_prepend(checkout)
    for name in ("utils", "models", "meldataset"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    # Until this test ends; newer PyTorch says it of what the originals are built with.
    for message in (".*weight_norm` is deprecated", ".*return_complex=False is deprecated", ".*[Dd]istutils"):
        warnings.filterwarnings("ignore", message)
    signal = pytest.importorskip("scipy.signal")
    monkeypatch.setattr(signal, "kaiser", signal.windows.kaiser, raising=False)  # where it was
    return importlib.import_module


def state_of(shapes):
    """Random tensors that keep signals about as loud as they are, by their names in a state dict."""
    random = np.random.RandomState(0)  # gives the same numbers in all versions of NumPy
    state = {}
    for key, shape in shapes.items():
        name, value = key.rpartition(".")[2], random.uniform(-1.0, 1.0, shape)
        if name == "bias":
            value *= 0.3
        elif name == "weight":
            value *= np.sqrt(3.0 / np.prod(shape[1:]))
        elif name == "weight_g":
            value = 1.3 + 0.4 * value
            if key.startswith(("ups.", "upsamples.")):  # transposed: norms are those of inputs, two of which overlap
                n, outputs, taps = shapes[f"{key[:-1]}v"]
                value *= np.sqrt(outputs * taps / (2 * n))
        state[key] = value.astype("float32")
    for key in [key for key in state if key.endswith(".weight_orig")]:  # spectral norm, as it is after a few steps
        u, v = (f"{key.removesuffix('orig')}{side}" for side in "uv")
        state[v] /= np.linalg.norm(state[v])
        state[u] = state[key].reshape(len(state[key]), -1) @ state[v]
        state[u] /= np.linalg.norm(state[u])
    return state


def folded(state):
    """The tensors without weight norm and spectral norm."""
    tensors = {}
    for key, value in state.items():
        if key.endswith("weight_g"):
            tensors[key.removesuffix("_g")] = fold_weight_norm(value, state[f"{key[:-1]}v"])
        elif key.endswith("weight_orig"):
            u, v = (state[f"{key.removesuffix('orig')}{side}"] for side in "uv")
            tensors[key.removesuffix("_orig")] = value / (u @ value.reshape(len(value), -1) @ v)
        elif key.endswith("bias"):
            tensors[key] = value
    return tensors


def thin(answer):
    """Every so many numbers of an answer, if there are many."""
    flat = np.ravel(answer)
    return flat[:: (len(flat) // KEPT) | 1]


class Original:
    """An original and our counterpart of it."""

    variable = None  # that names the checkout
    tolerance = 2e-5

    def __init__(self, config) -> None:
        self.config = config

    def network(self, load):
        """The module or the function in PyTorch."""
        raise NotImplementedError

    def questions(self, random):
        """Pairs of what ours is asked and what the original is asked, a dict of arrays."""
        raise NotImplementedError

    def ask(self, network, **asked):
        """What the original answers: tensors as ours are, time before channels."""
        return [network(**asked).transpose(1, 2)]

    def model(self, state):
        """Ours, with the original's tensors."""
        raise NotImplementedError

    def answer(self, model, given):
        """What ours answers."""
        return [model(given)]

    def theirs(self, network):
        """Shapes of the original's tensors, and what it answers once it has those of the seed."""
        import torch

        shapes = {}
        if isinstance(network, torch.nn.Module):
            shapes = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
            network.load_state_dict({key: torch.from_numpy(value) for key, value in state_of(shapes).items()})
            network.eval()
        answers = []
        with torch.no_grad():
            for _, asked in self.questions(np.random.RandomState(1)):
                asked = {name: torch.from_numpy(np.array(value)) for name, value in asked.items()}
                answers += [np.asarray(answer) for answer in self.ask(network, **asked)]
        return shapes, answers

    def ours(self, model):
        """What ours answers, question by question."""
        questions = self.questions(np.random.RandomState(1))
        return [numpy_of(answer) for given, _ in questions for answer in self.answer(model, given)]


def uniform(random, *shape, scale=1.0):
    return random.uniform(-scale, scale, shape).astype("float32")


def assert_equal_answers(actual, expected, tolerance=1e-4):
    """Of arrays, those of `actual` and `expected`."""
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        assert_allclose(a, e, rtol=0, atol=tolerance * np.abs(e).max())


class Jik876(Original):
    """HiFi-GAN; configurations as in `config.json`."""

    variable = "HIFI_GAN"

    def network(self, load):
        return load("models").Generator(types.SimpleNamespace(**self.config))

    def questions(self, random):
        for frames in FRAMES:
            features = uniform(random, 2, frames, 80)
            yield features, {"x": features.transpose(0, 2, 1)}

    def ask(self, network, **asked):
        return [network(**asked)[:, 0]]

    def model(self, state):
        return from_jik876(StateDict(state, "g_1"), Settings(self.config, "config.json"))


class KanBayashi(Original):
    """HiFi-GAN and Parallel WaveGAN; configurations as in `config.yml`."""

    variable = "PARALLEL_WAVEGAN"

    def network(self, load):
        kind = self.config.get("generator_type", "ParallelWaveGANGenerator")
        return getattr(load("parallel_wavegan.models"), kind)(**copy.deepcopy(self.config["generator_params"]))

    def questions(self, random):
        params = self.config["generator_params"]
        context = params.get("aux_context_window")
        for frames in FRAMES:
            features = uniform(random, 2, frames, self.config["num_mels"])
            mel = features.transpose(0, 2, 1)
            if context is None:
                yield features, {"c": mel}
                continue
            noise = uniform(random, 2, frames * self.config["hop_size"])
            mel = np.pad(mel, ((0, 0), (0, 0), (context, context)), mode="edge")
            yield {"local_condition": features, "noise": noise}, {"z": noise[:, None], "c": mel}

    def ask(self, network, **asked):
        if "z" in asked:
            return [network(asked["z"], asked["c"])[:, 0]]
        return [network(**asked)[:, 0]]

    def model(self, state):
        return from_kan_bayashi(StateDict(state, "a.pkl"), Settings(self.config, "config.yml"))


class R9y9(Original):
    """WaveNet; configurations as in `hparams.json`, and the number of speakers."""

    variable = "WAVENET_VOCODER"
    tolerance = 1e-4  # ours takes the silence before the first sample for the nearest level of 16 bits
    frames, cut = 3, 5  # our waveform may end before the last frame does

    def network(self, load):
        """As the original's train.py does, but that its speakers are given to the network where there are some."""
        h = self.config
        names = ("out_channels", "layers", "stacks", "residual_channels", "gate_channels", "skip_out_channels")
        names += ("cin_channels", "gin_channels", "kernel_size", "cin_pad", "upsample_conditional_features")
        network = load("wavenet_vocoder").WaveNet(
            **{name: h[name] for name in names},
            dropout=0.0,
            upsample_params={**h["upsample_params"], "cin_channels": h["cin_channels"], "cin_pad": h["cin_pad"]},
            scalar_input=h["input_type"] == "raw",
            output_distribution=h["output_distribution"],
            n_speakers=h.get("speakers"),
            use_speaker_embedding="speakers" in h,
        )
        for module in network.modules():
            module._backward_hooks.clear()  # they only reset caches of step-by-step generation, and warn
        return network

    def questions(self, random):
        h = self.config
        time = self.frames * h["hop_size"]
        waveform = (random.randint(0, 1 << 16, (2, time)) / 32767.5 - 1.0).astype("float32")  # levels of 16 bits
        asked = {"x": np.pad(waveform, ((0, 0), (1, 0)))[:, None, :-1]}
        if h["input_type"] != "raw":
            levels = random.randint(0, 256, (2, time))
            waveform = numpy_of(mu_law_decode(levels, 255))
            past = np.pad(levels, ((0, 0), (1, 0)), constant_values=128)[:, :-1]
            asked = {"x": np.eye(256, dtype="float32")[past].transpose(0, 2, 1)}
        given = {"waveform": waveform}
        if h["cin_channels"] > 0:
            given["local_condition"] = uniform(random, 2, self.frames, h["cin_channels"])
            mel = given["local_condition"].transpose(0, 2, 1)
            mel = np.pad(mel, ((0, 0), (0, 0), (h["cin_pad"],) * 2), mode="edge")
            asked["c"] = np.repeat(mel, 1 if h["upsample_conditional_features"] else h["hop_size"], axis=2)
        if "speakers" in h:
            given["global_condition"] = np.array([2, 0], "int32")
            asked["g"] = np.array([[2], [0]])
        elif h["gin_channels"] > 0:
            given["global_condition"] = asked["g"] = uniform(random, 2, h["gin_channels"])
        yield given, asked

    def ask(self, network, **asked):
        whole = network(**asked).transpose(1, 2)
        return [whole[:, :end] for end in (None, -self.cut, 1)]

    def model(self, state):
        return from_r9y9(StateDict(state, "a.pth"), Settings(self.config, "hparams.json"))

    def answer(self, model, given):
        parts = [given | {"waveform": given["waveform"][:, :end]} for end in (None, -self.cut, 1)]
        return [model(part if len(part) > 1 else part["waveform"]) for part in parts]


class Discriminator(Original):
    """Configurations are lengths of waveforms; answers are what every convolution gives."""

    kind = None

    def questions(self, random):
        waveform = uniform(random, 2, self.config)
        yield waveform, {"x": waveform[:, None]}

    def names(self, layer):
        """Dict of the names of the original's convolutions, and ours."""
        modules = {}
        for i, (convs, post) in enumerate(zip(layer.convs, layer.posts, strict=True)):
            modules |= {f"discriminators.{i}.convs.{j}": conv for j, conv in enumerate(convs)}
            modules[f"discriminators.{i}.conv_post"] = post
        return modules

    def model(self, state):
        layer, tensors = getattr(our_models, self.kind)(), folded(state)
        layer.build((None, None))
        for name, conv in self.names(layer).items():
            conv.kernel.assign(tensors.pop(f"{name}.weight").T.reshape(conv.kernel.shape))
            conv.bias.assign(tensors.pop(f"{name}.bias"))
        assert not tensors
        return layer

    def answer(self, model, given):
        return keras.tree.flatten(model(given))


class Jik876Discriminator(Discriminator):
    """The discriminators of HiFi-GAN."""

    variable = "HIFI_GAN"

    def network(self, load):
        return getattr(load("models"), self.kind)()

    def ask(self, network, x):
        outputs = [output for outputs in network(x, x)[2] for output in outputs]
        # [batch, filters, steps, period]; ours has the period in the batch
        outputs = [o.permute(0, 3, 1, 2).flatten(0, 1) if o.ndim == 4 else o for o in outputs]
        return [output.transpose(1, 2) for output in outputs]


class MultiPeriod(Jik876Discriminator):
    """All periods."""

    kind = "MultiPeriodDiscriminator"


class MultiScale(Jik876Discriminator):
    """All scales."""

    kind = "MultiScaleDiscriminator"


class KanBayashiDiscriminator(Discriminator):
    """The discriminator of Parallel WaveGAN."""

    variable, kind = "PARALLEL_WAVEGAN", "ParallelWaveGANDiscriminator"

    def network(self, load):
        return load("parallel_wavegan.models").ParallelWaveGANDiscriminator()

    def names(self, layer):
        return {f"conv_layers.{2 * i}": conv for i, conv in enumerate((*layer.convs, layer.post))}

    def ask(self, network, x):
        outputs = []
        for i, module in enumerate(network.conv_layers):
            x = module(x)
            outputs += [x.transpose(1, 2)] if i % 2 or module is network.conv_layers[-1] else []
        return outputs


class Function(Original):
    """An original without tensors."""

    def model(self, state):
        assert not state
        return self


class StftLoss(Function):
    """Of many resolutions; configurations are lists of fft, hop and window lengths."""

    variable = "PARALLEL_WAVEGAN"

    def network(self, load):
        loss = load("parallel_wavegan.losses.stft_loss").MultiResolutionSTFTLoss(*map(list, self.config))
        return lambda x, y: sum(loss(x, y))

    def questions(self, random):
        true, predicted = uniform(random, 2, 3, 2501, scale=0.1)
        yield (true, predicted), {"x": predicted, "y": true}

    def ask(self, network, **asked):
        return [network(**asked)]

    def answer(self, model, given):
        return [MultiResolutionSTFTLoss(*self.config)(*given)]


class AdversarialLosses(Function):
    """Least squares and feature matching of HiFi-GAN, which counts the latter twice."""

    variable = "HIFI_GAN"

    def network(self, load):
        return load("models")

    def questions(self, random):
        real, generated = ([[uniform(random, 2, n, 5 * n + i) for n in (1, 3, 2)] for i in range(2)] for _ in range(2))
        sides = {"r": real, "g": generated}
        yield (real, generated), {f"{k}{i}{j}": sides[k][i][j] for k in "rg" for i in (0, 1) for j in range(3)}

    def ask(self, network, **asked):
        real, generated = ([[asked[f"{k}{i}{j}"] for j in range(3)] for i in (0, 1)] for k in "rg")
        scores = [[outputs[-1] for outputs in side] for side in (real, generated)]
        losses = network.discriminator_loss(*scores)[0], network.generator_loss(scores[1])[0]
        return [*losses, network.feature_loss(real, generated)]

    def answer(self, model, given):
        losses = adversarial.discriminator_loss(*given), adversarial.generator_loss(given[1])
        return [*losses, 2.0 * adversarial.feature_matching_loss(*given)]


class MixtureLoss(Function):
    """Of mixtures of logistics or Gaussians; configurations are a function's name, ours, and the original's options."""

    variable = "WAVENET_VOCODER"

    def network(self, load):
        name, _, options = self.config
        loss = getattr(load("wavenet_vocoder.mixture"), name)
        return lambda y_hat, y: loss(y_hat, y, reduce=False, **options)[..., 0]

    def questions(self, random):
        levels = 2.0 * np.append(random.randint(0, 256, 38), [0, 255]).reshape(2, 20) / 255.0 - 1.0
        levels = levels.astype("float32")
        logits, means, scales = (uniform(random, 2, 20, 3) for _ in range(3))
        params = np.concatenate([logits, levels[..., None] + 0.1 * means, 2.0 * scales - 3.0], axis=2)
        yield (params, levels), {"y_hat": params.transpose(0, 2, 1), "y": levels[..., None]}

    def ask(self, network, **asked):
        return [network(**asked)]

    def answer(self, model, given):
        return [-self.config[1].log_prob(*given)]


class LogMel(Function):
    """The log-mels of HiFi-GAN, of whole frames; configurations as in `config.json`."""

    variable = "HIFI_GAN"

    def network(self, load):
        import torch

        librosa = pytest.importorskip("librosa")
        module, h = load("meldataset"), self.config
        # Older librosa took them by position, and older PyTorch gave real and imaginary parts without being asked.
        basis = librosa.filters.mel(sr=h["sampling_rate"], n_fft=h["n_fft"], n_mels=80, fmin=h["fmin"], fmax=h["fmax"])
        module.librosa_mel_fn = lambda *_: basis
        stft = types.SimpleNamespace(**vars(torch))
        stft.stft = lambda *args, **options: torch.view_as_real(torch.stft(*args, return_complex=True, **options))
        module.torch = stft
        names = ("n_fft", "num_mels", "sampling_rate", "hop_size", "win_size", "fmin", "fmax")
        return lambda y: module.mel_spectrogram(y, **{name: h[name] for name in names})

    def questions(self, random):
        waveform = uniform(random, 2, 8 * self.config["hop_size"], scale=0.5)
        yield waveform, {"y": waveform}

    def answer(self, model, given):
        return [log_mel(given, MelSpec.from_preset("jik876"))]


def changed(config, **params):
    return {**config, "generator_params": {**config["generator_params"], **params}}


_ODD = {"upsample_scales": [5, 2], "upsample_kernel_sizes": [10, 4]}
ORIGINALS = {
    "jik876 resblock 1": Jik876(JIK876),
    "jik876 resblock 2": Jik876(JIK876 | {"resblock": "2", "resblock_dilation_sizes": [[1, 2], [2, 6]]}),
    "jik876 odd rate": Jik876(JIK876 | {"upsample_rates": [5, 2], "upsample_kernel_sizes": [9, 4], "hop_size": 10}),
    "jik876 multi-period": MultiPeriod(1003),
    "jik876 multi-scale": MultiScale(2003),
    "jik876 losses": AdversarialLosses(None),
    "jik876 log-mel": LogMel({**JIK876, "hop_size": 256}),
    "kan-bayashi hifi_gan": KanBayashi(HIFI_GAN),
    "kan-bayashi hifi_gan, causal": KanBayashi(changed(HIFI_GAN, use_causal_conv=True)),
    "kan-bayashi hifi_gan, one convolution": KanBayashi(changed(HIFI_GAN, use_additional_convs=False)),
    "kan-bayashi hifi_gan, odd rate": KanBayashi(changed(HIFI_GAN | {"hop_size": 10}, **_ODD)),
    "kan-bayashi hifi_gan, odd rate, causal": KanBayashi(
        changed(HIFI_GAN | {"hop_size": 10}, **_ODD, use_causal_conv=True)
    ),
    "kan-bayashi parallel_wavegan": KanBayashi(PARALLEL_WAVEGAN),
    "kan-bayashi parallel_wavegan, causal": KanBayashi(changed(PARALLEL_WAVEGAN, use_causal_conv=True)),
    "kan-bayashi discriminator": KanBayashiDiscriminator(203),
    "kan-bayashi stft loss": StftLoss(((1024, 2048, 512), (120, 240, 50), (600, 1200, 240))),
    "kan-bayashi stft loss, one resolution": StftLoss(((64,), (7,), (33,))),
    "r9y9 logistics loss": MixtureLoss(
        ("discretized_mix_logistic_loss", MixtureOfLogistics(3, bits=8), {"log_scale_min": -13.0})
    ),
    "r9y9 gaussians loss": MixtureLoss(("mix_gaussian_loss", MixtureOfGaussians(3), {"log_scale_min": -13.0})),
    **{f"r9y9 {case}": R9y9(r9y9_reference.HPARAMS | changes) for case, changes in r9y9_reference.CASES.items()},
}
