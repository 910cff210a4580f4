"""Recomputation of activations, `keras.RematScope`, of layers whose `call` takes more than tensors."""

from collections.abc import Callable

import keras


class Rematerialized:
    """Mixin of layers whose `call` takes keyword arguments or None.

    TensorFlow's recomputation takes positional tensors alone: what is none is fixed before.
    """

    def rematerialized_call(self, layer_call, *args, **kwargs) -> Callable:
        """Returns `layer_call` as the scope asks for it; see `keras.layers.Layer`."""

        def of_tensors(*tensors):
            left = iter(tensors)
            # When it is computed anew, the scope is over or another's; in a scope, keras.ops.pad fails on TensorFlow.
            with keras.RematScope(mode=None):
                return layer_call(*(None if value is None else next(left) for value in args), **kwargs)

        call = super().rematerialized_call(of_tensors, *args, **kwargs)
        return lambda *args, **kwargs: call(*(value for value in args if value is not None))
