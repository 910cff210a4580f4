"""SavedModels whose signatures a client without Python can drive."""

import keras
import tensorflow as tf

from tf_wavenet._validation import check_positive_int
from tf_wavenet.models.nam.nam_wavenet import NamWaveNet
from tf_wavenet.models.vocoders.vocoder import Vocoder
from tf_wavenet.models.wavenet import WaveNet
from tf_wavenet.serving import (
    EffectSignatures,
    Signatures,
    VocoderSignatures,
    replace_folder,
    write_documents,
    write_warmup,
)
from tf_wavenet.streaming.streamable import Streamable


def export_saved_model(
    model, path, jit_compile=True, max_samples=1 << 20, warmup_batch_sizes=(), chunk_samples=320, sample_rate=None
) -> None:
    """Writes a TensorFlow SavedModel with everything a server needs: generation with state, scoring, companding.

    Signatures, all inputs and outputs by name; `signatures.json` and `README.md` beside the model say more, and are
    made from the signatures themselves:

    - `serving_default`: waveform `[batch, time]` -> parameters `[batch, time, parameter_size]`.
    - `score`: waveform -> bits_per_sample `[batch]`, log_likelihood `[batch]` (nats, summed over time).
    - `generate`: num_samples, batch_size, seed (int64), temperature, top_k (0: off), top_p (1.0: off), all scalars ->
      waveform `[batch_size, num_samples]`, the samples of `WaveNet.generate`.
    - `initial_state`: batch_size -> state_queues, state_stream: streams before their first sample.
    - `prime`: waveform, state_* -> new_state_*: streams that have heard the waveform (a prompt).
    - `generate_chunk`: num_samples, seed, temperature, top_k, top_p (each one number, or one a row), state_* ->
      waveform `[batch, num_samples]`, new_state_*: chunk by chunk, the samples of `generate`.
    - `step`: previous_sample `[batch]`, state_* -> parameters `[batch, parameter_size]`, new_state_*: for clients that
      sample themselves. The first previous_sample is 0.0. What it returns as state can go on in `step` only.
    - `mu_law_encode`: waveform `[batch, time]` -> levels int32.
    - `mu_law_decode`: levels int32 `[batch, time]` -> decoded.

    The rows of a state are streams, each at its own position, with its own seed: rows of strangers may be set side by
    side, and what is drawn for one depends on no other. (Of a model with a context stack, the positions must agree
    modulo `context_hop`.) A state belongs to the model that made it: others refuse it.

    Where the model has conditions, the first three also take them: local_condition, float32 `[batch, frames,
    channels]`, a frame for every sample, and global_condition, int32 `[batch]` with speakers, else float32 `[batch,
    channels]`. `prime` and `generate_chunk` take them with first_frame, int32 `[batch]`: the number in the utterance of
    the first frame given, so that a client sends only the frames around its chunk: those of the chunk's samples, and of
    `signatures.json` `margin_frames` before and `look_ahead_frames` after them, if the utterance has them. `step` takes
    condition, `[batch, encoded channels]`, that of its sample, which `encode_condition` makes. A model with a `MelSpec`
    has `log_mel`: waveform -> features `[batch, frames, num_mels]`, spec (JSON text); local_condition that no waveform
    gives with this recipe is refused.

    Waveforms are float32 in [-1, 1]. With pre-emphasis (`MelSpec.preemphasis`), `serving_default`, `score` and `step`
    take and predict pre-emphasised samples; prompts and what is generated are without it, and what is generated may
    leave [-1, 1]. With `MelSpec.loudness`, all audio is at that loudness (`tf_wavenet.signal.preprocess`).

    A `Vocoder`, such as `HiFiGAN`, has `generate`, which is its `serving_default` too: local_condition (and seed,
    int64, of the noise that Parallel WaveGAN needs) -> waveform; with a `MelSpec`, `log_mel`. Causal, it has
    `initial_state` and `generate_chunk`: local_condition (seed, one number or one a row), state_* -> waveform,
    new_state_*: chunk by chunk, the samples of `generate`. Its state has the form of a WaveNet's, and is checked as
    that is. An `ISTFTVocoder`'s can be converted for LiteRT and, exported with `jit_compile=False`, for ONNX.

    A `NamWaveNet` has `generate`, which is its `serving_default` too: recording `[batch, time]`, what goes into the
    amplifier -> waveform, what comes out; `initial_state` and `generate_chunk`: recording, state_* -> waveform,
    new_state_*. Both can be converted for LiteRT if exported with `jit_compile=False`.

    A request outside these ranges, or with NaN, fails with an InvalidArgumentError that names the input;
    `mu_law_encode` clips instead, as the function does.

    Args:
        model: A `WaveNet`, a `Vocoder`, or a `NamWaveNet`.
        path: Folder to write, new or empty; a SavedModel that is there is replaced as a whole, once the new one is
            complete: nothing of the old one stays, and if the export fails, all of it.
        jit_compile: Whether XLA compiles the generation loop in the process that serves; of a vocoder, the chunks of
            streams, each length of chunk once, and never whole utterances.
        max_samples: Int >= 1, the most samples of one request, all rows together (2**20: 65 s at 16 kHz).
        warmup_batch_sizes: Ints >= 1: TensorFlow Serving compiles for these when it loads the model, before the first
            request (`assets.extra/tf_serving_warmup_requests`; needs the package tensorflow-serving-api).
        chunk_samples: Int >= 1, samples of a chunk in those requests.
        sample_rate: None, or int >= 1, the rate in Hz to tell clients, for a model that does not say it itself.

    Raises:
        ValueError: If `model` is none of these, a number is not a positive int, a package is missing, or
            something else than a SavedModel is at `path`.
        RuntimeError: If the Keras backend is not TensorFlow.

    Example:
    >>> import tempfile, tensorflow as tf
    >>> from tf_wavenet import WaveNet
    >>> model = WaveNet(dilations=(1, 2), residual_channels=4, skip_channels=4)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_saved_model(model, folder)
    ...     served = tf.saved_model.load(folder).signatures
    >>> sorted(served)  # doctest: +NORMALIZE_WHITESPACE
    ['generate', 'generate_chunk', 'initial_state', 'mu_law_decode', 'mu_law_encode', 'prime', 'score',
     'serving_default', 'step']
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(f"Expected the Keras backend to be tensorflow. Received: {keras.backend.backend()}")
    of_kind = isinstance(model, (Vocoder, NamWaveNet))
    if not (of_kind or (isinstance(model, Streamable) and hasattr(model, "distribution"))):
        raise ValueError(f"Expected model to be a WaveNet, Vocoder or NamWaveNet. Received: {type(model).__name__}")
    warmup = [check_positive_int("warmup_batch_sizes", size) for size in warmup_batch_sizes]
    chunk_samples = check_positive_int("chunk_samples", chunk_samples)
    sample_rate = sample_rate and check_positive_int("sample_rate", sample_rate)
    family = VocoderSignatures if isinstance(model, Vocoder) else Signatures
    if isinstance(model, NamWaveNet):
        family = EffectSignatures
    if sample_rate is None and isinstance(model, WaveNet | NamWaveNet) and model.sample_rate is not None:
        sample_rate = round(model.sample_rate)
    served = family(model, jit_compile, check_positive_int("max_samples", max_samples))
    with replace_folder(path, known_by="saved_model.pb") as partial:
        functions = served.functions()
        tf.saved_model.save(served, str(partial), signatures=functions)
        write_documents(served, functions, partial, sample_rate)
        if warmup:
            write_warmup(served, partial, warmup, chunk_samples)
