"""Makes the answers of the originals: `KERAS_BACKEND=torch python -m tests.originals.make`.

Needs PyTorch, librosa, matplotlib, pyyaml and scipy, no TensorFlow, and work trees (with their .git) of the projects,
named by variables: HIFI_GAN (jik876/hifi-gan), PARALLEL_WAVEGAN (kan-bayashi/ParallelWaveGAN) and WAVENET_VOCODER
(r9y9/wavenet_vocoder).

`answers.npz` has what they answered, one vector for each of `tests.support.originals.ORIGINALS`, long answers thinned;
`answers.json` the commits, the versions, and for each the names and shapes of its tensors and the shapes of its
answers. `*.pth` are what PyTorch
saved (`tests.importers.pytorch_saves`), `pytorch.npz` the numbers in them. These are outputs of
the originals, which are under the MIT License, and of PyTorch; none of their code is here.
"""

import json
import os
import subprocess

import numpy as np
import pytest

from tests.importers.pytorch_saves import save_all
from tests.originals import HERE
from tests.support.originals import CHECKOUTS, ORIGINALS, loader, thin


def commit(variable: str) -> str:
    """Of the checkout that a variable names."""
    command = ["git", "-C", os.environ[variable], "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Writes all files anew."""
    import torch

    torch.set_num_threads(1)
    made = {
        "command": "KERAS_BACKEND=torch python -m tests.originals.make",
        "torch": torch.__version__,
        "numpy": np.__version__,
        "commits": {project: commit(variable) for variable, project in CHECKOUTS.items()},
        "originals": {},
    }
    vectors = {}
    for name, original in ORIGINALS.items():
        with pytest.MonkeyPatch.context() as patch:
            shapes, answers = original.theirs(original.network(loader(original.variable, patch)))
        made["originals"][name] = {"state": shapes, "answers": [np.shape(answer) for answer in answers]}
        vectors[name] = np.concatenate([thin(answer) for answer in answers]).astype("float32")
        print(name, len(answers), *(f"{np.std(answer):.3g}" for answer in answers))
    np.savez_compressed(HERE / "answers.npz", **vectors)
    rows = [f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in made.pop("originals").items()]
    np.savez_compressed(HERE / "pytorch.npz", **save_all(HERE))
    (HERE / "module_legacy.pth").unlink()  # it has the source code of a module of PyTorch
    head = json.dumps(made, indent=1).removesuffix("\n}")
    (HERE / "answers.json").write_text(f'{head},\n "originals": {{\n' + ",\n".join(rows) + "\n }\n}\n")


if __name__ == "__main__":
    main()
