"""What is written beside a SavedModel: its signatures in words and as JSON, its recipe of features, its version."""

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SIGNATURES = {
    "serving_default": "Parameters of each sample's distribution given the samples before it (teacher forcing).",
    "score": "How probable waveforms are.",
    "generate": "Generates whole waveforms.",
    "initial_state": "State of streams before their first sample.",
    "prime": "Streams hear a waveform, such as a prompt, in one parallel pass.",
    "generate_chunk": "Streams go on for some samples. Rows may be strangers: no row's samples depend on another's.",
    "step": "Streams take one sample, and the distribution of the next is returned: the client samples.",
    "encode_condition": "Conditions of each sample, as `step` takes them.",
    "mu_law_encode": "Companding.",
    "mu_law_decode": "Expanding.",
    "log_mel": "Features of a recording by the model's recipe.",
}
TENSORS = {
    "waveform": ("samples; in [-1, 1], {max_samples} at most in all rows together", "full scale"),
    "levels": ("mu-law levels; in [0, {mu}]", "level"),
    "num_samples": (
        "samples to make; >= 0, the same for all rows, {max_samples} at most in all rows together",
        "samples",
    ),
    "batch_size": ("rows to make; >= 1", "rows"),
    "seed": ("same seed, same samples; >= 0", "none"),
    "temperature": ("{temperature} draws from the model's distribution, 0 takes its mode; finite, >= 0", "none"),
    "top_k": ("draw among the k most probable levels; >= 1, or 0: off", "levels"),
    "top_p": ("draw among the most probable levels that reach p; in (0, 1], 1 is off", "probability"),
    "local_condition": (
        "features; frame f governs samples f * {local_hop} ... (f + 1) * {local_hop} - 1",
        "{features}",
    ),
    "first_frame": ("number in the utterance of the first frame of local_condition; >= 0", "frames"),
    "global_condition": ("{speakers}", "none"),
    "condition": ("the sample's row of encode_condition's encoded_condition", "none"),
    "encoded_condition": ("condition of each sample", "none"),
    "previous_sample": ("the sample before the one to predict, 0.0 at the start; in [-1, 1]", "full scale"),
    "parameters": ("parameters of {parameters}", "none"),
    "bits_per_sample": ("mean over time of the negative log-likelihood, base 2", "bits per sample"),
    "log_likelihood": ("sum over time", "nats"),
    "generated": ("samples{generated}", "full scale"),
    "decoded": ("centres of the levels; in [-1, 1]", "full scale"),
    "features": ("log-mel features", "{features}"),
    "spec": ("the recipe of the features, JSON", "none"),
    "state_queues": ("state: the queues of the network in order of time{also}, and the last sample", "none"),
    "state_stream": ("state: the model's fingerprint, the index of the next sample, the row's number", "none"),
}


def describe(served, functions, sample_rate=None):
    """Describes signatures.

    Args:
        served: The `Signatures`.
        functions: Its `functions()`.
        sample_rate: Rate in Hz of a model without a `MelSpec`, None if unknown.

    Returns:
        Dict of JSON values: the model's properties, and of each signature the inputs and outputs with dtype, shape
        (null: any length; a null shape: one number, or one a row), meaning, range and unit.
    """
    model = served.model
    spec, layer = getattr(model, "mel_spec", None), model.conditioning
    predictor = getattr(model, "predictor", None)
    words = {
        "max_samples": served.max_samples,
        "mu": model.mu,
        "distribution": _named(model.distribution),
        "parameters": _named(model.distribution)
        if predictor is None
        else f"{_named(model.distribution)}: those of gain * (sample - prediction), the prediction, and a factor on "
        "the temperature of sampling",
        "temperature": "1" if predictor is None else "times the factor among the parameters, 1",
        "also": "" if predictor is None else ", the last samples and their prediction",
        "features": "as recorded in training" if spec is None else f"log, base {spec.log_base}, normalised",
        "local_hop": getattr(layer, "local_hop", None),
        "speakers": "a vector" if model.speakers is None else f"speaker's number; in [0, {len(model.speakers)})",
        "state_queues": [None, served.state_size],
        "state_stream": [None, 4],
        "generated": "; pre-emphasis undone, may leave [-1, 1]"
        if spec is not None and spec.preemphasis
        else "; in [-1, 1]",
    }
    return {
        "package": "tf-wavenet",
        "version": package_version(),
        "model": {
            "receptive_field": model.receptive_field,
            "distribution": words["distribution"],
            "fingerprint": "".join(f"{word & 0xFFFFFFFF:08x}" for word in served.fingerprint),
            "state_numbers_per_stream": served.state_size,
            "state_bytes_per_stream": 4 * (served.state_size + 4),
            "positions_agree_modulo": model.period,
            "speakers": None if model.speakers is None else list(model.speakers),
            "local_hop": words["local_hop"],
            "look_ahead_frames": None if layer is None or layer.local_channels is None else layer.look_ahead,
            "margin_frames": None if layer is None or layer.local_channels is None else model.context_frames,
            "sample_rate": sample_rate if spec is None else spec.sample_rate,
        },
        "signatures": {
            name: {
                "meaning": SIGNATURES[name],
                "inputs": {
                    given.name: _tensor(given.name, given, words) for given in function.structured_input_signature[0]
                },
                "outputs": {key: _tensor(key, tensor, words) for key, tensor in function.structured_outputs.items()},
            }
            for name, function in functions.items()
        },
    }


