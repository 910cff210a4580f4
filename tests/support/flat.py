"""WaveNets in one call."""

from tf_wavenet import WaveNet
from tf_wavenet.layers import Conditioning, ContextStack

_OF_CONDITIONING = ("speakers", "global_channels", "local_channels", "local_hop", "upsampling", "local_context")
_OF_CONDITIONING += ("local_filters", "mel_spec", "upsample_scales", "frame_network", "linear_prediction")
_OF_CONTEXT = {"context_dilations": "dilations", "context_hop": "hop_length", "context_channels": "residual_channels"}


def wavenet(*arguments, **options):
    """Returns a WaveNet whose options may be those of `Conditioning`, or of `ContextStack` after "context_"."""
    conditioning = {name: options.pop(name) for name in _OF_CONDITIONING if name in options}
    context = {new: options.pop(old) for old, new in _OF_CONTEXT.items() if old in options}
    if any(value is not None for value in conditioning.values()):
        options["conditioning"] = Conditioning(**conditioning)
    if context:
        options["context_stack"] = ContextStack(**context)
    return WaveNet(*arguments, **options)
