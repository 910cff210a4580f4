"""Runs an exported WaveNet with ONNX Runtime: `step`, with the sampling here.

    python onnx_step.py MODEL --convert step.onnx                             needs TensorFlow and tf2onnx
    python onnx_step.py MODEL --run step.onnx --num-samples 1600 > audio.f32  needs onnxruntime and NumPy only

MODEL is the SavedModel's folder; of it, --run reads signatures.json. For models without conditions.
"""

import subprocess
import sys

from sampling import command


def convert(model, file):
    """Converts the signature `step`."""
    converter = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", str(model), "--signature_def", "step"]
    subprocess.run([*converter, "--opset", "17", "--output", str(file)], check=True)


def load(file):
    """Returns `step` as a function of a dict of arrays."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, inputs), strict=True))


if __name__ == "__main__":
    command(__doc__, convert, load)
