"""The arithmetic of the library once more, in plain NumPy and float64, one sample at a time."""

import numpy as np

from tests.support.arrays import numpy_of


def causal_conv(x, kernel, bias, dilation=1):
    """x [batch, time, in], kernel [taps, in, out] with the oldest tap first."""
    x, kernel = numpy_of(x, "float64"), numpy_of(kernel, "float64")
    taps = len(kernel)
    y = np.zeros((*x.shape[:2], kernel.shape[2])) + numpy_of(bias, "float64")
    for t in range(x.shape[1]):
        for j in range(taps):
            past = t - (taps - 1 - j) * dilation
            if past >= 0:
                y[:, t] += x[:, past] @ kernel[j]
    return y


def dense(x, layer):
    return x @ numpy_of(layer.kernel, "float64") + numpy_of(layer.bias, "float64")


def residual_block(x, block, condition=0.0):
    z = conv(x, block.conv) + condition
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


def layer_norm(x, layer):
    x = numpy_of(x, "float64")
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + layer.epsilon)
    return scaled * numpy_of(layer.gamma, "float64") + numpy_of(layer.beta, "float64")


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def depthwise(x, layer, after):
    """Taps from `kernel_size - 1 - after` steps before to `after` steps behind, zeros beyond the ends."""
    kernel, taps = numpy_of(layer.kernel, "float64"), layer.kernel_size
    x = np.pad(x, ((0, 0), (taps - 1 - after, after), (0, 0)))
    return sum(x[:, j : x.shape[1] - taps + 1 + j] * kernel[j] for j in range(taps)) + numpy_of(layer.bias, "float64")


