"""Tables of the documentation, rendered from benchmarks/results: `python -m benchmarks.tables`.

A table stands in a Markdown file between the lines `<!-- table: NAME -->` and `<!-- end of table -->`. The command
writes all of them anew; `--check` only tells whether they are as the results say, which a test asks too.
"""

import dataclasses
import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from training.cli.command_line import parse, run

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
PAGES = ("README.md", "benchmarks/README.md", "saved_models/README.md", "docs/**/*.md")
_MARKED = re.compile(r"(<!-- table: (\w+) -->\n)(?:.*?\n)??(<!-- end of table -->)", re.S)
_CORPORA = {"asterisk-core-sounds-fr-g722": "French", "asterisk-core-sounds-it-g722": "Italian"}
_SHIPPED = ("istft_vocoder_16k", "lpc_vocoder_16k")
# Runs of the comparison: file, what was trained, and which part of the training the figures are after.
_RUNS = (
    ("istft_vocoder", "`istft_vocoder`"),
    ("istft_long", "`istft_vocoder`, resumed"),
    ("lpc_vocoder_resumed", "`lpc_vocoder`, resumed"),
    ("lpc_vocoder", "`lpc_vocoder`"),
    ("lpc_vocoder_order_0", "`lpc_vocoder` without prediction"),
    ("vocoder", "`vocoder`"),
)


@dataclasses.dataclass(frozen=True)
class TablesConfig:
    """Renders the tables of README.md, docs and benchmarks from the files in benchmarks/results."""

    check: bool = False
    """Write nothing; fail if a table is not as the results say."""


def lines_of(name: str) -> list[dict[str, Any]]:
    """Returns the objects of a .jsonl file of results."""
    return [json.loads(line) for line in (RESULTS / name).read_text().splitlines() if line]


def result_of(name: str) -> dict[str, Any]:
    """Returns the object of a .json file of results."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def markdown(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Returns a Markdown table; the first column is text, the others are aligned to the right."""
    header = list(header)
    rule = ["---"] + ["--:"] * (len(header) - 1)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (header, rule, *map(list, rows)))


def number(value: float | None, digits: int) -> str:
    """Returns a number with so many digits after the point and commas; nothing for None."""
    return "" if value is None else f"{value:,.{digits}f}"


def _scores(row):
    digits = {"pesq_wb": 2, "stoi": 3, "dnsmos": 2, "word_error": 3}
    return [number(row.get(name), count) for name, count in digits.items()]


def _shipped_rows() -> Iterator[list[str]]:
    systems = {row["system"]: row for row in lines_of("quality.jsonl")}
    yield ["the recordings themselves", *_scores(systems["recordings"])]
    yield ["Griffin-Lim, from the same log-mels", *_scores(systems["Griffin-Lim"])]
    for name in _SHIPPED:
        yield [f"`{name}`", *_scores(result_of(name)["points"][-1])]


def shipped() -> str:
    """Copy synthesis by the trained models, on recordings that no model has learnt from."""
    return markdown(["56 recordings, 105 s", "PESQ-WB", "STOI", "DNSMOS", "word error"], _shipped_rows())


def quality() -> str:
    """The runs that led to the trained models, each after some processor time."""
    rows = []
    for row in lines_of("quality.jsonl"):
        if row["system"] != "istft":  # the same run, later, is below
            rows.append([row["system"], "", "", "", *_scores(row)])
    for name, label in _RUNS:
        for point in reversed(result_of(name)["points"]):
            temperature = point["temperature"]
            voiced = point.get("voiced_temperature")
            if temperature is not None:
                times = "" if voiced is None else f", {temperature * voiced:.2f} where voiced"
                settings = f"{label}, temperature {temperature:.2f}{times}"
            else:
                settings = label
            samples = f"{point['samples'] / 1e6:,.0f} M"
            rows.append([settings, number(point["step"], 0), samples, number(point["cpu_minutes"], 0), *_scores(point)])
    header = ["", "steps", "samples", "CPU min", "PESQ-WB", "STOI", "DNSMOS", "word error"]
    return markdown(header, rows)


def other_voices() -> str:
    """The trained vocoders on voices that they have not learnt."""
    rows = []
    for row in lines_of("quality_other_voices.jsonl"):
        if row["system"] in ("recordings", "Griffin-Lim", *_SHIPPED):
            seconds = number(row["seconds"], 0)
            rows.append([f"{_CORPORA[row['corpus']]}, {seconds} s: {row['system']}", *_scores(row)[:3]])
    return markdown(["", "PESQ-WB", "STOI", "DNSMOS"], rows)


