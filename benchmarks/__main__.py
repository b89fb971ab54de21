"""``python -m benchmarks``: measure, print, keep the figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from benchmarks import report
from benchmarks.speed import Result

app = typer.Typer(help=__doc__, add_completion=False, rich_markup_mode=None)

Quick = Annotated[bool, typer.Option("--quick", help="A short trial, whose figures are printed and not kept.")]

BundledModel: TypeAlias = Literal["base", "large", "small"]


@app.command()
def speed(
    quick: Quick = False,
    model: Annotated[BundledModel, typer.Option(help="The model of Linnaeus to measure.")] = "large",
) -> None:
    """Measure speed beside transformers' zero-shot pipeline; this takes a quarter of an hour for small."""
    from benchmarks.speed import QUICK, Plan, measure_speed

    _conclude(f"speed-{model}", measure_speed(QUICK if quick else Plan(), model), quick)


@app.command()
def footprint(quick: Quick = False) -> None:
    """Measure disk, start and memory of a fresh installation."""
    from benchmarks.footprint import measure_footprint

    _conclude("footprint", measure_footprint(times=1 if quick else 5), quick)


@app.command()
def http(quick: Quick = False) -> None:
    """Measure cached answers over HTTP beside a bare route that returns a constant."""
    from benchmarks.http_overhead import measure_http

    _conclude("http", measure_http(1, 2) if quick else measure_http(5, 8), quick)


@app.command()
def loads(quick: Quick = False) -> None:
    """Measure how a server's memory grows while it loads and unloads 200 times; this takes a quarter of an hour."""
    from benchmarks.endurance import measure_loads

    _conclude("loads", measure_loads(8 if quick else 200, tiny=quick), quick)


@app.command()
def requests(quick: Quick = False) -> None:
    """Measure how a server's memory grows over 100,000 requests of random lengths; this takes most of an hour."""
    from benchmarks.endurance import measure_requests

    _conclude("requests", measure_requests(200 if quick else 100_000), quick)


@app.command()
def checkpoints(quick: Quick = False) -> None:
    """Measure full-size checkpoints in the pipeline, ONNX Runtime and Linnaeus; this takes about an hour."""
    from benchmarks.checkpoints import measure_checkpoints

    _conclude("checkpoints", measure_checkpoints(quick=quick), quick)


@app.command()
def parity(quick: Quick = False) -> None:
    """Compare the scores of full-size checkpoints with the pipeline's, and those of bf16 and int8 with fp32's."""
    from benchmarks.parity import measure_parity

    _conclude("parity", measure_parity(quick=quick), quick)


@app.command()
def render(
    readme: Annotated[Path, typer.Option(help="The file that quotes the first of the figures.")] = Path("README.md"),
    page: Annotated[Path, typer.Option(help="The file that quotes all others.")] = Path("docs/benchmarks.md"),
) -> None:
    """Write the kept figures into the README and docs/benchmarks.md."""
    report.render(readme, page)


def _conclude(name: str, result: Result, quick: bool) -> None:
    report.show(name, result)
    if not quick:
        report.keep(name, result)


if __name__ == "__main__":
    app()
