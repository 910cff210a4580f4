"""The loop over blocks behind `generate` and `generate_chunk` of models that make one sample after the other."""

from typing import Any

import tensorflow as tf

from tf_wavenet.decoding.decoder import BLOCK_SAMPLES
from tf_wavenet.serving.checks import checked

CHUNK_BLOCK = 400
"""Most samples of a chunk's block: its condition is projected whole, so much longer ones would waste time."""


def encoded_from(layer, positions, index, first_frame, conditions) -> tf.Tensor | None:
    """Returns the encoded condition from each row's own `index` on, None without conditions.

    Args:
        layer: The model's `Conditioning` or None.
        positions: The `Positions` of its streams.
        index: int32 `[batch]`.
        first_frame: int32 `[batch]`, the number of the first frame given; None: there are none.
        conditions: Dict of what `layer.encode` takes.
    """
    if not conditions:
        return None
    encoded = layer.encode(**conditions)
    if first_frame is None:
        return encoded
    first = tf.cast(first_frame, tf.int64) * layer.local_hop
    start, vectors = tf.cast(positions.between(first, index), tf.int32) // layer.hold, tf.shape(encoded)[1]
    numbers = tf.minimum(start[:, tf.newaxis] + tf.range(vectors), vectors - 1)
    return tf.gather(encoded, numbers, axis=1, batch_dims=1)


def generate_samples(
    model, decoder, state, num_samples, settings, encoded, longest_block=BLOCK_SAMPLES
) -> tuple[tf.Tensor, dict[str, Any]]:
    """Makes samples, block by block.

    Args:
        model: The model.
        decoder: Its `Decoder`.
        state: The decoder's state.
        num_samples: int32 scalar.
        settings: seed, temperature, top_k and top_p, each a scalar or `[batch]`.
        encoded: The encoded condition from the first sample on, or None.
        longest_block: Int, most samples of a block.

    Returns:
        `(waveform, state)`: float32 `[batch, num_samples]` and the state after it.
    """
    seed, temperature, top_k, top_p = settings
    size, block = model.distribution.parameter_size, decoder.block_samples(encoded)
    if encoded is not None and encoded.shape[1] != 1:
        hold = model.conditioning.hold
        block = min(block, max(1, longest_block // hold) * hold)
    filtered = tf.reduce_any(top_k > 0) | tf.reduce_any(top_p < 1)
    kept, words = tf.where(top_k > 0, tf.minimum(top_k, size), size), seed_words(seed)

    def body(made, state, blocks):
        n = tf.minimum(num_samples - made, block)
        condition = decoder.condition_block(encoded, made, block)

        def decode(*top):
            return decoder.decode(state, n, words, temperature, *top, condition=condition)

        if model.distribution.has_levels:
            audio, state = tf.cond(filtered, lambda: decode(kept, top_p), decode)
        else:
            audio, state = decode()
        return made + n, state, blocks.write(blocks.size(), audio[:n])

    blocks = tf.TensorArray(tf.float32, size=0, dynamic_size=True, infer_shape=False, element_shape=[None, None])
    _, state, blocks = tf.while_loop(lambda made, *_: made < num_samples, body, (0, state, blocks))
    audio = blocks.write(blocks.size(), tf.zeros([0, tf.shape(state["previous"])[0]])).concat()
    finite = tf.reduce_all(tf.math.is_finite(audio))
    made = checked([(finite, "Expected the model to predict finite parameters.")], audio=audio)
    return tf.transpose(made["audio"]), state


def seed_words(seed) -> tf.Tensor:
    """Returns the two halves of int64 seeds, uint32 `[..., 2]`, as `uniforms` takes them."""
    words = [seed & 0xFFFFFFFF, tf.bitwise.right_shift(seed, tf.constant(32, tf.int64))]
    return tf.cast(tf.stack(words, axis=-1), tf.uint32)