def text() -> str:
    """The text voice."""
    rows = [
        [row["voice"] + (f" with {row['vocoder']}" if "vocoder" in row else ""), *_scores(row)[:1:-1]]
        for row in lines_of("text.jsonl")
    ]
    return markdown(["20 sentences, 217 words", "word error", "DNSMOS"], rows)


def speed() -> str:
    """How fast each published size speaks."""
    rows = [
        [f"`{row['model']}`", number(row["weights"], 0), number(row["x_real_time"], 1), row["tensorflow"]]
        for row in lines_of("speed.jsonl")
    ]
    return markdown(["model", "weights", "x real time", "TensorFlow"], rows)


def training_step() -> str:
    """Training steps of both vocoders, in two precisions."""
    turns = {False: "all resolutions", True: "two resolutions a step"}
    rows = []
    for row in lines_of("vocoder_step.jsonl"):
        loss = turns[row["resolutions_in_turn"]] if row["model"] == "istft_vocoder" else ""
        rows.append([f"`{row['model']}`", row["precision"], loss, number(row["samples_per_second"], 0)])
        rows[-1].append(number(row["ratio"], 2))
    return markdown(["model", "precision", "STFT loss", "samples/s", "ratio"], rows)


def precision() -> str:
    """Held-out bits per sample of one run in two precisions."""
    curves = result_of("precision")["curves"]
    rows = []
    for exact, half in zip(curves["float32"], curves["mixed_bfloat16"], strict=True):
        bits = [number(point["bits_per_sample"], 3) for point in (exact, half)]
        minutes = [number(point["cpu_minutes"], 1) for point in (exact, half)]
        rows.append([number(exact["step"], 0), *bits, *minutes])
    header = ["step", "bits, float32", "bits, bfloat16", "CPU min, float32", "CPU min, bfloat16"]
    return markdown(header, rows)


def decoding(name: str = "decoding") -> str:
    """Speed of both engines of generation."""
    rows = []
    for row in result_of(name)["rows"]:
        condition = "" if row["condition"] == "none" or "vocoder" in row["preset"] else f", {row['condition']}"
        engines = [row["samples_per_s"], row["native_samples_per_s"]]
        cells = [f"{row['preset']}{condition}", number(row["batch_size"], 0), *(number(speed, 0) for speed in engines)]
        times = [number(max(engines) / rate, 2) for rate in (16000, 24000)]
        rows.append([*cells, number(row["native_ratio"], 2), *times, number(row["ratio"], 2)])
        if "roofline_samples_per_s" in row:  # older results have none
            roof = row["roofline_samples_per_s"]
            rows[-1].append(number(roof and row["native_samples_per_s"] / roof, 2))
    header = ["network", "batch", "XLA, samples/s", "native, samples/s", "native / XLA"]
    header += ["x real time at 16 kHz", "at 24 kHz", "XLA / its bound", "native / its roofline"]
    return markdown(header[: len(rows[0])], rows)


def ceilings() -> str:
    """What the machine of `decoding` can do at most on one core."""
    names = {"multiply_adds": "multiply-adds in float32, G/s", "bfloat16_multiply_adds": "in bfloat16, G/s"}
    names |= {
        f"read_{level}": f"reading from {where}, GB/s" for level, where in enumerate(("L1", "L2", "beyond L2"), 1)
    }
    figures = result_of("decoding")["ceilings"]
    return markdown([names[name] for name in figures], [[number(figure, 0) for figure in figures.values()]])


def rounding() -> str:
    """What rounding the products of the shipped WaveNets costs."""
    lost = {}
    for row in lines_of("rounding.jsonl"):
        lost.setdefault(row["rounding"], []).append(number(row["lost_bits"], 4))
    models = [f"`{name}`" for name in dict.fromkeys(row["model"] for row in lines_of("rounding.jsonl"))]
    return markdown(["products in", *models], [[name, *bits] for name, bits in lost.items()])


def decoding_r9y9() -> str:
    """Generation beside the peer's incremental one, of the same weights."""
    rows = []
    for row in result_of("decoding_r9y9")["rows"]:
        speeds = [number(row[f"{name}_samples_per_s"], 0) for name in ("r9y9", "xla", "native")]
        rows.append([row["preset"], *speeds, number(max(row["xla_ratio"], row["native_ratio"]), 0)])
    return markdown(["network", "r9y9, samples/s", "XLA", "native", "the faster / r9y9"], rows)


def serving() -> str:
    """Streams that go on by chunks, batched in one process."""
    rows = []
    for row in result_of("serving")["rows"]:
        if "client" not in row:
            names = ("streams_x_real_time", "native_streams_x_real_time", "native_ratio", "bound_streams_x_real_time")
            figures = [number(row[name], 2) for name in names]
            rows.append([row["preset"], number(row["batch_size"], 0), *figures, number(row["ratio"], 2)])
    header = ["network", "streams in a batch", "exported, x real time", "native", "native / exported", "bound of XLA"]
    return markdown([*header, "exported / bound"], rows)


