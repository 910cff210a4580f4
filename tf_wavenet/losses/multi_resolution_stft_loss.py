"""The multi-resolution STFT loss."""

from typing import Any

import keras
from keras import ops

from tf_wavenet import backend
from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_ints, fits
from tf_wavenet.signal.stft import stft_magnitude


@registered
class MultiResolutionSTFTLoss(keras.losses.Loss):
    """How far the magnitudes of two waveforms' short-time Fourier transforms are apart, at several resolutions.

    At each resolution the loss is the spectral convergence, `|| S - P || / || S ||` in the Frobenius norm, and the
    mean of `| log S - log P |`, for magnitudes S of the true and P of the predicted waveform; the resolutions are
    averaged. The norms are those of the whole batch, as in kan-bayashi/ParallelWaveGAN, since a row of silence alone
    would be divided by next to nothing; with `tf.distribute` that is the batch of all replicas. Windows are Hann's, and
    centred, with the waveform mirrored at its ends.

    Args:
        fft_lengths: Ints, lengths of the Fourier transforms.
        hop_lengths: As many ints, samples from frame to frame.
        win_lengths: As many ints, samples of the window.
        reduction: As in `keras.losses.Loss`, over the batch.
        name: Name of the loss.
        dtype: Dtype that the loss is computed in, as in `keras.losses.Loss`; None: Keras's `floatx`.

    Input shape:
        `[batch, time]`, time more than half of the longest transform.

    Raises:
        ValueError: If the lengths are not as many positive ints, or a window is longer than its transform; in calls, if
            the waveforms' shapes differ or they are too short.

    Example:
    >>> loss, noise = MultiResolutionSTFTLoss(), keras.random.normal((2, 4000))
    >>> round(float(loss(noise, noise)), 3), round(float(loss(noise, 0.5 * noise)), 2)  # 1 / 2 + ln 2
    (0.0, 1.19)

    References:
        Yamamoto et al., Parallel WaveGAN (2020), section 2.3, equations 4 to 6; the resolutions are those of table 1.
    """

    _total = staticmethod(backend.sum_of_replicas)

    def __init__(
        self,
        fft_lengths=(1024, 2048, 512),
        hop_lengths=(120, 240, 50),
        win_lengths=(600, 1200, 240),
        reduction="sum_over_batch_size",
        name="multi_resolution_stft_loss",
        dtype=None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.fft_lengths = check_positive_ints("fft_lengths", fft_lengths)
        self.hop_lengths = check_positive_ints("hop_lengths", hop_lengths)
        self.win_lengths = check_positive_ints("win_lengths", win_lengths)
        if not len(self.fft_lengths) == len(self.hop_lengths) == len(self.win_lengths):
            received = f"{len(self.fft_lengths)}, {len(self.hop_lengths)}, {len(self.win_lengths)}"
            raise ValueError(f"Expected as many fft_lengths as hop_lengths and win_lengths. Received: {received}")
        for fft_length, win_length in zip(self.fft_lengths, self.win_lengths, strict=True):
            if win_length > fft_length:
                raise ValueError(f"Expected windows no longer than transforms. Received: {win_length=}, {fft_length=}")

    def call(self, y_true, y_pred) -> Tensor:
        """Returns the loss of each waveform, `[batch]`; the spectral convergence in it is the batch's."""
        self._check(tuple(y_true.shape), tuple(y_pred.shape))
        y_true, y_pred = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        resolutions = list(zip(self.fft_lengths, self.hop_lengths, self.win_lengths, strict=True))
        distances = [_distance(y_true, y_pred, *lengths, self._total) for lengths in resolutions]
        return sum(distances) / len(resolutions)

    def _check(self, true, predicted):
        """Refuses shapes, as far as they are known, before the mirrored ends of a transform stumble over them."""
        received = f"Received: shapes {true} and {predicted}"
        if len(true) != 2 or not fits(predicted, true):
            raise ValueError(f"Expected y_true and y_pred of one shape [batch, time]. {received}")
        half = max(self.fft_lengths) // 2
        if any(shape[1] is not None and shape[1] <= half for shape in (true, predicted)):
            expected = f"Expected y_true and y_pred longer than half of the longest transform, {half} samples"
            raise ValueError(f"{expected}. {received}")

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "fft_lengths": list(self.fft_lengths),
            "hop_lengths": list(self.hop_lengths),
            "win_lengths": list(self.win_lengths),
        }


def _distance(y_true, y_pred, fft_length, hop_length, win_length, total):
    lengths = fft_length, hop_length, win_length
    true, predicted = stft_magnitude(y_true, *lengths), stft_magnitude(y_pred, *lengths)
    convergence = _norm(true - predicted, total) / _norm(true, total)
    return convergence + ops.mean(ops.abs(ops.log(true) - ops.log(predicted)), axis=(1, 2))


def _norm(x, total):
    # The root of zero has no gradient.
    return ops.sqrt(ops.maximum(total(ops.sum(ops.square(x))), 1e-12))
