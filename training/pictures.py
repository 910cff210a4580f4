"""Pictures of audio: its waveform above its spectrogram."""

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
