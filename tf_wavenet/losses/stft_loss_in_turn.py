"""The multi-resolution STFT loss of a training step that measures a share of the resolutions."""

import functools

import keras
from keras import ops

from tf_wavenet import backend
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_positive_int, check_positive_ints
from tf_wavenet.losses.multi_resolution_stft_loss import MultiResolutionSTFTLoss


class STFTLossInTurn:
    """Splits the resolutions of `MultiResolutionSTFTLoss` into groups that the steps of a training take in turn.

    Of g groups, step n takes the one of the resolutions n % g, n % g + g, ... of the sequence. The step's number alone
    decides, so that a run that is resumed goes on as it would have.

    Args:
        resolutions: Sequence of (FFT length, hop, window length) in samples; None means those of
            `MultiResolutionSTFTLoss`.
        per_step: Int, resolutions of a group, a divisor of their number; None means all.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> loss = STFTLossInTurn([(64, 16, 64), (128, 32, 128)], per_step=1)
    >>> noise = keras.random.normal((2, 1000))
    >>> bool(loss(0, noise, noise / 2) == loss(2, noise, noise / 2) != loss(1, noise, noise / 2))
    True
    """

    def __init__(self, resolutions=None, per_step=None) -> None:
        self.resolutions = None
        if resolutions is None:
            self.whole = MultiResolutionSTFTLoss(reduction=None)
        else:
            self.resolutions = tuple(check_positive_ints("stft_resolutions", lengths) for lengths in resolutions)
            if not self.resolutions or any(len(lengths) != 3 for lengths in self.resolutions):
                expected = "Expected stft_resolutions to be triples of FFT length, hop and window length"
                raise ValueError(f"{expected}. Received: stft_resolutions={resolutions!r}")
            self.whole = _loss(self.resolutions)
        lengths = list(zip(self.whole.fft_lengths, self.whole.hop_lengths, self.whole.win_lengths, strict=True))
        share = len(lengths) if per_step is None else check_positive_int("resolutions_per_step", per_step)
        groups, rest = divmod(len(lengths), share)
        if rest or not groups:
            expected = f"Expected resolutions_per_step to divide the number of resolutions, {len(lengths)}"
            raise ValueError(f"{expected}. Received: resolutions_per_step={per_step}")
        kind = MultiResolutionSTFTLoss if groups == 1 else _LossOfReplica
        self._losses = [_loss(lengths[i::groups], kind) for i in range(groups)]

    def __call__(self, step, real, generated) -> Tensor:
        """Returns the mean over the batch of the loss at the resolutions of a step.

        Args:
            step: Int or scalar integer tensor, the number of the step.
            real: float32 `[batch, time]`; no gradient goes here.
            generated: float32 `[batch, time]`.

        Returns:
            Scalar float32 tensor, differentiable by `generated`, once.
        """
        losses = self._losses
        if len(losses) == 1:
            return ops.mean(losses[0](real, generated))
        if keras.backend.backend() == "torch":
            return ops.mean(losses[int(step) % len(losses)](real, generated))

        # Each branch takes its own gradient, so that none must keep intermediates for all of them.
        @ops.custom_gradient
        def of_step(generated):
            branches = [
                functools.partial(backend.value_and_gradient, lambda x, loss=loss: ops.mean(loss(real, x)))
                for loss in losses
            ]
            value, gradient = ops.switch(ops.cast(step % len(losses), "int32"), branches, generated)
            return value, lambda upstream: upstream * gradient

        return of_step(generated)


class _LossOfReplica(MultiResolutionSTFTLoss):
    """Its norms are those of a replica's part of the batch: in a branch, replicas cannot wait for one another."""

    _total = staticmethod(lambda value: value)


def _loss(resolutions, kind=MultiResolutionSTFTLoss):
    return kind(*zip(*resolutions, strict=True), reduction=None)
