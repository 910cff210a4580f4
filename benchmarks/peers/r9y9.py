"""The network of r9y9/wavenet_vocoder, used as it is from a checkout, configured to be ours as far as it can be.

What its constructor cannot say is set from outside: any list of dilations (it only knows powers of two). What stays
different is listed in `DIFFERENCES`.
"""

import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import torch
from torch.nn import functional

LEVELS = 256
SILENCE = 128  # mu-law level of 0.0, what the model sees before the first sample
DIFFERENCES = (
    "first convolution is 1x1, not causal with kernel 2: one sample less of receptive field",
    "residual sum is scaled by sqrt(1/2), skip sum by sqrt(1/layers)",
    "the last layer has a residual 1x1 convolution, whose output goes nowhere",
    "every convolution is weight-normalised; weights start normal (He), ours as Keras starts them",
)


def build_network(
    checkout: Path, dilations: tuple[int, ...], kernel_size: int, residual: int, gate: int, skip: int
) -> torch.nn.Module:
    """Builds the peer's WaveNet for unconditional one-hot mu-law audio.

    Args:
        checkout: Work tree of github.com/r9y9/wavenet_vocoder.
        dilations: Dilation of each layer, in samples.
        kernel_size: Taps of each dilated convolution.
        residual: Channels of the residual path.
        gate: Channels that enter the gated units, filters and gates together.
        skip: Channels of the skip path.

    Returns:
        A module from one-hot levels `[batch, 256, time]` to logits of the same shape.

    Raises:
        ValueError: If `checkout` does not hold the peer.
    """
    if not (Path(checkout) / "wavenet_vocoder" / "wavenet.py").is_file():
        raise ValueError(f"Expected checkout to be a work tree of r9y9/wavenet_vocoder. Received: checkout={checkout}")
    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))
    from wavenet_vocoder import WaveNet

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the old weight_norm still works
        network = WaveNet(
            out_channels=LEVELS,
            layers=len(dilations),
            stacks=len(dilations),  # one layer a stack: dilation 1 everywhere, until the next lines
            residual_channels=residual,
            gate_channels=gate,
            skip_out_channels=skip,
            kernel_size=kernel_size,
            dropout=0.0,
        )
    for layer, dilation in zip(network.conv_layers, dilations, strict=True):
        layer.conv.dilation = (dilation,)
        layer.conv.padding = ((kernel_size - 1) * dilation,)
    network.receptive_field = (kernel_size - 1) * sum(dilations) + 1
    for module in network.modules():
        module._backward_hooks.clear()  # they only reset caches of step-by-step generation, and warn in every step
    return network


def count_parameters(network: torch.nn.Module) -> int:
    """Counts the weights of the network once weight normalisation is folded away."""
    return sum(p.numel() for name, p in network.named_parameters() if not name.endswith("weight_g"))


def nats(network: torch.nn.Module, levels: torch.Tensor) -> torch.Tensor:
    """Scores audio by teacher forcing, shifted by one sample as our model does inside.

    Args:
        network: As `build_network` made it.
        levels: int64 `[batch, time]`, mu-law levels in [0, 255].

    Returns:
        float32 `[batch, time]`: `-ln p(levels[:, t] | levels[:, :t])`.
    """
    past = functional.pad(levels[:, :-1], (1, 0), value=SILENCE)
    one_hot = torch.zeros(past.shape[0], LEVELS, past.shape[1]).scatter_(1, past[:, None], 1.0)
    return functional.cross_entropy(network(one_hot), levels, reduction="none")


class Trainer:
    """Adam, clipping and averaged weights with the settings of a Keras optimizer."""

    def __init__(
        self, network: torch.nn.Module, average: torch.nn.Module, settings: keras.optimizers.Adam, momentum: float
    ) -> None:
        """Starts before the first step.

        Args:
            network: What is trained.
            average: Another network of the same shape; its weights become the moving average, as Keras optimizers
                keep it: the first value is a copy.
            settings: Whose learning rate (a schedule or a number), betas, epsilon and `global_clipnorm` are used.
                Its `iterations` are moved along.
            momentum: Weight of the old average, in [0, 1); 0 makes the average a copy.
        """
        self.network, self.average, self.settings, self.momentum = network, average, settings, momentum
        self.adam = torch.optim.Adam(network.parameters(), betas=(settings.beta_1, settings.beta_2))
        self.steps = 0

    def step(self, levels: torch.Tensor, weight: torch.Tensor) -> np.ndarray:
        """Trains on one batch; the loss is the weighted mean.

        Args:
            levels: int64 `[batch, time]`.
            weight: float32 `[batch, time]`, how much each sample counts.

        Returns:
            float32 `[batch, time]`, nats of each sample before the step.
        """
        self.settings.iterations.assign(self.steps)
        for group in self.adam.param_groups:
            group["lr"] = float(self.settings.learning_rate)
            # Keras adds epsilon before the bias correction, PyTorch after it.
            group["eps"] = self.settings.epsilon / (1.0 - self.settings.beta_2 ** (self.steps + 1)) ** 0.5
        scores = nats(self.network, levels)
        self.adam.zero_grad()
        ((scores * weight).sum() / weight.sum()).backward()
        if self.settings.global_clipnorm:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.global_clipnorm)
        self.adam.step()
        self.steps += 1
        momentum = self.momentum if self.steps > 1 else 0.0
        with torch.no_grad():
            for old, new in zip(self.average.parameters(), self.network.parameters(), strict=True):
                old.lerp_(new, 1.0 - momentum)
        return scores.detach().numpy()
