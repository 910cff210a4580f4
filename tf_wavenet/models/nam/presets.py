"""Named architectures of Neural Amp Modeler, as arguments of `NamWaveNet`."""

_TEN_OCTAVES = tuple(2**i for i in range(10))
_SEVEN_OCTAVES, _THREE_MORE = _TEN_OCTAVES[:7], _TEN_OCTAVES[7:]
_A2_DILATIONS = (1, 3, 7, 17, 41, 101, 239)


def _two_arrays(channels, first, second):
    return {
        "arrays": [
            {"channels": channels, "dilations": first, "head_channels": channels // 2, "head_bias": False},
            {"channels": channels // 2, "dilations": second},
        ],
        "head_scale": 0.02,
    }


def _one_array(channels):
    array = {
        "channels": channels,
        "dilations": (*_A2_DILATIONS, *_A2_DILATIONS, 1, 13, *_A2_DILATIONS),
        "kernel_sizes": (*[6] * 14, 15, 15, *[6] * 7),
        "activation": {"type": "LeakyReLU", "negative_slope": 0.01},
        "head_kernel_size": 16,
    }
    return {"arrays": [array], "head_scale": 0.01}


NAM_PRESETS = {
    "standard": _two_arrays(16, _TEN_OCTAVES, _TEN_OCTAVES),
    "lite": _two_arrays(12, _SEVEN_OCTAVES, (*_THREE_MORE, *_TEN_OCTAVES)),
    "feather": _two_arrays(8, _SEVEN_OCTAVES, (*_THREE_MORE, *_TEN_OCTAVES)),
    "nano": _two_arrays(4, _SEVEN_OCTAVES, (*_THREE_MORE, *_TEN_OCTAVES)),
    "a2": _one_array(8),
    "a2_lite": _one_array(3),
}
