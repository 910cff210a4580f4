"""The network of ibab/tensorflow-wavenet in plain NumPy, from its variables as they lie in a checkpoint."""

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
PARAMETERS = {
    **{"filter_width": 2, "sample_rate": 16000, "dilations": [1, 2, 4, 1, 2], "residual_channels": 3},
    **{"dilation_channels": 4, "quantization_channels": 16, "skip_channels": 5, "use_biases": True},
    **{"scalar_input": False, "initial_filter_width": 6},
}
CASES = {
    "plain": {},
    "no biases": {"use_biases": False},
    "three taps": {"filter_width": 3, "dilations": [3, 1]},
    "scalar": {"scalar_input": True},
    "speakers": {"gc": 2, "speakers": 3, "dilations": [2, 1]},
    "vector": {"gc": 2, "use_biases": False},
}


def shapes(p):
    """Shapes of the variables in the order in which they are made; True in front marks biases."""
    width, residual, half = (p[name] for name in ("filter_width", "residual_channels", "dilation_channels"))
    skip, levels = p["skip_channels"], p["quantization_channels"]
    if "speakers" in p:
        yield False, "wavenet/embeddings", "gc_embedding", (p["speakers"], p["gc"])
    first = (p["initial_filter_width"], 1, residual) if p["scalar_input"] else (width, levels, residual)
    yield False, "wavenet/causal_layer", "filter", first
    for i in range(len(p["dilations"])):
        scope = f"wavenet/dilated_stack/layer{i}"
        yield False, scope, "filter", (width, residual, half)
        yield False, scope, "gate", (width, residual, half)
        yield False, scope, "dense", (1, half, residual)
        yield False, scope, "skip", (1, half, skip)
        if "gc" in p:
            yield False, scope, "gc_gate", (1, p["gc"], half)
            yield False, scope, "gc_filter", (1, p["gc"], half)
        if p["use_biases"]:
            for name, size in (("filter", half), ("gate", half), ("dense", residual), ("slip", skip)):
                yield True, scope, f"{name}_bias", (size,)
    yield False, "wavenet/postprocessing", "postprocess1", (1, skip, skip)
    yield False, "wavenet/postprocessing", "postprocess2", (1, skip, levels)
    if p["use_biases"]:
        for i, size in enumerate((skip, levels)):
            yield True, "wavenet/postprocessing", f"postprocess{i + 1}_bias", (size,)


def write_checkpoint(prefix, p, rng):
    """Writes random variables, made as the original makes them; returns them by what they are for."""
    values = {}
    with tf.Graph().as_default(), tf1.Session() as session:
        for is_bias, scope, name, shape in shapes(p):
            value = values[f"{scope}/{name}"] = (0.7 * rng.normal(size=shape)).astype("float32")
            with tf1.variable_scope(scope, auxiliary_name_scope=False), tf1.name_scope(f"{scope}/"):
                if is_bias:
                    tf1.Variable(value, name)  # the second argument is `trainable`: the name is lost
                else:
                    tf1.Variable(value, name=name)
        session.run(tf1.global_variables_initializer())
        return tf1.train.Saver(tf1.trainable_variables()).save(session, str(prefix), global_step=50), values


def forward(x, values, p, speaker=None):
    """x [time, channels] after the first zeros; speaker a vector. Returns logits [time, levels]."""

    def conv(x, name, bias, dilation=1):
        kernel = np.asarray(values[name], "float64")
        reach = (len(kernel) - 1) * dilation
        past = np.concatenate([np.zeros((reach, x.shape[1])), x])
        y = sum(past[j * dilation :][: len(x)] @ kernel[j] for j in range(len(kernel)))
        return y + values.get(bias, 0.0)

    x, total = conv(x, "wavenet/causal_layer/filter", None), 0.0
    for i, dilation in enumerate(p["dilations"]):
        scope = f"wavenet/dilated_stack/layer{i}"
        a, b = (conv(x, f"{scope}/{name}", f"{scope}/{name}_bias", dilation) for name in ("filter", "gate"))
        if speaker is not None:
            a, b = a + speaker @ values[f"{scope}/gc_filter"][0], b + speaker @ values[f"{scope}/gc_gate"][0]
        gated = np.tanh(a) / (1.0 + np.exp(-b))
        total = total + conv(gated, f"{scope}/skip", f"{scope}/slip_bias")
        x = x + conv(gated, f"{scope}/dense", f"{scope}/dense_bias")
    scope = "wavenet/postprocessing"
    y = conv(np.maximum(total, 0.0), f"{scope}/postprocess1", f"{scope}/postprocess1_bias")
    return conv(np.maximum(y, 0.0), f"{scope}/postprocess2", f"{scope}/postprocess2_bias")
