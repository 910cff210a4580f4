"""Pictures of audio: its waveform above its spectrogram, and what a corpus is like."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

FLOOR_DB = -100.0


def spectrogram(audio: np.ndarray, window_samples: int, hop_samples: int) -> np.ndarray:
    """Magnitudes of the short-time Fourier transform under a Hann window, in dB.

    Args:
        audio: Float array `[time]`; shorter than a window, it is padded with zeros.
        window_samples: Length of the window, in samples.
        hop_samples: Distance of two windows, in samples.

    Returns:
        `[frames, window_samples // 2 + 1]`, where a sine of amplitude 1 reaches 0 dB; not below -100 dB.
    """
    audio = np.pad(np.asarray(audio, np.float64), (0, max(0, window_samples - len(audio))))
    window = np.hanning(window_samples + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(audio, window_samples)[::hop_samples]
    magnitude = np.abs(np.fft.rfft(frames * window)) / (window.sum() / 2)
    return 20 * np.log10(np.maximum(magnitude, 10 ** (FLOOR_DB / 20)))


def draw(audio: np.ndarray, sample_rate: int, title: str = "") -> Figure:
    """Draws a waveform and its spectrogram.

    Args:
        audio: Float array `[time]` in [-1, 1].
        sample_rate: In Hz.
        title: Text above the picture.

    Returns:
        The figure, 1000 x 500 pixels.
    """
    window_samples = 2 * (sample_rate // 64)  # about 32 ms
    levels = spectrogram(audio, window_samples, max(1, window_samples // 8))
    seconds = len(audio) / sample_rate
    figure = Figure(figsize=(10, 5), dpi=100, layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2))
    top.plot(np.arange(len(audio)) / sample_rate, audio, linewidth=0.5)
    top.set(ylabel="amplitude (FS)", ylim=(-1, 1), title=title)
    image = bottom.imshow(
        levels.T,
        origin="lower",
        aspect="auto",
        extent=(0, max(seconds, window_samples / sample_rate), 0, sample_rate / 2000),
        vmin=FLOOR_DB,
        vmax=0,
        cmap="magma",
    )
    bottom.set(xlabel="time (s)", ylabel="frequency (kHz)")
    figure.colorbar(image, ax=bottom, label="level (dB re full-scale sine)")
    return figure


def draw_side_by_side(waveforms: dict[str, np.ndarray], sample_rate: int) -> Figure:
    """Draws the spectrograms of several versions of a sound, one below the other.

    Args:
        waveforms: Float arrays `[time]` in [-1, 1] by name.
        sample_rate: In Hz.

    Returns:
        The figure, 1000 pixels wide, 220 high for each.
    """
    window_samples = 2 * (sample_rate // 64)
    figure = Figure(figsize=(10, 2.2 * len(waveforms)), dpi=100, layout="constrained")
    rows = figure.subplots(len(waveforms), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, waveform) in zip(rows, waveforms.items(), strict=True):
        levels = spectrogram(waveform, window_samples, max(1, window_samples // 8))
        extent = (0, max(len(waveform), window_samples) / sample_rate, 0, sample_rate / 2000)
        look = {"origin": "lower", "aspect": "auto", "vmin": FLOOR_DB, "vmax": 0, "cmap": "magma"}
        image = axes.imshow(levels.T, extent=extent, **look)
        axes.set(title=name, ylabel="frequency (kHz)")
    rows[-1].set(xlabel="time (s)")
    figure.colorbar(image, ax=list(rows), label="level (dB re full-scale sine)")
    return figure


def draw_corpus(
    title: str,
    levels: np.ndarray,
    seconds: np.ndarray,
    spectrum: np.ndarray,
    bin_hz: float,
    sample_rate: int,
    mel_mean: np.ndarray,
    mel_deviation: np.ndarray,
    mel_floor: float,
) -> Figure:
    """Draws what a corpus is like: levels and lengths of its files, its average spectrum and log-mels.

    Args:
        title: Text above the picture.
        levels: RMS of each file's sound in dB relative to full scale, `[files]`; may be empty.
        seconds: Length of each file, `[files]`, at least one.
        spectrum: Average power, `[bins]`, bin k at `k * bin_hz`.
        bin_hz: Distance of bins in Hz.
        sample_rate: In Hz, at which the corpus is to be used; half of it is marked.
        mel_mean: Mean of each log-mel.
        mel_deviation: Standard deviation of each.
        mel_floor: The lowest value that they can have.

    Returns:
        The figure, 1200 x 800 pixels.
    """
    figure = Figure(figsize=(12, 8), dpi=100, layout="constrained")
    figure.suptitle(title)
    (level, length), (frequency, mel) = figure.subplots(2, 2)
    count = min(40, 5 + 2 * round(len(seconds) ** 0.5))
    edges = count
    if seconds.max() > 10 * seconds.min():
        length.set_xscale("log")
        length.xaxis.set_major_formatter("{x:g}")
        edges = np.geomspace(seconds.min(), seconds.max(), count + 1)
    histograms = ((level, levels, count, "level (dB re full scale)", "dB"), (length, seconds, edges, "length (s)", "s"))
    for axes, values, bins, label, unit in histograms:
        axes.hist(values, bins=bins, color="C0")
        axes.set(xlabel=label, ylabel="files")
        axes.yaxis.get_major_locator().set_params(integer=True)
        if len(values):
            axes.axvline(np.median(values), color="C1", label=f"median {np.median(values):.1f} {unit}")
            axes.legend()
    decibels = 10 * np.log10(np.maximum(spectrum / max(spectrum.max(), 1e-30), 1e-12))
    frequency.plot(np.arange(len(spectrum)) * bin_hz / 1000, decibels, color="C0", linewidth=1)
    frequency.axvline(sample_rate / 2000, color="C1", linestyle="--", label=f"half of {sample_rate} Hz")
    frequency.set(xlabel="frequency (kHz)", ylabel="average power (dB re its peak)", xlim=0, ylim=(-100, 3))
    frequency.legend()
    bands = np.arange(len(mel_mean))
    mel.fill_between(bands, mel_mean - mel_deviation, mel_mean + mel_deviation, color="C0", alpha=0.3, linewidth=0)
    mel.plot(bands, mel_mean, color="C0", label="mean ± standard deviation")
    mel.axhline(mel_floor, color="C1", linestyle="--", label="floor")
    mel.set(xlabel="mel band", ylabel="log-mel", xlim=(0, len(bands) - 1))
    mel.legend()
    for axes in (level, length, frequency, mel):
        axes.grid(alpha=0.3)
    return figure


def pixels(figure: Figure) -> np.ndarray:
    """Renders a figure.

    Args:
        figure: A Matplotlib figure.

    Returns:
        uint8 array `[height, width, 3]`.
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def save_picture(path: Path, audio: np.ndarray, sample_rate: int, title: str = "") -> None:
    """Writes the picture of a sound as PNG.

    Args:
        path: File to write; PNG whatever its name.
        audio: Float array `[time]` in [-1, 1].
        sample_rate: In Hz.
        title: Text above the picture.
    """
    FigureCanvasAgg(draw(audio, sample_rate, title)).print_png(path)
