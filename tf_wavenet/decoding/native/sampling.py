"""Random numbers and draws, as `decoding.random_numbers` and `distributions` make them, for one row at a time."""

import math

import numpy as np
from numba import njit

from tf_wavenet.decoding.native.products import INSIDE, LANES, OPTIONS
from tf_wavenet.decoding.native.vectors import exponential, float_of, highest

CATEGORICAL, LOGISTIC, GAUSSIAN = range(3)  # kinds of distributions

_SCALAR = {**OPTIONS, "inline": "never"}
_INSIDE = {**INSIDE, "inline": "never"}
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

    At temperature 0 it is that of the highest of `scores`, which are overwritten. `weights` is room for `size` numbers;
    `top_k` 0 and `top_p` 1 are off, and so are both if `top_k` is None.
    """
    logits = logits[first : first + size]
    if not temperature > 0.0:
        return _index_of_highest(logits, size, scores)
    whole = size - size % LANES
    peak = logits[0]
    for i in range(0, whole, LANES):
        peak = max(peak, highest(logits, i))
    for i in range(whole, size):
        peak = max(peak, logits[i])
    divisor = np.float32(1.0) / max(np.float32(temperature), np.float32(1e-6))
    for i in range(size):
        weights[i] = (logits[i] - peak) * divisor
    lowest = np.float32(-np.inf)
    if top_k is not None:
        lowest = _lowest_kept(weights, size, top_k, top_p, scores)
    total = 0.0
    for i in range(0, whole, LANES):
        scores[i] = exponential(weights, i, lowest)  # the sum of 16
        total += scores[i]
    for i in range(whole, size):
        if weights[i] >= lowest:
            weights[i] = np.exp(weights[i])
        elif weights[i] == weights[i]:
            weights[i] = np.float32(0.0)
        total += weights[i]
    if total != total:
        return -1
    wanted, reached, start = uniform * total, 0.0, 0
    while start < whole and reached + scores[start] < wanted:
        reached += scores[start]
        start += LANES
    last = 0
    for i in range(start, size):
        reached += weights[i]
        if weights[i] > 0.0:
            last = i
            if reached >= wanted:
                return i
    return last


@njit(**_INSIDE)
def _index_of_highest(logits, size, scores):
    best, top, missing = 0, scores[0], False
    for i in range(size):
        missing |= logits[i] != logits[i]
        if scores[i] > top:
            best, top = i, scores[i]
    return -1 if missing else best


@njit(**_INSIDE)
def _lowest_kept(scaled, size, top_k, top_p, counted):
    """The least of `scaled`, none of it positive, that top-k and top-p keep; `counted` is room for `size` numbers."""
    least = np.float32(-np.inf)
    if top_k > 0:
        for i in range(size):
            counted[i] = np.float32(1.0)
        least = _highest_with(scaled, counted, size, np.float64(min(top_k, size)))
    if top_p < 1.0:
        total = 0.0
        for i in range(size):
            counted[i] = np.exp(scaled[i]) if scaled[i] >= least else np.float32(0.0)
            total += counted[i]
        least = max(least, _highest_with(scaled, counted, size, top_p * total))
    return least


@njit(**_INSIDE)
def _highest_with(scaled, counted, size, wanted):
    """The highest value that is reached by elements that count for `wanted` in sum.

    Found by halving its bits: of floats that are not positive, the one of more bits is the lower.
    """
    low, high = np.uint32(0x80000000), np.uint32(0xFF800000)  # -0.0 and minus infinity
    while low < high:
        middle = np.uint32(low + (high - low) // np.uint32(2))
        value = float_of(middle)
        reached = 0.0
        for i in range(size):
            if scaled[i] >= value:
                reached += counted[i]
        if reached >= wanted:
            high = middle
        else:
            low = np.uint32(middle + np.uint32(1))
    return float_of(low)


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
        component = draw(parameters, first, count, scores, random[0], temperature, None, 1.0, weights)
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
