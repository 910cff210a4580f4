"""What a WaveNet's inputs and outputs are, and what clients may want to know of it."""

from typing import Any

import tensorflow as tf

from tf_wavenet.serving import tensors
from tf_wavenet.serving.tensors import Tensor


def wavenet_inputs(model, state_size, max_samples) -> dict[str, Tensor]:
    """Returns a dict of the `Tensor`s of a WaveNet's requests.

    Args:
        model: The `WaveNet`.
        state_size: Int, the numbers of a stream's `state_queues`.
        max_samples: Int, the most samples of one request.
    """
    together = f">= 0, the same for all rows, {max_samples} at most in all rows together"
    factor = "1" if model.predictor is None else "times the factor among the parameters, 1"
    drawn = f"{factor} draws from the model's distribution, 0 takes its mode"
    last = "" if model.predictor is None else ", the last samples and their prediction"
    return {
        **tensors.shared_inputs(max_samples),
        "levels": Tensor("mu-law levels", f"in [0, {model.mu}]", "level", [None, None], tf.int32),
        "num_samples": Tensor("samples to make", together, "samples", dtype=tf.int32),
        "temperature": Tensor(drawn, "finite, >= 0"),
        "top_k": Tensor("draw among the k most probable levels", ">= 1, or 0: off", "levels", dtype=tf.int32),
        "top_p": Tensor("draw among the most probable levels that reach p", "in (0, 1], 1 is off", "probability"),
        "previous_sample": Tensor(
            "the sample before the one to predict, 0.0 at the start", "in [-1, 1]", "full scale", [None]
        ),
        **tensors.state(state_size, f"the queues of the network in order of time{last}, and the last sample"),
        **_conditions(model),
    }


def _conditions(model):
    layer, inputs = model.conditioning, {}
    if layer is None:
        return inputs
    if layer.local_channels is not None:
        inputs["local_condition"] = tensors.local_condition(layer.local_channels, layer.local_hop, model.mel_spec)
        number = "number in the utterance of the first frame of local_condition"
        inputs["first_frame"] = Tensor(number, ">= 0", "frames", [None], tf.int32)
    if layer.num_speakers is not None:
        among = f"in [0, {len(model.speakers)})"
        inputs["global_condition"] = Tensor("speaker's number", among, shape=[None], dtype=tf.int32)
    elif layer.global_channels is not None:
        inputs["global_condition"] = Tensor("a vector", shape=[None, layer.global_channels])
    row = "the sample's row of encode_condition's encoded_condition"
    return inputs | {"condition": Tensor(row, shape=[None, layer.encoded_channels])}


def wavenet_outputs(model) -> dict[str, Tensor]:
    """Returns a dict of the `Tensor`s of a WaveNet's answers that are no inputs, or have another meaning there."""
    parameters = f"parameters of {named(model.distribution)}"
    if model.predictor is not None:
        parameters += (
            ": those of gain * (sample - prediction), the prediction, and a factor on the temperature of sampling"
        )
    emphasised = model.mel_spec is not None and model.mel_spec.preemphasis
    range_ = "pre-emphasis undone, may leave [-1, 1]" if emphasised else "in [-1, 1]"
    return {
        **tensors.shared_outputs(model.mel_spec),
        "waveform": Tensor("samples", range_, "full scale"),
        "parameters": Tensor(parameters),
        "encoded_condition": Tensor("condition of each sample"),
        "bits_per_sample": Tensor("mean over time of the negative log-likelihood, base 2", unit="bits per sample"),
        "log_likelihood": Tensor("sum over time", unit="nats"),
        "decoded": Tensor("centres of the levels", "in [-1, 1]", "full scale"),
    }


def facts(model) -> dict[str, Any]:
    """Returns a dict of what clients may want to know of a WaveNet."""
    layer = model.conditioning
    local = layer is not None and layer.local_channels is not None
    return {
        "receptive_field": model.receptive_field,
        "distribution": named(model.distribution),
        "speakers": None if model.speakers is None else list(model.speakers),
        "local_hop": None if layer is None else layer.local_hop,
        "look_ahead_frames": layer.look_ahead if local else None,
        "margin_frames": model.context_frames if local else None,
    }


def named(distribution) -> str:
    """Returns a distribution as Python writes it, one inside it too."""
    arguments = {key: getattr(distribution, key) for key in distribution.get_config()}
    shown = (f"{k}={named(v) if hasattr(v, 'get_config') else v}" for k, v in arguments.items())
    return f"{type(distribution).__name__}({', '.join(shown)})"
