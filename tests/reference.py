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


def residual_block(x, block):
    z = causal_conv(x, block.conv.kernel, block.conv.bias, block.dilation_rate)
    half = z.shape[-1] // 2
    gated = np.tanh(z[..., :half]) / (1 + np.exp(-z[..., half:]))
    residual = x + dense(gated, block.residual) if block.use_residual else x
    return residual * block.residual_scale, dense(gated, block.skip)


def residual_stack(x, stack):
    skips = []
    for block in stack.blocks:
        x, skip = residual_block(x, block)
        skips.append(skip)
    return sum(skips) * stack.skip_scale


def output_head(x, head):
    return dense(np.maximum(dense(np.maximum(x, 0), head.hidden), 0), head.out)


def mu_law_levels(x, mu=255):
    x = np.clip(np.asarray(x, "float64"), -1, 1)
    return np.floor((np.sign(x) * np.log1p(mu * np.abs(x)) / np.log1p(mu) + 1) / 2 * mu + 0.5).astype(int)


def wavenet(waveform, model):
    previous = np.concatenate([np.zeros((len(waveform), 1)), waveform[:, :-1]], axis=1)
    if model.input_encoding == "one_hot":
        x = np.eye(model.mu + 1)[mu_law_levels(previous, model.mu)]
    else:
        x = previous[..., None]
    x = causal_conv(x, model.causal_conv.kernel, model.causal_conv.bias)
    return output_head(residual_stack(x, model.stack), model.head)


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