def convnext_block(x, block, after=None):
    after = (0 if block.causal else (block.kernel_size - 1) // 2) if after is None else after
    y = dense(gelu(dense(layer_norm(depthwise(x, block.conv, after), block.norm), block.expand)), block.reduce)
    return x + y * numpy_of(block.scale, "float64")


def frame_network(x, network):
    """Edges repeated for so long that zeros beyond them are not felt."""
    before, after = network.reach
    x, edge, half = numpy_of(x, "float64"), before + after, (network.kernel_size - 1) // 2
    x = np.concatenate([np.repeat(x[:, :1], edge, axis=1), x, np.repeat(x[:, -1:], edge, axis=1)], axis=1)
    kernel, ahead = numpy_of(network.conv.kernel, "float64"), min(after, half)
    x = causal_conv(x, kernel, network.conv.bias)
    x, after = np.concatenate([x[:, ahead:], np.repeat(x[:, -1:], ahead, axis=1)], axis=1), after - ahead
    for block in network.blocks:
        ahead = min(after, half)
        x, after = convnext_block(x, block, ahead), after - ahead
    return layer_norm(x, network.norm)[:, edge:-edge] if edge else layer_norm(x, network.norm)


def mu_law_levels(x, mu=255):
    x = np.clip(numpy_of(x, "float64"), -1, 1)
    return np.floor((np.sign(x) * np.log1p(mu * np.abs(x)) / np.log1p(mu) + 1) / 2 * mu + 0.5).astype(int)


def interpolate(features, hop):
    """Linear interpolation between the centres of the frames, held at the ends: [batch, frames * hop, channels]."""
    frames = features.shape[1]
    at = (np.arange(frames * hop) + 0.5) / hop - 0.5
    rows = [[np.interp(at, np.arange(frames), channel) for channel in row.T] for row in numpy_of(features, "float64")]
    return np.transpose(rows, (0, 2, 1))


def conditioning(layer, local_condition=None, global_condition=None):
    """For linear interpolation without context frames, and for networks at the frame rate."""
    parts = []
    if local_condition is not None and layer.encoder is not None:
        parts.append(np.repeat(frame_network(local_condition, layer.encoder), layer.local_hop, axis=1))
    elif local_condition is not None:
        parts.append(interpolate(local_condition, layer.local_hop))
    if global_condition is not None:
        vector = numpy_of(global_condition)
        vector = numpy_of(layer.embedding.embeddings, "float64")[vector] if layer.num_speakers else vector
        time = parts[0].shape[1] if parts else 1
        parts.append(np.repeat(vector[:, None], time, axis=1))
    return np.concatenate(parts, axis=-1) @ numpy_of(layer.projection.kernel, "float64")


def context_stack(x, stack):
    """One frame after the other: frame f ends with input f * hop."""
    hop, (batch, time, channels) = stack.hop_length, x.shape
    x = np.concatenate([np.zeros((batch, hop - 1, channels)), x], axis=1)
    frames = np.stack([x[:, t : t + hop].reshape(batch, -1) for t in range(0, time, hop)], axis=1)
    context = residual_stack(dense(frames, stack.frame), stack.stack)
    context = np.maximum(context, 0) @ numpy_of(stack.out.kernel, "float64")
    return np.stack([context[:, t // hop] for t in range(time)], axis=1)


def compand(x, mu=255):
    x = np.clip(x, -1, 1)
    return np.sign(x) * np.log1p(mu * np.abs(x)) / np.log1p(mu)


def linear_predictions(previous, coefficients):
    """[batch, time] and [batch, time, order]: one sample after the other."""
    order, prediction = coefficients.shape[-1], np.zeros(previous.shape)
    for t in range(previous.shape[1]):
        for k in range(min(order, t + 1)):
            prediction[:, t] += coefficients[:, t, k] * previous[:, t - k]
    return prediction


def wavenet(waveform, model, **conditions):
    previous = np.concatenate([np.zeros((len(waveform), 1)), waveform[:, :-1]], axis=1)
    scalar = numpy_of(model.distribution.quantize(previous), "float64")[..., None]
    x = scalar
    if model.input_encoding == "one_hot":
        x = np.eye(model.mu + 1)[mu_law_levels(previous, model.mu)]
    if model.input_encoding == "companded":
        x = compand(previous, model.mu)[..., None]
    prediction = None
    if model.predictor is not None:
        coefficients = numpy_of(model.predictor.coefficients(conditions["local_condition"]), "float64")
        coefficients = np.repeat(coefficients, model.local_hop, axis=1)[:, : waveform.shape[1]]
        prediction, gain = linear_predictions(previous, coefficients), model.distribution.gain
        residual = previous - np.concatenate([np.zeros((len(waveform), 1)), prediction[:, :-1]], axis=1)
        temperature = numpy_of(model.predictor.temperature(conditions["local_condition"]), "float64")
        temperature = np.repeat(temperature, model.local_hop, axis=1)[:, : waveform.shape[1]]
        x = np.stack([compand(gain * seen, model.mu) for seen in (previous, residual, prediction)], axis=-1)
    x = causal_conv(x, model.causal_conv.kernel, model.causal_conv.bias)
    condition = None
    if conditions:
        condition = conditioning(model.conditioning, **conditions)[:, : waveform.shape[1]]
        condition = np.broadcast_to(condition, (*waveform.shape, condition.shape[-1]))
    if model.context_stack is not None:
        context = context_stack(scalar, model.context_stack)
        condition = context if condition is None else condition + context
    params = output_head(residual_stack(x, model.stack, condition), model.head)
    return params if prediction is None else np.concatenate([params, np.stack([prediction, temperature], -1)], axis=-1)


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def leaky_relu(x, slope):
    return np.where(x < 0, slope * x, x)


def centred_conv(x, kernel, bias, dilation=1):
    """As causal_conv, with as many taps after the present one as before it."""
    side = (kernel.shape[0] - 1) // 2 * dilation
    x = np.pad(numpy_of(x, "float64"), ((0, 0), (side, side), (0, 0)))
    return causal_conv(x, kernel, bias, dilation)[:, 2 * side :]


def conv(x, layer):
    return (causal_conv if layer.causal else centred_conv)(x, layer.kernel, layer.bias, layer.dilation_rate)


def upsample_conv(x, layer):
    """Every input adds its kernel, `strides` after that of the input before."""
    kernel, rate = numpy_of(layer.kernel, "float64"), layer.strides  # [taps, out, in]
    time, more = x.shape[1], -(-len(kernel) // rate)
    if layer.causal:
        x, first = np.concatenate([x[:, :1]] * more + [x], axis=1), more * rate
    else:
        first = int(np.ceil((len(kernel) - rate) / 2))
    y = np.zeros((len(x), (x.shape[1] + more) * rate, kernel.shape[1])) + numpy_of(layer.bias, "float64")
    for t in range(x.shape[1]):
        for j in range(len(kernel)):
            y[:, t * rate + j] += x[:, t] @ kernel[j].T
    return y[:, first : first + time * rate]


def hifi_gan_residual_block(x, block):
    for i, dilated in enumerate(block.convs1):
        y = conv(leaky_relu(x, 0.1), dilated)
        if block.use_additional_convs:
            y = conv(leaky_relu(y, 0.1), block.convs2[i])
        x = x + y
    return x


def hifi_gan(features, model):
    x = conv(features, model.conv_pre)
    for up, blocks in zip(model.ups, model.resblocks, strict=True):
        x = upsample_conv(leaky_relu(x, 0.1), up)
        x = np.mean([hifi_gan_residual_block(x, block) for block in blocks], axis=0)
    return np.tanh(conv(leaky_relu(x, 0.01), model.conv_post))[..., 0]


def conv_in_upsample_network(x, layer):
    context = layer.aux_context_window
    x = np.pad(numpy_of(x, "float64"), ((0, 0), (context, 0 if layer.causal else context), (0, 0)), mode="edge")
    kernel = numpy_of(layer.conv_in.kernel, "float64")
    x = causal_conv(x, kernel, 0.0)[:, len(kernel) - 1 :]
    for scale, taps in zip(layer.upsample_scales, layer.smoothing, strict=True):
        x = np.repeat(x, scale, axis=1)
        smooth = numpy_of(taps, "float64")[:, None, None] * np.eye(x.shape[-1])
        x = (causal_conv if layer.causal else centred_conv)(x, smooth, 0.0)
    return x


def parallel_wavegan(features, noise, model):
    condition = conv_in_upsample_network(features, model.upsample_net) @ numpy_of(model.projection.kernel, "float64")
    x = dense(noise[..., None], model.first_conv)
    return output_head(residual_stack(x, model.stack, condition), model.head)[..., 0]


def smooth_magnitude(mel, spec, rounds=3):
    """Magnitudes `[..., bins]` of mels: interpolated between the filters in logarithms, then multiplicative rounds."""
    filters = spec.filterbank()
    bins, area, reached = np.arange(len(filters)), filters.sum(axis=0), filters.any(axis=1)
    centres = bins @ filters / area
    magnitude = np.apply_along_axis(lambda row: np.exp(np.interp(bins, centres, row)), -1, np.log(mel / area))
    for _ in range(rounds):
        ratio = mel / (magnitude @ filters)
        magnitude[..., reached] *= (ratio @ filters.T)[..., reached] / filters.sum(axis=1)[reached]
    return np.maximum(magnitude, 1e-4)


def inverse_stft(spectrum, layer):
    """Complex spectrum [batch, frames, bins]: every frame adds its windowed samples; divided by the squared windows."""
    hop, length, frames = layer.hop_length, layer.win_length, spectrum.shape[1]
    constant = {"hann": 0.5, "hamming": 0.54}[layer.window]
    window = constant - (1 - constant) * np.cos(2 * np.pi * np.arange(length) / length)
    first = (layer.fft_length - length) // 2
    samples = np.fft.irfft(spectrum, layer.fft_length)[..., first : first + length] * window
    y, squares = np.zeros((len(spectrum), frames * hop + length)), np.zeros(frames * hop + length)
    for f in range(frames):
        y[:, f * hop : f * hop + length] += samples[:, f]
    for f in range(-length if layer.causal else 0, frames + length if layer.causal else frames):
        for i in range(length):
            if 0 <= f * hop + i < len(squares):
                squares[f * hop + i] += window[i] ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return (y / squares)[:, layer.offset : layer.offset + frames * hop]


def istft_vocoder(features, model):
    """By NumPy's Fourier transforms and its interpolation."""
    spec, layer = model.mel_spec, model.inverse_stft
    x = conv(features, model.conv_pre)
    prior = 0.0
    if model.prior:
        mean, scale = map(np.array, spec.normalization or (0.0, 1.0))
        prior = smooth_magnitude(np.exp(features * scale + mean), spec)
        grid, ours = (np.linspace(0, 1, n // 2 + 1) for n in (spec.fft_length, layer.fft_length))
        prior = np.apply_along_axis(lambda row: np.interp(ours, grid, row), -1, prior)
        prior = np.log(prior * layer.win_length / spec.win_length)
        x = x + prior @ numpy_of(model.prior_projection.kernel, "float64")
    x = layer_norm(x, model.norm_pre)
    for block in model.blocks:
        x = convnext_block(x, block)
    magnitude, phase = np.split(dense(layer_norm(x, model.norm_post), model.head), 2, axis=-1)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(layer.win_length) / layer.win_length)
    y = inverse_stft(np.exp(np.minimum(magnitude + prior, np.log(window.sum())) + 1j * phase), layer)
    before = None
    for _ in range(model.refinements):
        spectrum = mel_transform(y, spec)
        wanted, found = features * scale + mean, np.log(np.maximum(np.abs(spectrum) @ spec.filterbank(), spec.floor))
        bins, filters = np.arange(spec.fft_length // 2 + 1), spec.filterbank()
        centres = bins @ filters / filters.sum(axis=0)
        gain = np.apply_along_axis(lambda row, k=bins, c=centres: np.interp(k, c, row), -1, wanted - found)
        pushed = spectrum if before is None else spectrum - 0.99 / 1.99 * before
        size = np.exp(np.clip(gain, -np.log(10), np.log(10))) * np.abs(spectrum)
        before = spectrum
        y = inverse_stft(size * np.exp(1j * np.angle(pushed)), layer)
    return y


def mel_transform(y, spec):
    """The complex transform [batch, frames, bins] whose magnitudes the log-mels are made of."""
    frames, left = y.shape[1] // spec.hop_length, spec.frame_offset
    right = (frames - 1) * spec.hop_length + spec.fft_length - left - y.shape[1]
    x = np.pad(y, ((0, 0), (left, right)), mode="reflect" if spec.padding == "reflect" else "constant")
    window = np.zeros(spec.fft_length)
    first = (spec.fft_length - spec.win_length) // 2
    window[first : first + spec.win_length] = 0.5 - 0.5 * np.cos(
        2 * np.pi * np.arange(spec.win_length) / spec.win_length
    )
    starts = np.arange(frames) * spec.hop_length
    return np.stack([np.fft.rfft(x[:, s : s + spec.fft_length] * window) for s in starts], axis=1)
