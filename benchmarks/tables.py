"""Tables of the documentation, rendered from benchmarks/results: `python -m benchmarks.tables`.

A table stands in a Markdown file between the lines `<!-- table: NAME -->` and `<!-- end of table -->`. The command
writes all of them anew; `--check` only tells whether they are as the results say, which a test asks too.
"""

import dataclasses
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


TABLES: dict[str, Callable[[], str]] = {
    table.__name__: table for table in (shipped, quality, other_voices, text, speed, training_step, precision)
}


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
