"""From the files of another project to a model of ours."""

import dataclasses
import json
import os
import re
import reprlib
from collections.abc import Callable
from pathlib import Path

import keras

from tf_wavenet.importers.checkpoint_error import CheckpointError
from tf_wavenet.importers.find_generator import find_generator
from tf_wavenet.importers.ibab import from_ibab, read_tf1_checkpoint
from tf_wavenet.importers.jik876 import from_jik876
from tf_wavenet.importers.kan_bayashi import from_kan_bayashi
from tf_wavenet.importers.r9y9 import from_r9y9
from tf_wavenet.importers.settings import Settings
from tf_wavenet.importers.state_dict import StateDict
from tf_wavenet.importers.statistics import read_statistics
from tf_wavenet.importers.torch_files.checkpoint_file import read_checkpoint

_STATISTICS = ("stats.h5", "stats.npy")


@dataclasses.dataclass(frozen=True)
class _Project:
    sign: str  # in the name of a tensor
    config: str  # usual name of the configuration
    make: Callable
    is_standardised: bool = False


_PROJECTS = (
    _Project("wavenet/dilated_stack/", "wavenet_params.json", from_ibab),
    _Project("conv_pre.", "config.json", from_jik876),
    _Project("input_conv.", "config.yml", from_kan_bayashi, is_standardised=True),
    _Project(".conv1x1_aux.", "config.yml", from_kan_bayashi, is_standardised=True),
    _Project("conv_layers.", "hparams.json", from_r9y9, is_standardised=True),
)


def import_weights(
    path: str | os.PathLike, config: str | os.PathLike | None = None, statistics: str | os.PathLike | None = None
) -> keras.Model:
    """Makes a model of ours from a checkpoint of another project, without its software.

    The project is known by the names of the tensors: r9y9/wavenet_vocoder and ibab/tensorflow-wavenet become a
    `WaveNet`; kan-bayashi/ParallelWaveGAN (Parallel WaveGAN, HiFi-GAN) and jik876/hifi-gan a `ParallelWaveGAN` or
    `HiFiGAN`. What the file holds is not run. With the statistics of its features, a model gets its `mel_spec`.

    Args:
        path: PyTorch file, safetensors file, or the prefix of a TensorFlow 1 checkpoint (or one of its files).
        config: The project's configuration; None: the file of the usual name beside the checkpoint: `hparams.json`,
            `wavenet_params.json`, `config.yml`, `config.json`.
        statistics: Mean and scale of the features, `stats.h5` or `stats.npy`; None: the one beside the checkpoint, if
            there is one.

    Returns:
        The model.

    Raises:
        CheckpointError: If a file is missing, damaged, of no project that is known, does not fit the other, or holds
            more than tensors and plain data; a ValueError of one line that names file and tensor or setting.

    Example:
    >>> import_weights("/no/such/file.pth")
    Traceback (most recent call last):
        ...
    tf_wavenet.importers.checkpoint_error.CheckpointError: /no/such/file.pth: No such file or directory
    """
    path = Path(path)
    prefix = path.with_name(re.sub(r"\.(index|meta|data-\d{5}-of-\d{5})$", "", path.name))
    is_tf1 = prefix.with_name(f"{prefix.name}.index").is_file()
    tensors = read_tf1_checkpoint(prefix) if is_tf1 else find_generator(read_checkpoint(path))
    state = StateDict(tensors, path)
    project = next((p for p in _PROJECTS if any(isinstance(k, str) and p.sign in k for k in tensors)), None)
    if project is None:
        known = "ibab/tensorflow-wavenet, jik876/hifi-gan, kan-bayashi/ParallelWaveGAN or r9y9/wavenet_vocoder"
        raise CheckpointError(path, f"expected a generator of {known}. Received: {reprlib.repr(list(tensors))}")
    config = path.with_name(project.config) if config is None else Path(config)
    others = []
    if project.is_standardised:
        beside = [path.with_name(name) for name in _STATISTICS if path.with_name(name).is_file()]
        statistics = next(iter(beside), None) if statistics is None else statistics
        others = [None if statistics is None else read_statistics(statistics)]
    elif statistics is not None:
        raise CheckpointError(path, f"expected no statistics for this project. Received: {statistics}")
    try:
        return project.make(state, Settings(_read_config(config), config), *others)
    except CheckpointError:
        raise
    except ValueError as error:  # of the model that the settings ask for
        raise CheckpointError(config, str(error)) from None


def _read_config(path):
    try:
        data = path.read_bytes()  # both readers find out the encoding, by a byte order mark if there is one
    except OSError as error:
        raise CheckpointError(path, f"expected the configuration. Received: {error.strerror or error}") from None
    try:
        return _read_yaml(data, path) if path.suffix in (".yml", ".yaml") else json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(path, f"expected JSON or YAML. Received: {error}") from None


def _read_yaml(data, path):
    try:
        import yaml
    except ImportError:
        raise CheckpointError(path, "expected the package yaml: pip install pyyaml") from None
    try:
        return yaml.safe_load(data)  # plain data only: tags of Python are an error
    except yaml.YAMLError as error:
        raise ValueError(error) from None
