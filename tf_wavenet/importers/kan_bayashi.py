"""Generators of kan-bayashi/ParallelWaveGAN."""

from typing import Any

from tf_wavenet.importers.assign import assign
from tf_wavenet.importers.checkpoint_error import CheckpointError
from tf_wavenet.importers.hifi_gan import make_hifi_gan
from tf_wavenet.importers.original_names import kan_bayashi_hifi_gan_names, parallel_wavegan_names
from tf_wavenet.importers.settings import Settings
from tf_wavenet.importers.state_dict import StateDict
from tf_wavenet.models.vocoders.hifi_gan import HiFiGAN
from tf_wavenet.models.vocoders.parallel_wavegan import ParallelWaveGAN
from tf_wavenet.signal.mel_spec import MelSpec

# Settings that are read, or do not change what the network computes.
_OF_PARALLEL_WAVEGAN = """
    in_channels out_channels kernel_size layers stacks residual_channels gate_channels skip_channels aux_channels
    aux_context_window dropout bias use_weight_norm use_causal_conv upsample_conditional_features upsample_net
    upsample_params
""".split()
_OF_HIFI_GAN = """
    in_channels out_channels channels kernel_size upsample_scales upsample_kernel_sizes resblock_kernel_sizes
    resblock_dilations use_additional_convs bias nonlinear_activation nonlinear_activation_params use_causal_conv
    use_weight_norm
""".split()


def from_kan_bayashi(state: StateDict, config: Settings, statistics=None) -> HiFiGAN | ParallelWaveGAN:
    """Makes the generator of a checkpoint of kan-bayashi/ParallelWaveGAN, with the same outputs.

    Generated audio has the gain of the recordings that the model learnt from, `global_gain_scale`.

    Args:
        state: "generator" of "model" of `checkpoint-*steps.pkl`.
        config: `config.yml`.
        statistics: `(mean, scale)` of its features, as `read_statistics` reads them from `stats.h5` or `stats.npy`;
            None: the model gets no `mel_spec`, and must be given features that are standardised already.

    Returns:
        The model.

    Raises:
        CheckpointError: If settings have no counterpart here, or tensors do not fit them; it names the first.

    Example:
    >>> given = HiFiGAN((4, 2), (8, 4), 8, 2, (3,), ((1, 3),), num_mels=5)
    >>> names = kan_bayashi_hifi_gan_names(given)
    >>> tensors = {name: keras.ops.convert_to_numpy(variable).T for variable, (name,) in names}
    >>> sorted(tensors)[-2:]
    ['upsamples.1.1.bias', 'upsamples.1.1.weight']
    >>> params = {
    ...     "in_channels": 5, "channels": 8, "upsample_scales": [4, 2], "upsample_kernel_sizes": [8, 4],
    ...     "resblock_kernel_sizes": [3], "resblock_dilations": [[1, 3]], "use_additional_convs": False,
    ... }
    >>> config = Settings({"generator_type": "HiFiGANGenerator", "generator_params": params}, "config.yml")
    >>> model = from_kan_bayashi(StateDict(tensors, "checkpoint-50000steps.pkl"), config)
    >>> features = keras.random.normal((1, 10, 5))
    >>> bool(keras.ops.max(keras.ops.abs(model(features) - given(features))) < 1e-6)
    True

    References:
        github.com/kan-bayashi/ParallelWaveGAN, 8674037 (February 2024).
    """
    kinds = {"ParallelWaveGANGenerator": _parallel_wavegan, "HiFiGANGenerator": _hifi_gan}
    kind = config.one_of("generator_type", *kinds, default="ParallelWaveGANGenerator")
    mel_spec = None if statistics is None else _mel_spec(config, statistics)
    params = config.section("generator_params")
    params.one_of("out_channels", 1, default=1)
    params.one_of("bias", True, default=True)
    return kinds[kind](state, params, {"mel_spec": mel_spec, "causal": params.flag("use_causal_conv", False)})


