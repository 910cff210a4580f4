"""What a model is asked to generate, checked once."""

import dataclasses

import numpy as np

from tf_wavenet._validation import as_array, check_seed
from tf_wavenet.decoding.conditions import check_conditions
from tf_wavenet.decoding.native import is_native
from tf_wavenet.decoding.sampler import SamplingSettings, check_count


@dataclasses.dataclass(frozen=True, eq=False)
class GenerationRequest:
    """The arguments of `AutoregressiveModel.generate` and `stream`, checked and brought to arrays.

    Args:
        num_samples: Int >= 0, samples to generate for each row; None: without end.
        seed: Int in [0, 2**63), a drawn one too.
        settings: How samples are drawn.
        prompt: float32 `[batch, time]`, the waveform to continue; time may be 0.
        conditions: Dict of `local_condition`, `[batch, frames, channels]`, and `global_condition`, as the model has
            them.
        native: Whether `tf_wavenet.decoding.native` makes the samples, or XLA.

    Example:
    >>> from tf_wavenet import WaveNet
    >>> model = WaveNet(dilations=(1, 2), residual_channels=4, skip_channels=4)
    >>> request = GenerationRequest.make(model, num_samples=100, batch_size=2, temperature=0.8, prompt=[0.5, -0.5])
    >>> request.prompt.tolist(), request.settings.temperature
    ([[0.5, -0.5], [0.5, -0.5]], 0.8)
    >>> GenerationRequest.make(model, num_samples=100, top_p=2)
    Traceback (most recent call last):
        ...
    ValueError: Expected top_p to be None or in (0, 1]. Received: top_p=2
    """

    num_samples: int | None
    seed: int
    settings: SamplingSettings
    prompt: np.ndarray
    conditions: dict[str, np.ndarray]
    native: bool = False

    @classmethod
    def make(
        cls,
        model,
        num_samples=None,
        batch_size=None,
        seed=0,
        temperature=1.0,
        top_k=None,
        top_p=None,
        prompt=None,
        local_condition=None,
        global_condition=None,
        engine=None,
    ) -> "GenerationRequest":
        """Checks the arguments of `AutoregressiveModel.generate`.

        Args:
            model: The model that is asked.
            num_samples: As in `AutoregressiveModel.generate`, as all that follow.
            batch_size: Int or None.
            seed: Int, or None: Python's `random` draws one.
            temperature: Float.
            top_k: Int or None.
            top_p: Float or None.
            prompt: Array or None.
            local_condition: Array or None.
            global_condition: Speaker, speakers, array or None.
            engine: "native", "xla" or None.

        Returns:
            The request.

        Raises:
            ValueError: If an argument is outside its range, or does not fit the model.
        """
        if num_samples is not None:
            num_samples = check_count("num_samples", num_samples, 0)
        if batch_size is not None:
            batch_size = check_count("batch_size", batch_size, 1)
        seed = check_seed(seed)
        settings = SamplingSettings(temperature, top_k, top_p)
        settings.check(model.distribution)
        conditions = {"local_condition": local_condition, "global_condition": global_condition}
        prompt = _check_prompt(prompt, batch_size)
        if prompt.ndim == 2 and batch_size is None:
            batch_size = len(prompt)
        conditions, batch_size = check_conditions(model, conditions, batch_size)
        prompt = np.broadcast_to(prompt, (batch_size, prompt.shape[-1]))
        num_samples = _check_length(model, num_samples, conditions, prompt)
        return cls(num_samples, seed, settings, prompt, conditions, is_native(model, engine))


def _check_length(model, num_samples, conditions, prompt):
    if "local_condition" not in conditions:
        return num_samples
    frames, hop = conditions["local_condition"].shape[1], model.conditioning.local_hop
    covered = frames * hop - prompt.shape[1]
    if covered < (num_samples or 0):
        raise ValueError(
            f"Expected local_condition of at least {-(-(prompt.shape[1] + (num_samples or 0)) // hop)} frames for "
            f"prompt and num_samples. Received: {frames} frames"
        )
    return covered if num_samples is None else num_samples


def _check_prompt(prompt, batch_size):
    """float32 `[time]`, the same for all rows, or `[batch, time]`."""
    if prompt is None:
        return np.zeros(0, "float32")
    prompt = np.asarray(as_array("prompt", prompt))
    rows = "batch" if batch_size is None else batch_size
    one_or_all = prompt.ndim == 2 and len(prompt) in (1, batch_size or max(len(prompt), 1))
    if prompt.ndim != 1 and not one_or_all:
        raise ValueError(f"Expected prompt of shape [time] or [{rows}, time]. Received: shape {list(prompt.shape)}")
    scaled = "Expected prompt to be finite and in [-1, 1]: divide 16-bit samples by 32768"
    if prompt.dtype.kind != "f" and prompt.size:
        raise ValueError(f"{scaled}. Received: dtype {prompt.dtype}")
    prompt = prompt.astype("float32")
    if not np.isfinite(prompt).all() or np.abs(prompt).max(initial=0.0) > 1.0:
        raise ValueError(f"{scaled}. Received: values up to {np.abs(prompt).max():.6g}")
    return prompt[0] if prompt.ndim == 2 and len(prompt) == 1 else prompt
