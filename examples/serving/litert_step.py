"""Runs an exported WaveNet with LiteRT (TensorFlow Lite): `step` with the sampling here, and the forward pass.

    python litert_step.py MODEL --convert model.tflite                          needs TensorFlow
    python litert_step.py MODEL --run model.tflite --num-samples 1600 > audio.f32   needs ai-edge-litert and NumPy only

MODEL is the SavedModel's folder; of it, --run reads signatures.json. For models without conditions.
"""

from pathlib import Path

from sampling import command


def convert(model, file):
    """Converts the signatures `step` and `serving_default`."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(model), signature_keys=["step", "serving_default"])
    Path(file).write_bytes(converter.convert())


def load(file):
    """Returns functions of a dict of arrays: `step`, and the forward pass."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(file))
    step, forward = (interpreter.get_signature_runner(name) for name in ("step", "serving_default"))
    return (lambda inputs: step(**inputs)), (lambda inputs: forward(**inputs))


if __name__ == "__main__":
    command(__doc__, convert, lambda file: load(file)[0])
