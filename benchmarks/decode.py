"""Speed of incremental generation: `python -m benchmarks.decode [--json]`.

Each case runs `WaveNet.generate`'s compiled loop, sampling included, in turn with its bound: the same loop, built
here, whose convolutions get the step before's input as their past tap, so that no queue is written or read. What is
left is the matrix products, gates, head and sampling. Cases with a condition of 80 log-mels add the product that
projects the upsampled features to the gates, one for all samples of a call, to both. The ratio is the best time of the
bound over the best time of the decoder in the same process. Samples and real time count all rows of a batch.

In the same turns, where numba is installed: the native decoder, and beside it the samples that its products alone would
allow, by what `benchmarks.timing.ceilings` measures of the machine in the same run. Besides: naive generation, a whole
receptive field recomputed for each sample.

`--long` measures instead whether a sample late in a stream takes longer than an early one, and whether memory grows.
`--peer r9y9=CHECKOUT` measures instead r9y9/wavenet_vocoder's incremental generation and ours in turn, of the same
weights, whose answers are compared first. It needs torch beside tensorflow.
"""

import argparse
import importlib.util
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf  # noqa: E402
import tqdm  # noqa: E402

from benchmarks.timing.provenance import provenance  # noqa: E402
from tf_wavenet import WaveNet  # noqa: E402
from tf_wavenet.decoding import Decoder  # noqa: E402
from tf_wavenet.decoding.decoder import BLOCK_SAMPLES  # noqa: E402
from tf_wavenet.decoding.native import is_native  # noqa: E402
from tf_wavenet.decoding.sampler import SamplingSettings  # noqa: E402
from tf_wavenet.files import atomic_path  # noqa: E402
from tf_wavenet.layers import Conditioning  # noqa: E402

MELS = {"local_channels": 80, "local_hop": 200}  # of Conditioning
CASES = (
    *((preset, rows, {}) for preset in ("paper", "small") for rows in (1, 16, 64)),
    *((preset, rows, MELS) for preset in ("paper", "small") for rows in (1, 64)),
    *((preset, rows, {}) for preset in ("vocoder", "lpc_vocoder") for rows in (1, 64)),
)
LONG = 1_000_000  # samples


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


def native_runner(model, batch_size, samples, condition, figures=None):
    """As `runner`, of the native decoder, with the samples a second that `figures` allow; None where there is none."""
    if not is_native(model):
        return None, None
    from tf_wavenet.decoding.native.native_decoder import NativeDecoder

    decoder = NativeDecoder(model, threads=1)
    states = decoder.start(Decoder(model).initial_state(batch_size))

    def run(n):
        start = time.perf_counter()
        decoder.decode(states, n, 0, SamplingSettings(), condition)
        return time.perf_counter() - start

    run(1)
    limit = None
    if figures is not None:
        from benchmarks.timing.ceilings import roofline

        rows = max(len(state.row) for state in states)
        limit = roofline(decoder, rows, rows > 1 and condition is not None and decoder._condition > 0, figures)
    return lambda: run(samples), limit


