"""From results to what people read: tables in the terminal, in docs/benchmarks.md, and their sum in the README."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from benchmarks.speed import BEST, DEFAULT, Result
from training.markdown import put, table

RESULTS = Path(__file__).parent / "results"


def show(name: str, result: Result) -> None:
    """Print a result."""
    Console().print(Markdown(REPORTS[name](result)))


def keep(name: str, result: Result) -> None:
    """Write a result to ``results/``."""
    _file(name).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def render(readme: Path, page: Path) -> None:
    """Put every result that is kept between its markers, ``<!-- http:begin -->`` and the like.

    `page` gets them whole, `readme` what is to be known first: the footprint, and the speed of all models in one table.
    """
    kept = {name: _read(name) for name in REPORTS if _file(name).exists()}
    reports = {name: REPORTS[name](result) for name, result in kept.items()}
    first = {name: reports.pop(name) for name in ("footprint",) if name in reports}
    speeds = {name.removeprefix("speed-"): result for name, result in kept.items() if name.startswith("speed-")}
    if speeds:
        first["speed"] = speed_summary(speeds)
    for path, sections in ((readme, first), (page, reports)):
        text = path.read_text(encoding="utf-8")
        for name, figures in sections.items():
            text = put(text, name, figures)
        path.write_text(text, encoding="utf-8")


def _read(name: str) -> Result:
    result: Result = json.loads(_file(name).read_text(encoding="utf-8"))
    return result


def _file(name: str) -> Path:
    return RESULTS / f"{name}.json"


def speed_summary(results: Mapping[str, Result]) -> str:
    """Return how many times the pipeline's texts per second each model has in bulk, and its share of the ceiling."""
    cells = [{(cell["tokens"], cell["labels"]): cell for cell in result["cells"]} for result in results.values()]
    rows: list[tuple[object, ...]] = []
    for tokens, labels in cells[0]:
        rates = [
            {name: figures["texts_per_second"] for name, figures in of[tokens, labels]["peers"].items()} for of in cells
        ]
        faster = [f"{_times(of['auto'] / of[DEFAULT])} ({_times(of['auto'] / of[BEST])})" for of in rates]
        rows.append((tokens, labels, *faster))
    shares = [f"{_reached(result, 'auto')[-1][0] / _ceiling(result, 'auto'):.0%}" for result in results.values()]
    head = ("text, tokens", "labels", *(f"`{name}`" for name in results))
    return table(head, [*rows, ("of the ceiling, at most", "", *shares)])


def speed_report(result: Result) -> str:
    """Return the speed of Linnaeus beside the pipeline's, and what share of the ceiling it reaches."""
    sizes = ", ".join(f"{size} at {tokens} tokens" for tokens, size in result["batch_sizes"].items())
    return "\n\n".join(
        (
            "One request at a time, milliseconds (median):",
            _comparison(result, "latency_ms", lower_is_better=True),
            "In bulk, texts per second:",
            _comparison(result, "texts_per_second", lower_is_better=False),
            f"Best batch of the pipeline: {sizes}. Linnaeus runs as it comes ({result['precisions']['auto']} here).",
            "The precisions, in bulk. The ceiling is the fastest matrix product of PyTorch or OpenVINO:",
            _precisions(result),
            _circumstances(result),
        )
    )


def _comparison(result: Result, figure: str, *, lower_is_better: bool) -> str:
    rows = []
    for cell in result["cells"]:
        default, best, ours = (cell["peers"][name][figure] for name in (DEFAULT, BEST, "auto"))
        ratios = (peer / ours if lower_is_better else ours / peer for peer in (default, best))
        rows.append((cell["tokens"], cell["labels"], *map(_number, (default, best, ours)), *map(_times, ratios)))
    head = ("text, tokens", "labels", "pipeline", "with its best batch", "Linnaeus", "faster than it", "than its best")
    return table(head, rows)


def _precisions(result: Result) -> str:
    rows = []
    for name, precision in result["precisions"].items():
        ceiling = _ceiling(result, name)
        reached = _reached(result, name)
        (least, _), (most, where) = reached[0], reached[-1]
        rows.append(
            (
                name if name == precision else f"{name} ({precision})",
                f"{ceiling:.2f}",
                f"{least:.2f} to {most:.2f}",
                f"{least / ceiling:.0%} to {most / ceiling:.0%}",
                where,
            )
        )
    head = ("precision", "ceiling, 10¹² operations/s", "reached", "share", "the most at")
    return table(head, rows)


def _ceiling(result: Result, name: str) -> float:
    """Return the most that the processor does in the precision that `name` was, in 10¹² operations a second."""
    ceiling: float = result["ceiling_tflops"][result["precisions"][name]]
    return ceiling


def _reached(result: Result, name: str) -> list[tuple[float, str]]:
    """Return what was reached of it and where, from the least to the most."""
    return sorted(
        (
            cell["gflop_per_text"] * cell["peers"][name]["texts_per_second"] / 1e3,
            f"{cell['tokens']} tokens, {cell['labels']} labels",
        )
        for cell in result["cells"]
    )