def serving_latency() -> str:
    """What a client of one stream waits for a chunk."""
    rows = [
        [row["preset"], row["client"], *(number(row[name], 1) for name in ("p50_ms", "p99_ms"))]
        for row in result_of("serving")["rows"]
        if "client" in row
    ]
    return markdown(["network", "client", "median, ms", "99th percentile, ms"], rows)


def tensorflow_versions() -> str:
    """Generation and training steps of WaveNets by two versions of TensorFlow, on one machine."""
    rows = []
    ends = (("_tensorflow_2_17", ""), ("_tensorflow_2_21", "_tensorflow_2_21"))
    files = [(f"decoding{decoding}", f"wavenet_step{step}") for decoding, step in ends]
    (old, old_step), (new, new_step) = [[result_of(name) for name in names] for names in files]
    cases = [{(row["preset"], row["condition"], row["batch_size"]): row for row in of["rows"]} for of in (old, new)]
    for case in cases[1]:
        row, other = cases[0][case], cases[1][case]
        condition = "" if row["condition"] == "none" else f", {row['condition']}"
        what = f"generation by XLA, {row['preset']}{condition}, batch {row['batch_size']}"
        rows.append([what, *(number(of["samples_per_s"], 0) for of in (row, other)), "", ""])
    for row, other in zip(old_step["rows"], new_step["rows"], strict=True):
        compiled = "XLA" if row["xla"] else "no XLA"
        what = f"training, {row['preset']}, {row['precision'].removeprefix('mixed_')}, {compiled}"
        figures = [number(of[name], 0) for name in ("samples_per_second", "first_step_seconds") for of in (row, other)]
        rows.append([what, *figures])
    versions = [of["versions"]["tensorflow"] for of in (old, new)]
    header = [f"{version}, {unit}" for unit in ("samples/s", "first step, s") for version in versions]
    return markdown(["", *header], rows)


def wavenet_step(name: str = "wavenet_step") -> str:
    """Training steps of WaveNets beside their matrix products and beside the peer's."""
    rows = []
    for row in result_of(name)["rows"]:
        kind = "bfloat16" if row["precision"] == "mixed_bfloat16" else row["precision"]
        speeds = [number(row[name], 0) for name in ("samples_per_second", "bound_samples_per_second")]
        cells = [row["preset"], kind, "yes" if row["xla"] else "no", *speeds, number(row["ratio"], 2)]
        of_peer = [number(row["peer_samples_per_second"], 0), number(row["peer_ratio"], 2)]
        rows.append([*cells, *of_peer, number(row["first_step_seconds"], 0), number(row["peak_memory_mib"], 0)])
    header = ["preset", "precision", "XLA", "samples/s", "bound", "ratio", "r9y9, samples/s", "times r9y9"]
    return markdown([*header, "first step, s", "MiB"], rows)


def amplifiers() -> str:
    """NAM's presets in blocks, beside the core in C++."""
    rows = []
    for row in result_of("nam")["rows"]:
        times = [number(row[name], 0) for name in ("microseconds_per_block", "slow_block_microseconds")]
        speeds = [number(row[name], 1) for name in ("x_real_time", "core_x_real_time")]
        rows.append([row["preset"], number(row["block_samples"], 0), *times, *speeds, number(row["ratio"], 2)])
    header = ["preset", "samples in a block", "us a block", "one of a thousand", "x real time", "C++ core", "ratio"]
    return markdown(header, rows)


def corpus() -> str:
    """Preparation and reading of a large corpus."""
    result = result_of("corpus")
    hours, reading = result["hours"], result["reading"]
    rows = []
    for each in result["prepared"]:
        what = f"prepared by {each['workers']} process{'es' if each['workers'] > 1 else ''}"
        rows.append([what, f"{number(each['seconds'], 0)} s, SHA-256 {each['sha256'][:12]}"])
    memory = reading["memory_mib"]
    rows += [
        ["training: start to the first batch", f"{number(reading['start_seconds'], 1)} s"],
        [f"one epoch, {number(reading['samples'] / 57.6e6, 1)} hours", f"{number(reading['epoch_seconds'], 0)} s"],
        ["memory after a fifth of it, at the end", f"{number(memory[1], 0)}, {number(memory[-1], 0)} MiB"],
        [f"reading / training step of `{result['preset']}`", number(result["reading_over_training"], 1)],
    ]
    return markdown([f"{number(hours, 0)} hours, {number(result['files'], 0)} files", "measured"], rows)


