"""What the weights of generators are called in the projects that published them.

Each function returns pairs `(variable, names)`. With the tensors of a state dict, weight norm folded, a variable's
value is `concatenate([tensors[name].T for name in names], axis=-1).reshape(variable.shape)`: reversed axes turn
PyTorch's `[out, in, taps]` into Keras's `[taps, in, out]`, and several names are blocks side by side.
"""

import keras


def hifi_gan_names(generator) -> list[tuple[keras.Variable, tuple[str, ...]]]:
    """Returns the names of jik876/hifi-gan, `Generator`, for the variables of a `HiFiGAN`.

    Args:
        generator: The generator.

    Returns:
        List of `(variable, names)`; see the module's docstring.
    """
    modules = {"conv_pre": generator.conv_pre, "conv_post": generator.conv_post}
    modules |= {f"ups.{i}": up for i, up in enumerate(generator.ups)}
    blocks = [block for stage in generator.resblocks for block in stage]
    first = "convs1" if generator.resblock == 1 else "convs"
    for n, block in enumerate(blocks):
        modules |= {f"resblocks.{n}.{first}.{m}": conv for m, conv in enumerate(block.convs1)}
        modules |= {f"resblocks.{n}.convs2.{m}": conv for m, conv in enumerate(block.convs2)}
    return _weights_and_biases(modules)


def kan_bayashi_hifi_gan_names(generator) -> list[tuple[keras.Variable, tuple[str, ...]]]:
    """Returns the names of kan-bayashi/ParallelWaveGAN, `HiFiGANGenerator`, for the variables of a `HiFiGAN`.

    Args:
        generator: The generator, causal or not.

    Returns:
        List of `(variable, names)`; see the module's docstring.
    """
    conv, deconv = (".conv", ".deconv") if generator.causal else ("", "")
    modules = {f"input_conv{conv}": generator.conv_pre, f"output_conv.1{conv}": generator.conv_post}
    modules |= {f"upsamples.{i}.1{deconv}": up for i, up in enumerate(generator.ups)}
    blocks = [block for stage in generator.resblocks for block in stage]
    for n, block in enumerate(blocks):
        modules |= {f"blocks.{n}.convs1.{m}.1{conv}": layer for m, layer in enumerate(block.convs1)}
        modules |= {f"blocks.{n}.convs2.{m}.1{conv}": layer for m, layer in enumerate(block.convs2)}
    return _weights_and_biases(modules)


def parallel_wavegan_names(generator) -> list[tuple[keras.Variable, tuple[str, ...]]]:
    """Returns the names of kan-bayashi/ParallelWaveGAN for the variables of a `ParallelWaveGAN`.

    The original's last block has a `conv1x1_out` whose output nothing uses; it has no variable here.

    Args:
        generator: The generator, causal or not.

    Returns:
        List of `(variable, names)`; see the module's docstring.
    """
    net, blocks = generator.upsample_net, generator.stack.blocks
    modules = {"first_conv": generator.first_conv}
    for i, block in enumerate(blocks):
        modules |= {f"conv_layers.{i}.conv": block.conv, f"conv_layers.{i}.conv1x1_skip": block.skip}
        modules |= {f"conv_layers.{i}.conv1x1_out": block.residual} if block.use_residual else {}
    modules |= {"last_conv_layers.1": generator.head.hidden, "last_conv_layers.3": generator.head.out}
    aux = tuple(f"conv_layers.{i}.conv1x1_aux.weight" for i in range(len(blocks)))
    smoothing = [
        (filter_, (f"upsample_net.upsample.up_layers.{2 * i + 1}.weight",)) for i, filter_ in enumerate(net.smoothing)
    ]
    return [
        *_weights_and_biases(modules),
        (net.conv_in.kernel, ("upsample_net.conv_in.weight",)),
        *smoothing,
        (generator.projection.kernel, aux),
    ]


def _weights_and_biases(modules):
    pairs = {"weight": "kernel", "bias": "bias"}
    return [
        (getattr(layer, ours), (f"{name}.{theirs}",))
        for name, layer in modules.items()
        for theirs, ours in pairs.items()
    ]
