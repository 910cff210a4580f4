"""Runs an exported WaveNet with LiteRT (TensorFlow Lite): `step` with the sampling here, and the forward pass.

    python litert_step.py MODEL --convert model.tflite                          needs TensorFlow
    python litert_step.py MODEL --run model.tflite --num-samples 1600 > audio.f32   needs ai-edge-litert and NumPy only

MODEL is the SavedModel's folder; of it, --run reads signatures.json. For models without conditions.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from sampling import first_state, speak


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


def main():
    """Converts or runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--convert", type=Path)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--num-samples", type=int, default=1600)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.convert:
        convert(arguments.model, arguments.convert)
    if arguments.run:
        state = first_state(json.loads((arguments.model / "signatures.json").read_text()))
        step, _ = load(arguments.run)
        for sample in speak(step, state, arguments.num_samples, arguments.seed):
            sys.stdout.buffer.write(np.float32(sample).tobytes())


if __name__ == "__main__":
    main()
