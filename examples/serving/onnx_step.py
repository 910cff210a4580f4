"""Runs an exported WaveNet with ONNX Runtime: `step`, with the sampling here.

    python onnx_step.py MODEL --convert step.onnx                             needs TensorFlow and tf2onnx
    python onnx_step.py MODEL --run step.onnx --num-samples 1600 > audio.f32  needs onnxruntime and NumPy only

MODEL is the SavedModel's folder; of it, --run reads signatures.json. For models without conditions.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from sampling import first_state, speak


def convert(model, file):
    """Converts the signature `step`."""
    command = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", str(model), "--signature_def", "step"]
    subprocess.run([*command, "--opset", "17", "--output", str(file)], check=True)


def load(file):
    """Returns `step` as a function of a dict of arrays."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, inputs), strict=True))


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
        for sample in speak(load(arguments.run), state, arguments.num_samples, arguments.seed):
            sys.stdout.buffer.write(np.float32(sample).tobytes())


if __name__ == "__main__":
    main()
