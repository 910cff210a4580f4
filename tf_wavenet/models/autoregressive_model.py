"""What autoregressive models share: likelihood, generation and the objective of `fit`."""

import keras
from keras import ops

from tf_wavenet.objectives import BitsPerSample, NegativeLogLikelihood


class AutoregressiveModel(keras.Model):
    """Base of models whose `call(waveform)[:, t]` parametrises `self.distribution` of sample t given those before.

    A subclass sets `distribution` and implements `call` and the `tf_wavenet.Streamable` protocol.
    """

    _decoder = None

    def log_prob(self, waveform):
        """Returns the log-likelihood of each sample given those before it.

        Args:
            waveform: `[batch, time]` in [-1, 1].

        Returns:
            float32 `[batch, time]`, in nats.
        """
        waveform = ops.convert_to_tensor(waveform)
        return self.distribution.log_prob(self(waveform), waveform)

    def generate(self, num_samples, batch_size=1, seed=0, temperature=1.0, top_k=None, top_p=None, prompt=None):
        """Generates audio, sample by sample, in one compiled loop.

        Args:
            num_samples: Int >= 0, samples to generate for each row.
            batch_size: Int >= 1, rows; each row draws its own random numbers.
            seed: Int in [0, 2**63). Same seed, model and settings: same samples.
            temperature: Float >= 0; 1 samples the model's distribution, 0 takes its mode.
            top_k: None, or int >= 1: sample among the k most probable levels only.
            top_p: None, or float in (0, 1]: sample among the most probable levels that reach this probability.
            prompt: None, or `[time]` or `[batch_size, time]`, the waveform to continue, in [-1, 1].

        Returns:
            NumPy float32 `[batch_size, num_samples]`, in [-1, 1], without the prompt.

        Raises:
            ValueError: If an argument is outside its range or the prompt's shape does not fit.
            FloatingPointError: If the model predicts NaN.
            RuntimeError: If the Keras backend is not TensorFlow.
        """
        generate = _decoding().generate
        return generate(self, num_samples, batch_size, seed, temperature, top_k, top_p, prompt)

    def stream(
        self,
        num_samples,
        chunk_samples=4000,
        batch_size=1,
        seed=0,
        temperature=1.0,
        top_k=None,
        top_p=None,
        prompt=None,
    ):
        """Generates the samples of `generate`, in chunks, as they are made.

        Args:
            num_samples: As in `generate`; None goes on without end.
            chunk_samples: Int >= 1, samples in each chunk but the last.
            batch_size: As in `generate`.
            seed: As in `generate`.
            temperature: As in `generate`.
            top_k: As in `generate`.
            top_p: As in `generate`.
            prompt: As in `generate`.

        Yields:
            NumPy float32 `[batch_size, chunk_samples]`; the last chunk may be shorter.

        Raises:
            ValueError: As `generate`, at once and not at the first chunk.
        """
        stream = _decoding().stream
        return stream(self, num_samples, chunk_samples, batch_size, seed, temperature, top_k, top_p, prompt)

    def compile(self, optimizer="adam", loss=None, *, weighted_metrics=None, **kwargs):
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

    def compile_from_config(self, config):
        """Compiles as the saved model was compiled; Keras calls it on loading."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Returns the loss; without targets the input waveform is the target."""
        return super().compute_loss(x, x if y is None else y, y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Returns the metrics; without targets the input waveform is the target."""
        return super().compute_metrics(x, x if y is None else y, y_pred, sample_weight)


def _decoding():
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(f"Expected the Keras backend to be tensorflow. Received: {keras.backend.backend()}")
    from tf_wavenet import decoding

    return decoding
