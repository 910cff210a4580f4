"""Models whose inputs are known before they are called."""

from typing import Any

import keras
from keras.src.backend.common.remat import get_current_remat_mode

from tf_wavenet.models.array_inputs import ArrayInputs, arrays_of


class Exportable(ArrayInputs, keras.Model):
    """Base of models that `keras.Model.export` takes as they are, called or not.

    A subclass says what its inputs are, `input_specs`, and what is wrong with others, `check_inputs`.
    """

    def __call__(self, inputs, *args, **kwargs) -> Any:
        """Checks the inputs and runs `call`. Lists of numbers are taken for arrays.

        What is wrong is told here, before Keras writes all arguments around the message.
        """
        inputs = arrays_of(inputs, "inputs")
        self.check_inputs(inputs)
        if get_current_remat_mode() is None:
            return super().__call__(inputs, *args, **kwargs)
        # Layers keep the scope that they were made in; of one around the call, keras.ops.pad fails on TensorFlow.
        with keras.RematScope(mode=None):
            return super().__call__(inputs, *args, **kwargs)

    def check_inputs(self, inputs) -> None:
        """Raises a ValueError for what `call` does not take."""

    def input_specs(self) -> keras.layers.InputSpec | dict[str, keras.layers.InputSpec]:
        """Returns the `keras.layers.InputSpec` of the input, or a dict of them."""
        raise NotImplementedError

    def input_shapes(self) -> tuple[int | None, ...] | dict[str, tuple[int | None, ...]]:
        """Returns the shapes of `input_specs`, which `build` gets: Keras saves a default signature of them."""
        specs = self.input_specs()
        return {name: spec.shape for name, spec in specs.items()} if isinstance(specs, dict) else specs.shape

    def build_from_config(self, config) -> None:
        """Leaves a model that was built by its constructor as it is."""
        if not self.built:
            super().build_from_config(config)

    def export(self, filepath, format="tf_saved_model", verbose=None, input_signature=None, **kwargs) -> None:
        """Exports the forward pass as `keras.Model.export`, for batches and lengths of any size.

        For a server that generates and keeps state, see `tf_wavenet.export_saved_model`.

        Args:
            filepath: Where to.
            format: As in `keras.Model.export`.
            verbose: As in `keras.Model.export`.
            input_signature: As in `keras.Model.export`; None: `[input_specs()]`.
            **kwargs: As in `keras.Model.export`.
        """
        if not self.built:
            self.build()
        signature = [self.input_specs()] if input_signature is None else input_signature
        super().export(filepath, format=format, verbose=verbose, input_signature=signature, **kwargs)
