"""Where streams are: positions that go round, since a stream may have no end and a position is an int32."""

import math

import tensorflow as tf

_LONGEST = 1 << 30  # the sum of a position and a block still is an int32
TURN = 1 << 20  # what one round adds to a row's number; below it are the rows of a batch
TURNS = (1 << 31) - TURN


class Positions:
    """Positions modulo the largest multiple of all `periods` that is at most 2**30: 18.6 hours at 16 kHz.

    Random numbers are keyed by position and row. A row that has gone round gets a number of its own, so that they do
    not repeat: not before 2**41 samples, four years at 16 kHz.

    Args:
        *periods: Ints >= 1: that of the model's schedule, and the samples that a frame governs.

    Attributes:
        cycle: Int, the positions of a round.
    """

    def __init__(self, *periods) -> None:
        period = math.lcm(*periods)
        self.cycle = _LONGEST // period * period

    def advance(self, index, row, samples) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns position and row number after `samples` more.

        Args:
            index: int32 of any shape, in [0, cycle).
            row: int32, as `index`, at least 0.
            samples: int32 below 2**30, as `index` or a scalar.
        """
        return self.turned(index + samples, row)

    def turned(self, index, row) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns position and row number for positions below twice the round, as earlier versions' states hold."""
        again = index >= self.cycle
        next_row = tf.where(row >= TURNS, row - TURNS, row + TURN)
        return tf.where(again, index - self.cycle, index), tf.where(again, next_row, row)

    def between(self, first, index) -> tf.Tensor:
        """Returns the samples from `first`, which counts on without end, to the position `index`; int64, >= 0."""
        return tf.math.floormod(tf.cast(index, tf.int64) - tf.cast(first, tf.int64), self.cycle)


def positions_of(model) -> Positions:
    """Returns the `Positions` of a model's streams."""
    conditioning = getattr(model, "conditioning", None)
    hop = getattr(model if conditioning is None else conditioning, "local_hop", None)
    return Positions(model.period, hop or 1)
