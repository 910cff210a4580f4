"""HiFi-GANs of jik876/hifi-gan."""

import re

from tf_wavenet.importers.checkpoint_error import CheckpointError
from tf_wavenet.importers.hifi_gan import make_hifi_gan
from tf_wavenet.importers.original_names import hifi_gan_names
from tf_wavenet.importers.settings import Settings
from tf_wavenet.importers.state_dict import StateDict
from tf_wavenet.models.vocoders.hifi_gan import HiFiGAN
from tf_wavenet.signal.mel_spec import MelSpec


def from_jik876(state: StateDict, config: Settings) -> HiFiGAN:
    """Makes the generator of a checkpoint of jik876/hifi-gan, with the same outputs and the `mel_spec` it needs.

    Args:
        state: "generator" of `g_*`, or of `hifigan_gen_checkpoint_*.pt` of NVIDIA/DeepLearningExamples.
        config: `config.json`.

    Returns:
        The model.

    Raises:
        CheckpointError: If settings have no counterpart here, or tensors do not fit them; it names the first.

    Example:
    >>> from tf_wavenet.importers.original_names import hifi_gan_names
    >>> given = HiFiGAN((4, 2), (8, 4), 8, 2, (3,), ((1, 3),), num_mels=5)
    >>> tensors = {name: keras.ops.convert_to_numpy(variable).T for variable, (name,) in hifi_gan_names(given)}
    >>> sorted(tensors)[:3]
    ['conv_post.bias', 'conv_post.weight', 'conv_pre.bias']
    >>> config = {
    ...     "resblock": "2", "upsample_rates": [4, 2], "upsample_kernel_sizes": [8, 4], "upsample_initial_channel": 8,
    ...     "resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1, 3]], "num_mels": 5, "sampling_rate": 8000,
    ...     "n_fft": 256, "hop_size": 8, "win_size": 256, "fmin": 0, "fmax": 4000,
    ... }
    >>> model = from_jik876(StateDict(tensors, "g_02500000"), Settings(config, "config.json"))
    >>> features = keras.random.normal((1, 10, 5))
    >>> bool(keras.ops.max(keras.ops.abs(model(features) - given(features))) < 1e-6), model.mel_spec.hop_length
    (True, 8)

    References:
        github.com/jik876/hifi-gan, 4769534 (December 2020).
    """
    kind = config.one_of("resblock", "1", "2")
    rates, widths = config.integers("upsample_rates"), config.integers("upsample_kernel_sizes")
    if [width - rate for width, rate in zip(widths, rates, strict=False) if (width - rate) % 2]:
        # Odd differences make a sample too many there.
        expected = "expected upsample_kernel_sizes that differ from upsample_rates by even numbers"
        raise CheckpointError(config.path, f"{expected}. Received: {widths}, {rates}")
    channels, kernels = config.integer("upsample_initial_channel"), config.integers("resblock_kernel_sizes")
    # The original's network takes 80 mels whatever this says; the networks of its forks take these.
    num_mels = config.integer("num_mels")
    state = StateDict(_numbered(state.tensors, len(kernels)), state.path)
    state.take("conv_pre.weight", (channels, num_mels, 7))  # before as many filters are made
    arguments = {
        "upsample_rates": rates,
        "upsample_kernel_sizes": widths,
        "upsample_initial_channel": channels,
        "resblock": int(kind),
        "resblock_kernel_sizes": kernels,
        "resblock_dilation_sizes": config.lists("resblock_dilation_sizes"),
        "num_mels": num_mels,
        "mel_spec": _mel_spec(config),
    }
    block = "resblocks.{}.convs1.0" if kind == "1" else "resblocks.{}.convs.0"
    return make_hifi_gan(arguments, state, hifi_gan_names, "conv_pre", "ups.{}", block)


def _numbered(tensors, kernels):
    """Returns the tensors with the residual blocks numbered through, which NVIDIA's script numbers stage by stage."""

    def number(match):
        return f"resblocks.{int(match[1]) * kernels + int(match[2])}.convs"

    return {re.sub(r"^resblocks\.(\d{1,3})\.(\d{1,3})\.convs", number, str(key)): x for key, x in tensors.items()}


def _mel_spec(config):
    rate = config.integer("sampling_rate")
    return MelSpec.from_preset(
        "jik876",
        sample_rate=rate,
        num_mels=config.integer("num_mels"),
        hop_length=config.integer("hop_size"),
        win_length=config.integer("win_size"),
        fft_length=config.integer("n_fft"),
        fmin=config.number("fmin"),
        fmax=config.number("fmax", rate / 2),
    )
