"""The arithmetic of the library once more, in plain NumPy and float64, one sample at a time."""

import numpy as np


def causal_conv(x, kernel, bias, dilation=1):
    """x [batch, time, in], kernel [taps, in, out] with the oldest tap first."""
    x, kernel = np.asarray(x, "float64"), np.asarray(kernel, "float64")
    taps = len(kernel)
    y = np.zeros((*x.shape[:2], kernel.shape[2])) + np.asarray(bias, "float64")
    for t in range(x.shape[1]):
        for j in range(taps):
            past = t - (taps - 1 - j) * dilation
            if past >= 0:
                y[:, t] += x[:, past] @ kernel[j]
    return y


def dense(x, layer):
    return x @ np.asarray(layer.kernel, "float64") + np.asarray(layer.bias, "float64")


def residual_block(x, block, condition=0.0):
    z = causal_conv(x, block.conv.kernel, block.conv.bias, block.dilation_rate) + condition
    half = z.shape[-1] // 2
    gated = np.tanh(z[..., :half]) / (1 + np.exp(-z[..., half:]))
    residual = x + dense(gated, block.residual) if block.use_residual else x
    return residual * block.residual_scale, dense(gated, block.skip)


def residual_stack(x, stack, condition=None):
    skips, first = [], 0
    for block in stack.blocks:
        units = block.conv.filters
        x, skip = residual_block(x, block, 0.0 if condition is None else condition[..., first : first + units])
        first += units
        skips.append(skip)
    return sum(skips) * stack.skip_scale


def output_head(x, head):
    return dense(np.maximum(dense(np.maximum(x, 0), head.hidden), 0), head.out)


def mu_law_levels(x, mu=255):
    x = np.clip(np.asarray(x, "float64"), -1, 1)
    return np.floor((np.sign(x) * np.log1p(mu * np.abs(x)) / np.log1p(mu) + 1) / 2 * mu + 0.5).astype(int)


def interpolate(features, hop):
    """Linear interpolation between the centres of the frames, held at the ends: [batch, frames * hop, channels]."""
    frames = features.shape[1]
    at = (np.arange(frames * hop) + 0.5) / hop - 0.5
    rows = [[np.interp(at, np.arange(frames), channel) for channel in row.T] for row in np.asarray(features, "float64")]
    return np.transpose(rows, (0, 2, 1))


def conditioning(layer, local_condition=None, global_condition=None):
    """For linear interpolation without context frames."""
    parts = [] if local_condition is None else [interpolate(local_condition, layer.local_hop)]
    if global_condition is not None:
        vector = np.asarray(global_condition)
        vector = np.asarray(layer.embedding.embeddings, "float64")[vector] if layer.num_speakers else vector
        time = parts[0].shape[1] if parts else 1
        parts.append(np.repeat(vector[:, None], time, axis=1))
    return np.concatenate(parts, axis=-1) @ np.asarray(layer.projection.kernel, "float64")


def context_stack(x, stack):
    """One frame after the other: frame f ends with input f * hop."""
    hop, (batch, time, channels) = stack.hop_length, x.shape
    x = np.concatenate([np.zeros((batch, hop - 1, channels)), x], axis=1)
    frames = np.stack([x[:, t : t + hop].reshape(batch, -1) for t in range(0, time, hop)], axis=1)
    context = residual_stack(dense(frames, stack.frame), stack.stack)
    context = np.maximum(context, 0) @ np.asarray(stack.out.kernel, "float64")
    return np.stack([context[:, t // hop] for t in range(time)], axis=1)


def wavenet(waveform, model, **conditions):
    previous = np.concatenate([np.zeros((len(waveform), 1)), waveform[:, :-1]], axis=1)
    scalar = np.asarray(model.distribution.quantize(previous), "float64")[..., None]
    x = scalar
    if model.input_encoding == "one_hot":
        x = np.eye(model.mu + 1)[mu_law_levels(previous, model.mu)]
    x = causal_conv(x, model.causal_conv.kernel, model.causal_conv.bias)
    condition = None
    if conditions:
        condition = conditioning(model.conditioning, **conditions)[:, : waveform.shape[1]]
        condition = np.broadcast_to(condition, (*waveform.shape, condition.shape[-1]))
    if model.context_stack is not None:
        context = context_stack(scalar, model.context_stack)
        condition = context if condition is None else condition + context
    return output_head(residual_stack(x, model.stack, condition), model.head)


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
