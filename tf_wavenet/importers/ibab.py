"""WaveNets of ibab/tensorflow-wavenet."""

import os

import numpy as np

from tf_wavenet.importers.checkpoint_error import CheckpointError
from tf_wavenet.importers.settings import Settings
from tf_wavenet.importers.state_dict import StateDict
from tf_wavenet.layers import Conditioning
from tf_wavenet.models.wavenet import WaveNet

# Their biases got their names in place of another argument; so they are called "Variable", numbered as they were made.
_BIASES = {
    **{"filter": "Variable", "gate": "Variable_1", "dense": "Variable_2", "skip": "Variable_3"},
    **{"postprocess1": "Variable", "postprocess2": "Variable_1"},
}
_EMBEDDING = "wavenet/embeddings/gc_embedding"


def read_tf1_checkpoint(prefix: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads the variables of a TensorFlow 1 checkpoint.

    Args:
        prefix: Common beginning of the checkpoint's files, such as `model.ckpt-50`.

    Returns:
        Dict of arrays.

    Raises:
        CheckpointError: If there is none, or it is damaged.

    Example:
    >>> import tempfile, tensorflow as tf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tf.raw_ops.SaveV2(
    ...         prefix=f"{folder}/model.ckpt-50", tensor_names=["wavenet/causal_layer/filter"], shape_and_slices=[""],
    ...         tensors=[tf.zeros((2, 256, 16))],
    ...     )
    ...     variables = read_tf1_checkpoint(f"{folder}/model.ckpt-50")
    >>> {name: value.shape for name, value in variables.items()}
    {'wavenet/causal_layer/filter': (2, 256, 16)}
    """
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(os.fspath(prefix))
        return {name: reader.get_tensor(name) for name in sorted(reader.get_variable_to_shape_map())}
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise CheckpointError(prefix, f"expected a TensorFlow checkpoint. Received: {error}") from None


def from_ibab(state: StateDict, parameters: Settings) -> WaveNet:
    """Makes the WaveNet of a checkpoint of ibab/tensorflow-wavenet, with the same outputs.

    Levels, silence and the zeros before the first sample are the same in both. A network with `scalar_input` was
    trained on samples as they are; ours takes them at the centres of their mu-law levels.

    Args:
        state: The checkpoint's variables.
        parameters: `wavenet_params.json`.

    Returns:
        The model; its speakers, if it has some, are numbers.

    Raises:
        CheckpointError: If variables are missing, not expected, of another shape or not finite; it names the first.

    Example:
    >>> layer, after = "wavenet/dilated_stack/layer0", "wavenet/postprocessing"
    >>> shapes = {
    ...     "wavenet/causal_layer/filter": (2, 4, 3), f"{layer}/filter": (2, 3, 5), f"{layer}/gate": (2, 3, 5),
    ...     f"{layer}/dense": (1, 5, 3), f"{layer}/skip": (1, 5, 6), f"{after}/postprocess1": (1, 6, 6),
    ...     f"{after}/postprocess2": (1, 6, 4),
    ... }
    >>> variables = {name: np.zeros(shape, "float32") for name, shape in shapes.items()}
    >>> parameters = {
    ...     "filter_width": 2, "dilations": [1], "residual_channels": 3, "dilation_channels": 5, "skip_channels": 6,
    ...     "quantization_channels": 4, "use_biases": False, "scalar_input": False,
    ... }
    >>> model = from_ibab(StateDict(variables, "model.ckpt-50"), Settings(parameters, "wavenet_params.json"))
    >>> model.receptive_field, tuple(model(np.zeros((1, 9), "float32")).shape)
    (3, (1, 9, 4))

    References:
        github.com/ibab/tensorflow-wavenet, 3c973c0 (April 2018); its issue 275 shows the names of biases.
    """
    model = WaveNet(**_arguments(state, parameters))
    residual, skip = model.residual_channels, model.skip_channels

    def take(scope, name, shape):
        """Returns kernel and, if there are any, bias of a convolution."""
        kernel = state.take(f"{scope}/{name}", shape)
        return (kernel, state.take(f"{scope}/{_BIASES[name]}", shape[-1:])) if model.use_bias else (kernel,)

    kernel = state.take("wavenet/causal_layer/filter", model.causal_conv.kernel.shape)
    _set(model.causal_conv, kernel, np.zeros(residual))  # theirs has no bias
    conditions = []
    for i, block in enumerate(model.stack.blocks):
        scope, half = f"wavenet/dilated_stack/layer{i}", block.conv.filters // 2
        parts = [take(scope, name, (model.kernel_size, residual, half)) for name in ("filter", "gate")]
        _set(block.conv, *(np.concatenate(pair, axis=-1) for pair in zip(*parts, strict=True)))
        _set(block.skip, *take(scope, "skip", (1, half, skip)))
        if block.use_residual:
            _set(block.residual, *take(scope, "dense", (1, half, residual)))
        else:  # the last one's goes nowhere
            state.ignore(f"{scope}/dense")
            state.ignore(f"{scope}/{_BIASES['dense']}")
        if model.conditioning is not None:
            shape = (1, model.global_channels, half)
            conditions += [state.take(f"{scope}/gc_{name}", shape)[0] for name in ("filter", "gate")]
    scope = "wavenet/postprocessing"
    _set(model.head.hidden, *take(scope, "postprocess1", (1, skip, skip)))
    _set(model.head.out, *take(scope, "postprocess2", (1, skip, model.mu + 1)))
    if model.conditioning is not None:
        model.conditioning.projection.kernel.assign(np.concatenate(conditions, axis=-1))
        if model.speakers is not None:
            table = model.conditioning.embedding.embeddings
            table.assign(state.take(_EMBEDDING, table.shape))
    state.check_all_taken()
    return model


def _arguments(state, parameters):
    dilations, half = parameters.integers("dilations"), parameters.integer("dilation_channels")
    is_scalar = parameters.flag("scalar_input", False)  # early versions have none
    arguments = {
        "dilations": dilations,
        "kernel_size": parameters.integer("filter_width"),
        "residual_channels": parameters.integer("residual_channels"),
        "skip_channels": parameters.integer("skip_channels"),
        "gate_channels": 2 * half,
        "input_encoding": "scalar" if is_scalar else "one_hot",
        "causal_kernel_size": parameters.integer("initial_filter_width" if is_scalar else "filter_width"),
        "mu": parameters.integer("quantization_channels") - 1,
        "use_bias": parameters.flag("use_biases"),
    }
    # Before a model is made: settings may ask for any amount of memory.
    last = f"wavenet/dilated_stack/layer{len(dilations) - 1}"
    state.take(f"{last}/filter", (arguments["kernel_size"], arguments["residual_channels"], half))
    state.take(f"{last}/skip", (1, half, arguments["skip_channels"]))
    first = (arguments["causal_kernel_size"], 1 if is_scalar else arguments["mu"] + 1, arguments["residual_channels"])
    state.take("wavenet/causal_layer/filter", first)
    state.take("wavenet/postprocessing/postprocess2", (1, arguments["skip_channels"], arguments["mu"] + 1))
    if f"{last}/gc_filter" in state:
        channels = np.shape(state.tensors[f"{last}/gc_filter"])[1:2]
        state.take(f"{last}/gc_filter", (1, *channels, half))
        speakers = state.rows(_EMBEDDING) if _EMBEDDING in state else None
        arguments["conditioning"] = Conditioning(global_channels=channels[0], speakers=speakers)
    return arguments


def _set(layer, kernel, bias=None):
    layer.kernel.assign(np.reshape(kernel, layer.kernel.shape))  # one tap of theirs is a dense layer here
    if layer.bias is not None:
        layer.bias.assign(bias)
