"""Whether XLA makes a run's training steps faster on this machine."""

import dataclasses
import time

import keras

from tf_wavenet.data import Manifest
from training.recipes import recipe_of
from training.runs.train_config import TrainConfig

STEPS = 4
"""Timed steps; the fastest counts, because neighbours on a machine only ever make them slower."""


def faster_with_xla(config: TrainConfig, corpus: Manifest, training: Manifest, held_out: Manifest) -> bool:
    """Takes a few steps of a model of its own without XLA and with it.

    Args:
        config: The run's.
        corpus: All recordings.
        training: The recordings to learn from.
        held_out: The others.

    Returns:
        Whether the steps with XLA are faster. Compiling, which happens once, does not count.
    """
    seconds, batch = {}, None
    for xla in (False, True):
        recipe = recipe_of(dataclasses.replace(config, jit_compile=xla))
        model = recipe.build(corpus)
        if batch is None:
            batch = next(iter(recipe.data(recipe.network(model), training, held_out, 0).training))
        seconds[xla] = min(_timed(model, batch) for _ in range(1 + STEPS))
        del model
        keras.utils.clear_session(free_memory=True)
    print(f"a training step takes {seconds[True]:.3g} s with XLA and {seconds[False]:.3g} s without")
    return seconds[True] <= seconds[False]


def _timed(model, batch):
    begin = time.perf_counter()
    model.train_on_batch(*batch)
    return time.perf_counter() - begin
