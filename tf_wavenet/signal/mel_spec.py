"""How log-mel features are made, as one immutable value."""

import dataclasses
import math
import operator
import reprlib
from typing import Any

import keras
import numpy as np

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet.signal.mel_filterbank import WINDOWS, analysis_window, mel_filterbank

_CHOICES = {
    "window": tuple(WINDOWS),
    "log_base": ("e", "10"),
    "center": ("hop", "sample"),
    "padding": ("zeros", "reflect"),
}
_TOLERANCE = 0.01  # in log units: features may have been stored in half precision

_PUBLISHED = {"sample_rate": 22050, "hop_length": 256, "win_length": 1024, "fft_length": 1024, "num_mels": 80}
_CENTRED = {"center": "sample", "padding": "reflect", "log_base": "10", "floor": 1e-10}
PRESETS = {
    "speech_16k": {
        **{"sample_rate": 16000, "hop_length": 200, "win_length": 800, "fft_length": 1024, "num_mels": 80},
        **{"fmin": 0.0, "fmax": 7600.0},
    },
    "r9y9": {**_PUBLISHED, **_CENTRED, "fmin": 125.0, "fmax": 7600.0, "preemphasis": 0.85},
    "kan_bayashi": {**_PUBLISHED, **_CENTRED, "fmin": 80.0, "fmax": 7600.0},
    "jik876": {**_PUBLISHED, "padding": "reflect", "fmin": 0.0, "fmax": 8000.0, "power_offset": 1e-9},
}


