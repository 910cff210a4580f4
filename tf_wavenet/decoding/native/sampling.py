"""Random numbers and draws, as `decoding.random_numbers` and `distributions` make them, for one row at a time."""

import math

import numpy as np
from numba import njit

from tf_wavenet.decoding.native.products import OPTIONS

CATEGORICAL, LOGISTIC, GAUSSIAN = range(3)  # kinds of distributions

_SCALAR = {**OPTIONS, "inline": "never"}
_LOG_SCALE_MAX = 60.0


@njit(**_SCALAR)
def uniforms(key0, key1, index, row) -> tuple[np.float32, np.float32]:
    """Returns two numbers in (0, 1) of Threefry-2x32 (Salmon et al. 2011), for four uint32."""
    key2 = np.uint32(key0 ^ key1 ^ np.uint32(0x1BD11BDA))
    x0, x1 = np.uint32(index + key0), np.uint32(row + key1)
    for group in range(5):
        for turn in range(4):
            if group % 2 == 0:
                bits = (13, 15, 26, 6)[turn]
            else:
                bits = (17, 29, 16, 24)[turn]
            x0 = np.uint32(x0 + x1)
            x1 = np.uint32((x1 << np.uint32(bits)) | (x1 >> np.uint32(32 - bits)))
            x1 = np.uint32(x1 ^ x0)
        first, second = (group + 1) % 3, (group + 2) % 3
        x0 = np.uint32(x0 + (key0 if first == 0 else key1 if first == 1 else key2))
        x1 = np.uint32(x1 + (key0 if second == 0 else key1 if second == 1 else key2) + np.uint32(group + 1))
    scale, half = np.float32(2.0**-23), np.float32(2.0**-24)
    return (
        np.float32(x0 >> np.uint32(9)) * scale + half,
        np.float32(x1 >> np.uint32(9)) * scale + half,
    )


@njit(**_SCALAR)
def draw(logits, first, size, scores, uniform, temperature, top_k, top_p, weights) -> int:
    """Returns the index that `distributions._draw.draw` draws of `logits[first : first + size]`; -1 of NaN.

    At temperature 0 it is that of the highest of `scores`. `weights` is room for `size` numbers; `top_k` 0 and `top_p`
    1 are off.
    """
    highest, best, top = logits[first], 0, scores[0]
    missing = False
    for i in range(size):
        value = logits[first + i]
        missing |= value != value
        highest = max(highest, value)
        if scores[i] > top:
            best, top = i, scores[i]
    if missing:
        return -1
    if not temperature > 0.0:
        return best
    divisor = np.float32(1.0) / max(np.float32(temperature), np.float32(1e-6))
    for i in range(size):
        weights[i] = (logits[first + i] - highest) * divisor
    lowest = np.float32(-np.inf)
    if top_k > 0 or top_p < 1.0:
        lowest = _lowest_kept(weights, size, top_k, top_p)
    total = 0.0
    for i in range(size):
        kept = weights[i] >= lowest
        weights[i] = np.exp(weights[i])
        if not kept:
            weights[i] = np.float32(0.0)
        total += weights[i]
    wanted, reached, last = uniform * total, 0.0, 0
    for i in range(size):
        reached += weights[i]
        if weights[i] > 0.0:
            last = i
            if reached >= wanted:
                return i
    return last


@njit(**_SCALAR)
def _lowest_kept(scaled, size, top_k, top_p):
    ordered = np.sort(scaled[:size])[::-1]
    lowest = np.float32(-np.inf)
    if top_k > 0:
        lowest = ordered[min(top_k, size) - 1]
    if top_p < 1.0:
        total = 0.0
        for value in ordered:
            if value >= lowest:
                total += math.exp(value)
        before = 0.0
        for value in ordered:
            if value < lowest or before >= top_p * total:
                break
            least = value
            before += math.exp(value)
        lowest = max(lowest, least)
    return lowest


@njit(**_SCALAR)
def draw_located(
    kind, parameters, first, mixtures, log_scale_min, steps, random, temperature, weights, scores
) -> float:
    """Returns a sample of a mixture of logistics (of `steps` levels) or Gaussians; NaN of NaN.

    The parameters are `mixtures` logits (none of a single one, whose parameters are two), means and log scales.
    """
    located = first if mixtures == 0 else first + mixtures
    count = max(mixtures, 1)
    component = 0
    for i in range(count):
        if parameters[located + i] != parameters[located + i]:
            return np.float32(np.nan)
        spread = parameters[located + count + i]
        if spread != spread:
            return np.float32(np.nan)
        if mixtures > 0:
            least = min(max(spread, np.float32(log_scale_min)), np.float32(_LOG_SCALE_MAX))
            scores[i] = parameters[first + i] - least
    if mixtures > 0:
        component = draw(parameters, first, count, scores, random[0], temperature, 0, 1.0, weights)
        if component < 0:
            return np.float32(np.nan)
    spread = parameters[located + count + component]
    spread = min(max(spread, np.float32(log_scale_min)), np.float32(_LOG_SCALE_MAX))
    if kind == LOGISTIC:
        quantile = math.log(random[1]) - math.log1p(-random[1])
    else:
        quantile = normal_quantile(random[1])
    value = np.float32(parameters[located + component] + temperature * math.exp(spread) * quantile)
    value = min(max(value, np.float32(-1.0)), np.float32(1.0))
    if kind == LOGISTIC:
        level = np.float32(2.0) * np.floor(value * np.float32(steps / 2.0)) + np.float32(1.0)
        value = min(max(level, np.float32(-steps)), np.float32(steps)) * np.float32(1.0 / steps)
    return value


@njit(**_SCALAR)
def normal_quantile(probability) -> float:
    """Returns the standard normal quantile by two steps of Halley's method on `math.erfc` from a rational start.

    The start is equation 26.2.23 of Abramowitz and Stegun, good to 4.5e-4.
    """
    tail = min(probability, 1.0 - probability)
    t = math.sqrt(-2.0 * math.log(tail))
    x = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
    for _ in range(2):
        error = (0.5 * math.erfc(x / math.sqrt(2.0)) - tail) * -math.sqrt(2.0 * math.pi) * math.exp(x * x / 2.0)
        x -= error / (1.0 + x * error / 2.0)
    return x if probability > 0.5 else -x


@njit(**_SCALAR)
def compand(x, mu) -> np.float32:
    """Returns the sample by mu-law, not rounded."""
    x = min(max(np.float32(x), np.float32(-1.0)), np.float32(1.0))
    size = np.log(np.float32(1.0) + np.float32(mu) * abs(x)) / np.float32(math.log1p(mu))
    return size if x > 0.0 else -size


@njit(**_SCALAR)
def level_of(x, mu) -> int:
    """Returns the mu-law level of a sample."""
    return int(np.floor((compand(x, mu) + np.float32(1.0)) / np.float32(2.0) * np.float32(mu) + np.float32(0.5)))
