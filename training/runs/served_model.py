"""An exported model as a script uses it: speech in chunks through the stateful signatures."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_wavenet import MelSpec
from tf_wavenet.data import preprocess


class ServedModel:
    """A SavedModel that `export_saved_model` wrote.

    Args:
        path: Its folder.

    Attributes:
        sample_rate: In Hz, None if the export does not say.
        speakers: Names, empty if the model knows none.
        mel_spec: The recipe of a vocoder's features, else None.
        takes_recording: Whether it needs a recording: a vocoder to speak it again, an amplifier to play it.

    Raises:
        ValueError: If it is none, or needs conditions that only its maker has.
    """

    def __init__(self, path: Path) -> None:
        try:
            about = json.loads((path / "signatures.json").read_text(encoding="utf-8"))
            model = about["model"]
            self._signatures = about["signatures"]
            self._loaded = tf.saved_model.load(str(path))  # its functions live as long as it does
        except (OSError, KeyError, ValueError) as error:
            raise ValueError(f"Expected {path} to be an export of this package: {error}") from error
        self.sample_rate: int | None = model["sample_rate"]
        self.speakers: tuple[str, ...] = tuple(model["speakers"] or ())
        recipe = path / "assets.extra" / "mel_spec.json"
        self.mel_spec = MelSpec.from_config(json.loads(recipe.read_text())) if recipe.exists() else None
        self._hop, self._margin = model["local_hop"], model["margin_frames"]
        self._look_ahead = model.get("look_ahead_frames", self._margin)
        generate = self._signatures["generate"]
        if "waveform" not in generate["outputs"]:
            raise ValueError(f"Expected an export of this version; export the model again. Received: {path}")
        inputs = generate["inputs"]
        self._amplifies = "recording" in inputs
        self.takes_recording = self._amplifies or self.mel_spec is not None
        # All samples of a frame at once, as vocoders of GANs do.
        self._makes_frames = not self._amplifies and "num_samples" not in inputs
        if ("local_condition" in inputs and self.mel_spec is None) or (
            "global_condition" in inputs and not self.speakers
        ):
            raise ValueError(f"Expected a model without conditions, of speakers or of mels. Received: {path}")

    def stream(
        self,
        num_samples: int | None,
        chunk_samples: int,
        speaker: str | None = None,
        recording: np.ndarray | None = None,
        prompt: np.ndarray | None = None,
        seed: int = 0,
        temperature: float = 1.0,
        top_p: float = 1.0,
    ) -> Iterator[np.ndarray]:
        """Generates one stream.

        Args:
            num_samples: Samples to make; None with `recording`: as many as it has.
            chunk_samples: Samples of each chunk but the last; of a model that speaks whole frames, about as many.
            speaker: Name of the speaker, for a model of several.
            recording: float32 `[time]`, what a vocoder is to speak again, or an amplifier to play.
            prompt: float32 `[time]`, what the stream continues; not with `recording`.
            seed: Same seed, same samples.
            temperature: As in `WaveNet.generate`; nothing to a model that speaks whole frames.
            top_p: Likewise.

        Yields:
            float32 `[samples]`.

        Raises:
            ValueError: If something is missing or not wanted.
        """
        if self.takes_recording == (recording is None):
            raise ValueError("Expected a recording to speak again or to play, for a vocoder or an amplifier only.")
        if recording is not None and prompt is not None:
            raise ValueError("Expected a prompt or a recording to speak again. Received: both")
        if speaker not in (self.speakers or (None,)):
            raise ValueError(f"Expected a speaker of: {', '.join(self.speakers) or 'none'}. Received: {speaker}")
        if self._amplifies:
            yield from self._played(recording[: num_samples or len(recording)], chunk_samples)
            return
        frames, gain = None, 1.0
        if recording is not None:
            gain = float(preprocess(recording, self.mel_spec)[1])
            frames = self._call("log_mel", waveform=np.float32(gain) * recording[np.newaxis])["features"]
            num_samples = min(num_samples or len(recording), len(recording))
        if self._makes_frames:
            yield from (chunk / gain for chunk in self._spoken(frames, num_samples, chunk_samples, seed))
            return
        sampling = {"seed": np.int64(seed), "temperature": np.float32(temperature)}
        sampling |= {"top_k": np.int32(0), "top_p": np.float32(top_p)}
        state, index = self._call("initial_state", batch_size=np.int32(1)), 0
        if prompt is not None and len(prompt):
            conditions = self._conditions(speaker, frames, 0, len(prompt))
            state = self._call("prime", waveform=prompt[np.newaxis], **state, **conditions)
            state, index = _carried(state), len(prompt)
        for made in range(0, num_samples, chunk_samples):
            n = min(chunk_samples, num_samples - made)
            conditions = self._conditions(speaker, frames, index + made, n)
            out = self._call("generate_chunk", num_samples=np.int32(n), **sampling, **state, **conditions)
            state = _carried(out)
            yield out["waveform"][0] / gain

    def _played(self, recording, chunk_samples):
        state = self._call("initial_state", batch_size=np.int32(1))
        for first in range(0, len(recording), chunk_samples):
            out = self._call("generate_chunk", recording=recording[None, first : first + chunk_samples], **state)
            state = _carried(out)
            yield out["waveform"][0]

    def _spoken(self, frames, num_samples, chunk_samples, seed):
        """Chunks of whole frames; of a model that looks ahead, of all that it makes at once."""
        given = {"seed": np.int64(seed)} if "seed" in self._signatures["generate"]["inputs"] else {}
        frames, streams = frames[:, : -(-num_samples // self._hop)], "generate_chunk" in self._signatures
        state = self._call("initial_state", batch_size=np.int32(1)) if streams else {}
        signature, size = ("generate_chunk", max(1, chunk_samples // self._hop)) if streams else ("generate", None)
        for first in range(0, frames.shape[1], size or frames.shape[1]):
            chunk = frames[:, first:][:, :size]
            out = self._call(signature, local_condition=chunk, **given, **state)
            state = _carried(out)
            yield out["waveform"][0, : num_samples - first * self._hop]

    def _conditions(self, speaker, frames, index, num_samples):
        conditions = {}
        if speaker is not None:
            conditions["global_condition"] = np.array([self.speakers.index(speaker)], "int32")
        if frames is not None:
            first = max(0, index // self._hop - self._margin)
            last = -(-(index + num_samples) // self._hop) + self._look_ahead
            conditions |= {"local_condition": frames[:, first:last], "first_frame": np.array([first], "int32")}
        return conditions

    def _call(self, signature, **inputs):
        try:
            outputs = self._loaded.signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})
        except tf.errors.InvalidArgumentError as error:
            said = re.search(r"\[(Expected .*)\]", error.message)
            raise ValueError(said[1] if said else error.message) from error
        return {name: value.numpy() for name, value in outputs.items()}


def _carried(outputs):
    return {name.removeprefix("new_"): value for name, value in outputs.items() if name.startswith("new_state_")}
