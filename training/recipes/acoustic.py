"""How an acoustic model is trained."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from tf_wavenet import MelSpec, load
from tf_wavenet.data import AudioFile, Manifest, StoredFeatures, log_mel, preprocess
from tf_wavenet.models import AcousticModel
from training.recipes.recipe import Data, Recipe
from training.runs.config import AcousticConfig
from training.text.labels import read_htk
from training.text.linguistic_spec import LOG_F0, VOICED, LinguisticSpec
from training.text.phonemes import PUNCTUATION, STRESS, WORD, phonemize
from training.text.utterances import Utterance, UtteranceSource, durations_of, mean_log_f0, spoken

VOICE = "en-us"  # of espeak-ng, which pronounces the texts
VOCODER = "istft_vocoder_16k"  # lets the model be heard


class AcousticRecipe(Recipe):
    """Of an `AcousticConfig`: the mean absolute error of the log-mels decides which model is best."""

    config: AcousticConfig
    metric = shown = "mels_loss"
    unit = "error of log-mels"

    def make_model(self, corpus: Manifest | None) -> AcousticModel:
        """Makes a model of the symbols that the texts of a corpus need."""
        config = self.config
        spec = MelSpec.from_preset(config.mel or "speech_16k", loudness=config.loudness).standardized()
        if spec.sample_rate != config.sample_rate:
            raise ValueError(f"Expected --sample-rate {spec.sample_rate}, the mels'. Received: {config.sample_rate}")
        texts = [] if corpus is None else phonemize([file.text or "" for file in corpus.files], VOICE)
        symbols = sorted({WORD, *STRESS, *PUNCTUATION}.union(*texts))
        return AcousticModel(symbols, spec, channels=config.channels, dtype=config.precision)

    def data(
        self, network: AcousticModel, training: Manifest, held_out: Manifest, start: int, distribution=None
    ) -> Data:
        """Reads the aligned recordings whole; see `Recipe.data`."""
        config = self.config
        frames = config.batch_size * config.window_samples // network.mel_spec.hop_length
        (learned, paths), (others, _) = (self._read(network, files.files) for files in (training, held_out))
        pitches = np.concatenate([each.log_f0[np.isfinite(each.log_f0)] for each in learned])
        row = frames, network.kernel_size // 2, (float(pitches.mean()), float(pitches.std()))
        source = UtteranceSource(learned, *row, shuffle=True, seed=config.seed, repeat=True, start_step=start)
        return Data(
            source,
            UtteranceSource(others, *row),
            {"symbols": [network.symbols[number - 1] for number in others[0].numbers]},
            lambda step: [paths[place] for place in source.places(step)],
        )

    def speak(self, network: AcousticModel, num_samples: int, conditions: dict[str, Any]) -> np.ndarray:
        """Has the vocoder that comes with the package speak the beginning."""
        vocoder = load(VOCODER)
        return vocoder.generate(network.generate(**conditions))[0, :num_samples]

    def describe(self, network: AcousticModel) -> str:
        """Names weights and symbols."""
        return f"{network.count_params():,} weights, {len(network.symbols)} symbols: {' '.join(network.symbols)}"

    def _read(self, network: AcousticModel, files: Sequence[AudioFile]) -> tuple[list[Utterance], list[Path]]:
        folder, spec = self.config.features, network.mel_spec
        stored, linguistic = StoredFeatures(folder), LinguisticSpec.load(folder / "spec.json")
        if (linguistic.sample_rate, linguistic.hop_length) != (spec.sample_rate, spec.hop_length):
            expected = f"Expected --features with the mels' frames: --hop-length {spec.hop_length}"
            raise ValueError(f"{expected}. Received: {linguistic.hop_length} in {folder}")
        floor, ceil = np.log(linguistic.f0_floor), np.log(linguistic.f0_ceil)
        found, paths = [], []
        for file, symbols in zip(files, phonemize([file.text or "" for file in files], VOICE), strict=True):
            path = folder / f"{file.name}.lab"
            if not path.exists():
                print(f"left out: {file.path}: no {path.name} in --features", file=sys.stderr)
                continue
            waveform, _ = preprocess(file.load(spec.sample_rate), spec)
            mels = ops.convert_to_numpy(log_mel(waveform, spec))
            channels = stored.read(file)[:, 3 * len(linguistic.phones) :]
            f0 = channels[:, VOICED] * np.exp(floor + channels[:, LOG_F0] * (ceil - floor))
            symbols = spoken(symbols)
            durations = durations_of(symbols, read_htk(path), len(mels), spec.hop_length / spec.sample_rate)
            found.append(Utterance(network.number(symbols), durations, mean_log_f0(f0, durations), mels))
            paths.append(file.path)
        if not found:
            raise ValueError(f"Expected --features to hold labels of the recordings (--align). Received: {folder}")
        return found, paths
