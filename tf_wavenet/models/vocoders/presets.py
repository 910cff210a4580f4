"""Named sets of constructor arguments of the generators of GANs."""

from tf_wavenet.signal.mel_spec import MelSpec

_HIFI_GAN = {"mel_spec": MelSpec.from_preset("jik876")}

GENERATORS = {
    "hifi_gan_v1": {**_HIFI_GAN, "upsample_initial_channel": 512},
    "hifi_gan_v2": {**_HIFI_GAN, "upsample_initial_channel": 128},
    "hifi_gan_v3": {
        **_HIFI_GAN,
        "upsample_rates": (8, 8, 4),
        "upsample_kernel_sizes": (16, 16, 8),
        "upsample_initial_channel": 256,
        "resblock": 2,
        "resblock_kernel_sizes": (3, 5, 7),
        "resblock_dilation_sizes": ((1, 2), (2, 6), (3, 12)),
    },
    "istft_vocoder": {"mel_spec": MelSpec.from_preset("speech_16k").standardized()},
    "parallel_wavegan": {"mel_spec": MelSpec.from_preset("kan_bayashi").standardized()},
}
