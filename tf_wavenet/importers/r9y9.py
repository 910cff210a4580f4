"""WaveNets of r9y9/wavenet_vocoder."""

import math
from typing import Any

import numpy as np

from tf_wavenet.distributions import Gaussian, MixtureOfGaussians, MixtureOfLogistics, MuLawCategorical
from tf_wavenet.importers.assign import assign, assign_layer
from tf_wavenet.importers.checkpoint_error import CheckpointError
from tf_wavenet.importers.settings import Settings
from tf_wavenet.importers.state_dict import StateDict
from tf_wavenet.layers import Conditioning
from tf_wavenet.models.wavenet import WaveNet
from tf_wavenet.signal.mel_spec import MelSpec


def from_r9y9(state: StateDict, hparams: Settings, statistics=None) -> WaveNet:
    """Makes the WaveNet of a checkpoint of r9y9/wavenet_vocoder, with the same outputs.

    Three things are not the model's and stay with its user. With "mulaw-quantize" the original finds levels by
    truncation, we by rounding: levels mean the same sound, but a recording's are half a level higher here, and silence,
    which stands before the first sample, is level 128 instead of 127. Generated audio has the gain of the recordings
    that the model learnt from, `global_gain_scale`. Those were filtered, `highpass_cutoff`.

    Args:
        state: "state_dict" of `checkpoint_step*.pth`, or of its average, `checkpoint_step*_ema.pth`.
        hparams: `hparams.json`.
        statistics: `(mean, scale)` of its features; None: the model gets no `mel_spec`, must be given features that
            are standardised already, and speaks pre-emphasised audio if it has learnt from such (`preprocess`).

    Returns:
        The model.

    Raises:
        CheckpointError: If settings have no counterpart here, or tensors do not fit them; it names the first.

    Example:
    >>> shapes = {
    ...     "first_conv": (2, 4, 1), "conv_layers.0.conv": (6, 2, 2), "conv_layers.0.conv1x1_skip": (2, 3, 1),
    ...     "last_conv_layers.1": (2, 2, 1), "last_conv_layers.3": (4, 2, 1),
    ... }
    >>> tensors = {f"{name}.weight": np.zeros(shape, "float32") for name, shape in shapes.items()}
    >>> tensors |= {f"{name}.bias": np.zeros(shape[0], "float32") for name, shape in shapes.items()}
    >>> tensors["last_conv_layers.3.bias"] = np.array([1, 2, 3, 4], "float32")
    >>> hparams = {
    ...     "input_type": "mulaw-quantize", "quantize_channels": 4, "out_channels": 4, "layers": 1, "stacks": 1,
    ...     "residual_channels": 2, "gate_channels": 6, "skip_out_channels": 2, "kernel_size": 2,
    ...     "cin_channels": -1, "cin_pad": 0, "gin_channels": -1,
    ... }
    >>> model = from_r9y9(StateDict(tensors, "checkpoint_step1.pth"), Settings(hparams, "hparams.json"))
    >>> keras.ops.convert_to_numpy(model(np.zeros((1, 3), "float32")))[0, -1].tolist()  # logits of the four levels
    [1.0, 2.0, 3.0, 4.0]

    References:
        github.com/r9y9/wavenet_vocoder, a35fff7 (November 2020).
    """
    model = WaveNet(**_arguments(state, hparams, statistics))
    assign_layer(model.causal_conv, state, "first_conv")
    for i, block in enumerate(model.stack.blocks):
        name = f"conv_layers.{i}"
        assign_layer(block.conv, state, f"{name}.conv")
        assign_layer(block.skip, state, f"{name}.conv1x1_skip")
        if block.use_residual:
            assign_layer(block.residual, state, f"{name}.conv1x1_out")
        else:  # the last one's goes nowhere
            state.ignore(f"{name}.conv1x1_out.")
    assign_layer(model.head.hidden, state, "last_conv_layers.1")
    assign_layer(model.head.out, state, "last_conv_layers.3")
    if model.conditioning is not None:
        _set_conditioning(model, state)
    state.check_all_taken()
    return model


