"""``linnaeus models``, in this process, with a hub and a cache of the test's own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from typer.testing import CliRunner, Result

from linnaeus import Classifier
from linnaeus.cli.app import app
from linnaeus.engines.kept import choose
from linnaeus.models.catalogue import model_folder
from linnaeus.models.mean import own_revision
from tests.hub_server import Hub, hub_server
from tests.processor import HAS

Run: TypeAlias = Callable[..., Result]

NAME = "acme/nli"
CONFIG = {
    "architectures": ["BertForSequenceClassification"],
    "model_type": "bert",
    "max_position_embeddings": 512,
    "label2id": {"entailment": 0, "neutral": 1, "contradiction": 2},
}
CHECKPOINT = {
    "config.json": json.dumps(CONFIG).encode(),
    "tokenizer.json": b"{}",
    "README.md": b"---\nlicense: mit\n---\n",
    "model.safetensors": bytes(5000),
}
SIZE = sum(map(len, CHECKPOINT.values()))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("LINNAEUS_CACHE", str(tmp_path / "linnaeus"))
    monkeypatch.setenv("COLUMNS", "200")
    with hub_server() as running:
        running.redirect(monkeypatch, tmp_path / "home")
        yield running


@pytest.fixture
def run(hub: Hub) -> Run:  # noqa: ARG001 - never the real one
    def run(*arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(app, ["models", *arguments], input=stdin, catch_exceptions=False)

    return run


def objects(result: Result) -> list[dict[str, Any]]:
    assert (result.exit_code, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.splitlines()]


def refusal(result: Result, code: int) -> str:
    assert (result.exit_code, result.stdout) == (code, "")
    *_, sentence = result.stderr.splitlines()  # what stands before it is the progress of a download
    assert sentence.startswith("Error: ")
    return sentence


def graphs_of(revision: str, home: Path) -> Path:
    """Make a folder as of a converted graph."""
    folder = home / "linnaeus" / "graphs" / f"{revision[:16]}-float-0.1.0"
    folder.mkdir(parents=True)
    (folder / "graph.xml").touch()
    return folder


def test_pulls_and_lists(run: Run, hub: Hub) -> None:
    commit = hub.push(NAME, CHECKPOINT)
    pulled = run("pull", NAME)
    assert pulled.exit_code == 0
    assert Path(pulled.stdout.removeprefix(f"{NAME} is in ").strip()).name == commit
    *bundled, cached = objects(run("list", "--json"))
    for name, model in zip(("base", "large", "small"), bundled, strict=True):
        assert model.items() >= {"name": name, "revision": own_revision(model_folder(name)), "last_used": None}.items()
    base_size, large_size, small_size = (model["size"] for model in bundled)
    assert large_size == base_size + small_size
    assert cached.items() >= {"name": NAME, "revision": commit, "branches": ["main"], "size": SIZE}.items()
    header, base, large, small, nli = run("list").stdout.splitlines()
    assert header.split() == ["name", "revision", "size", "last", "used"]
    assert [line.split()[0] for line in (base, large, small)] == ["base", "large", "small"]
    assert nli.split() == [NAME, commit[:8], "main", f"{SIZE / 1000:.1f}", "kB", cached["last_used"][:10]]


def test_lists_the_bundled_models_where_nothing_was_ever_fetched(run: Run) -> None:
    assert [model["name"] for model in objects(run("list", "--json"))] == ["base", "large", "small"]


def test_pulls_a_pinned_revision(run: Run, hub: Hub) -> None:
    first = hub.push(NAME, CHECKPOINT)
    hub.push(NAME, {**CHECKPOINT, "model.safetensors": b"better"})
    assert run("pull", f"{NAME}@{first}").stdout.strip().endswith(first)


def test_pull_tells_of_a_model_that_cannot_be_used(run: Run, hub: Hub) -> None:
    config = json.dumps({**CONFIG, "label2id": {"positive": 0, "negative": 1}}).encode()
    hub.push(NAME, {**CHECKPOINT, "config.json": config})
    assert "no label called entailment" in refusal(run("pull", NAME), 1)


def test_pull_tells_of_a_model_that_is_not_there(run: Run) -> None:
    assert "There is no model 'acme/nli' on" in refusal(run("pull", NAME), 1)


@pytest.mark.parametrize("command", ["pull", "remove"])
@pytest.mark.parametrize("name", ["small", "./nli", "a/b/c"])
def test_only_models_of_the_hub_come_and_go(run: Run, command: str, name: str) -> None:
    sentence = f"Error: NAME is {name!r}: give a model of the Hub, as owner/name or owner/name@revision."
    assert refusal(run(command, name), 2) == sentence


def test_removes_a_model_and_what_was_made_of_it(run: Run, hub: Hub, tmp_path: Path) -> None:
    commit = hub.push(NAME, CHECKPOINT)
    hub.push("acme/other", {**CHECKPOINT, "README.md": b""})
    for name in (NAME, "acme/other"):
        run("pull", name)
    made, other = graphs_of(commit, tmp_path), graphs_of("0" * 40, tmp_path)
    removed = run("remove", NAME, "--yes")
    assert (removed.exit_code, removed.stdout) == (0, f"Removed {NAME} ({SIZE / 1000:.1f} kB).\n")
    assert [model["name"] for model in objects(run("list", "--json"))] == ["base", "large", "small", "acme/other"]
    assert (made.exists(), other.exists()) == (False, True)


@pytest.mark.parametrize(("answer", "stays"), [("y\n", False), ("n\n", True), ("", True)])
def test_asks_before_it_removes(run: Run, hub: Hub, answer: str, stays: bool) -> None:
    hub.push(NAME, CHECKPOINT)
    run("pull", NAME)
    asked = run("remove", NAME, stdin=answer)
    assert asked.stdout.startswith(f"Remove {NAME} ({SIZE / 1000:.1f} kB)? [y/N]")
    assert asked.exit_code == int(stays)
    assert (NAME in [model["name"] for model in objects(run("list", "--json"))]) is stays


def test_what_is_not_there_is_not_removed(run: Run) -> None:
    assert "`linnaeus models list` shows what is there" in refusal(run("remove", NAME, "--yes"), 1)


def test_describes_a_checkpoint_in_the_cache(run: Run, hub: Hub) -> None:
    commit = hub.push(NAME, CHECKPOINT)
    run("pull", NAME)
    (facts,) = objects(run("info", NAME, "--json"))
    assert Path(facts.pop("folder")).name == commit
    assert facts == {
        "name": NAME,
        "architecture": "bert",
        "labels": ["entailment", "neutral", "contradiction"],
        "entailment": "entailment",
        "longest_input": 512,
        "revision": commit,
        "size": SIZE,
        "licence": "mit",
    }
    shown = run("info", f"{NAME}@{commit[:8]}").stdout
    for value in (NAME, "bert", "entailment, neutral, contradiction", "512 tokens", commit, "mit"):
        assert value in shown


def test_describes_a_bundled_model_and_a_folder(run: Run) -> None:
    default, base, folder = (
        objects(run("info", name, "--json"))[0] for name in ("default", "base", str(model_folder("base")))
    )
    assert (default["architecture"], base["architecture"]) == ("linnaeus-mean", "linnaeus-one-pass")
    assert (default["licence"], base["licence"]) == ("apache-2.0", "apache-2.0")
    assert default["longest_input"] == base["longest_input"] == 512
    assert folder == {**base, "name": folder["name"]}


def test_says_where_a_licence_is_not_stated(run: Run, tiny_folder: Path) -> None:
    assert "not stated" in run("info", str(tiny_folder)).stdout


def test_info_fetches_nothing(run: Run, hub: Hub) -> None:
    hub.push(NAME, CHECKPOINT)
    assert "`linnaeus models pull` fetches more" in refusal(run("info", NAME), 1)
    assert "There is no model 'enormous'" in refusal(run("info", "enormous"), 1)
    assert hub.asked == []


@pytest.mark.parametrize("command", [[], ["list"], ["pull"], ["remove"], ["info"]])
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "linnaeus", "models", *command, "--help"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: linnaeus models")
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert imported & {"numpy", "openvino", "tokenizers", "huggingface_hub", "torch"} == set()


def test_a_trial_chooses_the_precision_of_later_starts(run: Run, tiny_folder: Path) -> None:
    result = run("check", str(tiny_folder), "--texts", "3")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert re.fullmatch(r"fp32 .* largest move 0\.0000  flips 0  accepted", lines[0])
    chosen = re.fullmatch(r".* runs in (\w+) from now on, unless told otherwise\.", lines[-1])
    assert chosen is not None
    for precision in ("fp32", *(name for name in HAS if HAS[name])):
        choose(own_revision(tiny_folder), precision)
        assert Classifier(tiny_folder, device="cpu").model.engine.description.endswith(precision)
        assert Classifier(tiny_folder, device="cpu", precision="fp32").model.engine.description.endswith("fp32")


def test_a_trial_of_nothing_is_refused(run: Run) -> None:
    assert "There is no model 'nowhere'" in refusal(run("check", "nowhere"), 1)
