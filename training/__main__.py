"""``python -m training``: from raw data to a finished, checked model folder, and its figures."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich import print as show

from linnaeus.engines.one_pass_module import OnePassModule
from linnaeus.loading import load_model
from linnaeus.models.mean import MeanConfig, read_config
from linnaeus.scores import Calibration
from training.backbones import BACKBONES
from training.calibrate import calibrate
from training.card import write_card
from training.evaluate import evaluate
from training.export import export
from training.recipes import MEANS, RECIPES
from training.remembering import remembering
from training.train import Settings, mix, prepare, start_from, train

#: OpenVINO and PyTorch must agree on the shipped weights this closely, in fp32.
ENGINE_TOLERANCE = 1e-3

app = typer.Typer(help=__doc__, add_completion=False, rich_markup_mode=None)

Model = Annotated[str, typer.Argument(help=f"Which model: {', '.join((*RECIPES, *MEANS))}.")]
Data = Annotated[Path, typer.Option(help="The folder with the sets, as README.md describes.")]
Out = Annotated[Path, typer.Option(help="Where model folders and their figures go.")]
Work = Annotated[Path, typer.Option(help="Where checkpoints and logs go.")]
Seed = Annotated[int | None, typer.Option(help="Another seed; the model is then called by it too.")]
Examples = Annotated[int | None, typer.Option(help="Train on fewer examples, to try the recipe.")]
Rows = Annotated[int | None, typer.Option(help="Measure on fewer rows of each set.")]

DATA, MODELS = Path("../shared/data"), Path("build/models")
RUNS, RESULTS = Path("build/training"), Path("training/results")


@app.command()
def make(
    model: Model,
    data: Data = DATA,
    work: Work = RUNS,
    out: Out = MODELS,
    seed: Seed = None,
    max_examples: Examples = None,
    rows: Rows = None,
) -> None:
    """Train, export, calibrate, check and measure; a run that was stopped goes on from its last checkpoint."""
    if model in MEANS:
        for part in MEANS[model]:
            _train_missing(part, data, work, out)
        _write_mean(model, out)
    else:
        _train(*_run(model, seed, max_examples), data, work, out)
    measure(model, data, out, seed, rows)


def _write_mean(name: str, out: Path) -> None:
    (out / name).mkdir(exist_ok=True)
    MeanConfig(MEANS[name]).write(out / name)


def _train(name: str, settings: Settings, data: Path, work: Path, out: Path) -> None:
    """Train and export a model."""
    _train_needed(settings, data, work, out)
    folder = BACKBONES[settings.backbone].folder()
    module = start_from(settings, folder, out)
    rows = prepare(settings, data, folder, module, out, work / name)
    train(module, rows, settings, work / name, device=_device())
    mix(module, [(OnePassModule.read(out / other), share) for other, share in settings.mixed_with.items()])
    export(module, folder, out / name)
    (out / name).with_suffix(".settings.json").write_text(json.dumps(asdict(settings), indent=2) + "\n")


def _train_needed(settings: Settings, data: Path, work: Path, out: Path) -> None:
    """Train the models that a run starts from or is taught by, if they are not there."""
    for needed in (settings.starts_from, settings.teacher, *settings.mixed_with, *settings.judges):
        if needed is not None:
            _train_missing(needed, data, work, out)


def _train_missing(name: str, data: Path, work: Path, out: Path) -> None:
    if not (out / name).is_dir():
        _train(name, RECIPES[name], data, work, out)


@app.command()
def measure(model: Model, data: Data = DATA, out: Out = MODELS, seed: Seed = None, rows: Rows = None) -> None:
    """Calibrate and measure a model that has been made, and check that both engines compute the same."""
    name, settings = _run(MEANS[model][0] if model in MEANS else model, seed)
    _measure(out / (model if model in MEANS else name), settings.backbone, data, rows)


def _run(model: str, seed: int | None, max_examples: int | None = None) -> tuple[str, Settings]:
    """Return what a run is called, and its settings."""
    if model not in RECIPES:
        raise typer.BadParameter(
            f"{model!r} is no model that is made here: name one of {', '.join((*RECIPES, *MEANS))}."
        )
    settings = replace(RECIPES[model], max_examples=max_examples or RECIPES[model].max_examples)
    return (model, settings) if seed is None else (f"{model}-{seed}", replace(settings, seed=seed))


def _measure(folder: Path, backbone: str, data: Path, rows: int | None) -> None:
    model = remembering(load_model(folder))
    calibration = calibrate(model, folder, data, rows)
    calibrated = replace(model, calibration=Calibration(**read_config(folder).calibration))
    metrics = {**evaluate(calibrated, folder, BACKBONES[backbone].folder(), data, rows), "calibration": calibration}
    if "bf16" in metrics["trial"]:
        accepted = metrics["precisions"]["bf16"]["accepted"] and metrics["trial"]["bf16"]["accepted"]
        replace(read_config(folder), precision="bf16" if accepted else "fp32").write(folder)
    report = folder.with_suffix(".metrics.json")
    report.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    if metrics["openvino_from_pytorch"] > ENGINE_TOLERANCE:
        raise SystemExit(f"OpenVINO and PyTorch differ by {metrics['openvino_from_pytorch']} on {folder}.")
    show(f"[bold]{folder}[/] is done; figures are in {report}.", metrics["unseen_mean"])


@app.command()
def cross_encoder(
    model: Model = "small-first",
    data: Data = DATA,
    work: Work = RUNS,
    out: Out = MODELS,
    max_examples: Examples = None,
) -> None:
    """Train an ordinary cross-encoder as a model is trained, and write it as a checkpoint in Hugging Face format."""
    from training.cross_encoder import CrossEncoderModule, collate_pairs, export_cross_encoder

    name, (_, settings) = f"{model}-cross-encoder", _run(model, None, max_examples)
    _train_needed(settings, data, work, out)
    folder = BACKBONES[settings.backbone].folder()
    encoder = start_from(settings, folder, out)
    module = CrossEncoderModule(encoder)
    rows = prepare(settings, data, folder, encoder, out, work / name)
    train(module, rows, settings, work / name, device=_device(), make_batch=collate_pairs)
    export_cross_encoder(module, folder, out / name)
    show(f"[bold]{out / name}[/] is done.")


@app.command()
def card(
    results: Annotated[Path, typer.Option(help="The folder with the figures of the shipped models.")] = RESULTS,
    into: Annotated[Path, typer.Option(help="The card that quotes them.")] = Path("MODEL_CARD.md"),
    readme: Annotated[Path, typer.Option(help="The file that quotes their sum.")] = Path("README.md"),
) -> None:
    """Write the figures of the shipped models into their card and into the README."""
    metrics = {name: results / f"{name}.metrics.json" for name in (*RECIPES, *MEANS)}
    write_card(
        {name: json.loads(path.read_text(encoding="utf-8")) for name, path in metrics.items() if path.exists()},
        into,
        readme,
    )


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


if __name__ == "__main__":
    app()
