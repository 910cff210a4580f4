"""Requests that TensorFlow Serving answers itself when it loads a model, so that no client waits for a compilation."""

from pathlib import Path

import numpy as np
import tensorflow as tf

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"


def write_warmup(served, path, batch_sizes, num_samples):
    """Writes `assets.extra/tf_serving_warmup_requests`: for each batch size, whatever XLA compiles for it.

    Args:
        served: The `Signatures`.
        path: Folder of the SavedModel.
        batch_sizes: Ints >= 1.
        num_samples: Int >= 1, samples of a chunk.

    Raises:
        ValueError: If the package tensorflow-serving-api, whose messages these are, is not installed.
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
            for signature, inputs in _requests(served, batch_size, num_samples):
                request = predict_pb2.PredictRequest()
                request.model_spec.signature_name = signature
                for name, value in inputs.items():
                    request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
                log = prediction_log_pb2.PredictLog(request=request)
                writer.write(prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString())


def _requests(served, batch_size, num_samples):
    model = served.model
    conditions = _conditions(model, batch_size, num_samples)
    first = {"first_frame": np.zeros(batch_size, "int32")} if "local_condition" in conditions else {}
    stream = np.tile(np.array([*served.fingerprint, 0, 0], "int32"), (batch_size, 1))
    state = {"state_queues": np.zeros((batch_size, served.state_size), "float32"), "state_stream": stream}
    settings = [{}, {"top_p": np.float32(0.9)}] if model.distribution.has_levels else [{}]
    for setting in settings:
        sampling = {"seed": np.int64(0), "temperature": np.float32(1), "top_k": np.int32(0), "top_p": np.float32(1)}
        request = {"num_samples": np.int32(num_samples), **sampling, **setting}
        yield "generate_chunk", request | state | conditions | first
        yield "generate", request | {"batch_size": np.int32(batch_size)} | conditions


def _conditions(model, batch_size, num_samples):
    layer, conditions = model.conditioning, {}
    if layer is not None and layer.local_channels is not None:
        spec, frames = getattr(model, "mel_spec", None), -(-num_samples // layer.local_hop)
        silence = np.zeros(layer.local_channels)
        if spec is not None:
            mean, scale = (0.0, 1.0) if spec.normalization is None else map(np.array, spec.normalization)
            silence = (spec.bounds[0] - mean) / scale + silence
        conditions["local_condition"] = np.tile(silence, (batch_size, frames, 1)).astype("float32")
    if layer is not None and layer.num_speakers is not None:
        conditions["global_condition"] = np.zeros(batch_size, "int32")
    elif layer is not None and layer.global_channels is not None:
        conditions["global_condition"] = np.zeros((batch_size, layer.global_channels), "float32")
    return conditions
