"""Speed of incremental generation: `python -m benchmarks.decode [--json]`.

Each case runs `WaveNet.generate`'s compiled loop, sampling included, in turn with its bound: the same loop, built
here, whose convolutions get the step before's input as their past tap, so that no queue is written or read. What is
left is the matrix products, gates, head and sampling. Cases with a condition of 80 log-mels add the product that
projects the upsampled features to the gates, one for all samples of a call, to both. The ratio is the best time of the
bound over the best time of the decoder in the same process. Samples and real time count all rows of a batch.

In the same turns, where numba is installed: the native decoder, with matrices in float16 and in float32. Besides: naive
generation, a whole receptive field recomputed for each sample.
"""

import argparse
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf  # noqa: E402

from tf_wavenet import WaveNet  # noqa: E402
from tf_wavenet.decoding import Decoder  # noqa: E402
from tf_wavenet.decoding.decoder import BLOCK_SAMPLES  # noqa: E402
from tf_wavenet.decoding.native import is_native  # noqa: E402
from tf_wavenet.decoding.sampler import SamplingSettings  # noqa: E402
from tf_wavenet.layers import Conditioning  # noqa: E402

MELS = {"local_channels": 80, "local_hop": 200}  # of Conditioning
CASES = (
    ("paper", 1, {}),
    ("paper", 64, {}),
    ("small", 1, {}),
    ("paper", 1, MELS),
    ("paper", 64, MELS),
    ("small", 1, MELS),
)


class WithoutQueues:
    """A model's `step` with the same arithmetic and no queues. Kernel size 2 only: one past tap."""

    def __init__(self, model):
        """Takes the arithmetic of `model`."""
        self._model = model
        self.distribution = model.distribution
        self.conditioning = model.conditioning
        self.period = model.period

    def get_initial_state(self, batch_size):
        """Returns one past tap for each convolution."""
        layers = [self._model.causal_conv, *self._model.stack.convolutions()]
        return [tf.zeros([batch_size, layer.input_channels]) for layer in layers]

    def step(self, previous_sample, state, condition=None):
        """Predicts one sample; the state is this step's inputs."""
        written = []

        def convolve(convolution, x):
            past = state[len(written)]
            written.append(x)
            return convolution.apply_taps([past, x])

        x = self._model.causal_conv.compute(self._model._encode(previous_sample), convolve)
        return self._model._to_parameters(self._model.stack.compute(x, convolve, condition)), written


def runner(model, batch_size, samples, condition=None):
    """Returns a function that times the generation of `samples` a row, and the seconds of its compilation."""
    decoder = Decoder(model)
    state, seed = decoder.initial_state(batch_size), tf.constant([0, 0], tf.uint32)

    def run(n):
        start = time.perf_counter()
        audio, _ = decoder.decode(state, tf.constant(n), seed, tf.constant(1.0), condition=condition)
        audio.numpy()
        return time.perf_counter() - start

    compile_s = run(1)
    return lambda: run(samples), compile_s


def native_runner(model, batch_size, samples, condition, dtype):
    """As `runner`, of the native decoder; None where it cannot decode the model."""
    if not is_native(model):
        return None
    from tf_wavenet.decoding.native.native_decoder import NativeDecoder

    decoder = NativeDecoder(model, dtype, threads=1)
    states = decoder.start(Decoder(model).initial_state(batch_size))

    def run(n):
        start = time.perf_counter()
        decoder.decode(states, n, 0, SamplingSettings(), condition)
        return time.perf_counter() - start

    run(1)
    return lambda: run(samples)


