"""What the loop over samples takes of a model, and what it remembers of its streams."""

from typing import NamedTuple

import numpy as np

ONE_HOT, SCALAR, COMPANDED = range(3)  # how the first convolution sees samples


class Network(NamedTuple):
    """A WaveNet, or its context stack: sizes, and weights as arrays. `_wide` sizes are padded for the products.

    A context stack has no hidden layer; its first convolution sees a frame, as a scalar for each sample.
    """

    layers: int
    kernel_size: int
    residual: int
    residual_wide: int
    gates: int
    gates_wide: int
    skip: int
    skip_wide: int
    hidden: int
    hidden_wide: int
    outputs_wide: int
    condition: int  # channels of a condition that is one more input of the convolutions; 0: it comes projected
    first_taps: int
    encoding: int
    channels: int
    mu: int
    kind: int
    classes: int  # levels, or components of a mixture; 0: one component without logits
    order: int  # of the linear prediction, -1 without
    cycle: int  # positions of a round, see decoding.positions, as what follows
    turn: int
    turns: int
    residual_scale: np.float32
    gain: np.float32
    log_scale_min: float
    steps: float
    preemphasis: np.float32
    weights: np.ndarray  # packed, all products in the order in which they are taken
    first_kernel: np.ndarray  # [first_taps, channels, residual_wide], oldest tap first
    first_bias: np.ndarray
    gate_biases: np.ndarray  # [layers, gates_wide]
    residual_biases: np.ndarray  # [layers, residual_wide]
    skip_bias: np.ndarray
    hidden_bias: np.ndarray
    out_bias: np.ndarray
    dilations: np.ndarray


class State(NamedTuple):
    """What is remembered of `rows` streams from sample to sample, and scratch; changed in place."""

    ring: np.ndarray  # every layer's past inputs, [slots, rows, residual]
    positions: np.ndarray  # int64 [layers], the slot that is overwritten next
    levels: np.ndarray  # int64 [first_taps, rows], what the first convolution has seen, oldest first; -1 is nothing
    seen: np.ndarray  # float32 [first_taps, rows, channels], the same for other encodings
    previous: np.ndarray  # float32 [rows], the last sample
    output: np.ndarray  # the same without pre-emphasis
    past: np.ndarray  # float32 [rows, order], the last samples, oldest first
    predicted: np.ndarray  # float32 [rows], the last prediction
    index: np.ndarray  # int64 [rows], of the next sample
    row: np.ndarray  # uint32 [rows], that random numbers are keyed by
    x: np.ndarray
    sums: np.ndarray
    gated: np.ndarray
    skips: np.ndarray
    hiddens: np.ndarray
    parameters: np.ndarray
    weighted: np.ndarray
    scores: np.ndarray
    started: np.ndarray  # int64 [rows], the index of the call's first sample
    vector: np.ndarray  # int64 [rows], the vector of the condition that holds
    told: np.ndarray  # float32 [rows * condition], what the samples are told
    heard: tuple  # the `State` of the context stack; empty without one
    halves: np.ndarray  # uint16, of a group whose products are in bfloat16; else empty
