"""What is written beside a SavedModel: its signatures in words and as JSON, its recipe of features, its version."""

import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tf_wavenet.serving.signature import bodies

STREAM = {
    True: "A stream: `initial_state`, then `prime` if there is a prompt, then `generate_chunk` again and again, the",
    False: "A stream: `initial_state`, then `generate_chunk` with its next frames or samples again and again, the",
}


def describe(served, functions, sample_rate=None) -> dict[str, Any]:
    """Describes signatures.

    Args:
        served: The `Served`.
        functions: Its `functions()`.
        sample_rate: Rate in Hz of a model without a `MelSpec`, None if unknown.

    Returns:
        Dict of JSON values: the model's properties, and of each signature the inputs and outputs with dtype, shape
        (null: any length; a null shape: one number, or one a row), meaning, range and unit.

    Example:
    >>> from tf_wavenet import NamWaveNet
    >>> from tf_wavenet.serving import EffectSignatures
    >>> model = NamWaveNet([{"channels": 2, "dilations": (1, 2)}])
    >>> served = EffectSignatures(model, jit_compile=False, max_samples=1000)
    >>> description = describe(served, served.functions(), sample_rate=48000)
    >>> sorted(description["signatures"])
    ['generate', 'generate_chunk', 'initial_state', 'serving_default']
    >>> recording = description["signatures"]["generate"]["inputs"]["recording"]
    >>> recording["dtype"], recording["shape"], recording["unit"]
    ('float32', [None, None], 'full scale')
    """
    model, size = served.model, served.state_size if served.streams else None
    inputs, outputs = served.inputs, served.inputs | served.outputs
    signatures = {}
    for body in bodies(served):
        function = functions[body.__name__]
        signatures[body.__name__] = {
            "meaning": body.__doc__,
            "inputs": {x.name: _tensor(x.name, x, inputs) for x in function.structured_input_signature[0]},
            "outputs": {name: _tensor(name, x, outputs) for name, x in function.structured_outputs.items()},
        }
    return {
        "package": "tf-wavenet",
        "version": package_version(),
        "model": {
            "family": type(model).__name__,
            **served.about(),
            "fingerprint": "".join(f"{word & 0xFFFFFFFF:08x}" for word in served.fingerprint),
            "state_numbers_per_stream": size,
            "state_bytes_per_stream": size and 4 * (size + 4),
            "positions_agree_modulo": model.period,
            "sample_rate": sample_rate if model.mel_spec is None else model.mel_spec.sample_rate,
        },
        "signatures": signatures,
    }


def write_documents(served, functions, path, sample_rate=None) -> None:
    """Writes `signatures.json`, `README.md`, and `assets.extra/version.json` and `mel_spec.json`.

    Args:
        served: The `Served`.
        functions: Its `functions()`.
        path: Folder of the SavedModel, which must be there.
        sample_rate: As in `describe`.

    Example:
    >>> import tempfile
    >>> from tf_wavenet import NamWaveNet
    >>> from tf_wavenet.serving import EffectSignatures
    >>> model = NamWaveNet([{"channels": 2, "dilations": (1, 2)}])
    >>> served = EffectSignatures(model, jit_compile=False, max_samples=1000)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_documents(served, served.functions(), folder, sample_rate=48000)
    ...     sorted(file.name for file in Path(folder).rglob("*.*") if file.is_file())
    ['README.md', 'signatures.json', 'version.json']
    """
    path, description, spec = Path(path), describe(served, functions, sample_rate), served.model.mel_spec
    (path / "README.md").write_text(_readme(description), encoding="utf-8")
    (path / "assets.extra").mkdir(exist_ok=True)
    about = {"package": "tf-wavenet", "version": package_version()}
    _write_json(path / "signatures.json", description)
    _write_json(path / "assets.extra" / "version.json", about)
    if spec is not None:
        _write_json(path / "assets.extra" / "mel_spec.json", spec.get_config())


def package_version() -> str:
    """Returns the version of the installed package, "unknown" where it runs uninstalled."""
    try:
        return version("tf-wavenet")
    except PackageNotFoundError:
        return "unknown"


def _write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _tensor(name, tensor, known):
    about = known[name.removeprefix("new_")]
    shape = None if tensor.shape.rank is None else tensor.shape.as_list()
    return {
        "dtype": tensor.dtype.name,
        "shape": about.shape if "state_" in name else shape,  # of a state the graph checks what it is
        "meaning": about.meaning,
        "range": about.range,
        "unit": about.unit,
    }


def _readme(description):
    model, signatures = description["model"], description["signatures"]
    lines = [
        f"# {model['family']}, exported by tf-wavenet {description['version']}",
        "",
        *(f"- {key.replace('_', ' ')}: {value}" for key, value in model.items() if value is not None),
        "",
    ]
    if "generate_chunk" in signatures:
        lines += [STREAM["prime" in signatures], "state of one answer into the next request."]
    lines += ["`-` in a shape is any length; no shape: one number, or one a row."]
    for name, signature in signatures.items():
        lines += ["", f"## {name}", "", signature["meaning"], ""]
        lines += ["| | name | dtype | shape | meaning | range | unit |", "|---|---|---|---|---|---|---|"]
        for kind in ("inputs", "outputs"):
            for key, tensor in signature[kind].items():
                shape = tensor["shape"]
                shape = "" if shape is None else "[" + ", ".join("-" if n is None else str(n) for n in shape) + "]"
                cells = [kind[:-1], key, tensor["dtype"], shape, tensor["meaning"], tensor["range"], tensor["unit"]]
                lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