def naive_seconds_per_sample(model, batch_size, repeats):
    """Times one sample made from a whole receptive field, compiled by XLA too."""
    window = tf.zeros([batch_size, model.receptive_field])
    inputs = window
    if model.conditioning is not None:
        frames = -(-model.receptive_field // model.local_hop)
        inputs = {"waveform": window, "local_condition": tf.zeros([batch_size, frames, model.local_channels])}
    predict = tf.function(lambda x: model(x)[:, -1], autograph=False, jit_compile=True)
    predict(inputs).numpy()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        predict(inputs).numpy()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(preset, batch_size, conditions, repeats, samples):
    """Returns the figures of one case as a dict."""
    conditioning = {"conditioning": Conditioning(**conditions)} if conditions else {}
    model, condition = WaveNet.from_preset(preset, **conditioning), None
    if conditions:
        frames = tf.random.stateless_normal([batch_size, BLOCK_SAMPLES // MELS["local_hop"], 80], [0, 0])
        encoded = model.conditioning.encode(local_condition=frames)
        # One call of the loop, at most as long as `generate` makes it.
        samples = min(samples, Decoder(model).block_samples(encoded, batch_size))
        condition = encoded[:, :samples]
    ours, compile_s = runner(model, batch_size, samples, condition)
    bound, _ = runner(WithoutQueues(model), batch_size, samples, condition)
    runs = {"xla": ours, "bound": bound}
    for dtype in ("float16", "float32"):
        runs[dtype] = native_runner(model, batch_size, samples, condition, dtype)
    runs = {name: run for name, run in runs.items() if run is not None}
    times = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            times[name].append(run())
    speeds = {name: samples * batch_size / min(seconds) for name, seconds in times.items()}
    speed, limit = speeds["xla"], speeds["bound"]
    native = {f"native_{name}_samples_per_s": round(speeds[name]) for name in ("float16", "float32") if name in speeds}
    if "float16" in speeds:
        native["native_ratio"] = round(speeds["float16"] / speed, 3)
        native["native_x_real_time_24k"] = round(speeds["float16"] / 24000, 3)
    return {
        "preset": preset,
        "condition": "80 mels" if conditions else "none",
        "batch_size": batch_size,
        "samples_per_s": round(speed),
        "bound_samples_per_s": round(limit),
        "ratio": round(speed / limit, 3),
        "x_real_time_16k": round(speed / 16000, 3),
        "x_real_time_24k": round(speed / 24000, 3),
        "naive_samples_per_s": round(batch_size / naive_seconds_per_sample(model, batch_size, min(repeats, 3)), 1),
        "compile_s": round(compile_s, 2),
        **native,
        "tensorflow": tf.__version__,
        "steps": samples,
    }


def main():
    """Prints one line a case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--repeats", type=int, default=6, help="timed runs of each loop, taken in turn")
    parser.add_argument("--seconds", type=float, default=1.0, help="rough length of a timed run")
    parser.add_argument("--threads", type=int, default=1, help="intra-op threads; 0 leaves the choice to TensorFlow")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    for preset, batch_size, conditions in CASES:
        rough = {"paper": 60e-6, "small": 25e-6}[preset] * max(1.0, batch_size / 2)
        samples = max(1, min(BLOCK_SAMPLES, int(arguments.seconds / rough)))
        figures = measure(preset, batch_size, conditions, max(1, arguments.repeats), samples)
        figures |= {"threads": arguments.threads, "cores": os.cpu_count()}
        print(json.dumps(figures) if arguments.json else _row(figures), flush=True)


def _row(figures):
    text = (
        "{preset:6} condition {condition:7} batch {batch_size:3}: {samples_per_s:7} samples/s, "
        "bound {bound_samples_per_s:7}, ratio {ratio:5}, "
        "x real time {x_real_time_16k} at 16 kHz, {x_real_time_24k} at 24 kHz, naive {naive_samples_per_s}, "
        "compiled in {compile_s} s"
    )
    if "native_ratio" in figures:
        text += "; native {native_float16_samples_per_s} in float16, {native_float32_samples_per_s} in float32, "
        text += "{native_ratio} of XLA"
    return text.format(**figures)


if __name__ == "__main__":
    main()