def _parallel_wavegan(state, params, arguments: dict[str, Any]):
    params.only(*_OF_PARALLEL_WAVEGAN)
    params.one_of("in_channels", 1, default=1)
    params.one_of("upsample_conditional_features", True, default=True)
    params.one_of("upsample_net", "ConvInUpsampleNetwork", default="ConvInUpsampleNetwork")
    stages = params.section("upsample_params")
    stages.only("upsample_scales", "aux_channels", "aux_context_window", "use_causal_conv")
    arguments |= {
        "num_layers": params.integer("layers", 30),
        "num_stacks": params.integer("stacks", 3),
        "kernel_size": params.integer("kernel_size", 3),
        "residual_channels": params.integer("residual_channels", 64),
        "gate_channels": params.integer("gate_channels", 128),
        "skip_channels": params.integer("skip_channels", 64),
        "aux_context_window": params.integer("aux_context_window", 2),
        "upsample_scales": stages.integers("upsample_scales"),
        "num_mels": params.integer("aux_channels", 80),
    }
    # Sizes are compared before a model is made: settings may ask for any amount of memory.
    last, gates = f"conv_layers.{arguments['num_layers'] - 1}", arguments["gate_channels"]
    state.take(f"{last}.conv.weight", (gates, arguments["residual_channels"], arguments["kernel_size"]))
    state.take(f"{last}.conv1x1_skip.weight", (arguments["skip_channels"], gates // 2, 1))
    state.take(f"{last}.conv1x1_aux.weight", (gates, arguments["num_mels"], 1))
    model = ParallelWaveGAN(**arguments)
    for variable, keys in parallel_wavegan_names(model):
        assign(variable, state, *keys)
    state.ignore(f"{last}.conv1x1_out.")  # the last one's goes nowhere
    state.check_all_taken()
    return model


def _hifi_gan(state, params, arguments: dict[str, Any]):
    # Configurations of one release spell the name of the kernel sizes with an "a".
    values = {name.replace("kernal", "kernel"): value for name, value in params.values.items()}
    params = Settings(values, params.path)
    params.only(*_OF_HIFI_GAN)
    params.one_of("kernel_size", 7, default=7)
    params.one_of("nonlinear_activation", "LeakyReLU", default="LeakyReLU")
    params.one_of("nonlinear_activation_params", {"negative_slope": 0.1}, default=None)
    rates, widths = params.integers("upsample_scales"), params.integers("upsample_kernel_sizes")
    if widths != [2 * rate for rate in rates]:
        expected = "expected upsample_kernel_sizes to be twice upsample_scales"
        raise CheckpointError(params.path, f"{expected}. Received: {widths}, {rates}")
    arguments |= {
        "upsample_rates": rates,
        "upsample_kernel_sizes": widths,
        "upsample_initial_channel": params.integer("channels"),
        "resblock": 1 if params.flag("use_additional_convs", True) else 2,
        "resblock_kernel_sizes": params.integers("resblock_kernel_sizes"),
        "resblock_dilation_sizes": params.lists("resblock_dilations"),
        "num_mels": params.integer("in_channels"),
    }
    conv, deconv = (".conv", ".deconv") if arguments["causal"] else ("", "")
    names = (f"input_conv{conv}", f"upsamples.{{}}.1{deconv}", f"blocks.{{}}.convs1.0.1{conv}")
    return make_hifi_gan(arguments, state, kan_bayashi_hifi_gan_names, *names)


def _mel_spec(config, statistics):
    config.one_of("sampling_rate_for_feats", None, default=None)
    rate, fft_length = config.integer("sampling_rate"), config.integer("fft_size")
    # Null is the natural logarithm, nothing the common one.
    natural = "log_base" in config.values and config.values["log_base"] is None
    config.one_of("log_base", 10, default=10)
    return MelSpec.from_preset(
        "kan_bayashi",
        sample_rate=rate,
        hop_length=config.integer("hop_size"),
        win_length=config.integer("win_length", fft_length),
        fft_length=fft_length,
        num_mels=config.integer("num_mels"),
        fmin=config.number("fmin", 0.0),
        fmax=config.number("fmax", rate / 2),
        window=config.one_of("window", "hann", "hamming"),
        log_base="e" if natural else "10",
        normalization=statistics,
    )
