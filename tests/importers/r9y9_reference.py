"""Small configurations of r9y9/wavenet_vocoder, and its tensors as they lie in a checkpoint."""

HPARAMS = {
    **{"input_type": "raw", "quantize_channels": 65536, "preprocess": "preemphasis", "global_gain_scale": 0.55},
    **{"sample_rate": 22050, "num_mels": 5, "fmin": 125, "fmax": 7600, "fft_size": 1024, "hop_size": 12},
    **{"win_length": 1024, "window": "hann", "output_distribution": "Logistic", "log_scale_min": -16.0},
    **{"out_channels": 6, "layers": 4, "stacks": 2, "residual_channels": 3, "gate_channels": 8},
    **{"skip_out_channels": 5, "kernel_size": 3, "cin_channels": 5, "cin_pad": 2, "gin_channels": -1},
    **{"upsample_conditional_features": True, "upsample_params": {"upsample_scales": [2, 3, 2]}},
}
CASES = {
    "logistics": {},
    "gaussian": {"output_distribution": "Normal", "out_channels": 2, "kernel_size": 2},
    "gaussians": {"output_distribution": "Normal", "out_channels": 9, "layers": 3, "stacks": 3},
    "one of a mixture": {"output_distribution": "Normal", "out_channels": 3},
    "mu-law": {"input_type": "mulaw-quantize", "quantize_channels": 256, "out_channels": 256, "preprocess": ""},
    "repeated": {"upsample_conditional_features": False, "cin_pad": 0},
    "alone": {"cin_channels": -1, "upsample_conditional_features": False},
    "vector": {"gin_channels": 2},
    "speakers": {"gin_channels": 4, "speakers": 3, "cin_channels": -1, "upsample_conditional_features": False},
}


def shapes(hparams):
    """Names of the layers with weight norm, and of the rest, with the shapes of their tensors."""
    h = hparams
    residual, gate, skip, out = (h[f"{name}_channels"] for name in ("residual", "gate", "skip_out", "out"))
    levels = out if h["input_type"] == "mulaw-quantize" else 1
    normed, plain = {"first_conv": (residual, levels, 1)}, {}
    for i in range(h["layers"]):
        layer = f"conv_layers.{i}"
        normed[f"{layer}.conv"] = (gate, residual, h["kernel_size"])
        normed[f"{layer}.conv1x1_out"] = (residual, gate // 2, 1)
        normed[f"{layer}.conv1x1_skip"] = (skip, gate // 2, 1)
        for name, channels in (("conv1x1c", h["cin_channels"]), ("conv1x1g", h["gin_channels"])):
            if channels > 0:
                normed[f"{layer}.{name}"] = (gate, channels, 1)
    normed |= {"last_conv_layers.1": (skip, skip, 1), "last_conv_layers.3": (out, skip, 1)}
    if h["cin_channels"] > 0 and h["upsample_conditional_features"]:
        channels = h["cin_channels"]
        plain["upsample_net.conv_in.weight"] = (channels, channels, 2 * h["cin_pad"] + 1)
        for i, scale in enumerate(h["upsample_params"]["upsample_scales"]):
            normed[f"upsample_net.upsample.up_layers.{2 * i + 1}"] = (1, 1, 1, 2 * scale + 1)
    if "speakers" in h:
        plain["embed_speakers.weight"] = (h["speakers"], h["gin_channels"])
    return normed, plain


def random_state(hparams, rng, keys=("weight_g", "weight_v")):
    normed, plain = shapes(hparams)
    state = {key: 0.5 * rng.normal(size=shape) for key, shape in plain.items()}
    for name, shape in normed.items():
        state[f"{name}.{keys[0]}"] = rng.uniform(0.3, 1.5, (shape[0], *(1 for _ in shape[1:])))
        state[f"{name}.{keys[1]}"] = rng.normal(size=shape)
        if not name.endswith(("conv1x1c", "conv1x1g")) and "up_layers" not in name:
            state[f"{name}.bias"] = 0.3 * rng.normal(size=shape[0])
    return {key: value.astype("float32") for key, value in state.items()}
