"""Configurations of WaveNets that were saved when their conditions were arguments of the model itself."""

from typing import Any

from tf_wavenet.layers import Conditioning, ContextStack

_OF_CONDITIONING = (
    "speakers",
    "global_channels",
    "local_channels",
    "local_hop",
    "upsampling",
    "local_context",
    "local_filters",
    "mel_spec",
    "upsample_scales",
    "frame_network",
    "linear_prediction",
)
_OF_CONTEXT = {"context_dilations": "dilations", "context_hop": "hop_length", "context_channels": "residual_channels"}


def from_flat(config) -> dict[str, Any]:
    """Returns the arguments of `WaveNet` for a configuration of any version.

    Args:
        config: What `WaveNet.get_config` returned.

    Returns:
        Dict of keyword arguments.
    """
    config = dict(config)
    given = {name: config.pop(name) for name in _OF_CONDITIONING if name in config}
    context = {new: config.pop(old) for old, new in _OF_CONTEXT.items() if old in config}
    if given.get("local_channels") is not None or given.get("global_channels") is not None:
        config["conditioning"] = Conditioning(**given)
    if context.get("dilations") is not None:
        config["context_stack"] = ContextStack(**context)
    return config
