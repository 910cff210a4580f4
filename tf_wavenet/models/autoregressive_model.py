"""What autoregressive models share: likelihood, generation and the objective of `fit`."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from tf_wavenet._tensor import Tensor
from tf_wavenet.losses.negative_log_likelihood import NegativeLogLikelihood
from tf_wavenet.metrics.bits_per_sample import BitsPerSample
from tf_wavenet.models._decoding import import_decoding
from tf_wavenet.models.exportable import Exportable


class AutoregressiveModel(Exportable):
    """Base of models whose `call(waveform)[:, t]` parametrises `self.distribution` of sample t given those before.

    A subclass sets `distribution`, implements `call` and the `tf_wavenet.Streamable` protocol (whose `step` and
    `prime` take the projected condition as a third argument), and sets `conditioning`, a `Conditioning` or None (in its
    constructor: of a class attribute of that name PyTorch would show the None even after a layer was set).
    """

    def split_inputs(self, inputs) -> tuple[Tensor, dict[str, Tensor]]:
        """Returns `(waveform, conditions)` for what `call` takes, a waveform or a dict."""
        raise NotImplementedError

    def log_prob(self, inputs) -> Tensor:
        """Returns the log-likelihood of each sample given those before it.

        Args:
            inputs: What `call` takes: `[batch, time]` in [-1, 1], or a dict with conditions.

        Returns:
            float32 `[batch, time]`, in nats (of densities, if the distribution has them).
        """
        waveform, _ = self.split_inputs(inputs)
        return self.distribution.log_prob(self(inputs), waveform)

    def generate(
        self,
        num_samples=None,
        batch_size=None,
        seed=0,
        temperature=1.0,
        top_k=None,
        top_p=None,
        prompt=None,
        local_condition=None,
        global_condition=None,
        engine=None,
    ) -> np.ndarray:
        """Generates audio, sample by sample, in one compiled loop.

        Args:
            num_samples: Int >= 0, samples to generate for each row; None: all that `local_condition` describes.
            batch_size: Int >= 1, rows; each row draws its own random numbers. None: as many as the conditions, or 1.
            seed: Int in [0, 2**63). Same seed, model and settings: same samples.
            temperature: Float >= 0; 1 samples the model's distribution, 0 takes its mode.
            top_k: None, or int >= 1: sample among the k most probable levels only.
            top_p: None, or float in (0, 1]: sample among the most probable levels that reach this probability.
            prompt: None, or `[time]` or `[batch_size, time]`, the waveform to continue, in [-1, 1].
            local_condition: Features `[frames, channels]` or `[batch_size, frames, channels]`, if the model has been
                made for them; the first frame belongs to the first sample (of the prompt, if there is one).
            global_condition: Speaker's name or number, or one a row; or a vector, or one a row.
            engine: "xla", the loop of TensorFlow's compiler; "native", loops over vectors of the processor, whose
                matrices are float16 in memory, about twice as fast (needs `pip install tf-wavenet[fast]`; without
                context stacks); None: native where it can be. Both draw by the same random numbers, and differ where
                rounding moves a parameter across a draw's edge.

        Returns:
            NumPy float32 `[batch_size, num_samples]`, in [-1, 1], without the prompt.

        Raises:
            ValueError: If an argument is outside its range or the prompt's shape does not fit.
            FloatingPointError: If the model predicts NaN.
            RuntimeError: If the Keras backend is not TensorFlow.
        """
        decoding = import_decoding()
        request = decoding.GenerationRequest.make(
            self,
            num_samples,
            batch_size,
            seed,
            temperature,
            top_k,
            top_p,
            prompt,
            local_condition,
            global_condition,
            engine,
        )
        return decoding.generate(self, request)

    def stream(
        self,
        num_samples=None,
        chunk_samples=4000,
        batch_size=None,
        seed=0,
        temperature=1.0,
        top_k=None,
        top_p=None,
        prompt=None,
        local_condition=None,
        global_condition=None,
        engine=None,
    ) -> Iterator[np.ndarray]:
        """Generates the samples of `generate`, in chunks, as they are made.

        Args:
            num_samples: As in `generate`; None without a local condition goes on without end.
            chunk_samples: Int >= 1, samples in each chunk but the last.
            batch_size: As in `generate`.
            seed: As in `generate`.
            temperature: As in `generate`.
            top_k: As in `generate`.
            top_p: As in `generate`.
            prompt: As in `generate`.
            local_condition: As in `generate`.
            global_condition: As in `generate`.
            engine: As in `generate`.

        Yields:
            NumPy float32 `[batch_size, chunk_samples]`; the last chunk may be shorter.

        Raises:
            ValueError: As `generate`, at once and not at the first chunk.
        """
        decoding = import_decoding()
        request = decoding.GenerationRequest.make(
            self,
            num_samples,
            batch_size,
            seed,
            temperature,
            top_k,
            top_p,
            prompt,
            local_condition,
            global_condition,
            engine,
        )
        return decoding.stream(self, request, chunk_samples)

    def compile(self, optimizer="adam", loss=None, *, weighted_metrics=None, **kwargs) -> None:
        """Configures training as `keras.Model.compile`, with the model's own objective as the default.

        Args:
            optimizer: Optimizer or its Keras name.
            loss: Loss; None means `NegativeLogLikelihood(self.distribution)`.
            weighted_metrics: Metrics; None means `[BitsPerSample(self.distribution)]`.
            **kwargs: As in `keras.Model.compile`.
        """
        if loss is None:
            loss = NegativeLogLikelihood(self.distribution)
        if weighted_metrics is None:
            weighted_metrics = [BitsPerSample(self.distribution)]
        super().compile(optimizer, loss, weighted_metrics=weighted_metrics, **kwargs)
        if self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)  # else the first step is traced twice

    def compile_from_config(self, config) -> None:
        """Compiles as the saved model was compiled; Keras calls it on loading."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True) -> Tensor | None:
        """Returns the loss; without targets the input waveform is the target."""
        return super().compute_loss(x, self._target(x, y), y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict[str, Any]:
        """Returns the metrics; without targets the input waveform is the target."""
        return super().compute_metrics(x, self._target(x, y), y_pred, sample_weight)

    def _target(self, x, y):
        return self.split_inputs(x)[0] if y is None else y
