"""``linnaeus classify``, in this process, on a fake engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, get_args

import pytest
from typer.testing import CliRunner, Result

import linnaeus.classifier
from linnaeus import Classifier, UnknownModelError, loading
from linnaeus.cli import options
from linnaeus.cli.app import app

Run: TypeAlias = Callable[..., Result]


@pytest.fixture
def run(fake_classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(linnaeus.classifier, "Classifier", lambda *_, **__: fake_classifier)

    def run(*arguments: str, stdin: str | bytes = "") -> Result:
        return CliRunner().invoke(app, ["classify", *arguments], input=stdin, catch_exceptions=False)

    return run


def objects(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def refusal(result: Result) -> str:
    """Return the sentence of a command that ended with exit code 2, without printing a result."""
    assert result.exit_code == 2
    assert result.stdout == ""
    return result.stderr.strip()


def test_prints_one_object_for_one_text(run: Run, fake_classifier: Classifier) -> None:
    printed = objects(run("i want a refund", "--labels", "refund, legal", "--json"))
    assert printed == [fake_classifier("i want a refund", ["refund", "legal"])]


def test_passes_the_template_and_multi_label_on(run: Run, fake_classifier: Classifier) -> None:
    arguments = ("refund", "--labels", "refund,legal", "--template", "about {}", "--multi-label", "--json")
    assert objects(run(*arguments)) == [fake_classifier("refund", ["refund", "legal"], "about {}", True)]


def test_prints_an_object_a_line_for_the_lines_of_standard_input(run: Run) -> None:
    result = run("--labels", "refund,legal", "--json", stdin="one\n\n  \ntwo words\r\nlast without newline")
    assert [printed["sequence"] for printed in objects(result)] == ["one", "two words", "last without newline"]


def test_prefers_the_argument_to_standard_input(run: Run) -> None:
    result = run("typed", "--labels", "refund", "--json", stdin="piped\n")
    assert [printed["sequence"] for printed in objects(result)] == ["typed"]


def test_json_is_utf8_and_escapes_control_characters_only(run: Run) -> None:
    result = run("--labels", "schön,🎉", "--json", stdin="a\x00b → é\n".encode())
    assert objects(result)[0]["sequence"] == "a\x00b → é"
    assert "🎉" in result.stdout


def test_draws_bars_from_the_best_label_to_the_worst(run: Run) -> None:
    lines = run("refund", "--labels", "xyz,refund").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["refund", "xyz"]
    assert lines[0].count("━") > lines[1].count("━") > 0


def test_bars_of_several_texts_stand_below_their_text(run: Run) -> None:
    lines = run("--labels", "a", stdin="first\nsecond\n").stdout.splitlines()
    assert [line for line in lines if "━" not in line] == ["first", "", "second", ""]


def test_labels_and_texts_cannot_drive_the_terminal(run: Run) -> None:
    result = run("--labels", "[red]x[/red],\x1b[2Jy", stdin="a\x1b]0;b\tc\n")
    assert "[red]x[/red]" in result.stdout
    assert "a]0;b c" in result.stdout
    assert "\x1b" not in result.stdout


def test_says_that_a_text_was_cut(run: Run) -> None:
    assert "end was left out" in run("word " * 1000, "--labels", "a").stdout
    assert objects(run("word " * 1000, "--labels", "a", "--json"))[0]["truncated"] is True


def test_reads_a_long_text_in_windows_if_told_to(run: Run) -> None:
    [read] = objects(run("word " * 1000, "--labels", "a,b", "--json", "--long-text", "windows"))
    assert "truncated" not in read
    assert "windows" in read


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.txt", "refund\n\n  legal, tax  \r\n"),
        ("labels.json", '["refund", "legal, tax"]'),
        ("with-bom.txt", "\ufeffrefund\nlegal, tax"),
    ],
)
def test_reads_labels_from_a_file(run: Run, tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    result = run("refund", "--labels-file", str(tmp_path / name), "--json")
    assert objects(result)[0]["labels"] == ["refund", "legal, tax"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.txt", b"\n \n", "--labels-file is empty: give at least one label."),
        ("latin.txt", b"caf\xe9\n", "is not in UTF-8: convert it first."),
        ("broken.json", b'["a",', "is not valid JSON ("),
        ("object.json", b'{"a": 1}', "holds no JSON list: write one"),
        ("number.json", b'["a", 1]', "--labels-file[1] is int, not a string: write every label as a string."),
    ],
)
def test_refuses_a_labels_file(run: Run, tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    told = refusal(run("x", "--labels-file", str(tmp_path / name)))
    assert told.startswith("Error: --labels-file")
    assert sentence in told


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["x"], "Error: --labels is missing: name the candidates, as in --labels refund,legal,faq."),
        (["x", "--labels", " , "], "Error: --labels is empty: give at least one label."),
        (["x", "--labels", "a" * 600], "Error: --labels[0] makes a hypothesis of "),
        (["", "--labels", "a"], "Error: TEXT is empty: leave it out or give it some text."),
        (["a\udc80", "--labels", "a"], "Error: TEXT is no valid Unicode"),
        (["x", "--labels", "a", "--template", "none"], "Error: --template has no {} where the label should go."),
        (["x", "--labels", "a", "--template", "{0.__class__}"], "Error: --template may hold one plain {} only"),
        (["x", "--labels", "a", "--template", "{:>99999999}"], "Error: --template may hold one plain {} only"),
    ],
)
def test_refuses_with_one_sentence_that_names_the_option(run: Run, arguments: list[str], sentence: str) -> None:
    told = refusal(run(*arguments))
    assert told.startswith(sentence)
    assert "\n" not in told


def test_refuses_two_sources_of_labels(run: Run, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("a\n", encoding="utf-8")
    told = refusal(run("x", "--labels", "a", "--labels-file", str(tmp_path / "labels.txt")))
    assert told == "Error: --labels-file is given beside --labels: choose one of them."


def test_refuses_a_file_that_is_not_there(run: Run) -> None:
    assert "nowhere.txt" in refusal(run("x", "--labels-file", "nowhere.txt"))


@pytest.mark.parametrize("option", ["--device", "--precision"])
def test_refuses_an_unknown_choice(run: Run, option: str) -> None:
    assert f"'{option}'" in refusal(run("x", "--labels", "a", option, "tpu"))


def test_answers_the_lines_before_one_that_cannot_be_read(run: Run) -> None:
    result = run("--labels", "a", "--json", stdin=b"one\n\ntwo\n\xff\nthree\n")
    assert result.exit_code == 2
    assert [json.loads(line)["sequence"] for line in result.stdout.splitlines()] == ["one", "two"]
    assert result.stderr == "Error: Standard input is not in UTF-8 at line 4: convert it first.\n"


def test_failures_that_are_not_the_users_end_with_code_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise UnknownModelError("There is no model 'enormous'.")

    monkeypatch.setattr(linnaeus.classifier, "Classifier", refuse)
    result = run("x", "--labels", "a", "--model", "enormous")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Error: There is no model 'enormous'.\n")


def test_offers_the_devices_and_precisions_of_the_library() -> None:
    assert get_args(options.Device) == get_args(loading.Device)
    assert get_args(options.Precision) == get_args(loading.Precision)
    assert get_args(options.LongText) == get_args(linnaeus.classifier.LongText)
