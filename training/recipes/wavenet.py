"""How a WaveNet is trained."""

from typing import Any

import numpy as np

from tf_wavenet import WaveNet
from tf_wavenet.data import Manifest
from training.recipes.recipe import Recipe
from training.runs.conditions import model_arguments


class WaveNetRecipe(Recipe):
    """Of a `WaveNetConfig`: bits per sample decide which model is best."""

    metric = shown = "bits_per_sample"
    unit = "bits per sample"

    def make_model(self, corpus: Manifest | None) -> WaveNet:
        """Makes the preset's model with what the configuration adds."""
        arguments = {**model_arguments(self.config, corpus), "sample_rate": self.config.sample_rate}
        return WaveNet.from_preset(self.config.preset, **arguments, dtype=self.config.precision)

    def speak(self, network: WaveNet, num_samples: int, conditions: dict[str, Any]) -> np.ndarray:
        """Generates samples one by one."""
        frames = conditions.get("local_condition")
        if frames is not None:
            num_samples = min(num_samples, len(frames) * network.local_hop)
        return network.generate(num_samples, **conditions)[0]

    def describe(self, network: WaveNet) -> str:
        """Names preset, weights and receptive field."""
        field = network.receptive_field
        time = f"{field} samples ({1000 * field / self.config.sample_rate:.0f} ms)"
        return f"{self.config.preset}: {network.count_params():,} weights, receptive field {time}"
