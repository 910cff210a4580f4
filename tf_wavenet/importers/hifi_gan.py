"""What the HiFi-GANs of all projects have in common."""

from collections.abc import Callable
from typing import Any

from tf_wavenet.importers.assign import assign
from tf_wavenet.importers.state_dict import StateDict
from tf_wavenet.models.vocoders.hifi_gan import HiFiGAN


def make_hifi_gan(
    arguments: dict[str, Any], state: StateDict, names: Callable, first: str, upsampling: str, block: str
) -> HiFiGAN:
    """Makes a `HiFiGAN` with the weights of a checkpoint.

    Args:
        arguments: Of `HiFiGAN`.
        state: The tensors.
        names: Function of the model that says what its variables are called there, as in
            `tf_wavenet.importers.original_names`.
        first: Name of the first convolution there.
        upsampling: Names of the transposed convolutions, "{}" in place of their number.
        block: Names of the first convolution of each residual block, likewise.

    Returns:
        The model.

    Raises:
        CheckpointError: If tensors are missing, not expected, of another shape or not finite; it names the first.
    """
    # Sizes are compared before a model is made: settings may ask for any amount of memory.
    channels = arguments["upsample_initial_channel"]
    state.take(f"{first}.weight", (channels, arguments["num_mels"], 7))
    for i, width in enumerate(arguments["upsample_kernel_sizes"]):
        state.take(f"{upsampling.format(i)}.weight", (channels >> i, channels >> (i + 1), width))
    for j, width in enumerate(arguments["resblock_kernel_sizes"]):
        state.take(f"{block.format(j)}.weight", (channels >> 1, channels >> 1, width))
    model = HiFiGAN(**arguments)
    for variable, keys in names(model):
        assign(variable, state, *keys)
    state.check_all_taken()
    return model