@registered
@dataclasses.dataclass(frozen=True, kw_only=True)
class MelSpec:
    """The recipe of log-mel features, and of the waveform that goes with them.

    Features are `log(max(floor, filters @ sqrt(power + power_offset)))`, then normalised, where `power` is that of the
    windowed Fourier transform and the filters are Slaney's (`tf_wavenet.signal.mel_filterbank`). `tf_wavenet.signal`
    computes them, `log_mel`, and makes the waveform, `preprocess`. A model and a file of features hold their spec:
    `tf_wavenet.data.load_features` compares the two field by field, so that features of another recipe are refused
    instead of giving noise. An array has no spec; only its shape and values are checked (`check_features`).

    Args:
        sample_rate: In Hz, 1000 to 384000.
        hop_length: Samples from frame to frame, at most half of `win_length`.
        win_length: Samples of the window, at most `fft_length`.
        fft_length: Samples of the Fourier transform, even.
        num_mels: Number of mel filters, few enough that each holds a bin of the transform.
        fmin: Lower edge of the filters in Hz, at least 0.
        fmax: Upper edge of the filters in Hz, above `fmin`, at most `sample_rate / 2`.
        window: "hann" or "hamming", periodic.
        log_base: "e" or "10".
        floor: Lowest mel magnitude, positive.
        center: "hop": the window of frame f lies around the middle of samples `f * hop_length` to
            `(f + 1) * hop_length - 1`, which the frame describes, and every sample has its frame. "sample": it lies
            around sample `f * hop_length`, as with librosa's `center=True`.
        padding: What a window finds outside the waveform: "zeros", or "reflect", the waveform mirrored at its ends.
        power_offset: Added to the power of each bin, at least 0.
        normalization: None, or (mean, scale), each `num_mels` numbers: features become `(features - mean) / scale`.
        preemphasis: Coefficient in [0, 1) of the filter `y[t] = x[t] - preemphasis * x[t - 1]` on the waveform that a
            model learns to speak; 0 is none. Features are of the waveform before it.
        loudness: None, or the RMS in dB relative to full scale (a square wave of amplitude 1), -60 to 0, that
            utterances are brought to, for features and model.

    Raises:
        ValueError: For a value out of range, naming the field.

    Example:
    >>> spec = MelSpec.from_preset("speech_16k", num_mels=60)
    >>> spec.num_frames(16000), spec == MelSpec.from_config(spec.get_config())
    (80, True)
    >>> spec.check_same(MelSpec.from_preset("speech_16k"))
    Traceback (most recent call last):
        ...
    ValueError: Expected features of num_mels=60. Received: num_mels=80

    References:
        The presets "r9y9", "kan_bayashi" and "jik876" are the LJSpeech recipes of r9y9/wavenet_vocoder (egs/mol),
        kan-bayashi/ParallelWaveGAN (egs/ljspeech, parallel_wavegan.v1) and jik876/hifi-gan (config_v1), whose features
        are those of Shen et al., Tacotron 2 (2018), section 2.1, in spirit.
    """

    sample_rate: int
    hop_length: int
    win_length: int
    fft_length: int
    num_mels: int
    fmin: float
    fmax: float
    window: str = "hann"
    log_base: str = "e"
    floor: float = 1e-5
    center: str = "hop"
    padding: str = "zeros"
    power_offset: float = 0.0
    normalization: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    preemphasis: float = 0.0
    loudness: float | None = None

    def __post_init__(self) -> None:
        for name in ("sample_rate", "hop_length", "win_length", "fft_length", "num_mels"):
            self._set(name, operator.index, lambda value: value >= 1, "a positive int")
        self._set("sample_rate", int, lambda rate: 1000 <= rate <= 384000, "1000 to 384000 Hz")
        self._set("fft_length", int, lambda length: length % 2 == 0, "even")
        self._set("win_length", int, lambda length: length <= self.fft_length, f"at most {self.fft_length}, fft_length")
        longest = self.win_length // 2
        self._set("hop_length", int, lambda length: length <= longest, f"at most {longest}, half of win_length")
        self._set("fmin", float, lambda hz: hz >= 0.0, "a frequency of at least 0 Hz")
        nyquist = self.sample_rate / 2
        span = f"above fmin={self.fmin:g} and at most {nyquist:g} Hz, half of sample_rate"
        self._set("fmax", float, lambda hz: self.fmin < hz <= nyquist, span)
        for name, values in _CHOICES.items():
            self._set(name, str, values.__contains__, " or ".join(map(repr, values)))
        self._set("floor", float, lambda value: 0.0 < value < math.inf, "a positive number")
        self._set("power_offset", float, lambda value: 0.0 <= value < math.inf, "a number of at least 0")
        self._set("preemphasis", float, lambda value: 0.0 <= value < 1.0, "a number in [0, 1)")
        if self.loudness is not None:
            self._set("loudness", float, lambda level: -60.0 <= level <= 0.0, "None or -60 to 0 dB")
        if self.normalization is not None:
            pair = f"None or (mean, scale) of {self.num_mels} finite numbers each, scales positive"
            self._set("normalization", _to_pair, self._is_normalization, pair)
        if not np.all(self.filterbank().any(axis=0)):
            few = "few enough that each filter holds a bin of the transform (fewer, or a longer fft_length)"
            raise ValueError(f"Expected num_mels to be {few}. Received: num_mels={self.num_mels}")

    def _set(self, name, convert, is_valid, expected):
        given = getattr(self, name)
        try:
            right_type = not isinstance(given, bool) and isinstance(given, str) == (convert is str)
            value = convert(given) if right_type else None
        except (TypeError, ValueError):
            value = None
        if value is None or not is_valid(value):
            raise ValueError(f"Expected {name} to be {expected}. Received: {name}={reprlib.repr(given)}")
        object.__setattr__(self, name, value)

    def _is_normalization(self, pair):
        lengths = [len(part) for part in pair] == [self.num_mels, self.num_mels]
        return lengths and np.all(np.isfinite(pair)) and min(pair[1]) > 0.0

    @classmethod
    def from_preset(cls, name, **overrides) -> "MelSpec":
        """Returns the spec of a published recipe, or our own.

        Args:
            name: "speech_16k" (ours, 16 kHz), "r9y9", "kan_bayashi" or "jik876" (22,050 Hz). Two steps of these recipes
                are not features and are the corpus's business: r9y9 cuts below 70 Hz and, like kan-bayashi, trims
                silence; jik876 brings every file to a peak of 0.95. A last hop that is not full has a frame here; in
                jik876's it has none. The statistics of r9y9 and kan-bayashi come as `normalization`.
            **overrides: Fields that differ.

        Returns:
            The spec.

        Raises:
            ValueError: If there is no such preset or field, or a value is out of range.

        Example:
        >>> MelSpec.from_preset("kan_bayashi", fmin=60).fmin
        60.0
        """
        if name not in PRESETS:
            raise ValueError(f"Expected a preset out of {', '.join(PRESETS)}. Received: {name!r}")
        return cls.from_config({**PRESETS[name], **overrides})

    def standardized(self) -> "MelSpec":
        """Returns the spec with a `normalization` that brings speech of usual level near mean 0 and deviation 1.

        It is the same for all mels and corpora, (x + 5) / 2 for natural logarithms, so it needs no statistics. As they
        are, log-mels have a mean far from 0, which hides their differences from a model that begins to learn.

        Example:
        >>> MelSpec.from_preset("jik876").standardized().normalization[0][:2]
        (-5.0, -5.0)
        """
        nepers = math.log(10.0) if self.log_base == "10" else 1.0
        mean, scale = (-5.0 / nepers,) * self.num_mels, (2.0 / nepers,) * self.num_mels
        return dataclasses.replace(self, normalization=(mean, scale))

    def at_rate(self, sample_rate, hop_length=None) -> "MelSpec":
        """Returns the recipe for recordings of another rate: seconds stay seconds, and Hz stay Hz.

        Hop and window keep their length in time; the Fourier transform is the shortest power of two that holds the
        window. `fmax` stays, or becomes half of a rate that has no such frequency. At the recipe's own rate and hop
        nothing changes.

        Args:
            sample_rate: In Hz, 1000 to 384000.
            hop_length: None, or samples from frame to frame, positive, where a network fixes them: HiFi-GAN makes 256
                samples of a frame at any rate. The window is then as many hops long as before.

        Returns:
            The spec; its hop, if not given, is even.

        Raises:
            ValueError: If the mels are too many for the rate, or a value is out of range.

        Example:
        >>> spec = MelSpec.from_preset("speech_16k").at_rate(8000)
        >>> spec.hop_length, spec.win_length, spec.fft_length, spec.fmax
        (100, 400, 512, 4000.0)
        """
        if hop_length is None:
            hop_length = self.hop_length
            if sample_rate != self.sample_rate:
                hop_length = max(2 * round(self.hop_length * sample_rate / self.sample_rate / 2), 2)
        if (sample_rate, hop_length) == (self.sample_rate, self.hop_length):
            return self
        win_length = hop_length * self.win_length // self.hop_length
        return dataclasses.replace(
            self,
            sample_rate=sample_rate,
            hop_length=hop_length,
            win_length=win_length,
            fft_length=1 << (win_length - 1).bit_length(),
            fmax=min(self.fmax, sample_rate / 2),
        )

    def num_frames(self, num_samples) -> int | Tensor:
        """Returns the number of frames of a waveform of `num_samples` (int or integer tensor, at least 1)."""
        if self.center == "sample":
            return 1 + num_samples // self.hop_length
        return (num_samples + self.hop_length - 1) // self.hop_length

    @property
    def frame_offset(self) -> int:
        """Int, samples by which the Fourier transform of frame f begins before sample `f * hop_length`."""
        return (self.fft_length if self.center == "sample" else self.fft_length - self.hop_length) // 2

    def filterbank(self) -> np.ndarray:
        """Returns the mel filters, float64 `[fft_length // 2 + 1, num_mels]`."""
        return mel_filterbank(self.sample_rate, self.fft_length, self.num_mels, self.fmin, self.fmax)

    def check_same(self, other) -> None:
        """Raises a ValueError that names the first field of `other`, a MelSpec, that differs, and both values."""
        for field in dataclasses.fields(self):
            expected, received = getattr(self, field.name), getattr(other, field.name)
            if expected != received:
                expected, received = (f"{field.name}={reprlib.repr(value)}" for value in (expected, received))
                raise ValueError(f"Expected features of {expected}. Received: {received}")

    def check_features(self, features) -> None:
        """Checks that features can be of this recipe: their shape, and that some waveform in [-1, 1] could give them.

        A wrong number of mels, natural logarithms for base 10, a lower floor or a normalisation too many mostly give
        values that no waveform can give here. What does not show in the values (rate, hop, fmin, fmax, base 10 for
        natural logarithms) is not noticed: keep features with their spec (`tf_wavenet.data.save_features`).

        Args:
            features: Float array `[frames, num_mels]` or `[batch, frames, num_mels]`.

        Raises:
            ValueError: Naming what is wrong.

        Example:
        >>> MelSpec.from_preset("speech_16k").check_features(np.zeros((80, 10), "float32"))
        Traceback (most recent call last):
            ...
        ValueError: Expected features [frames, num_mels=80]. Received: shape (80, 10); transposed?
        """
        features = keras.ops.convert_to_numpy(features)
        if features.ndim not in (2, 3) or features.shape[-1] != self.num_mels:
            swapped = "; transposed?" if features.ndim in (2, 3) and features.shape[-2] == self.num_mels else ""
            raise ValueError(
                f"Expected features [frames, num_mels={self.num_mels}]. Received: shape {features.shape}{swapped}"
            )
        if not np.issubdtype(features.dtype, np.floating):
            raise ValueError(f"Expected features as floating point numbers. Received: {features.dtype}")
        if not np.all(np.isfinite(features)):
            count = np.count_nonzero(~np.isfinite(features))
            raise ValueError(f"Expected finite features. Received: {count} values that are NaN or infinite")
        if not features.size:
            return
        logs = features.astype(np.float64)
        if self.normalization is not None:
            logs = logs * np.array(self.normalization[1]) + np.array(self.normalization[0])
        base = math.e if self.log_base == "e" else 10.0
        recipe = f"log_base={self.log_base!r}, floor={self.floor:g}, normalization={reprlib.repr(self.normalization)}"
        floor, limit = self.bounds
        lowest = float(logs.min())
        if lowest < floor - _TOLERANCE:
            raise ValueError(f"Expected features of {recipe}: at least {floor:.2f}. Received: {lowest:.2f}")
        loudest = math.log(float(np.mean(base ** np.minimum(logs, 80.0), axis=-1).max()), base)
        if loudest > limit + _TOLERANCE:
            raise ValueError(
                f"Expected features of {recipe}, whose frames average at most {limit:.2f} "
                f"in full scale. Received: {loudest:.2f}"
            )

    @property
    def bounds(self) -> tuple[float, float]:
        """Pair of floats: the lowest log-mel (before normalisation), and the highest logarithm of a frame's mean mel.

        No waveform in [-1, 1] gives features outside.
        """
        base = math.e if self.log_base == "e" else 10.0
        return math.log(self.floor, base), math.log(self._loudest_frame(), base)

    def _loudest_frame(self):
        # Parseval bounds the sum of squares of a transform's bins, Cauchy-Schwarz then the mean over the filters.
        window = analysis_window(self.window, self.win_length, self.fft_length)
        bins = math.sqrt(self.fft_length * np.sum(window**2) / 2.0)
        mean_filter = self.filterbank().mean(axis=1)
        return float(np.linalg.norm(mean_filter) * bins + mean_filter.sum() * math.sqrt(self.power_offset) + self.floor)

    def get_config(self) -> dict[str, Any]:
        """Returns the fields as a dict of JSON values."""
        config = dataclasses.asdict(self)
        if self.normalization is not None:
            config["normalization"] = [list(part) for part in self.normalization]
        return config

    @classmethod
    def from_config(cls, config) -> "MelSpec":
        """Returns the spec of `get_config`; raises a ValueError for fields that a MelSpec lacks or needs."""
        fields = dataclasses.fields(cls)
        unknown = config.keys() - {field.name for field in fields}
        missing = [field.name for field in fields if field.default is dataclasses.MISSING and field.name not in config]
        if unknown or missing:
            names = ", ".join(field.name for field in fields)
            wrong = ", ".join([*(f"no {name}" for name in missing), *sorted(unknown)])
            raise ValueError(f"Expected the fields of a MelSpec ({names}). Received: {wrong}")
        return cls(**config)


def _to_pair(value):
    mean, scale = value
    return tuple(float(x) for x in mean), tuple(float(x) for x in scale)
