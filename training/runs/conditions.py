"""From a configuration or a model to the conditions of its data."""

import json
import reprlib
from pathlib import Path
from typing import Any

from tf_wavenet import Gaussian, MelSpec, MixtureOfLogistics, WaveNet
from tf_wavenet.data import Manifest, MelFeatures, StoredFeatures
from tf_wavenet.layers import Conditioning
from training.runs.config import WaveNetConfig
from training.runs.run_folder import RunFolder

DISTRIBUTIONS = {"mu_law": lambda: None, "logistics": MixtureOfLogistics, "gaussian": Gaussian}


def model_arguments(config: WaveNetConfig, manifest: Manifest | None) -> dict[str, Any]:
    """What a configuration adds to its preset.

    Args:
        config: Names preset, features, speakers and distribution.
        manifest: The corpus; its speakers become the model's, if it shall know speakers.

    Returns:
        Keyword arguments of `WaveNet`.

    Raises:
        ValueError: If the corpus does not tell every speaker but the model needs them; if features and rate do not
            agree.
    """
    arguments, conditions = dict(config.overrides), {}
    if config.distribution != "mu_law":
        arguments["distribution"] = DISTRIBUTIONS[config.distribution]()
    preset = WaveNet.preset_arguments(config.preset).get("conditioning")
    if config.linear_prediction is not None:
        rest = (preset and preset.linear_prediction) or {}
        conditions["linear_prediction"] = {**rest, "order": config.linear_prediction}
    if config.preset == "speaker" or config.speakers:
        if manifest is None or not manifest.speakers:
            raise ValueError(f"Expected --data to tell its speakers (a folder for each). Received: {config.data}")
        nameless = [file.path for file in manifest.files if file.speaker is None]
        if nameless:
            raise ValueError(f"Expected --data to hold a folder for each speaker. Received: {nameless[0]} in none")
        conditions["speakers"] = manifest.speakers
    spec = preset and preset.mel_spec
    if config.mel is not None:
        kept = {} if spec is None else {"preemphasis": spec.preemphasis}  # the preset's own
        spec = MelSpec.from_preset(config.mel, **kept).standardized()
    if config.features is not None:
        if spec is not None:
            raise ValueError("Expected --features or mels (--mel, --preset vocoder or lpc_vocoder). Received: both")
        stored = StoredFeatures(config.features)
        check_rate(stored, config.sample_rate)
        conditions |= {"local_channels": stored.channels, "local_hop": stored.hop_length}
    if spec is not None:
        changes = {"preemphasis": config.preemphasis, "loudness": config.loudness}
        changes = {name: value for name, value in changes.items() if value is not None}
        spec = MelSpec.from_config(spec.get_config() | changes)
        if spec.sample_rate != config.sample_rate:
            raise ValueError(f"Expected --sample-rate {spec.sample_rate}, the mels'. Received: {config.sample_rate}")
        conditions["mel_spec"] = spec
        # Those of the preset's mels.
        conditions |= {"local_channels": None, "local_hop": None}
    elif config.preemphasis is not None or config.loudness is not None:
        raise ValueError(
            "Expected --preemphasis and --loudness with mels only (--mel, --preset vocoder or lpc_vocoder)."
        )
    if conditions:
        arguments["conditioning"] = preset.replace(**conditions) if preset else Conditioning(**conditions)
    return arguments


def window_arguments(model: WaveNet, features: Path | None = None) -> dict[str, Any]:
    """What the data of a model need.

    Args:
        model: The model.
        features: Folder of stored features, if the model was trained with one.

    Returns:
        Keyword arguments of `window_dataset`.

    Raises:
        ValueError: If the model needs features and none are given.
    """
    arguments = {"speakers": model.speakers, "period": model.period}
    if model.mel_spec is not None:
        arguments |= {"features": MelFeatures(model.mel_spec), "context_frames": model.context_frames}
    elif model.local_channels is not None:
        if features is None:
            raise ValueError("Expected --features, the folder of features that the model was trained with.")
        stored = StoredFeatures(features)
        if (stored.channels, stored.hop_length) != (model.local_channels, model.local_hop):
            raise ValueError(
                f"Expected features of {model.local_channels} channels every {model.local_hop} samples. Received: "
                f"{stored.channels} channels every {stored.hop_length} in {features}"
            )
        arguments |= {"features": stored, "context_frames": model.context_frames}
    return arguments


def check_rate(stored: StoredFeatures, sample_rate: int) -> None:
    """Makes sure that stored features are of audio at the rate of a model.

    Args:
        stored: The features; those that do not tell their rate pass.
        sample_rate: In Hz.

    Raises:
        ValueError: If they are not.
    """
    rate = stored.spec.get("sample_rate", sample_rate)
    if rate != sample_rate:
        raise ValueError(f"Expected --sample-rate {rate}, that of {stored.folder}. Received: {sample_rate}")


def check_meaning(stored: StoredFeatures, run: RunFolder) -> None:
    """Makes sure that stored features mean what those mean that a run was trained with.

    Args:
        stored: The features.
        run: Its `linguistic_spec` tells; without one, all pass.

    Raises:
        ValueError: If they differ; it names the first field that does.
    """
    if not run.linguistic_spec.exists():
        return
    spec = json.loads(run.linguistic_spec.read_text(encoding="utf-8"))
    for name in {**spec, **stored.spec}:
        trained, given = spec.get(name), stored.spec.get(name)
        if trained != given:
            trained, given = (f"{name}={reprlib.repr(value)}" for value in (trained, given))
            raise ValueError(f"Expected the features of {run.path}, {trained}. Received: {given} in {stored.folder}")


def check_files(arguments: dict[str, Any], manifest: Manifest) -> None:
    """Reads the stored features of all recordings once, so that none fails in the middle of a training.

    Args:
        arguments: Of `window_arguments`.
        manifest: The recordings.

    Raises:
        ValueError: If they are of another sample rate; if those of a recording are missing, damaged, or do not fit its
            length.
    """
    features = arguments.get("features")
    if isinstance(features, StoredFeatures):
        check_rate(features, manifest.sample_rate)
        for file in manifest.files:
            features.read(file)


def conditions_of_file(model: WaveNet, manifest: Manifest, features: Path | None = None) -> dict[str, Any]:
    """The conditions of a recording, to hear what a model makes of them.

    Args:
        model: The model.
        manifest: Its first file is taken.
        features: As for `window_arguments`.

    Returns:
        Keyword arguments of `WaveNet.generate`; none for a model without condition.
    """
    file, arguments = manifest.files[0], window_arguments(model, features)
    conditions = {} if model.speakers is None else {"global_condition": file.speaker}
    if arguments.get("features"):
        _, frames = arguments["features"](file, file.load(manifest.sample_rate))
        conditions["local_condition"] = frames
    return conditions
