"""Named sets of constructor arguments."""

_TEN_OCTAVES = tuple(2**i for i in range(10))

PRESETS = {
    "tiny": {"dilations": _TEN_OCTAVES[:9] * 2, "residual_channels": 32, "skip_channels": 64},
    "small": {"dilations": _TEN_OCTAVES * 2, "residual_channels": 32, "skip_channels": 128},
    "paper": {"dilations": _TEN_OCTAVES * 3, "residual_channels": 64, "skip_channels": 256},
}
