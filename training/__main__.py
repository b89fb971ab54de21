"""``python -m training``: from raw data to a finished, checked model folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich import print as show

from training.backbones import BACKBONES
from training.evaluate import evaluate
from training.export import export
from training.train import Settings, train

#: OpenVINO and PyTorch must agree on the shipped weights this closely, in fp32.
ENGINE_TOLERANCE = 1e-3


def main(
    data: Annotated[Path, typer.Option(help="The folder with the sets, as README.md describes.")] = Path(
        "../shared/data"
    ),
    name: Annotated[str, typer.Option(help="Name of the model that is made.")] = "small",
    backbone: Annotated[str, typer.Option(help=f"One of {', '.join(BACKBONES)}.")] = "all-MiniLM-L6-v2",
    work: Annotated[Path, typer.Option(help="Where checkpoints and logs go.")] = Path("build/training"),
    out: Annotated[Path, typer.Option(help="Where the model folder goes.")] = Path("build/models"),
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = 7,
    max_examples: Annotated[int | None, typer.Option(help="Train on fewer examples, to try the recipe.")] = None,
    rows: Annotated[int | None, typer.Option(help="Evaluate on fewer rows of each set.")] = None,
) -> None:
    """Train, export, check and measure a model; a run that was stopped goes on from its last checkpoint."""
    settings = Settings(backbone=backbone, seed=seed, max_examples=max_examples)
    folder = BACKBONES[backbone].folder()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    module = train(settings, data, work / name, device=device)
    export(module, folder, out / name)
    metrics = {"settings": asdict(settings), **evaluate(out / name, folder, data, rows)}
    report = out / f"{name}.metrics.json"
    report.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    if metrics["openvino_from_pytorch"] > ENGINE_TOLERANCE:
        raise SystemExit(f"OpenVINO and PyTorch differ by {metrics['openvino_from_pytorch']} on {out / name}.")
    show(f"[bold]{out / name}[/] is done; figures are in {report}.", metrics["unseen_mean"])


typer.run(main)