def naive_seconds_per_sample(model, batch_size, repeats):
    """Times one sample made from a whole receptive field, compiled by XLA too."""
    window = tf.zeros([batch_size, model.receptive_field])
    inputs = window
    if model.conditioning is not None:
        frames = -(-model.receptive_field // model.local_hop) + 1
        inputs = {"waveform": window, "local_condition": tf.zeros([batch_size, frames, model.local_channels])}
    predict = tf.function(lambda x: model(x)[:, -1], autograph=False, jit_compile=True)
    predict(inputs).numpy()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        predict(inputs).numpy()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(preset, batch_size, conditions, repeats, samples, figures=None):
    """Returns the figures of one case as a dict."""
    conditioning = {"conditioning": Conditioning(**conditions)} if conditions else {}
    model, condition = WaveNet.from_preset(preset, **conditioning), None
    if model.local_channels:
        frames = tf.random.stateless_normal(
            [batch_size, BLOCK_SAMPLES // model.local_hop, model.local_channels], [0, 0]
        )
        frames = -6.0 + frames if model.mel_spec is None else frames
        encoded = model.conditioning.encode(local_condition=frames)
        # One call of the loop, at most as long as `generate` makes it.
        samples = min(samples, Decoder(model).block_samples(encoded, batch_size))
        condition = encoded[:, :samples]
    ours, compile_s = runner(model, batch_size, samples, condition)
    runs = {"xla": ours, "bound": None}
    if model.stack.kernel_size == 2 and model.predictor is None:
        runs["bound"], _ = runner(WithoutQueues(model), batch_size, samples, condition)
    runs["native"], roof = native_runner(model, batch_size, samples, condition, figures)
    runs = {name: run for name, run in runs.items() if run is not None}
    times = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            times[name].append(run())
    speeds = {name: samples * batch_size / min(seconds) for name, seconds in times.items()}
    speed, limit = speeds["xla"], speeds.get("bound")
    native = {}
    if "native" in speeds:
        native["native_samples_per_s"] = round(speeds["native"])
        native["native_ratio"] = round(speeds["native"] / speed, 3)
        native["native_x_real_time_24k"] = round(speeds["native"] / 24000, 3)
        native["roofline_samples_per_s"] = roof and round(roof)
    return {
        "preset": preset,
        "condition": f"{model.local_channels} mels" if model.local_channels else "none",
        "batch_size": batch_size,
        "samples_per_s": round(speed),
        "bound_samples_per_s": limit and round(limit),
        "ratio": limit and round(speed / limit, 3),
        "x_real_time_16k": round(speed / 16000, 3),
        "x_real_time_24k": round(speed / 24000, 3),
        "naive_samples_per_s": round(batch_size / naive_seconds_per_sample(model, batch_size, min(repeats, 3)), 1),
        "compile_s": round(compile_s, 2),
        **native,
        "tensorflow": tf.__version__,
        "steps": samples,
    }


def measure_long(preset, samples):
    """Returns the time of a sample and the memory, early and late in one stream of the native decoder, as a dict."""
    model = WaveNet.from_preset(preset)
    from tf_wavenet.decoding.native.native_decoder import NativeDecoder

    decoder = NativeDecoder(model, threads=1)
    states = decoder.start(Decoder(model).initial_state(1))
    part = samples // 100
    decoder.decode(states, part, 0, SamplingSettings())  # compiles, and fills caches
    times, memory = [], []
    for _ in tqdm.trange(100, unit="part"):
        start = time.perf_counter()
        decoder.decode(states, part, 0, SamplingSettings())
        times.append(1e6 * (time.perf_counter() - start) / part)
        memory.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20)
    tenths = [sorted(times[first : first + 10])[5] for first in range(0, 100, 10)]
    return {
        "preset": preset,
        "samples": samples,
        "us_a_sample_by_tenths": [round(value, 3) for value in tenths],
        "last_to_first": round(tenths[-1] / tenths[0], 3),
        "memory_mib_first": round(memory[0], 1),
        "memory_mib_last": round(memory[-1], 1),
    }


def measure_peer(preset, checkout, repeats, samples, threads):
    """Returns the speeds of r9y9's generation and of ours, of the same weights, as a dict."""
    from benchmarks.peers.r9y9_decode import generator, networks

    network, model = networks(preset, checkout)
    theirs = min(samples, 400)
    runs = {
        "r9y9": (generator(network, theirs, threads), theirs),
        "xla": (runner(model, 1, samples)[0], samples),
        "native": (native_runner(model, 1, samples, None)[0], samples),
    }
    runs = {name: run for name, run in runs.items() if run[0] is not None}
    times = {name: [] for name in runs}
    for _ in range(repeats):
        for name, (run, _) in runs.items():
            times[name].append(run())
    speeds = {name: runs[name][1] / min(seconds) for name, seconds in times.items()}
    figures = {f"{name}_samples_per_s": round(speed) for name, speed in speeds.items()}
    ratios = {f"{name}_ratio": round(speeds[name] / speeds["r9y9"], 1) for name in speeds if name != "r9y9"}
    return {"preset": preset, "batch_size": 1, **figures, **ratios, "tensorflow": tf.__version__}


def main():
    """Prints one line a case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--repeats", type=int, default=6, help="timed runs of each loop, taken in turn")
    parser.add_argument("--seconds", type=float, default=1.0, help="rough length of a timed run")
    parser.add_argument("--threads", type=int, default=1, help="intra-op threads; 0 leaves the choice to TensorFlow")
    parser.add_argument("--peer", metavar="r9y9=CHECKOUT", help="measure beside that work tree's generation")
    parser.add_argument("--long", action="store_true", help=f"measure the first and the last of {LONG:,} samples")
    parser.add_argument("--out", type=Path, help="JSON file for all figures, their command, versions and machine")
    arguments = parser.parse_args()
    if arguments.peer is not None and not arguments.peer.startswith("r9y9="):
        parser.error(f"expected --peer r9y9=CHECKOUT. Received: {arguments.peer}")
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    told, rows = {}, []
    if arguments.peer is not None:
        checkout, repeats = arguments.peer.removeprefix("r9y9="), max(1, arguments.repeats)
        cases = (measure_peer(preset, checkout, repeats, 8000, arguments.threads) for preset in ("small", "paper"))
    elif arguments.long:
        cases = (measure_long(preset, LONG) for preset in ("small", "paper"))
    else:
        limits = None
        if importlib.util.find_spec("numba"):
            from benchmarks.timing.ceilings import ceilings

            limits = ceilings()
            told["ceilings"] = {name: round(figure / 1e9, 1) for name, figure in limits.items()}
        cases = _cases(arguments, limits)
    for figures in cases:
        figures |= {"threads": arguments.threads}
        rows.append(figures)
        plain = not (arguments.json or arguments.long or arguments.peer)
        print(_row(figures) if plain else json.dumps(figures), flush=True)
    if arguments.out is not None:
        flags = f"--repeats {arguments.repeats} --seconds {arguments.seconds}"
        if arguments.peer is not None:
            flags = f"--peer r9y9=CHECKOUT --repeats {arguments.repeats}"
        elif arguments.long:
            flags = "--long"
        with atomic_path(arguments.out) as partial:
            head = json.dumps(provenance(f"python -m benchmarks.decode {flags}") | told, indent=1)
            partial.write_text(f'{head[:-2]},\n "rows": [\n  ' + ",\n  ".join(map(json.dumps, rows)) + "\n ]\n}\n")


def _cases(arguments, figures):
    for preset, batch_size, conditions in CASES:
        rough = (60e-6 if preset == "paper" else 25e-6) * max(1.0, batch_size / 4)
        samples = max(1, min(BLOCK_SAMPLES, int(arguments.seconds / rough)))
        yield measure(preset, batch_size, conditions, max(1, arguments.repeats), samples, figures)


def _row(figures):
    text = (
        "{preset:6} condition {condition:7} batch {batch_size:3}: {samples_per_s:7} samples/s, "
        "bound {bound_samples_per_s}, ratio {ratio}, "
        "x real time {x_real_time_16k} at 16 kHz, {x_real_time_24k} at 24 kHz, naive {naive_samples_per_s}, "
        "compiled in {compile_s} s"
    )
    if "native_ratio" in figures:
        text += "; native {native_samples_per_s}, {native_ratio} of XLA"
    return text.format(**figures)


if __name__ == "__main__":
    main()
