"""Small configurations of jik876 and kan-bayashi, and their tensors as they lie in a checkpoint."""

JIK876 = {
    **{"resblock": "1", "upsample_rates": [4, 2], "upsample_kernel_sizes": [8, 4], "upsample_initial_channel": 8},
    **{"resblock_kernel_sizes": [3, 5], "resblock_dilation_sizes": [[1, 3, 5], [1, 2, 4]], "num_mels": 80},
    **{"n_fft": 1024, "hop_size": 8, "win_size": 1024, "sampling_rate": 22050, "fmin": 0, "fmax": 8000},
}
_FEATURES = {
    **{"sampling_rate": 8000, "fft_size": 1024, "hop_size": 8, "win_length": None, "window": "hann", "num_mels": 5},
    **{"fmin": 80, "fmax": 3600, "global_gain_scale": 1.0, "format": "npy"},
}
HIFI_GAN = {
    **{**_FEATURES, "generator_type": "HiFiGANGenerator"},
    "generator_params": {
        **{"in_channels": 5, "out_channels": 1, "channels": 8, "kernel_size": 7, "upsample_scales": [4, 2]},
        **{"upsample_kernel_sizes": [8, 4], "resblock_kernel_sizes": [3, 5]},
        **{"resblock_dilations": [[1, 3, 5], [1, 2, 4]], "use_additional_convs": True, "bias": True},
        **{"nonlinear_activation": "LeakyReLU", "nonlinear_activation_params": {"negative_slope": 0.1}},
        **{"use_weight_norm": True},
    },
}
PARALLEL_WAVEGAN = {
    **_FEATURES,
    "generator_params": {
        **{"in_channels": 1, "out_channels": 1, "kernel_size": 3, "layers": 4, "stacks": 2, "residual_channels": 3},
        **{"gate_channels": 8, "skip_channels": 6, "aux_channels": 5, "aux_context_window": 2, "dropout": 0.0},
        **{"use_weight_norm": True, "upsample_net": "ConvInUpsampleNetwork"},
        **{"upsample_params": {"upsample_scales": [2, 4]}},
    },
}


def jik876_shapes(h):
    """Names and shapes of the layers; all have biases."""
    channels, kind = h["upsample_initial_channel"], h["resblock"]
    shapes = {"conv_pre": (channels, 80, 7)}
    for i, width in enumerate(h["upsample_kernel_sizes"]):
        shapes[f"ups.{i}"] = (channels >> i, channels >> (i + 1), width)
        for j, taps in enumerate(h["resblock_kernel_sizes"]):
            shape = (channels >> (i + 1),) * 2 + (taps,)
            block = f"resblocks.{i * len(h['resblock_kernel_sizes']) + j}"
            for m in range(len(h["resblock_dilation_sizes"][j])):
                names = ("convs1", "convs2") if kind == "1" else ("convs",)
                shapes |= {f"{block}.{name}.{m}": shape for name in names}
    return shapes | {"conv_post": (1, channels >> len(h["upsample_rates"]), 7)}


def kan_bayashi_name(name):
    """What kan-bayashi calls a layer of jik876."""
    parts = name.split(".")
    if parts[0] == "resblocks":
        _, block, convs, number = parts
        return f"blocks.{block}.{'convs1' if convs == 'convs' else convs}.{number}.1"
    return {"conv_pre": "input_conv", "conv_post": "output_conv.1"}.get(name) or f"upsamples.{parts[1]}.1"


def as_jik876(config):
    """The same sizes in jik876's words."""
    p = config["generator_params"]
    return {
        **{"upsample_rates": p["upsample_scales"], "upsample_kernel_sizes": p["upsample_kernel_sizes"]},
        **{"upsample_initial_channel": p["channels"], "resblock_kernel_sizes": p["resblock_kernel_sizes"]},
        **{"resblock_dilation_sizes": p["resblock_dilations"], "resblock": "1" if p["use_additional_convs"] else "2"},
    }


def parallel_wavegan_shapes(p):
    """Names and shapes of the layers, and the names of those that have no bias."""
    residual, gate, skip = p["residual_channels"], p["gate_channels"], p["skip_channels"]
    aux = p["aux_channels"]
    shapes = {"first_conv": (residual, 1, 1), "upsample_net.conv_in": (aux, aux, 2 * p["aux_context_window"] + 1)}
    for i, scale in enumerate(p["upsample_params"]["upsample_scales"]):
        shapes[f"upsample_net.upsample.up_layers.{2 * i + 1}"] = (1, 1, 1, 2 * scale + 1)
    for i in range(p["layers"]):
        layer = f"conv_layers.{i}"
        shapes |= {f"{layer}.conv": (gate, residual, p["kernel_size"]), f"{layer}.conv1x1_aux": (gate, aux, 1)}
        shapes |= {f"{layer}.conv1x1_out": (residual, gate // 2, 1), f"{layer}.conv1x1_skip": (skip, gate // 2, 1)}
    shapes |= {"last_conv_layers.1": (skip, skip, 1), "last_conv_layers.3": (1, skip, 1)}
    return shapes, [name for name in shapes if "upsample_net" in name or "aux" in name]


def random_state(shapes, rng, without_bias=(), transposed="ups"):
    state = {}
    for name, shape in shapes.items():
        state[f"{name}.weight_g"] = rng.uniform(0.3, 1.5, (shape[0], *(1 for _ in shape[1:])))
        state[f"{name}.weight_v"] = rng.normal(size=shape)
        if name not in without_bias:
            state[f"{name}.bias"] = 0.3 * rng.normal(size=shape[1 if name.startswith(transposed) else 0])
    return {key: value.astype("float32") for key, value in state.items()}
