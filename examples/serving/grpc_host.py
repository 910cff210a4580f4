"""A small host of TensorFlow Serving's PredictionService over one SavedModel: `python grpc_host.py MODEL --port 8500`.

For machines without TensorFlow Serving, and to try clients: it answers Predict and GetModelMetadata as TensorFlow
Serving does, with the same messages and status codes, so that a client moves there unchanged. It does not batch.

`--native MODEL.keras`, the model that was exported, lets streams go on by tf_wavenet's native decoder: the same
requests, states and random numbers, faster. Without it, this host needs nothing of tf_wavenet.
"""

import argparse
import contextlib
import re
import sys
from concurrent import futures
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.python.saved_model.loader_impl import parse_saved_model
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

MAX_MESSAGE_BYTES = 1 << 30  # A state can be larger than gRPC's 4 MiB.
OPTIONS = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.max_send_message_length", MAX_MESSAGE_BYTES)]
MAX_SAMPLES = 1 << 20  # of a request to the native decoder, all rows together; what an export allows by default
STATUS = {
    tf.errors.InvalidArgumentError: grpc.StatusCode.INVALID_ARGUMENT,
    tf.errors.ResourceExhaustedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
}


class Refusal(Exception):
    """An answer that is a status code and a message."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Serves one version of one model.

    Args:
        path: Folder of the SavedModel; a number as its name is its version, else the version is 1.
        name: Name of the model in requests.
        native: None, or the .keras file of the same model, a WaveNet, whose `generate_chunk` is taken instead.
    """

    def __init__(self, path, name, native=None):
        self._name = name
        self._version = int(path.name) if path.name.isdecimal() else 1
        self._model = tf.saved_model.load(str(path))
        self._definitions = parse_saved_model(str(path)).meta_graphs[0].signature_def
        self._functions = dict(self._model.signatures)
        if native is not None:
            self._functions["generate_chunk"] = self._native_chunk(native)

    def Predict(self, request, context):
        """Runs a signature."""
        with answered(context):
            self._check(request.model_spec)
            name = request.model_spec.signature_name or "serving_default"
            if name not in self._functions:
                raise Refusal(grpc.StatusCode.NOT_FOUND, f"Expected a signature of the model. Received: {name!r}")
            outputs = self._functions[name](**self._inputs(name, request.inputs))
            unknown = set(request.output_filter) - set(outputs)
            if unknown:
                raise Refusal(
                    grpc.StatusCode.INVALID_ARGUMENT, f"Expected outputs of {name}. Received: {sorted(unknown)}"
                )
            response = predict_pb2.PredictResponse()
            response.model_spec.CopyFrom(self._spec(name))
            for key in request.output_filter or outputs:
                response.outputs[key].CopyFrom(tf.make_tensor_proto(outputs[key].numpy()))
            return response

    def GetModelMetadata(self, request, context):
        """Returns the signatures' definitions."""
        with answered(context):
            self._check(request.model_spec)
            response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=self._spec())
            definitions = get_model_metadata_pb2.SignatureDefMap()
            for name, definition in self._definitions.items():
                definitions.signature_def[name].CopyFrom(
                    meta_graph_pb2.SignatureDef.FromString(definition.SerializeToString())
                )
            response.metadata["signature_def"].Pack(definitions)
            return response

    def _native_chunk(self, path):
        import keras

        from tf_wavenet.serving.native_signatures import NativeSignatures

        served = NativeSignatures(keras.models.load_model(path), MAX_SAMPLES)
        stream = self._model.signatures["initial_state"](batch_size=tf.constant(1))["state_stream"][0]
        if tuple(stream[:2].numpy()) != served.fingerprint:
            raise ValueError(f"Expected --native to be the model that was exported. Received: {path}")
        chunk, names = served.functions()["generate_chunk"], served.inputs_of("generate_chunk")
        return lambda **inputs: chunk(*(inputs[name] for name in names))

    def _check(self, spec):
        if spec.name != self._name:
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Expected model {self._name!r}. Received: {spec.name!r}")
        if spec.HasField("version") and spec.version.value != self._version:
            message = f"Expected version {self._version} of {self._name!r}. Received: {spec.version.value}"
            raise Refusal(grpc.StatusCode.NOT_FOUND, message)

    def _spec(self, signature=""):
        spec = predict_pb2.PredictRequest().model_spec
        spec.name, spec.version.value, spec.signature_name = self._name, self._version, signature
        return spec

    def _inputs(self, name, protos):
        infos, inputs = self._definitions[name].inputs, {}
        if set(protos) != set(infos):
            message = f"Expected inputs {sorted(infos)} of {name}. Received: {sorted(protos)}"
            raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)
        for key, proto in protos.items():
            try:
                value = tf.make_ndarray(proto)
            except (TypeError, ValueError) as error:
                raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, f"Expected {key} to be a tensor: {error}") from error
            wanted, shape = tf.as_dtype(infos[key].dtype), tf.TensorShape(infos[key].tensor_shape)
            if tf.as_dtype(proto.dtype) != wanted or not shape.is_compatible_with(value.shape):
                received = f"{tf.as_dtype(proto.dtype).name} {list(value.shape)}"
                message = f"Expected {key} to be {wanted.name} {shape}. Received: {received}"
                raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, message)
            inputs[key] = tf.constant(value, wanted)
        return inputs


@contextlib.contextmanager
def answered(context):
    """Turns what goes wrong into a status."""
    try:
        yield
    except Refusal as refusal:
        context.abort(refusal.code, str(refusal))
    except tf.errors.OpError as error:
        # Of a failed assertion, what it says; TensorFlow prints the way there before it.
        said = re.search(r"\[(Expected .*)\]", error.message)
        context.abort(STATUS.get(type(error), grpc.StatusCode.INTERNAL), said[1] if said else error.message)


def serve(path, name, port, workers=2, host="127.0.0.1", native=None):
    """Starts a server; port 0 takes a free one.

    Args:
        path: Folder of the SavedModel.
        name: Name of the model.
        port: Port to listen at.
        workers: Requests that run at once.
        host: Address to listen at; 0.0.0.0 lets other machines in.
        native: As of `PredictionService`.

    Returns:
        The gRPC server, and its port.
    """
    server = grpc.server(futures.ThreadPoolExecutor(workers), options=OPTIONS)
    service = PredictionService(Path(path), name, native)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    port = server.add_insecure_port(f"{host}:{port}")
    server.start()
    return server, port


def main():
    """Serves until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="folder of the SavedModel")
    parser.add_argument("--name", default="wavenet", help="name of the model in requests")
    parser.add_argument("--port", type=int, default=8500)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; 0.0.0.0 lets other machines in")
    parser.add_argument("--native", metavar="MODEL.keras", help="the exported WaveNet, to go on by the native decoder")
    arguments = parser.parse_args()
    try:
        server, port = serve(
            arguments.model, arguments.name, arguments.port, host=arguments.host, native=arguments.native
        )
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    print(f"serving {arguments.name} on {arguments.host}:{port}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.wait_for_termination()


if __name__ == "__main__":
    main()
