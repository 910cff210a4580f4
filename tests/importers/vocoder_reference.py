"""The generators of jik876 and kan-bayashi in plain NumPy, from their tensors as they lie in a checkpoint."""

import numpy as np

from tests.importers.r9y9_reference import conv

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


def same(x, state, name, dilation=1):
    side = (state[f"{name}.weight_v"].shape[2] - 1) // 2 * dilation
    return conv(x, state, name, dilation, (side, side))


def transposed(x, state, name, rate):
    """Each input adds its kernel to the outputs; half of what is too long is cut at either end."""
    v = np.asarray(state[f"{name}.weight_v"], "float64")
    weight = state[f"{name}.weight_g"] * v / np.sqrt((v**2).sum(axis=(1, 2), keepdims=True))
    y = np.zeros((weight.shape[1], (x.shape[1] - 1) * rate + weight.shape[2]))
    for frame in range(x.shape[1]):
        y[:, frame * rate :][:, : weight.shape[2]] += np.tensordot(x[:, frame], weight, 1)
    first = (weight.shape[2] - rate + 1) // 2
    return y[:, first:][:, : x.shape[1] * rate] + state[f"{name}.bias"][:, None]


def leaky(x, slope=0.1):
    return np.where(x < 0.0, slope * x, x)


def hifi_gan(features, state, h, name=lambda name: name):
    """features [channels, frames]; returns [time]. `name` translates the names of layers."""
    x, count = same(features, state, name("conv_pre")), len(h["resblock_kernel_sizes"])
    for i, rate in enumerate(h["upsample_rates"]):
        x, total = transposed(leaky(x), state, name(f"ups.{i}"), rate), 0.0
        for j, dilations in enumerate(h["resblock_dilation_sizes"]):
            y, block = x, f"resblocks.{i * count + j}"
            for m, dilation in enumerate(dilations):
                if h["resblock"] == "1":
                    z = same(leaky(y), state, name(f"{block}.convs1.{m}"), dilation)
                    y = y + same(leaky(z), state, name(f"{block}.convs2.{m}"))
                else:
                    y = y + same(leaky(y), state, name(f"{block}.convs.{m}"), dilation)
            total = total + y
        x = total / count
    return np.tanh(same(leaky(x, 0.01), state, name("conv_post")))[0]


def parallel_wavegan(features, noise, state, p):
    """features [channels, frames], noise [time]; returns [time]."""
    c = np.pad(features, ((0, 0), (p["aux_context_window"],) * 2), mode="edge")
    c = conv(c, state, "upsample_net.conv_in")
    for i, scale in enumerate(p["upsample_params"]["upsample_scales"]):
        name = f"upsample_net.upsample.up_layers.{2 * i + 1}"
        taps = {f"{name}.{key}": state[f"{name}.{key}"][0] for key in ("weight_g", "weight_v")}
        c = np.concatenate([same(row[None], taps, name) for row in np.repeat(c, scale, axis=1)])
    x, total = conv(noise[None], state, "first_conv"), 0.0
    for i in range(p["layers"]):
        layer = f"conv_layers.{i}"
        z = same(x, state, f"{layer}.conv", 2 ** (i % (p["layers"] // p["stacks"])))
        a, b = np.split(z + conv(c, state, f"{layer}.conv1x1_aux"), 2)
        gated = np.tanh(a) / (1.0 + np.exp(-b))
        total = total + conv(gated, state, f"{layer}.conv1x1_skip")
        x = (x + conv(gated, state, f"{layer}.conv1x1_out")) * np.sqrt(0.5)
    y = conv(np.maximum(total * np.sqrt(1.0 / p["layers"]), 0.0), state, "last_conv_layers.1")
    return conv(np.maximum(y, 0.0), state, "last_conv_layers.3")[0]
