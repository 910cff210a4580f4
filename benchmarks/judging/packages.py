"""Judges of speech: functions of a recording and of what a system made of it, at 16 kHz.

Each judge is a package of its own, imported when it is first needed. A file that a judge cannot judge (too short, no
speech in it) scores NaN.
"""

import importlib
import warnings
from types import ModuleType

import numpy as np

from benchmarks.judging.pitch import pitch_errors
from tf_wavenet import MultiResolutionSTFTLoss

SAMPLE_RATE = 16000  # in Hz, of everything judged here
PACKAGES = ("librosa", "onnxruntime", "pesq", "pocketsphinx", "pystoi", "scipy", "speechmos")

NUM_CEPSTRA = 13
HOP = 160  # 10 ms
_WINDOW, _FFT, _MELS = 400, 1024, 40
_AUDIBLE_DB = 40.0  # frames further below the reference's loudest do not count, as in STOI
_DNSMOS_SAMPLES = 144160
_FLOOR_DB = 60.0


def require(package: str) -> ModuleType:
    """Imports a package of the extra "quality".

    Args:
        package: Its name, or that of a module in it.

    Returns:
        The module.

    Raises:
        ValueError: If it is not installed, saying what to install.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        missing = error.name or package
        raise ValueError(
            f"Expected the package {missing.partition('.')[0]}: pip install -e '.[quality]'. Received: {error}"
        ) from None


def pesq_wb(reference: np.ndarray, audio: np.ndarray) -> float:
    """Predicts how listeners would rate `audio` beside `reference`, by the wide-band PESQ of ITU-T P.862.2.

    Args:
        reference: Float array `[time]` in [-1, 1].
        audio: Float array `[time]` of the same length.

    Returns:
        Mean opinion score (MOS-LQO), 1.04 to 4.64; NaN below a quarter of a second or without speech.

    References:
        Rix et al., Perceptual evaluation of speech quality (ICASSP 2001); ITU-T P.862.2 (2007).
    """
    pesq = require("pesq")
    reference, audio = _pair(reference, audio)
    if not (np.any(reference) and np.any(audio)):
        return float("nan")
    score = pesq.pesq(SAMPLE_RATE, reference, audio, "wb", on_error=pesq.PesqError.RETURN_VALUES)
    return float(score) if score > 0 else float("nan")


def stoi(reference: np.ndarray, audio: np.ndarray) -> float:
    """Predicts how intelligible `audio` is, by its short-time correlation with `reference` in third octaves.

    Args:
        reference: Float array `[time]` in [-1, 1].
        audio: Float array `[time]` of the same length.

    Returns:
        Short-time objective intelligibility, at most 1; NaN with less than 0.4 s of sound.

    References:
        Taal et al., An algorithm for intelligibility prediction of time-frequency weighted noisy speech (2011).
    """
    pystoi = require("pystoi")
    reference, audio = _pair(reference, audio)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Not enough STFT frames")
        try:
            return float(pystoi.stoi(reference, audio, SAMPLE_RATE)) if np.any(reference) else float("nan")
        except RuntimeWarning:
            return float("nan")


def mel_cepstral_distortion(reference: np.ndarray, audio: np.ndarray) -> float:
    """Measures how far the spectral envelopes lie apart, frame by frame without any warping of time.

    That is `10 / ln 10 * sqrt(2 * sum((c[d] - c'[d]) ** 2 for d in 1 ... 13))` dB, averaged over the frames of the
    reference that are less than 40 dB below its loudest. The cepstra c are those of `mel_cepstra`: with as many as mels
    less one it would be the RMS distance in dB of mel power spectra, level left out; 13 keep the envelope, not pitch.

    Args:
        reference: Float array `[time]` in [-1, 1].
        audio: Float array `[time]` of the same length.

    Returns:
        Distortion in dB, at least 0; NaN below 64 ms or if the reference is silent.

    References:
        Kubichek, Mel-cepstral distance measure for objective speech quality assessment (PACRIM 1993). Thirteen cepstra
        as in Weiss et al., Wave-Tacotron (ICASSP 2021), section 3.
    """
    reference, audio = _pair(reference, audio)
    if len(reference) < _FFT or not np.any(reference):
        return float("nan")
    ours, theirs = mel_powers(reference), mel_powers(audio)
    level = ours.sum(axis=1)
    counted = level >= level.max() * 10 ** (-_AUDIBLE_DB / 10)
    return cepstral_distance(mel_cepstra(ours)[counted], mel_cepstra(theirs)[counted])


def cepstral_distance(reference: np.ndarray, cepstra: np.ndarray) -> float:
    """Averages the distance of cepstra over frames.

    Args:
        reference: Float array `[frames, coefficients]`, without coefficient 0.
        cepstra: Float array of the same shape.

    Returns:
        Distance in dB.
    """
    squares = np.sum((reference - cepstra) ** 2, axis=1)
    return float(np.mean(10 / np.log(10) * np.sqrt(2 * squares)))


def mel_powers(audio: np.ndarray) -> np.ndarray:
    """Computes mel power spectra: 25 ms Hann windows around every 10 ms, 40 Slaney filters up to 8 kHz.

    Args:
        audio: Float array `[time]`.

    Returns:
        float64 array `[frames, 40]`.
    """
    librosa = require("librosa")
    settings = {"n_fft": _FFT, "win_length": _WINDOW, "hop_length": HOP, "n_mels": _MELS}
    return librosa.feature.melspectrogram(y=np.asarray(audio, np.float64), sr=SAMPLE_RATE, **settings).T


def mel_cepstra(powers: np.ndarray) -> np.ndarray:
    """Computes cepstra 1 to 13 of mel power spectra: `ln(power[m]) = c[0] + 2 * sum(c[d] cos(pi d (m + 0.5) / mels))`.

    Args:
        powers: Float array `[frames, mels]`; what is more than 60 dB below the greatest is raised to there.

    Returns:
        float64 array `[frames, 13]`.
    """
    scipy_fft = require("scipy.fft")
    floor = max(np.max(powers) * 10 ** (-_FLOOR_DB / 10), np.finfo(np.float64).tiny)
    logs = np.log(np.maximum(powers, floor))
    return scipy_fft.dct(logs, type=2, axis=1)[:, 1 : NUM_CEPSTRA + 1] / (2 * powers.shape[1])


def stft_loss(reference: np.ndarray, audio: np.ndarray) -> float:
    """Measures how far magnitude spectra lie apart, at the three resolutions of Parallel WaveGAN.

    Args:
        reference: Float array `[time]` in [-1, 1].
        audio: Float array `[time]` of the same length.

    Returns:
        `tf_wavenet.MultiResolutionSTFTLoss`, at least 0; NaN below 65 ms or if the reference is silent.

    References:
        Yamamoto et al., Parallel WaveGAN (2020), section 2.3.
    """
    reference, audio = _pair(reference, audio)
    if len(reference) <= _FFT or not np.any(reference):
        return float("nan")
    loss = MultiResolutionSTFTLoss()
    return float(loss(*(waveform[np.newaxis].astype(np.float32) for waveform in (reference, audio))))


def dnsmos(audio: np.ndarray) -> float:
    """Predicts how listeners would rate the overall quality of `audio`, heard alone, by the network DNSMOS P.835.

    Args:
        audio: Float array `[time]`; what lies outside [-1, 1] is clipped. The network hears 9.01 s at once; what is
            shorter is repeated up to there (the package goes on repeating, and averages windows of the same).

    Returns:
        Mean opinion score (OVRL), about 1 to 5.

    References:
        Reddy et al., DNSMOS P.835 (ICASSP 2022).
    """
    network = require("speechmos.dnsmos")
    audio = np.clip(np.asarray(audio, np.float32), -1.0, 1.0)
    audio = np.resize(audio, max(len(audio), _DNSMOS_SAMPLES))
    return float(network.run(audio, SAMPLE_RATE)["ovrl_mos"])


def judge(reference: np.ndarray, audio: np.ndarray) -> dict[str, float]:
    """Asks all judges that listen to sound alone.

    Args:
        reference: Float array `[time]` in [-1, 1].
        audio: Float array `[time]` of the same length.

    Returns:
        `pesq_wb`, `stoi`, `mcd_db`, `stft_loss`, `dnsmos`, and of `pitch_errors` `f0_cents` and `voicing_error`.
    """
    f0_cents, voicing_error = pitch_errors(*_pair(reference, audio))
    return {
        "pesq_wb": pesq_wb(reference, audio),
        "stoi": stoi(reference, audio),
        "mcd_db": mel_cepstral_distortion(reference, audio),
        "stft_loss": stft_loss(reference, audio),
        "dnsmos": dnsmos(audio),
        "f0_cents": f0_cents,
        "voicing_error": voicing_error,
    }


def _pair(reference, audio):
    reference, audio = np.asarray(reference, np.float64), np.asarray(audio, np.float64)
    if reference.ndim != 1 or reference.shape != audio.shape:
        raise ValueError(
            f"Expected reference and audio [time] of one length. Received: shapes {reference.shape} and {audio.shape}"
        )
    return reference, audio
