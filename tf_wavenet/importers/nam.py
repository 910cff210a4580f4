"""Reads and writes Neural Amp Modeler's `.nam` files: JSON of an architecture and one flat list of weights."""

import json
import re
from pathlib import Path

import numpy as np
from keras import ops

from tf_wavenet.importers._nam_config import array_arguments, check_keys, head_arguments, is_classic, written_array
from tf_wavenet.importers._nam_metadata import joined_metadata, read_metadata, written_metadata
from tf_wavenet.models.nam.nam_wavenet import NamWaveNet

_OLDEST, _NEWEST = (0, 5, 0), (0, 7)


def read_nam(path) -> NamWaveNet:
    """Reads the model in a `.nam` file, versions 0.5 to 0.7.

    Of a SlimmableContainer the last, largest model is read, and a slimmable WaveNet at its full size: what a plug-in
    plays by default. The container's metadata and rate count before those of the model in it. NaN and infinity in
    metadata become None.

    Args:
        path: The file.

    Returns:
        A `NamWaveNet`, with the file's rate and metadata.

    Raises:
        ValueError: In one line that names the key: if the file is not JSON, of another version or architecture
            (LSTM, ConvNet, Linear), lacks a key, has an unknown one or a wrong value, or has not just as many weights
            as its architecture needs, all of them finite.

    Example:
    >>> import tempfile
    >>> model = NamWaveNet([{"channels": 2, "dilations": (1, 2)}], sample_rate=48000, metadata={"name": "clean"})
    >>> model.build()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_nam(model, f"{folder}/clean.nam")
    ...     again = read_nam(f"{folder}/clean.nam")
    >>> again.sample_rate, again.metadata, again.receptive_field
    (48000.0, {'name': 'clean'}, 7)

    References:
        https://github.com/sdatkinson/NeuralAmpModelerCore, docs/nam_file_version.rst and NAM/wavenet/model.cpp.
    """
    try:
        return _read_model(json.loads(Path(path).read_text(encoding="utf-8")))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: Expected JSON. Received: {error}") from None
    except (ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from None


def write_nam(model, path) -> None:
    """Writes a model as a `.nam` file, which NAM's plug-ins play.

    Architectures that plug-ins have known from the beginning ("standard" and its smaller sisters) are written as
    version 0.5.4, others as 0.7.0. The metadata are written as they are; `nam_loudness` measures what plug-ins level
    models out by.

    Args:
        model: A `NamWaveNet`.
        path: The file.

    Raises:
        ValueError: If the model has no weights yet, or has ones that are not finite; if its metadata are not of JSON,
            or hold no finite number where plug-ins take one. Then nothing was written.

    Example:
    >>> import tempfile
    >>> model = NamWaveNet([{"channels": 2, "dilations": (1, 2)}], sample_rate=48000, metadata={"name": "clean"})
    >>> model.build()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_nam(model, f"{folder}/clean.nam")
    ...     written = json.loads(Path(folder, "clean.nam").read_text())
    >>> written["version"], written["architecture"], written["metadata"], len(written["weights"])
    ('0.5.4', 'WaveNet', {'name': 'clean'}, 50)

    References:
        https://github.com/sdatkinson/NeuralAmpModelerCore, docs/nam_file_version.rst.
    """
    Path(path).write_text(json.dumps(_written_model(model), allow_nan=False) + "\n", encoding="utf-8")


def _read_model(nam):
    check_keys("file", nam, {"version", "architecture", "config", "weights"}, None)
    version = nam["version"]
    if not re.fullmatch(r"\d{1,9}\.\d{1,9}\.\d{1,9}", version if isinstance(version, str) else ""):
        raise ValueError(f"Expected version to be like '0.5.4'. Received: version={version!r}")
    numbers = tuple(int(number) for number in version.split("."))
    if not (_OLDEST <= numbers and numbers[:2] <= _NEWEST):
        raise ValueError(f"Expected version 0.5.0 to 0.7. Received: version={version!r}")
    config = nam["config"]
    if nam["architecture"] == "SlimmableContainer":
        check_keys("config", config, {"submodels"}, None)
        submodels = config["submodels"]
        if not isinstance(submodels, list) or not submodels:
            raise ValueError(f"Expected submodels to be a list. Received: submodels={submodels!r}")
        check_keys("submodel", submodels[-1], {"model"}, None)
        model = _with_rate("submodel", submodels[-1]["model"], nam)
        metadata = joined_metadata(read_metadata(nam.get("metadata")), read_metadata(model.get("metadata")))
        return _read_model({**model, "metadata": metadata})
    if nam["architecture"] != "WaveNet":
        raise ValueError(f"Expected architecture 'WaveNet'. Received: architecture={nam['architecture']!r}")
    check_keys("config", config, {"layers", "head_scale"}, {"head", "in_channels", "condition_dsp"})
    if config.get("in_channels", 1) != 1:
        raise ValueError(f"Expected in_channels 1. Received: in_channels={config['in_channels']!r}")
    if not isinstance(config["layers"], list):
        raise ValueError(f"Expected layers to be a list. Received: layers={config['layers']!r}")
    metadata = read_metadata(nam.get("metadata"))
    condition_dsp = config.get("condition_dsp")
    if condition_dsp is not None:
        condition_dsp = _read_model(_with_rate("condition_dsp", condition_dsp, nam))
    weights = _finite(nam["weights"])
    arrays = [array_arguments(layer) for layer in config["layers"]]
    model = NamWaveNet(
        arrays,
        head=head_arguments(config.get("head")),
        head_scale=float(weights[-1]),  # this one, whatever config["head_scale"] says
        condition_dsp=condition_dsp,
        sample_rate=nam.get("sample_rate") if condition_dsp is None else condition_dsp.sample_rate,
        metadata=metadata,
    )
    for i, (array, layer) in enumerate(zip(model.layer_arrays, config["layers"], strict=True)):
        for key, size in (("input_size", array.input_channels), ("condition_size", array.condition_size)):
            if layer[key] != size:
                raise ValueError(f"Expected {key} of layers[{i}] to be {size}. Received: {key}={layer[key]!r}")
    if config.get("head") is not None and config["head"].get("in_channels") not in (None, array.head_channels):
        raise ValueError(f"Expected in_channels {array.head_channels} of head. Received: {config['head']!r}")
    _set_weights(model, weights)
    return model


def _with_rate(name, inner, outer):
    """Returns a model in a file, with the rate of the file around it if it does not say its own."""
    check_keys(name, inner, (), None)
    rates = [each["sample_rate"] for each in (inner, outer) if each.get("sample_rate") is not None]
    if rates and rates[0] != rates[-1]:
        raise ValueError(f"Expected {name} to have sample_rate={rates[1]}, the file's. Received: {rates[0]}")
    return {**inner, "sample_rate": rates[0] if rates else None}


def _set_weights(model, weights):
    sizes = [conv.kernel_size * (channels // conv.groups) * conv.filters for conv, channels in model.convolutions()]
    biases = sum(conv.filters for conv, _ in model.convolutions() if conv.use_bias)
    if len(weights) != sum(sizes) + biases + 1:  # asked before any memory is
        raise ValueError(f"Expected {sum(sizes) + biases + 1} weights. Received: {len(weights)} weights")
    model.build()
    for (conv, _), size in zip(model.convolutions(), sizes, strict=True):
        taps, channels, filters = conv.kernel.shape
        conv.kernel.assign(np.reshape(weights[:size], (filters, channels, taps)).transpose(2, 1, 0))
        weights = weights[size:]
        if conv.use_bias:
            conv.bias.assign(weights[:filters])
            weights = weights[filters:]


def _written_model(model):
    if not model.built:
        raise ValueError(f"Expected {model.name} to be built before it is written: call it, or build().")
    arrays = model.layer_arrays
    classic = model.head is None and model.condition_dsp is None and all(is_classic(array) for array in arrays)
    weights = []
    for conv, _ in model.convolutions():
        weights += np.ravel(ops.convert_to_numpy(conv.kernel).transpose(2, 1, 0)).tolist()
        weights += ops.convert_to_numpy(conv.bias).tolist() if conv.use_bias else []
    config = {
        "layers": [written_array(array, classic) for array in arrays],
        "head": model.head,
        "head_scale": model.head_scale,
    }
    if model.condition_dsp is not None:
        config["condition_dsp"] = _written_model(model.condition_dsp)
    nam = {
        "version": "0.5.4" if classic else "0.7.0",
        "metadata": written_metadata(model.metadata),
        "architecture": "WaveNet",
        "config": config,
        "weights": _finite([*weights, model.head_scale]).tolist(),
    }
    return nam if model.sample_rate is None else {**nam, "sample_rate": model.sample_rate}


def _finite(weights):
    """Returns the weights as an array if all of them are numbers that float32 can hold."""
    if not isinstance(weights, list) or not weights or not all(type(w) in (int, float) for w in weights):
        raise ValueError(f"Expected weights to be a list of numbers. Received: weights={str(weights)[:60]}")
    values = np.array(weights, "float64")
    wrong = np.flatnonzero(~(np.abs(values) <= np.finfo("float32").max))
    if len(wrong):
        raise ValueError(f"Expected finite weights. Received: weights[{wrong[0]}]={values[wrong[0]]}")
    return values
