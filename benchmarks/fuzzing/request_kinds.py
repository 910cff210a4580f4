"""Requests to exports."""

from pathlib import Path

import numpy as np

from benchmarks.fuzzing.kind import Kind, Traceback


class Requests(Kind):
    """Requests to the signatures of a WaveNet's, a vocoder's and an amplifier's SavedModels."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        import tensorflow as tf

        from tf_wavenet import HiFiGAN, MelSpec, NamWaveNet, WaveNet, export_saved_model

        spec = MelSpec.from_preset("speech_16k", num_mels=6, hop_length=8, win_length=32, fft_length=64)
        sizes = {"upsample_rates": (4, 2), "upsample_kernel_sizes": (8, 4), "upsample_initial_channel": 8}
        models = (
            WaveNet((1, 2), residual_channels=2, skip_channels=2),
            HiFiGAN(**sizes, causal=True, mel_spec=spec),
            NamWaveNet([{"channels": 2, "dilations": (1, 2)}], head_scale=1.0),
        )
        self._signatures = []
        for number, model in enumerate(models):
            export_saved_model(model, work / f"model-{number}", max_samples=4096)
            loaded = tf.saved_model.load(str(work / f"model-{number}"))
            self._signatures += [(loaded, each) for each in loaded.signatures.values()]
        self._errors = tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError, TypeError, ValueError

    def case(self, rng: np.random.Generator) -> bool:
        """One request, of which most inputs are wrong."""
        import tensorflow as tf

        _, signature = self._signatures[int(rng.integers(len(self._signatures)))]
        inputs = {}
        for name, spec in signature.structured_input_signature[1].items():
            if rng.random() < 0.02:
                continue
            sizes = spec.shape.as_list() if spec.shape.rank is not None else [None] * int(rng.integers(2))
            known = [int(rng.integers(0, 5)) if size is None else size for size in sizes]
            if rng.random() < 0.05:
                known = known[1:] if known and rng.random() < 0.5 else [*known, int(rng.integers(0, 3))]
            dtype = spec.dtype if rng.random() < 0.95 else tf.float64
            inputs[name] = tf.constant(_values(rng, known, dtype.as_numpy_dtype))
        try:
            outputs = signature(**inputs)
        except self._errors:
            return False
        except Exception as error:
            raise Traceback(f"{signature.name}: {type(error).__name__}: {str(error)[:300]}") from error
        numbers = [value for value in outputs.values() if value.dtype.is_floating or value.dtype.is_integer]
        if not all(np.isfinite(value.numpy().astype(np.float64)).all() for value in numbers):
            given = {name: value.numpy().tolist() for name, value in inputs.items()}
            raise Traceback(f"{signature.name}: NaN or infinity from {given}")
        return True


def _values(rng, shape, dtype):
    if np.issubdtype(dtype, np.floating):
        kinds = 0.0, 1.0, -1.0, 0.5, np.nan, np.inf, -np.inf, 1e30, -1e-30
        value = kinds[int(rng.integers(len(kinds)))] if rng.random() < 0.4 else rng.uniform(-1, 1, shape)
    else:
        bounds = np.iinfo(dtype)
        kinds = 0, 1, -1, 2, 7, 300, 10**6, bounds.max, bounds.min
        value = kinds[int(rng.integers(len(kinds)))] if rng.random() < 0.5 else rng.integers(0, 8, shape)
    return np.broadcast_to(np.asarray(value).astype(dtype), shape).copy()