def fuzz() -> str:
    """Damaged files and requests, and how they ended."""
    rows, counts = [], ("files", "taken", "refused")
    lines = lines_of("fuzz.jsonl")
    for row in lines:
        name = row["kind"] if row["cases"] == row["files"] else f"{row['kind']}, {row['files'] // row['cases']} a case"
        figures = [number(row[count], 0) for count in (*counts, "memory_mib")]
        rows.append([name, *figures, f"{row['slowest_seconds']:.1f} s", number(len(row["bad"]), 0)])
    files, bad = (sum(row["files"] for row in lines), sum(len(row["bad"]) for row in lines))
    rows.append(["together", number(files, 0), "", "", "", "", number(bad, 0)])
    header = [
        "damaged",
        "files",
        "cases taken",
        "refused in one line",
        "memory, MiB",
        "slowest case",
        "ended otherwise",
    ]
    return markdown(header, rows)


def workers(name: str = "workers") -> str:
    """Training on two processes."""
    rows = []
    for row in result_of(name)["rows"]:
        lost = row["lost"]
        equal = "to the bit" if row["killed_equals_pair"] else "no"
        difference = f"{row['largest_relative_difference']:.0e}"
        figures = f"{row['single'][-1]:.6f}", f"{row['pair'][-1]:.6f}"
        rows.append([f"`{row['kind']}`", *figures, difference, f"{lost['seconds_to_stop']:.0f} s", equal])
    header = [
        "",
        "one process, held out",
        "two processes",
        "largest relative difference",
        "a lost one is noticed after",
    ]
    return markdown([*header, "killed and resumed = undisturbed"], rows)


def kill_counts(rows: list[dict[str, Any]]) -> str:
    """Returns a table of kills of each kind, and of the runs that were equal to an unbroken one to the bit."""
    cells = []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        found = [row for row in rows if row["kind"] == kind]
        moments = [row["moment"] for row in found]
        span = f"{min(moments):.1f} to {max(moments):.1f} of {max(row['work'] for row in found):.1f}"
        cells.append([kind, number(len(found), 0), number(sum(row["equal"] for row in found), 0), span])
    cells.append(["together", number(len(rows), 0), number(sum(row["equal"] for row in rows), 0), ""])
    return markdown(["killed", "kills", "equal to the bit", "after seconds of work"], cells)


def kills() -> str:
    """Commands that were killed and went on."""
    return kill_counts(lines_of("kills.jsonl"))


def earlier(name: str) -> str:
    """Figures that were written down by hand, of the commits that the file names."""
    table = result_of("earlier")[name]
    return markdown(table["header"], table["rows"])


TABLES: dict[str, Callable[[], str]] = (
    {
        table.__name__: table
        for table in (
            shipped,
            quality,
            other_voices,
            text,
            speed,
            training_step,
            precision,
            corpus,
            kills,
            workers,
            fuzz,
        )
        + (
            decoding,
            ceilings,
            rounding,
            decoding_r9y9,
            serving,
            serving_latency,
            wavenet_step,
            tensorflow_versions,
            amplifiers,
        )
    }
    | {
        "workers_jax": functools.partial(workers, "workers_jax"),
        "decoding_avx2": functools.partial(decoding, "decoding_avx2"),
        "wavenet_step_avx512": functools.partial(wavenet_step, "wavenet_step_avx512"),
        "decoding_amx": functools.partial(decoding, "decoding_amx"),
    }
    | {f"earlier_{name}": functools.partial(earlier, name) for name in result_of("earlier")}
)


def rendered(markdown_text: str) -> str:
    """Returns a page with its tables rendered anew.

    Args:
        markdown_text: The page.

    Returns:
        The page.

    Raises:
        ValueError: If it names a table that there is not.
    """

    def render(match):
        if match[2] not in TABLES:
            raise ValueError(f"Expected one of the tables {', '.join(TABLES)}. Received: {match[2]}")
        return match[1] + "\n" + TABLES[match[2]]() + "\n" + match[3]

    return _MARKED.sub(render, markdown_text)


def pages() -> list[Path]:
    """Returns the Markdown files that tables may stand in."""
    return sorted(path for pattern in PAGES for path in ROOT.glob(pattern))


def main() -> None:
    """Renders or checks, as the command line says."""
    config = parse(TablesConfig)
    for path in pages():
        old = path.read_text(encoding="utf-8")
        new = rendered(old)
        if new == old:
            continue
        name = path.relative_to(ROOT)
        if config.check:
            raise ValueError(f"Expected the tables of {name} to be as the results say: run python -m benchmarks.tables")
        path.write_text(new, encoding="utf-8")
        print(name)


if __name__ == "__main__":
    run(main)
