"""Counter-based uniform random numbers: a pure function of seed, row and sample index."""

import tensorflow as tf

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def uniforms(seed, row, index) -> tf.Tensor:
    """Returns two independent uniform random numbers for each row and sample index.

    Because the numbers depend on nothing else, neither chunking nor batching can change what is drawn.

    Args:
        seed: uint32 `[2]` or `[batch, 2]`, the two halves of a 64-bit seed.
        row: uint32 `[batch]`, the row's number.
        index: uint32 `[batch]`, the sample's absolute index.

    Returns:
        float32 `[batch, 2]` in (0, 1), multiples of 2**-23 plus 2**-24.

    References:
        Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (2011), section 4.2 (Threefry-2x32, 20 rounds).
    """
    bits = tf.stack(threefry2x32(seed[..., 0], seed[..., 1], index, row), axis=-1)
    return tf.cast(tf.bitwise.right_shift(bits, tf.constant(9, tf.uint32)), tf.float32) * 2.0**-23 + 2.0**-24


def threefry2x32(key0, key1, counter0, counter1) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the two uint32 words that Threefry-2x32-20 makes of uint32 key and counter words."""
    keys = (key0, key1, tf.bitwise.bitwise_xor(tf.bitwise.bitwise_xor(key0, key1), tf.constant(_PARITY, tf.uint32)))
    x0, x1 = counter0 + keys[0], counter1 + keys[1]
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = tf.bitwise.bitwise_xor(_rotate_left(x1, rotation), x0)
        x0 = x0 + keys[(group + 1) % 3]
        x1 = x1 + keys[(group + 2) % 3] + tf.constant(group + 1, tf.uint32)
    return x0, x1


def _rotate_left(x, bits):
    left = tf.bitwise.left_shift(x, tf.constant(bits, tf.uint32))
    return tf.bitwise.bitwise_or(left, tf.bitwise.right_shift(x, tf.constant(32 - bits, tf.uint32)))
