"""What autoregressive models share: likelihood, generation and the objective of `fit`."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import fits
from tf_wavenet.losses._of_distribution import check_weight
from tf_wavenet.losses.negative_log_likelihood import NegativeLogLikelihood
from tf_wavenet.metrics.bits_per_sample import BitsPerSample
from tf_wavenet.models._decoding import import_decoding
from tf_wavenet.models.array_inputs import arrays_of
from tf_wavenet.models.exportable import Exportable
from tf_wavenet.models.first_batch import FirstBatch
from tf_wavenet.models.peak import Peak


class AutoregressiveModel(FirstBatch, Exportable):
    """Base of models whose `call(waveform)[:, t]` parametrises `self.distribution` of sample t given those before.

    A subclass sets `distribution`, implements `call` and the `tf_wavenet.Streamable` protocol (whose `step` and
    `prime` take the projected condition as a third argument), and sets `conditioning`, a `Conditioning` or None (in its
    constructor: of a class attribute of that name PyTorch would show the None even after a layer was set).
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.peak = Peak()
        self.last_seed = None  # that of the newest generate or stream

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
        inputs = arrays_of(inputs, "inputs")
        params = self(inputs)
        return self.distribution.log_prob(params, self.split_inputs(inputs)[0])

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
            batch_size: Int >= 1, rows; each row draws its own random numbers. None: as many as the prompt or the
                conditions have, or 1.
            seed: Int in [0, 2**63). Same seed, model and settings: same samples. None: a new one, drawn by Python's
                `random`, which `keras.utils.set_random_seed` seeds; it is logged (logger "tf_wavenet", level INFO) and
                kept in `last_seed`.
            temperature: Float >= 0; 1 samples the model's distribution, 0 takes its mode.
            top_k: None, or int >= 1: sample among the k most probable levels only.
            top_p: None, or float in (0, 1]: sample among the most probable levels that reach this probability.
            prompt: None, or `[time]`, the same for all rows, or `[batch_size, time]`: the waveform to continue, in
                [-1, 1].
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
            RuntimeError: If the Keras backend is not TensorFlow, or inside a `tf.function`.
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
        self.last_seed = request.seed
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
        self.last_seed = request.seed
        return decoding.stream(self, request, chunk_samples)

    def compile(self, optimizer="adam", loss=None, *, weighted_metrics=None, **kwargs) -> None:
        """Configures training as `keras.Model.compile`, with the model's own objective as the default.

        Args:
            optimizer: Optimizer or its Keras name.
            loss: Loss of waveforms `[batch, time]` and parameters `[batch, time, parameter_size]`; None means
                `NegativeLogLikelihood(self.distribution)`. Keras's losses compare like with like, and are refused.
            weighted_metrics: Metrics; None means `[BitsPerSample(self.distribution)]`.
            **kwargs: As in `keras.Model.compile`.

        Raises:
            ValueError: If the loss is one of Keras's.
        """
        if isinstance(loss, str) or (getattr(loss, "__module__", None) or type(loss).__module__).startswith("keras."):
            own = "None, the negative log-likelihood, or a loss of waveforms and distributions' parameters"
            raise ValueError(f"Expected loss to be {own}. Received: loss={loss!r}")
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

    def check_batch(self, inputs, targets, sample_weight) -> None:
        """Raises a ValueError if tensors are not of the shapes that `fit` takes."""
        self.check_inputs(inputs)
        self._target(inputs, targets)
        if sample_weight is not None:
            check_weight(sample_weight, self.split_inputs(inputs)[0])

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True) -> Tensor | None:
        """Returns the loss; without targets the input waveform is the target."""
        return super().compute_loss(x, self._target(x, y), y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None) -> dict[str, Any]:
        """Returns the metrics; without targets the input waveform is the target."""
        target = self._target(x, y)
        waveform, conditions = self.split_inputs(x)
        self.peak.update_state([waveform, target], conditions.values())
        return super().compute_metrics(x, target, y_pred, sample_weight)

    def _target(self, x, y):
        waveform, _ = self.split_inputs(x)
        if y is not None and not fits(y.shape, waveform.shape):
            expected = "Expected targets y of the waveform's shape [batch, time], which are not shifted"
            raise ValueError(f"{expected}. Received: {tuple(y.shape)} for {tuple(waveform.shape)}")
        return waveform if y is None else y
