"""Points of a curve: a JSON file that grows with a run, and its picture."""

import json
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tf_wavenet.files import atomic_path

PANELS = {"pesq_wb": "PESQ-WB", "stoi": "STOI", "dnsmos": "DNSMOS"}
# A recording beside itself has the highest PESQ and STOI there are, which says nothing.
_BASELINES = {"recordings": ("dnsmos",), "Griffin-Lim": tuple(PANELS)}
_COLOURS = ("tab:blue", "tab:red", "tab:green", "tab:purple", "tab:brown", "tab:olive")


def load(path: Path) -> dict:
    """Reads a file of points.

    Args:
        path: What `add` wrote.

    Returns:
        Its object.

    Raises:
        ValueError: If it is something else.
    """
    try:
        curve = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(curve["points"], list):
            raise TypeError("points")
    except (json.JSONDecodeError, KeyError, TypeError):
        raise ValueError(f"Expected the points of a curve, as benchmarks.curve writes them. Received: {path}") from None
    return curve


def load_baselines(path: Path) -> dict[str, dict]:
    """Reads the figures of systems without a network.

    Args:
        path: What `benchmarks.quality --json` printed.

    Returns:
        Scores of the recordings and of Griffin-Lim.

    Raises:
        ValueError: If neither is there.
    """
    try:
        lines = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
        found = {line["system"]: {name: line[name] for name in PANELS} for line in lines}
    except (json.JSONDecodeError, KeyError, TypeError):
        found = {}
    known = {name: found[name] for name in _BASELINES if name in found}
    if not known:
        raise ValueError(f"Expected --baseline to be what benchmarks.quality --json printed. Received: {path}")
    return known


def of_run(path: Path, run: str | None) -> dict:
    """Reads a file that points of a run may be added to.

    Args:
        path: The file; it need not exist.
        run: Name of the run.

    Returns:
        The file's object, without points if there is no file.

    Raises:
        ValueError: If the file holds something else, or the points of another run.
    """
    curve = load(path) if path.exists() else {"points": []}
    if curve.get("run", run) != run:
        raise ValueError(f"Expected --out to be of the run {run}. Received: {path}, of {curve['run']}")
    return curve


def add(path: Path, point: dict, about: dict) -> dict:
    """Adds a point to a file, in the order of steps; one of the same step and temperatures is replaced.

    Args:
        path: The file; made if need be.
        point: `step`, `temperature` and perhaps `voiced_temperature`, `cpu_minutes`, and the scores.
        about: What else the file shall say, instead of what it said under those names.

    Returns:
        The file's object.

    Raises:
        ValueError: If the file holds something else, or the points of another run.
    """
    curve = of_run(path, about.get("run"))

    def key(of):
        return of["step"], *_temperatures(of)

    points = [other for other in curve.pop("points") if key(other) != key(point)]
    curve |= {**about, "points": sorted([*points, point], key=key)}
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(curve, indent=1) + "\n", encoding="utf-8")
    return curve


def draw(curves: dict[str, dict]) -> Figure:
    """Draws the scores over the processor's time, a line a run and temperature, baselines as horizontal lines.

    Args:
        curves: Objects of files by the names to show.

    Returns:
        The figure, 1500 x 550 pixels.
    """
    figure = Figure(figsize=(15, 5.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(PANELS))
    lines = {}
    for name, curve in curves.items():
        for temperature, voiced in sorted(set(map(_temperatures, curve["points"]))):
            label = name if temperature < 0 else f"{name}, temperature {temperature:g}"
            label += f", voiced {temperature * voiced:.2g}" if voiced != 1.0 else ""
            lines[label] = [point for point in curve["points"] if _temperatures(point) == (temperature, voiced)]
    baselines = {}
    for curve in curves.values():
        baselines |= curve.get("baselines", {})
    for panel, (score, title) in zip(axes, PANELS.items(), strict=True):
        for number, (label, points) in enumerate(lines.items()):
            known = [(point["cpu_minutes"], point[score]) for point in points if point[score] is not None]
            colour = _COLOURS[number % len(_COLOURS)]
            panel.plot(*zip(*known, strict=True) if known else ((), ()), "o-", color=colour, markersize=4, label=label)
        for (name, scores), style in zip(baselines.items(), (":", "--"), strict=False):
            if score in _BASELINES[name]:
                panel.axhline(scores[score], color="0.4", linestyle=style, linewidth=1.2, label=name)
        panel.set_title(title)
        panel.set_xlabel("CPU minutes of training")
        panel.set_xlim(left=0)
        panel.grid(alpha=0.3)
    handles, labels = axes[-1].get_legend_handles_labels()  # DNSMOS has all of them
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 4), frameon=False)
    return figure


def _temperatures(point):
    temperature = point["temperature"]
    return -1.0 if temperature is None else temperature, point.get("voiced_temperature", 1.0)
