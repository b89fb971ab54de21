"""``python -m training``: from raw data to a finished, checked model folder, and its figures."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich import print as show

from training.backbones import BACKBONES
from training.card import write_card
from training.evaluate import evaluate
from training.export import export
from training.train import Settings, prepare, start_from, train

#: OpenVINO and PyTorch must agree on the shipped weights this closely, in fp32.
ENGINE_TOLERANCE = 1e-3

app = typer.Typer(help=__doc__, add_completion=False, rich_markup_mode=None)

Data = Annotated[Path, typer.Option(help="The folder with the sets, as README.md describes.")]
Name = Annotated[str, typer.Option(help="Name of the model.")]
Backbone = Annotated[str, typer.Option(help=f"One of {', '.join(BACKBONES)}.")]
Out = Annotated[Path, typer.Option(help="Where model folders and their figures go.")]
Work = Annotated[Path, typer.Option(help="Where checkpoints and logs go.")]
Seed = Annotated[int, typer.Option(help="Seed of all that is random.")]
Examples = Annotated[int | None, typer.Option(help="Train on fewer examples, to try the recipe.")]
Rows = Annotated[int | None, typer.Option(help="Measure on fewer rows of each set.")]

DATA, MODELS, RUNS, RESULTS = Path("../shared/data"), Path("build/models"), Path("build/training"), "training/results"
DEFAULT_BACKBONE = "all-MiniLM-L6-v2"


@app.command()
def make(
    data: Data = DATA,
    name: Name = "small",
    backbone: Backbone = DEFAULT_BACKBONE,
    work: Work = RUNS,
    out: Out = MODELS,
    seed: Seed = 7,
    max_examples: Examples = None,
    rows: Rows = None,
) -> None:
    """Train, export, check and measure; a run that was stopped goes on from its last checkpoint."""
    settings = Settings(backbone=backbone, seed=seed, max_examples=max_examples)
    folder = BACKBONES[backbone].folder()
    module = start_from(settings, folder)
    train(module, prepare(settings, data, folder, module), settings, work / name, device=_device())
    export(module, folder, out / name)
    (out / name).with_suffix(".settings.json").write_text(json.dumps(asdict(settings), indent=2) + "\n")
    measure(data, name, backbone, out, rows)


@app.command()
def measure(
    data: Data = DATA,
    name: Name = "small",
    backbone: Backbone = DEFAULT_BACKBONE,
    out: Out = MODELS,
    rows: Rows = None,
) -> None:
    """Measure a model that has been made, and check that both engines compute the same."""
    metrics = evaluate(out / name, BACKBONES[backbone].folder(), data, rows)
    report = (out / name).with_suffix(".metrics.json")
    report.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    if metrics["openvino_from_pytorch"] > ENGINE_TOLERANCE:
        raise SystemExit(f"OpenVINO and PyTorch differ by {metrics['openvino_from_pytorch']} on {out / name}.")
    show(f"[bold]{out / name}[/] is done; figures are in {report}.", metrics["unseen_mean"])


@app.command()
def cross_encoder(
    data: Data = DATA,
    name: Name = "cross-encoder",
    backbone: Backbone = DEFAULT_BACKBONE,
    work: Work = RUNS,
    out: Out = MODELS,
    seed: Seed = 7,
    max_examples: Examples = None,
) -> None:
    """Train an ordinary cross-encoder, and write it as a checkpoint in Hugging Face format."""
    from training.cross_encoder import CrossEncoderModule, collate_pairs, export_cross_encoder

    settings = Settings(backbone=backbone, seed=seed, max_examples=max_examples)
    folder = BACKBONES[backbone].folder()
    encoder = start_from(settings, folder)
    module = CrossEncoderModule(encoder)
    rows = prepare(settings, data, folder, encoder)
    train(module, rows, settings, work / name, device=_device(), make_batch=collate_pairs)
    export_cross_encoder(module, folder, out / name)
    show(f"[bold]{out / name}[/] is done.")


@app.command()
def card(
    metrics: Annotated[Path, typer.Option(help="The figures of the shipped model.")] = Path(
        f"{RESULTS}/small.metrics.json"
    ),
    into: Annotated[Path, typer.Option(help="The file that quotes them.")] = Path("MODEL_CARD.md"),
) -> None:
    """Write the figures of the shipped model into its card."""
    write_card(json.loads(metrics.read_text(encoding="utf-8")), into)


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


app()