def footprint_report(result: Result) -> str:
    """Return what an installation takes in disk, time and memory."""
    largest = ", ".join(f"{name} {size}" for name, size in result["largest_mb"].items())
    rows = (
        ("disk that `pip install .` takes", f"{result['disk_mb']} MB ({largest})"),
        ("`linnaeus classify` typed to the answer printed", f"{result['answer_seconds']:.2f} s"),
        ("`linnaeus --help`", f"{result['help_seconds']:.2f} s"),
        ("memory of the server at rest, after a request", f"{result['server_mb']} MB"),
    )
    return "\n\n".join((table(("what", "how much"), rows), _circumstances(result)))


def http_report(result: Result) -> str:
    """Return what HTTP costs beside a bare route."""
    bare = result["servers"]["bare"]["per_second"]
    rows = [
        (
            name,
            f"{of['per_second']:.0f}",
            f"{of['p50_ms']:.1f}",
            f"{of['p99_ms']:.1f}",
            f"{bare / of['per_second']:.2f}",
        )
        for name, of in result["servers"].items()
    ]
    head = ("server", "answers per second", "median, ms", "99 % within, ms", "a bare route does so many times as many")
    about = f"{result['connections']} connections; server and wrk have a core each; {result['rounds']} rounds in turn."
    return "\n\n".join((table(head, rows), about, _circumstances(result)))


def memory_report(result: Result) -> str:
    """Return how the memory of a server grows."""
    count, read = result["count"], result["megabytes"]
    first, last = read[0], read[-1]
    rows = [(f"{first} (after {count // len(read)} of {count})", max(read), last, f"{last / first - 1:+.0%}")]
    head = ("memory at the start, MB", "at most", "at the end", "grown")
    return "\n\n".join((table(head, rows), _circumstances(result)))


def checkpoints_report(result: Result) -> str:
    """Return the speed of full-size checkpoints in the pipeline, in ONNX Runtime and in Linnaeus."""
    parts = []
    for name, measured in result["checkpoints"].items():
        sizes = ", ".join(f"{size} at {tokens} tokens" for tokens, size in measured["batch_sizes"].items())
        parts += [
            f"The shape of `{name}`, texts per second:",
            _rates(measured),
            f"Best batch of the pipeline: {sizes}.",
        ]
    versions = ", ".join(f"{name} {number}" for name, number in measured["onnx_versions"].items())
    about = f"ONNX Runtime gets the same batches, and an environment of its own ({versions})."
    return "\n\n".join((*parts, about, _circumstances(result)))


def _rates(measured: Result) -> str:
    names = list(measured["cells"][0]["peers"])
    rows = []
    for cell in measured["cells"]:
        rates = {name: cell["peers"][name]["texts_per_second"] for name in names}
        ours = rates["auto"]
        others = max(rate for name, rate in rates.items() if name not in measured["precisions"])
        ratios = (ours / rates[DEFAULT], ours / rates[BEST], ours / others)
        rows.append((cell["tokens"], cell["labels"], *map(_number, rates.values()), *map(_times, ratios)))
    titles = [f"Linnaeus {name}" if name in measured["precisions"] else name for name in names]
    head = ("text, tokens", "labels", *titles, "auto faster than the pipeline", "its best", "any other")
    return table(head, rows)


def parity_report(result: Result) -> str:
    """Return how near Linnaeus is to the pipeline in fp32, and how far other precisions move the scores."""
    rows = []
    for name, compared in result["checkpoints"].items():
        about = f"{compared['texts']} texts, {compared['labels']} labels"
        rows.append((f"`{name}`", "fp32, from the pipeline", about, f"{compared['difference']:.1e}", "", ""))
        for precision, found in compared["precisions"].items():
            verdict = "accepted" if found["accepted"] else "not accepted"
            figures = f"{compared['pairs']} pairs", f"{found['largest_move']:.3f}", found["flips"], verdict
            rows.append(("", f"{precision}, from fp32", *figures))
    head = ("checkpoint", "scores of", "asked", "moved at most", "top labels lost", "")
    return "\n\n".join((table(head, rows), _circumstances(result)))


def _circumstances(result: Result) -> str:
    machine, versions = result["machine"], result["versions"]
    of = ", ".join(f"{name} {number}" for name, number in versions.items())
    return (
        f"Measured {result['date']} at {result['commit']} on {machine['cores']} cores of {machine['processor']}, "
        f"{machine['memory_gb']} GB; {of}."
    )


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _times(ratio: float) -> str:
    return f"{ratio:.0f}x" if ratio >= 10 else f"{ratio:.1f}x"


REPORTS = {
    "speed-large": speed_report,
    "speed-base": speed_report,
    "speed-small": speed_report,
    "footprint": footprint_report,
    "http": http_report,
    "loads": memory_report,
    "requests": memory_report,
    "checkpoints": checkpoints_report,
    "parity": parity_report,
}
