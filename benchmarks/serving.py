"""Speed of the stateful signatures: `python -m benchmarks.serving [--json]`.

A model with random weights is exported, and streams of it go on by chunks of 20 ms, each chunk one request with the
state in and out. Streams x real time: how many streams one process of this machine sustains, batched, by
`generate_chunk` in TensorFlow's Python. In turn with it: that of `NativeSignatures`, and the bound of
`benchmarks.decode` at that batch size (the loop without queues). Latency: the time that a client waits for a chunk of
one stream, in a C program on TensorFlow's C API (the state stays in its memory), and over gRPC on loopback (the state
travels both ways), also with grpc_host.py's `--native`: median and 99th percentile. Needs
`pip install -e ".[serving,fast]"` and a C compiler.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from benchmarks.decode import WithoutQueues, runner  # noqa: E402
from benchmarks.timing.provenance import provenance  # noqa: E402
from tf_wavenet import WaveNet, export_saved_model  # noqa: E402
from tf_wavenet.files import atomic_path  # noqa: E402
from tf_wavenet.serving.native_signatures import NativeSignatures  # noqa: E402

EXAMPLES = Path(__file__).parents[1] / "examples" / "serving"
SAMPLE_RATE, CHUNK = 16000, 320
CASES = (("small", (1, 8, 64)), ("paper", (1, 8, 64)))


def native_chunk(model):
    """Returns `generate_chunk` by the native decoder, a function of the inputs' names."""
    served = NativeSignatures(model, 1 << 20)
    chunk, names = served.functions()["generate_chunk"], served.inputs_of("generate_chunk")
    return lambda **inputs: chunk(*(inputs[name] for name in names))


def requests(chunk, loaded, batch_size):
    """Returns a function that times one chunk of all streams; the state is carried from call to call."""
    state = loaded.signatures["initial_state"](batch_size=tf.constant(batch_size))
    sampling = {
        "num_samples": tf.constant(CHUNK),
        "seed": tf.range(batch_size, dtype=tf.int64),
        "temperature": tf.constant(1.0),
        "top_k": tf.constant(0),
        "top_p": tf.constant(1.0),
    }

    def run():
        nonlocal state
        start = time.perf_counter()
        out = chunk(**sampling, **state)
        out["waveform"].numpy()
        state = {name: out[f"new_{name}"] for name in state}
        return time.perf_counter() - start

    run()
    return run


def throughput(model, loaded, batch_size, repeats):
    """Returns the figures of batched chunks in this process."""
    runs = {
        "streams_x_real_time": requests(loaded.signatures["generate_chunk"], loaded, batch_size),
        "native_streams_x_real_time": requests(native_chunk(model), loaded, batch_size),
        "bound_streams_x_real_time": runner(WithoutQueues(model), batch_size, CHUNK)[0],
    }
    times = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            times[name].append(run())
    speeds = {name: round(batch_size * CHUNK / SAMPLE_RATE / min(seconds), 2) for name, seconds in times.items()}
    ours, native, bound = speeds.values()
    return {
        "batch_size": batch_size,
        **speeds,
        "ratio": round(ours / bound, 3),
        "native_ratio": round(native / ours, 2),
    }


def latency_c(folder, chunks, threads):
    """Milliseconds of each chunk in the C program, without the first, which compiles."""
    subprocess.run([EXAMPLES / "c" / "build.sh", sys.executable, folder.parent], check=True)
    command = [folder.parent / "stream", folder, str(CHUNK * (chunks + 1)), str(CHUNK), "0", "times"]
    environment = os.environ | {"TF_NUM_INTRAOP_THREADS": str(threads)}
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    lines = done.stderr.decode().splitlines()
    return [float(line) for line in lines if line.replace(".", "", 1).isdecimal()][1:]


def latency_native(folder, chunks, threads):
    """As `latency_grpc`, by the native decoder."""
    return latency_grpc(folder, chunks, threads, "--native", folder.parent / "model.keras")


def latency_grpc(folder, chunks, threads, *flags):
    """Milliseconds of each chunk over gRPC, without the first."""
    sys.path.insert(0, str(EXAMPLES))
    from grpc_client import Client

    command = [sys.executable, EXAMPLES / "grpc_host.py", folder, "--port", "0", *flags]
    environment = os.environ | {"TF_NUM_INTRAOP_THREADS": str(threads)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as host:
        try:
            port = host.stdout.readline().rsplit(":", 1)[1].strip()
            times, start = [], time.perf_counter()
            for _ in Client(f"127.0.0.1:{port}").stream(CHUNK * (chunks + 1), CHUNK):
                times.append(1000 * (time.perf_counter() - start))
                start = time.perf_counter()
        finally:
            host.terminate()
    return times[1:]


CLIENTS = {"C API": latency_c, "gRPC on loopback": latency_grpc, "gRPC on loopback, native": latency_native}


def main():
    """Prints one line a case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--repeats", type=int, default=20, help="timed chunks of each, taken in turn")
    parser.add_argument("--chunks", type=int, default=300, help="chunks whose latency is measured")
    parser.add_argument("--threads", type=int, default=1, help="intra-op threads; 0 leaves the choice to TensorFlow")
    parser.add_argument("--out", type=Path, help="JSON file for all figures, their command, versions and machine")
    arguments, rows = parser.parse_args(), []
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)

    def show(figures):
        figures |= {"threads": arguments.threads, "chunk_samples": CHUNK}
        rows.append(figures)
        text = ", ".join(f"{key} {value}" for key, value in figures.items())
        print(json.dumps(figures) if arguments.json else text, flush=True)

    for preset, batch_sizes in CASES:
        model = WaveNet.from_preset(preset)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "model"
            export_saved_model(model, folder, sample_rate=SAMPLE_RATE)
            model.save(Path(temporary) / "model.keras")
            about = json.loads((folder / "signatures.json").read_text())["model"]
            loaded = tf.saved_model.load(str(folder))
            for batch_size in batch_sizes:
                figures = throughput(model, loaded, batch_size, arguments.repeats)
                show({"preset": preset, "state_bytes_per_stream": about["state_bytes_per_stream"], **figures})
            for client, measure in CLIENTS.items():
                p50, p99 = np.percentile(measure(folder, arguments.chunks, arguments.threads), [50, 99])
                show({"preset": preset, "client": client, "p50_ms": round(p50, 2), "p99_ms": round(p99, 2)})
    if arguments.out is not None:
        command = f"python -m benchmarks.serving --repeats {arguments.repeats} --chunks {arguments.chunks}"
        with atomic_path(arguments.out) as partial:
            partial.write_text(json.dumps(provenance(command) | {"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
