"""Named sets of constructor arguments."""

from tf_wavenet.signal.mel_spec import MelSpec

_MELS = MelSpec.from_preset("speech_16k", preemphasis=0.85).standardized()
_TEN_OCTAVES = tuple(2**i for i in range(10))

PRESETS = {
    "tiny": {"dilations": _TEN_OCTAVES[:9] * 2, "residual_channels": 32, "skip_channels": 64},
    "small": {"dilations": _TEN_OCTAVES * 2, "residual_channels": 32, "skip_channels": 128},
    "paper": {"dilations": _TEN_OCTAVES * 3, "residual_channels": 64, "skip_channels": 256},
    "speaker": {
        "dilations": _TEN_OCTAVES[:9] * 2,
        "residual_channels": 32,
        "skip_channels": 64,
        "conditioning": {"global_channels": 16},
    },
    "vocoder": {
        "dilations": _TEN_OCTAVES[:8] * 2,
        "residual_channels": 32,
        "skip_channels": 128,
        "conditioning": {"mel_spec": _MELS, "local_context": 2, "local_filters": 32},
    },
    "babble": {
        "dilations": (1, 3, 9, 27, 81, 243, 729, 1, 3, 9),
        "kernel_size": 3,
        "residual_channels": 48,
        "skip_channels": 64,
        "skip_scale": 1 / 3,
        "past_noise": 1.0,
    },
    "lpc_vocoder": {
        "dilations": (1, 3, 9, 27, 81, 243, 1, 3, 9),
        "kernel_size": 3,
        "residual_channels": 48,  # with 64 it decodes at 0.7 of the speed of "vocoder"
        "skip_channels": 48,
        "skip_scale": 1 / 3,
        "conditioning": {
            "mel_spec": _MELS,
            "frame_network": {"channels": 192, "num_blocks": 4},
            "linear_prediction": {"order": 16, "voiced_temperature": 0.6},  # benchmarks/results/lpc_vocoder.json
        },
        "past_noise": 2.0,
    },
}
