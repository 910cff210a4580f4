"""Requests that TensorFlow Serving answers itself when it loads a model, so that no client waits for a compilation."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_wavenet.serving.signature import bodies, specs

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"


def write_warmup(served, path, batch_sizes, num_samples) -> None:
    """Writes `assets.extra/tf_serving_warmup_requests`: for each batch size, whatever XLA compiles for it.

    Args:
        served: The `Served`.
        path: Folder of the SavedModel, which must be there.
        batch_sizes: Ints >= 1, rows of a request.
        num_samples: Int >= 1, samples of a chunk; of a vocoder, the frames that have so many.

    Raises:
        ValueError: If the package tensorflow-serving-api, whose messages these are, is not installed.

    Example:
    >>> import importlib.util, tempfile
    >>> from tf_wavenet import NamWaveNet
    >>> from tf_wavenet.serving import EffectSignatures
    >>> model = NamWaveNet([{"channels": 2, "dilations": (1, 2)}])
    >>> served = EffectSignatures(model, jit_compile=False, max_samples=1000)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     if importlib.util.find_spec("tensorflow_serving") is not None:
    ...         write_warmup(served, folder, batch_sizes=[2], num_samples=320)
    >>> for name, inputs in warmup_requests(served, batch_size=2, num_samples=320):  # what is written for a batch of 2
    ...     name, inputs["recording"].shape
    ('generate', (2, 320))
    ('generate_chunk', (2, 320))
    """
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError as error:
        raise ValueError(
            'Expected the package tensorflow-serving-api for warm-up requests: pip install "tf-wavenet[serving]". '
            f"Received: {error}"
        ) from error
    file = Path(path) / WARMUP_FILE
    file.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for batch_size in batch_sizes:
            for signature, inputs in warmup_requests(served, batch_size, num_samples):
                request = predict_pb2.PredictRequest()
                request.model_spec.signature_name = signature
                for name, value in inputs.items():
                    request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
                log = prediction_log_pb2.PredictLog(request=request)
                writer.write(prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString())


def warmup_requests(served, batch_size, num_samples) -> Iterator[tuple[str, dict[str, np.ndarray | np.generic]]]:
    """Yields names of signatures, and dicts of their inputs, NumPy."""
    distribution = getattr(served.model, "distribution", None)
    settings = [{}, {"top_p": np.float32(0.9)}] if distribution is not None and distribution.has_levels else [{}]
    for setting in settings:
        values = _values(served, batch_size, num_samples) | setting
        for body in bodies(served):
            if body.__name__ in ("generate", "generate_chunk"):
                inputs = specs(served, body)
                yield body.__name__, {name: values[name] for name in inputs}


def _values(served, batch_size, num_samples):
    """A value for whatever `generate` and `generate_chunk` take."""
    values = {"num_samples": np.int32(num_samples), "batch_size": np.int32(batch_size)}
    values |= {"seed": np.int64(0), "temperature": np.float32(1), "top_k": np.int32(0), "top_p": np.float32(1)}
    for name in {"first_frame", "global_condition"} & set(served.inputs):
        _, *axes = served.inputs[name].shape
        values[name] = np.zeros((batch_size, *axes), served.inputs[name].dtype.as_numpy_dtype)
    if "recording" in served.inputs:
        values["recording"] = np.zeros((batch_size, num_samples), "float32")
    if "local_condition" in served.inputs:
        values["local_condition"] = _silence(served, batch_size, num_samples)
    if served.streams:
        values["state_queues"] = np.zeros((batch_size, served.state_size), "float32")
        values["state_stream"] = np.tile(np.array([*served.fingerprint, 0, 0], "int32"), (batch_size, 1))
    return values


def _silence(served, batch_size, num_samples):
    spec, frames = served.model.mel_spec, -(-num_samples // served.about()["local_hop"])
    frame = np.zeros(served.inputs["local_condition"].shape[-1])
    if spec is not None:
        mean, scale = (0.0, 1.0) if spec.normalization is None else map(np.array, spec.normalization)
        frame = (spec.bounds[0] - mean) / scale + frame
    return np.tile(frame, (batch_size, frames, 1)).astype("float32")
