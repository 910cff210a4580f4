"""Measures r9y9/wavenet_vocoder's training step in this process; `benchmarks.train --peer r9y9=CHECKOUT` runs it."""

import json
import os
import sys
import time

os.environ["KERAS_BACKEND"] = "torch"  # so that no TensorFlow stands beside it

import numpy as np  # noqa: E402
import torch  # noqa: E402

from benchmarks.peers import r9y9 as peer  # noqa: E402
from tf_wavenet.models.presets import PRESETS  # noqa: E402


def measure(
    preset: str, checkout: str, batch_size: int, window_samples: int, rounds: int, threads: int = 0
) -> dict[str, object]:
    """Times training steps of the peer's network of a preset's size, in float32.

    Args:
        preset: Architecture of octaves of dilations, kernel 2 and one-hot input: "tiny", "small" or "paper".
        checkout: Work tree of github.com/r9y9/wavenet_vocoder.
        batch_size: Rows of the batch.
        window_samples: Samples of each row.
        rounds: Steps measured, after two that are not; the best counts.
        threads: Threads of PyTorch; 0 leaves the choice to it.

    Returns:
        The figures.
    """
    if threads:
        torch.set_num_threads(threads)
    sizes = PRESETS[preset]
    residual, skip = sizes["residual_channels"], sizes["skip_channels"]
    network = peer.build_network(checkout, sizes["dilations"], 2, residual, 2 * residual, skip)
    adam = torch.optim.Adam(network.parameters(), 1e-3)
    levels = torch.from_numpy(np.random.default_rng(0).integers(0, peer.LEVELS, (batch_size, window_samples)))

    def step() -> float:
        start = time.perf_counter()
        loss = peer.nats(network, levels).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        loss.item()
        return time.perf_counter() - start

    seconds = min([step() for _ in range(rounds + 2)][2:])
    return {"samples_per_second": batch_size * window_samples / seconds, "torch": torch.__version__}


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
