"""Generates audio on a server, chunk by chunk: `python grpc_client.py --host localhost:8500 --out audio.f32`.

Works against TensorFlow Serving and against grpc_host.py alike: it knows the stock stub of tensorflow-serving-api, the
name of the model and the signatures, and nothing else. The state travels with each request, so any server can answer
the next.
"""

import argparse
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

MAX_MESSAGE_BYTES = 1 << 30
OPTIONS = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.max_send_message_length", MAX_MESSAGE_BYTES)]


class Client:
    """A model on a server.

    Args:
        address: HOST:PORT.
        name: Name of the model.
        version: Its version; None takes the server's newest.
        timeout: Seconds for an answer.
    """

    def __init__(self, address, name="wavenet", version=None, timeout=60.0):
        channel = grpc.insecure_channel(address, options=OPTIONS)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._name, self._version, self._timeout = name, version, timeout

    def __call__(self, signature, **inputs):
        """Runs a signature on NumPy arrays; returns a dict of them."""
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = self._name, signature
        if self._version is not None:
            request.model_spec.version.value = self._version
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        response = self._stub.Predict(request, self._timeout)
        return {key: tf.make_ndarray(proto) for key, proto in response.outputs.items()}

    def stream(self, num_samples, chunk_samples=320, seed=0, temperature=1.0):
        """Yields float32 chunks of one stream."""
        state = self("initial_state", batch_size=np.int32(1))
        sampling = {"seed": np.int64(seed), "temperature": np.float32(temperature)}
        sampling |= {"top_k": np.int32(0), "top_p": np.float32(1)}
        for made in range(0, num_samples, chunk_samples):
            n = np.int32(min(chunk_samples, num_samples - made))
            out = self("generate_chunk", num_samples=n, **sampling, **state)
            state = {name: out[f"new_{name}"] for name in state}
            yield out["waveform"][0]


def main():
    """Writes raw float32 samples as they come."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="localhost:8500")
    parser.add_argument("--name", default="wavenet")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--sample-rate", type=int, default=16000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("audio.f32"))
    arguments = parser.parse_args()
    client = Client(arguments.host, arguments.name)
    with open(arguments.out, "wb") as file:
        for chunk in client.stream(round(arguments.seconds * arguments.sample_rate), seed=arguments.seed):
            file.write(chunk.astype("<f4").tobytes())
            file.flush()
    print(arguments.out)


if __name__ == "__main__":
    main()
