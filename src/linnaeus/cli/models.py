"""``linnaeus models``: which models are here, and how one of the Hub comes and goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from linnaeus.cli.failures import failures_told
from linnaeus.errors import InputError

app = typer.Typer(help="List, fetch, remove and describe models.", no_args_is_help=True, rich_markup_mode=None)

NameArgument: TypeAlias = Annotated[str, typer.Argument(metavar="NAME", help="owner/name, or owner/name@revision.")]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON, an object a line.")]

Facts: TypeAlias = dict[str, Any]


@app.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """List the models that are here, bundled or in the Hub's cache."""
    with failures_told():
        models = [*_bundled(), *_cached()]
        if as_json:
            for model in models:
                _print_json(model)
            return
        _print_table(models)


@app.command()
def pull(name: NameArgument) -> None:
    """Fetch a model of the Hub, or what is new of it.

    \b
    Examples:
      linnaeus models pull facebook/bart-large-mnli
      linnaeus models pull facebook/bart-large-mnli@d7645e127eaf1aefc7862fd59a17a5aa8558b8ce
    """  # noqa: D301
    with failures_told():
        _check_hub_name(name)
        from linnaeus.models.hub import fetch

        folder = fetch(name)
        _describe(folder)  # a model that cannot be used is better known now than when it is needed
        typer.echo(f"{name} is in {folder}")


@app.command()
def remove(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a model of the Hub from the cache: all its revisions, or the one that is named.

    What was made of it, such as converted graphs, goes with it.
    """
    with failures_told():
        _check_hub_name(name)
        from linnaeus.models import hub

        size = _readable(sum(model.size for model in hub.find_cached(name)))
        if not yes:
            typer.confirm(f"Remove {name} ({size})?", abort=True)
        from linnaeus.engines.kept import forget

        for model in hub.remove(name):
            forget(model.revision)
        typer.echo(f"Removed {name} ({size}).")


@app.command()
def info(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A bundled model, a folder, or a model of the Hub.")],
    as_json: JsonOption = False,
) -> None:
    """Describe a model that is here: its labels, how much it reads, its licence."""
    with failures_told():
        facts = {"name": name, **_describe(_folder_here(name))}
        if as_json:
            _print_json(facts)
            return
        _print_facts(facts)


@app.command()
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A bundled model, a folder, or a model of the Hub.")],
    texts: Annotated[int | None, typer.Option(min=1, help="Try fewer texts than all 426.")] = None,
) -> None:
    """Try the precisions on 2,000 pairs, and from now on run the model in the fastest that keeps its scores.

    A precision keeps them if, beside fp32, no score moves by more than 0.02, and no label loses first place that led by
    as much. A large model takes some minutes.
    """
    with failures_told():
        from linnaeus.acceptance import fastest_accepted, try_precisions
        from linnaeus.engines.kept import choose

        tried = []
        for one in try_precisions(name, texts):
            verdict = one.verdict
            tried.append(one)
            typer.echo(
                f"{one.precision}  {one.pairs_per_second:7.1f} pairs/s  largest move {verdict.largest_move:.4f}  "
                f"flips {verdict.flips}  {'accepted' if verdict.accepted else 'not accepted'}"
            )
        best = fastest_accepted(tried)
        choose(best.revision, best.precision)
        typer.echo(f"{name} runs in {best.precision} from now on, unless told otherwise.")


def _check_hub_name(name: str) -> None:
    from linnaeus.models.hub import is_hub_name

    if not is_hub_name(name):
        raise InputError("NAME", f"is {name!r}: give a model of the Hub, as owner/name or owner/name@revision.")


def _folder_here(name: str) -> Path:
    from linnaeus.models.catalogue import local_folder, model_folder
    from linnaeus.models.hub import find_cached, is_hub_name

    if local_folder(name) is None and is_hub_name(name):
        return find_cached(name)[0].folder
    return model_folder(name)


def _describe(folder: Path) -> Facts:
    from linnaeus.models.checkpoint import Checkpoint, own_architecture
    from linnaeus.models.hub import licence
    from linnaeus.models.mean import own_revision, part_folders
    from linnaeus.models.one_pass import OnePassConfig

    if (architecture := own_architecture(folder)) is not None:
        folders = part_folders(folder)
        config = OnePassConfig.read(folders[0])
        facts = {
            "architecture": architecture,
            "labels": config.labels,
            "entailment": "entailment",
            "longest_input": config.positions,
            "revision": own_revision(folder),
            "size": sum(map(_size, folders)),
        }
    else:
        checkpoint = Checkpoint.read(folder)
        facts = {
            "architecture": checkpoint.model_type,
            "labels": checkpoint.labels,
            "entailment": checkpoint.labels[checkpoint.entailment],
            "longest_input": checkpoint.longest,
            "revision": checkpoint.revision,
            "size": _size(folder),
        }
    return {**facts, "licence": licence(folder), "folder": str(folder)}


def _bundled() -> list[Facts]:
    from linnaeus.models.catalogue import bundled_models, model_folder
    from linnaeus.models.mean import own_revision, part_folders

    folders = {name: model_folder(name) for name in bundled_models()}
    return [
        {
            "name": name,
            "revision": own_revision(folder),
            "branches": [],
            "size": sum(map(_size, part_folders(folder))),
            "last_used": None,
        }
        for name, folder in folders.items()
    ]


def _cached() -> list[Facts]:
    from linnaeus.models.hub import cached

    return [
        {
            "name": model.name,
            "revision": model.revision,
            "branches": model.branches,
            "size": model.size,
            "last_used": model.last_used.isoformat(timespec="seconds"),
        }
        for model in cached()
    ]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _readable(size: int) -> str:
    from rich.filesize import decimal

    return decimal(size)


def _print_json(value: Facts) -> None:
    typer.echo((json.dumps(value, ensure_ascii=False) + "\n").encode(), nl=False)


def _print_table(models: list[Facts]) -> None:
    from rich.console import Console
    from rich.table import Table

    from linnaeus.models.hub import SHORT_COMMIT

    table = Table("name", "revision", "size", "last used", box=None, pad_edge=False, header_style="bold")
    for model in models:
        table.add_row(
            model["name"],
            " ".join((model["revision"][:SHORT_COMMIT], *model["branches"])),
            _readable(model["size"]),
            (model["last_used"] or "bundled").partition("T")[0],
        )
    Console().print(table)


def _print_facts(facts: Facts) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    shown = facts | {
        "labels": ", ".join(facts["labels"]),
        "longest_input": f"{facts['longest_input']} tokens, text and hypothesis together",
        "size": _readable(facts["size"]),
        "licence": facts["licence"] or "not stated",
    }
    for name, value in shown.items():
        table.add_row(name.replace("_", " "), value)
    Console().print(table)
