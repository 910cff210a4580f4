"""From phonemes to log-mel features, at the frame rate."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tf_wavenet._registered import registered
from tf_wavenet._tensor import Tensor
from tf_wavenet._validation import check_number, check_positive_int
from tf_wavenet.layers import ConvNeXtBlock
from tf_wavenet.signal.mel_spec import MelSpec


@registered
class AcousticModel(keras.Model):
    """Says phonemes: how long each lasts, at which pitch, and the log-mel features that a vocoder speaks.

    ConvNeXt blocks over the symbols, a head that predicts duration and pitch of each, a repetition of each symbol over
    its frames, ConvNeXt blocks over the frames. While training, durations and pitch are those of the recording. Trained
    by `compile` and `fit` with one loss for each output; `training.train --model acoustic` does it.

    Args:
        symbols: Sequence of distinct strings: phonemes, marks of stress, spaces between words, punctuation.
        mel_spec: `MelSpec` of the features.
        channels: Int >= 1, width of the network.
        symbol_blocks: Int >= 1, ConvNeXt blocks over the symbols.
        prosody_blocks: Int >= 1, ConvNeXt blocks that only duration and pitch are predicted with.
        frame_blocks: Int >= 1, ConvNeXt blocks over the frames.
        kernel_size: Odd int >= 1, symbols or frames that each convolution sees.
        dropout: Float in [0, 1), share of the values that are dropped before each block while training.

    Input shape:
        Dict of "symbols", int32 `[batch, symbols]`, places in `self.symbols` counted from 1, 0 for none; "pitch", float
        `[batch, symbols, 1]`, as predicted; "symbol_of_frame", int32 `[batch, frames]`, counted from 0, -1 for none;
        "position", float `[batch, frames, 3]`. `frames_of` makes the last two. A row may hold several utterances with
        `kernel_size // 2` symbols and frames of none between them.

    Output shape:
        Dict of float32 tensors: "mels" `[batch, frames, num_mels]`; "log_duration", the natural logarithm of one more
        than the frames of each symbol, and "pitch", the mean of the logarithm of F0 in Hz over its voiced frames,
        standardised, 0 where there are none, both `[batch, symbols, 1]`.

    Raises:
        ValueError: If an argument is outside its range.

    Example:
    >>> model = AcousticModel("abc .", MelSpec.from_preset("speech_16k"), channels=8, symbol_blocks=1, frame_blocks=1)
    >>> model.generate("a cab.").shape[1]
    80

    References:
        Ren et al., FastSpeech 2 (2021), section 2; Lancucki, FastPitch (2021), section 2; blocks as in Siuzdak, Vocos
        (2023), section 3.2.
    """

    def __init__(
        self,
        symbols,
        mel_spec,
        channels=256,
        symbol_blocks=4,
        prosody_blocks=2,
        frame_blocks=6,
        kernel_size=7,
        dropout=0.1,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.symbols = tuple(symbols)
        if not self.symbols or len(set(self.symbols)) < len(self.symbols):
            raise ValueError(f"Expected symbols to be distinct strings. Received: symbols={symbols!r}")
        self.mel_spec = keras.saving.deserialize_keras_object(mel_spec) if isinstance(mel_spec, dict) else mel_spec
        if not isinstance(self.mel_spec, MelSpec):
            raise ValueError(f"Expected mel_spec to be a MelSpec. Received: mel_spec={mel_spec!r}")
        self.channels = check_positive_int("channels", channels)
        self.kernel_size = check_positive_int("kernel_size", kernel_size)
        self.dropout = check_number("dropout", dropout)
        if not 0.0 <= dropout < 1.0:
            raise ValueError(f"Expected dropout to be at least 0 and below 1. Received: dropout={dropout}")
        policy, counts = self.dtype_policy, (symbol_blocks, prosody_blocks, frame_blocks)
        names = ("symbol_blocks", "prosody_blocks", "frame_blocks")
        blocks = [
            [
                ConvNeXtBlock(3 * channels, kernel_size, False, 1 / count, dtype=policy, name=f"{name[:-1]}_{i}")
                for i in range(check_positive_int(name, count))
            ]
            for name, count in zip(names, counts, strict=True)
        ]
        self.symbol_blocks, self.prosody_blocks, self.frame_blocks = blocks
        self.embedding = keras.layers.Embedding(len(self.symbols) + 1, channels, dtype=policy, name="embedding")
        self.prosody = keras.layers.Dense(2, dtype=policy, name="prosody")
        self.pitch_projection = keras.layers.Dense(channels, dtype=policy, name="pitch_projection")
        self.position_projection = keras.layers.Dense(channels, dtype=policy, name="position_projection")
        self.norms = [
            keras.layers.LayerNormalization(epsilon=1e-6, dtype=policy, name=f"norm_{name}")
            for name in ("symbols", "prosody", "frames", "mels")
        ]
        self.drop = keras.layers.Dropout(self.dropout, dtype=policy, name="dropout")
        self.head = keras.layers.Dense(self.mel_spec.num_mels, dtype=policy, name="head")
        self.build(None)

    def compile(self, optimizer="rmsprop", loss=None, loss_weights=None, **kwargs) -> None:
        """Configures training; see `keras.Model.compile`.

        Args:
            optimizer: As in Keras.
            loss: None means the mean absolute error of "mels" and the mean squared errors of "log_duration" and
                "pitch". Sample weights are 0 where there is no symbol, and no frame.
            loss_weights: As in Keras.
            **kwargs: As in Keras.
        """
        if loss is None:
            mean = {"reduction": "mean_with_sample_weight"}
            absolute, squared = keras.losses.MeanAbsoluteError(**mean), keras.losses.MeanSquaredError
            loss = {"mels": absolute, "log_duration": squared(**mean), "pitch": squared(**mean)}
        super().compile(optimizer=optimizer, loss=loss, loss_weights=loss_weights, **kwargs)
        if self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)  # else a checkpoint's state has nowhere to go

    def build(self, input_shape) -> None:
        """Builds every child, whatever the input's batch and lengths."""
        if self.built:
            return
        inside = (None, None, self.channels)
        self.embedding.build((None, None))
        self.pitch_projection.build((None, None, 1))
        self.position_projection.build((None, None, 3))
        for layer in (
            *(*self.symbol_blocks, *self.prosody_blocks, *self.frame_blocks),
            *(*self.norms, self.prosody, self.head, self.drop),
        ):
            layer.build(inside)
        self.built = True

    def call(self, inputs, training=None) -> dict[str, Tensor]:
        """Returns features, durations and pitch; see the class."""
        encoded, log_duration, pitch = self.encode(inputs["symbols"], training)
        mels = self.decode(encoded, inputs["pitch"], inputs["symbol_of_frame"], inputs["position"], training)
        return {"mels": mels, "log_duration": log_duration, "pitch": pitch}

    def encode(self, symbols, training=None) -> tuple[Tensor, Tensor, Tensor]:
        """Reads the symbols.

        Args:
            symbols: int32 `[batch, symbols]`, as in `call`.
            training: Whether values are dropped.

        Returns:
            What `decode` takes, `[batch, symbols, channels]`; log-durations and pitch, float32 `[batch, symbols, 1]`.
        """
        of_symbols, of_prosody, *_ = self.norms
        mask = ops.expand_dims(ops.cast(ops.not_equal(symbols, 0), self.compute_dtype), -1)
        x = of_symbols(self._run(self.symbol_blocks, self.embedding(symbols), mask, training))
        y = self.prosody(of_prosody(self._run(self.prosody_blocks, ops.stop_gradient(x), mask, training)))
        log_duration, pitch = ops.split(ops.cast(y * mask, "float32"), 2, axis=-1)
        return x * mask, log_duration, pitch

    def decode(self, encoded, pitch, symbol_of_frame, position, training=None) -> Tensor:
        """Makes the features of the frames.

        Args:
            encoded: Of `encode`.
            pitch: float `[batch, symbols, 1]`.
            symbol_of_frame: int32 `[batch, frames]`, as in `call`.
            position: float `[batch, frames, 3]`.
            training: Whether values are dropped.

        Returns:
            float32 `[batch, frames, num_mels]`, 0 for frames of no symbol.
        """
        *_, of_frames, of_mels = self.norms
        x = encoded + self.pitch_projection(ops.cast(pitch, encoded.dtype))
        mask = ops.expand_dims(ops.cast(symbol_of_frame >= 0, x.dtype), -1)
        x = ops.take_along_axis(x, ops.expand_dims(ops.maximum(symbol_of_frame, 0), -1), axis=1)
        x = of_frames(x + self.position_projection(ops.cast(position, x.dtype)))
        return ops.cast(self.head(of_mels(self._run(self.frame_blocks, x, mask, training))) * mask, "float32")

    def _run(self, blocks, x, mask, training):
        for block in blocks:
            x = block(self.drop(x, training=training) * mask)
        return x

    def number(self, symbols: Sequence[str]) -> np.ndarray:
        """Returns int32 `[symbols]`, the numbers of symbols, from 1.

        Raises:
            ValueError: If one is not among `self.symbols`; the message names it.
        """
        places = {symbol: place for place, symbol in enumerate(self.symbols, start=1)}
        unknown = sorted(set(symbols) - places.keys())
        if unknown or not len(symbols):
            expected = f"Expected symbols out of {' '.join(map(repr, self.symbols))}"
            raise ValueError(f"{expected}. Received: {' '.join(map(repr, unknown)) or 'none'}")
        return np.array([places[symbol] for symbol in symbols], np.int32)

    def generate(self, symbols: Sequence[str], speed: float = 1.0, pitch: float = 0.0) -> np.ndarray:
        """Makes features of one utterance.

        Args:
            symbols: What to say, out of `self.symbols`.
            speed: Float > 0, how many times as fast as the voice speaks.
            pitch: Float, added to the standardised pitch of every symbol: 1 is one standard deviation of the voice.

        Returns:
            NumPy float32 `[frames, num_mels]`, as `mel_spec` makes them of recordings.

        Raises:
            ValueError: For unknown symbols or settings outside their range.
        """
        numbers = self.number(symbols)[None]
        if not check_number("speed", speed) > 0.0:
            raise ValueError(f"Expected speed to be above 0. Received: speed={speed}")
        shift = check_number("pitch", pitch)
        encoded, log_duration, pitches = self.encode(numbers)
        seconds = np.maximum(np.expm1(ops.convert_to_numpy(log_duration)[0, :, 0].astype("float64")), 0.0) / speed
        ends = np.rint(np.cumsum(seconds))  # of the sum, so that errors of rounding do not add up
        ends[-1] = max(ends[-1], 1)
        place, position = frames_of(np.diff(ends, prepend=0.0).astype(np.int64))
        mels = ops.convert_to_numpy(self.decode(encoded, pitches + shift, place[None], position[None]))[0]
        mean, scale = self.mel_spec.normalization or (0.0, 1.0)
        silence = (self.mel_spec.bounds[0] - np.array(mean)) / np.array(scale)  # no waveform gives less
        return np.maximum(mels, silence).astype("float32")

    def save_own_variables(self, store) -> None:
        """Keeps how far the random numbers are: a resumed training drops what it would have (not so on PyTorch)."""
        store["dropout"] = ops.convert_to_numpy(self.drop.seed_generator.state)

    def load_own_variables(self, store) -> None:
        """Reads what `save_own_variables` keeps."""
        self.drop.seed_generator.state.assign(store["dropout"][()])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "symbols": self.symbols,
            "mel_spec": keras.saving.serialize_keras_object(self.mel_spec),
            "channels": self.channels,
            "symbol_blocks": len(self.symbol_blocks),
            "prosody_blocks": len(self.prosody_blocks),
            "frame_blocks": len(self.frame_blocks),
            "kernel_size": self.kernel_size,
            "dropout": self.dropout,
        }


def frames_of(durations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spreads symbols over their frames.

    Args:
        durations: Int array [symbols], frames of each, some of them 0.

    Returns:
        `(symbol_of_frame, position)`: int32 [frames]; float32 [frames, 3], of each frame its place in its symbol, from
        0 to 1, and the tenths of frames since the symbol's beginning and until its end.
    """
    place = np.repeat(np.arange(len(durations)), durations)
    after = np.arange(len(place)) - (np.cumsum(durations) - durations)[place] + 0.5
    length = np.asarray(durations, np.float64)[place]
    position = np.stack([after / length, after / 10, (length - after) / 10], axis=-1)
    return place.astype(np.int32), position.astype(np.float32)