def write_documents(served, functions, path, sample_rate=None):
    """Writes `signatures.json`, `README.md`, and `assets.extra/version.json` and `mel_spec.json`.

    Args:
        served: The `Signatures`.
        functions: Its `functions()`.
        path: Folder of the SavedModel.
        sample_rate: As in `describe`.
    """
    path, description = Path(path), describe(served, functions, sample_rate)
    (path / "signatures.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    (path / "README.md").write_text(_readme(description), encoding="utf-8")
    write_assets(served.model, path)


def write_assets(model, path):
    """Writes `assets.extra/version.json` and, of a model with a `MelSpec`, `mel_spec.json`.

    Args:
        model: The model.
        path: Folder of the SavedModel.
    """
    extra = Path(path) / "assets.extra"
    extra.mkdir(exist_ok=True)
    about = {"package": "tf-wavenet", "version": package_version()}
    (extra / "version.json").write_text(json.dumps(about) + "\n", encoding="utf-8")
    spec = getattr(model, "mel_spec", None)
    if spec is not None:
        (extra / "mel_spec.json").write_text(json.dumps(spec.get_config(), indent=2) + "\n", encoding="utf-8")


def package_version():
    """Returns the version of the installed package, "unknown" where it runs uninstalled."""
    try:
        return version("tf-wavenet")
    except PackageNotFoundError:
        return "unknown"


def _tensor(name, tensor, words):
    meaning, unit = TENSORS[name.removeprefix("new_")]
    shape = None if tensor.shape.rank is None else tensor.shape.as_list()
    shape = words.get(name, shape) if name.startswith("state_") else shape  # the graph checks what it is
    meaning, _, range_ = meaning.format(**words).partition("; ")
    return {
        "dtype": tensor.dtype.name,
        "shape": shape,
        "meaning": meaning,
        "range": range_,
        "unit": unit.format(**words),
    }


def _named(distribution):
    """A distribution as Python writes it, one inside it too."""
    arguments = {key: getattr(distribution, key) for key in distribution.get_config()}
    shown = (f"{k}={_named(v) if hasattr(v, 'get_config') else v}" for k, v in arguments.items())
    return f"{type(distribution).__name__}({', '.join(shown)})"


def _readme(description):
    model = description["model"]
    lines = [
        "# A WaveNet, exported by tf-wavenet " + description["version"],
        "",
        *(f"- {key.replace('_', ' ')}: {value}" for key, value in model.items() if value is not None),
        "",
        "A stream: `initial_state`, then `prime` if there is a prompt, then `generate_chunk` again and again, the",
        "state of one answer into the next request. `-` in a shape is any length; no shape: one number, or one a row.",
    ]
    for name, signature in description["signatures"].items():
        lines += ["", f"## {name}", "", signature["meaning"], ""]
        lines += ["| | name | dtype | shape | meaning | range | unit |", "|---|---|---|---|---|---|---|"]
        for kind in ("inputs", "outputs"):
            for key, tensor in signature[kind].items():
                shape = tensor["shape"]
                shape = "" if shape is None else "[" + ", ".join("-" if n is None else str(n) for n in shape) + "]"
                cells = [kind[:-1], key, tensor["dtype"], shape, tensor["meaning"], tensor["range"], tensor["unit"]]
                lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
