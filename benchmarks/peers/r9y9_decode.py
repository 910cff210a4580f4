"""r9y9/wavenet_vocoder generates beside our model of the same weights, for `benchmarks.decode --peer r9y9=CHECKOUT`."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.peers import r9y9 as peer
from tf_wavenet import WaveNet, mu_law_decode
from tf_wavenet.importers import Settings, StateDict, from_r9y9


def networks(preset: str, checkout: Path) -> tuple[torch.nn.Module, WaveNet]:
    """Makes the peer's network of a preset's size, of random weights, and ours of the same weights.

    Args:
        preset: Architecture of octaves of dilations, kernel 2 and one-hot input: "tiny", "small" or "paper".
        checkout: Work tree of github.com/r9y9/wavenet_vocoder.

    Returns:
        Both, the peer's without weight normalisation, as it generates fastest.

    Raises:
        ValueError: If `checkout` does not hold the peer, or the two answer differently.
    """
    sizes = WaveNet.from_preset(preset).get_config()
    dilations, residual, skip = sizes["dilations"], sizes["residual_channels"], sizes["skip_channels"]
    torch.manual_seed(0)
    network = peer.build_network(checkout, tuple(dilations), sizes["kernel_size"], residual, 2 * residual, skip).eval()
    network.make_generation_fast_()
    hparams = {
        "layers": len(dilations),
        "stacks": sum(dilation == 1 for dilation in dilations),
        "kernel_size": sizes["kernel_size"],
        "residual_channels": residual,
        "skip_out_channels": skip,
        "gate_channels": 2 * residual,
        "input_type": "mulaw-quantize",
        "quantize_channels": peer.LEVELS,
        "out_channels": peer.LEVELS,
        "cin_channels": -1,
        "gin_channels": -1,
        "cin_pad": 0,
    }
    tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    model = from_r9y9(StateDict(tensors, "the peer"), Settings(hparams, "its sizes"))
    levels = np.random.default_rng(0).integers(0, peer.LEVELS, (1, 3000))
    with torch.no_grad():
        theirs = peer.nats(network, torch.from_numpy(levels)).numpy()
    waveform = np.asarray(mu_law_decode(levels))
    ours = -np.asarray(model.log_prob(waveform))
    if np.abs(ours - theirs).max() > 1e-3:
        raise ValueError(f"Expected equal nats of both networks. Received: {np.abs(ours - theirs).max():.2g} apart")
    return network, model


def generator(network: torch.nn.Module, samples: int, threads: int) -> Callable[[], float]:
    """Returns a function that times the peer's incremental generation of `samples`, sampling on, in seconds."""
    torch.set_num_threads(threads)
    first = torch.zeros(1, peer.LEVELS, 1)
    first[0, peer.SILENCE] = 1.0

    def run() -> float:
        start = time.perf_counter()
        with torch.no_grad():
            network.incremental_forward(first, T=samples, softmax=True, quantize=True)
        return time.perf_counter() - start

    return run
