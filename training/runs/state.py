"""Where the state of a model is while it trains."""

import keras


def bring_back(model: keras.Model) -> None:
    """Brings the state of a training step back into the model's and the optimizer's variables.

    On JAX, `fit` holds it elsewhere from step to step; a callback that reads or sets a variable calls this first. On
    other backends it is in the variables.

    Args:
        model: A model that `fit` trains.
    """
    if keras.backend.backend() == "jax":
        model.jax_state_sync()