def _arguments(state, hparams, statistics) -> dict[str, Any]:
    if any(str(key).startswith("upsample_conv.") for key in state.tensors):
        received = "upsample_conv, of version 0.1, which is another network"
        raise CheckpointError(state.path, f"expected upsample_net. Received: {received}")
    layers, stacks = hparams.integer("layers"), hparams.integer("stacks")
    if not 1 <= stacks <= layers or layers % stacks:
        raise CheckpointError(hparams.path, f"expected layers to be a multiple of stacks. Received: {layers}, {stacks}")
    if hparams.flag("legacy", False):
        raise CheckpointError(hparams.path, "expected legacy to be false: that network adds its skips in another way")
    distribution, conditions = _distribution(hparams), {**_local(hparams), **_global(state, hparams)}
    _check_sizes(state, hparams)
    if statistics is not None and "local_channels" in conditions:
        conditions["mel_spec"] = _mel_spec(hparams, statistics)
    return {
        **distribution,
        "conditioning": Conditioning(**conditions) if conditions else None,
        "dilations": [2 ** (i % (layers // stacks)) for i in range(layers)],
        "kernel_size": hparams.integer("kernel_size"),
        "residual_channels": hparams.integer("residual_channels"),
        "skip_channels": hparams.integer("skip_out_channels"),
        "gate_channels": hparams.integer("gate_channels"),
        "causal_kernel_size": 1,
        "residual_scale": math.sqrt(0.5),
        "skip_scale": math.sqrt(1.0 / layers),
    }


def _check_sizes(state, hparams):
    """Compares the sizes with the tensors, before a model is made: settings may ask for any amount of memory."""
    last, gates = f"conv_layers.{hparams.integer('layers') - 1}", hparams.integer("gate_channels")
    state.take(f"{last}.conv.weight", (gates, hparams.integer("residual_channels"), hparams.integer("kernel_size")))
    skips = hparams.integer("skip_out_channels")
    state.take(f"{last}.conv1x1_skip.weight", (skips, gates // 2, 1))
    state.take("last_conv_layers.3.weight", (hparams.integer("out_channels"), skips, 1))
    for name, channels in (
        ("conv1x1c", hparams.integer("cin_channels")),
        ("conv1x1g", hparams.integer("gin_channels")),
    ):
        if channels > 0:
            state.take(f"{last}.{name}.weight", (gates, channels, 1))


def _distribution(hparams):
    levels, size = hparams.integer("quantize_channels"), hparams.integer("out_channels")
    if hparams.one_of("input_type", "raw", "mulaw-quantize") == "mulaw-quantize":
        if size != levels:
            raise CheckpointError(hparams.path, f"expected out_channels to be {levels}. Received: {size}")
        return {"mu": levels - 1, "distribution": MuLawCategorical(levels - 1)}
    floor = {"log_scale_min": hparams.number("log_scale_min")}
    kind = hparams.one_of("output_distribution", "Logistic", "Normal", default="Logistic")
    if kind == "Normal" and size == 2:
        return {"distribution": Gaussian(**floor)}
    if size < 3 or size % 3:
        raise CheckpointError(hparams.path, f"expected out_channels to be a multiple of 3. Received: {size}")
    if kind == "Normal":
        return {"distribution": MixtureOfGaussians(size // 3, **floor)}
    if levels & (levels - 1) or not 2 <= levels <= 1 << 16:
        raise CheckpointError(
            hparams.path, f"expected quantize_channels to be a power of 2, at most 65536. Received: {levels}"
        )
    return {"distribution": MixtureOfLogistics(size // 3, bits=levels.bit_length() - 1, **floor)}


def _local(hparams):
    channels, context = hparams.integer("cin_channels"), hparams.integer("cin_pad")
    if channels <= 0:
        return {}
    arguments = {"local_channels": channels, "local_hop": hparams.integer("hop_size"), "local_context": context}
    if hparams.flag("upsample_conditional_features"):
        stages = hparams.section("upsample_params")
        stages.one_of("upsample_activation", "none", default="none")
        stages.one_of("mode", "nearest", default="nearest")
        stages.one_of("freq_axis_kernel_size", 1, default=1)
        arguments |= {"upsampling": "stretch", "upsample_scales": stages.integers("upsample_scales")}
    else:
        hparams.one_of("cin_pad", 0)
        arguments |= {"upsampling": "repeat"}
    return arguments


def _mel_spec(hparams, statistics):
    rate = hparams.integer("sample_rate")
    return MelSpec.from_preset(
        "r9y9",
        sample_rate=rate,
        hop_length=hparams.integer("hop_size"),
        win_length=hparams.integer("win_length"),
        fft_length=hparams.integer("fft_size"),
        num_mels=hparams.one_of("num_mels", hparams.integer("cin_channels")),
        fmin=hparams.number("fmin"),
        fmax=hparams.number("fmax", rate / 2),
        window=hparams.one_of("window", "hann", "hamming", default="hann"),
        preemphasis=0.85 if hparams.one_of("preprocess", "preemphasis", "", "none", None) == "preemphasis" else 0.0,
        normalization=statistics,
    )


def _global(state, hparams):
    channels = hparams.integer("gin_channels")
    if channels <= 0:
        return {}
    key = "embed_speakers.weight"
    speakers = state.rows(key) if key in state else None
    return {"global_channels": channels, "speakers": speakers}


def _set_conditioning(model, state):
    layer, kernels = model.conditioning, []
    for channels, name in ((layer.local_channels, "conv1x1c"), (layer.global_channels, "conv1x1g")):
        if channels:
            shapes = [(block.conv.filters, channels, 1) for block in model.stack.blocks]
            weights = [state.take(f"conv_layers.{i}.{name}.weight", shape) for i, shape in enumerate(shapes)]
            kernels.append(np.concatenate(weights)[:, :, 0].T)
    layer.projection.kernel.assign(np.concatenate(kernels))
    if layer.embedding is not None:
        table = layer.embedding.embeddings
        table.assign(state.take("embed_speakers.weight", table.shape))
    if layer.upsampling == "stretch":
        net = "upsample_net"
        assign_layer(layer.upsampler.conv_in, state, f"{net}.conv_in")
        for i, taps in enumerate(layer.upsampler.smoothing):  # every other layer there repeats
            assign(taps, state, f"{net}.upsample.up_layers.{2 * i + 1}.weight")
    elif layer.upsampler is not None:
        for taps in layer.upsampler.smoothing:  # that leaves what is repeated as it is
            taps.assign(np.eye(taps.shape[0])[taps.shape[0] // 2])
