from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest

from linnaeus import Classifier, ModelError, UnknownModelError
from linnaeus.models import hub as models_hub
from linnaeus.models.hub import SHORT_COMMIT, cached, fetch, find_cached, is_hub_name, licence, remove
from tests.checkpoints import make_checkpoint
from tests.hub_server import TOKEN, Files, Hub, hub_server

NAME = "acme/nli"
CONFIG = json.dumps({"architectures": ["BertForSequenceClassification"]}).encode()
CHECKPOINT = {"config.json": CONFIG, "tokenizer.json": b"{}", "README.md": b"# NLI", "model.safetensors": b"weights"}

INDEX = "model.safetensors.index.json"
SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
SHARDED = {
    "config.json": CONFIG,
    "vocab.txt": b"",
    INDEX: json.dumps({"weight_map": {"a": SHARDS[0], "b": SHARDS[1]}}).encode(),
    SHARDS[0]: b"1",
    SHARDS[1]: b"2",
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub_server() as running:
        running.redirect(monkeypatch, tmp_path)
        yield running


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def command(*names: str) -> list[str]:
    return [sys.executable, "-m", "tests.models.fetching", *names]


def fetched_elsewhere(hub: Hub, home: Path, *names: str, **environment: str) -> list[dict[str, str]]:
    """Fetch models in a process of its own, to which the environment says what to do."""
    done = subprocess.run(
        command(*names), capture_output=True, text=True, env={**os.environ, **hub.environment(home), **environment}
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_fetches_what_a_classifier_reads_and_nothing_else(hub: Hub) -> None:
    others = (
        "tf_model.h5",
        "flax_model.msgpack",
        "rust_model.ot",
        "pytorch_model.bin",
        "optimizer.pt",
        "openvino/openvino_model.bin",
        "onnx/model.onnx",
        "checkpoint-1/model.safetensors",
        "modeling.py",
    )
    commit = hub.push(NAME, {**CHECKPOINT, **dict.fromkeys(others, b"other")})
    folder = fetch(NAME)
    assert folder.name == commit
    assert files_of(folder) == hub.fetched() == set(CHECKPOINT)
    assert (folder / "model.safetensors").read_bytes() == b"weights"


@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        ({"model.safetensors", INDEX, *SHARDS, "onnx/model.onnx"}, {"model.safetensors"}),
        ({INDEX, *SHARDS, "onnx/model.onnx", "pytorch_model.bin"}, {INDEX, *SHARDS}),
        (
            {"onnx/model.onnx", "onnx/model.onnx_data", "onnx/model_int8.onnx", "model.onnx", "pytorch_model.bin"},
            {"onnx/model.onnx", "onnx/model.onnx_data"},
        ),
        ({"model.onnx", "model.onnx.data", "pytorch_model.bin"}, {"model.onnx", "model.onnx.data"}),
        ({"pytorch_model.bin", "tf_model.h5"}, {"pytorch_model.bin"}),
        (
            {"pytorch_model.bin.index.json", "pytorch_model-00001-of-00001.bin", "pytorch_model.fp16.bin"},
            {"pytorch_model.bin.index.json", "pytorch_model-00001-of-00001.bin"},
        ),
    ],
)
def test_takes_one_form_of_weights_the_best(hub: Hub, offered: set[str], taken: set[str]) -> None:
    hub.push(NAME, {"config.json": CONFIG} | dict.fromkeys(offered, b"{}"))
    assert files_of(fetch(NAME)) == {"config.json"} | taken


@pytest.mark.parametrize(
    "tokenizer",
    [
        {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"},
        {"vocab.json", "merges.txt"},
        {"vocab.txt", "added_tokens.json"},
        {"spm.model"},
        {"spiece.model"},
        {"sentencepiece.bpe.model"},
    ],
)
def test_takes_the_tokenizer_in_all_its_forms(hub: Hub, tokenizer: set[str]) -> None:
    hub.push(NAME, {"config.json": CONFIG, "model.safetensors": b""} | dict.fromkeys(tokenizer, b"{}"))
    assert files_of(fetch(NAME)) == {"config.json", "model.safetensors"} | tokenizer


def test_a_branch_moves_on_and_a_pinned_revision_does_not(hub: Hub) -> None:
    first = hub.push(NAME, CHECKPOINT)
    hub.push(NAME, CHECKPOINT, branch="v1")
    assert fetch(NAME).name == first
    second = hub.push(NAME, {**CHECKPOINT, "model.safetensors": b"better"})
    assert fetch(NAME).name == second
    assert fetch(f"{NAME}@v1").name == first
    assert fetch(f"{NAME}@{first}").name == first


def test_a_pinned_commit_in_the_cache_asks_nobody(hub: Hub) -> None:
    commit = hub.push(NAME, CHECKPOINT)
    fetch(NAME)
    hub.asked.clear()
    assert fetch(f"{NAME}@{commit}").name == commit
    assert hub.asked == []


def test_nothing_is_fetched_twice(hub: Hub) -> None:
    hub.push(NAME, CHECKPOINT)
    first = fetch(NAME)
    hub.asked.clear()
    assert fetch(NAME) == first
    assert hub.asked == [("GET", f"/api/models/{NAME}/revision/main")]


def test_offline_mode_uses_the_cache_alone(hub: Hub, tmp_path: Path) -> None:
    names = [NAME, f"{NAME}@main", f"{NAME}@refs/pr/1"]
    hub.push(NAME, CHECKPOINT)
    hub.push(NAME, CHECKPOINT, branch="refs/pr/1")
    online = [fetch(name) for name in names]
    hub.asked.clear()
    *found, refused = fetched_elsewhere(hub, tmp_path, *names, "acme/other", HF_HUB_OFFLINE="1")
    assert found == [{"folder": str(folder)} for folder in online]
    assert refused == {
        "error": "ModelError",
        "sentence": f"acme/other at revision main is not in the cache {tmp_path / 'hub'}, and offline mode forbids to "
        "fetch it: unset HF_HUB_OFFLINE once.",
    }
    assert hub.asked == []


def test_uses_the_cache_when_the_network_is_gone_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with hub_server() as hub:
        hub.redirect(monkeypatch, tmp_path)
        commit = hub.push(NAME, CHECKPOINT)
        folder = fetch(NAME)
    assert fetch(NAME) == folder
    (sentence,) = [record.getMessage() for record in caplog.records if record.name == models_hub.__name__]
    assert sentence.startswith(f"{NAME} at revision main could not be fetched from {hub.url} (")
    assert sentence.endswith(f"Until then the copy in the cache is used, revision {commit}.")
    with pytest.raises(ModelError, match=f"acme/other at revision main could not be fetched from {hub.url}"):
        fetch("acme/other")


def test_an_update_that_fails_leaves_the_old_revision_in_place(
    hub: Hub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hub.push(NAME, CHECKPOINT)
    folder = fetch(NAME)
    hub.push(NAME, {**CHECKPOINT, "config.json": CONFIG + b"\n", "model.safetensors": b"better"})
    hub.broken = "/model.safetensors"
    assert fetch(NAME) == folder
    assert "Until then the copy in the cache is used" in caplog.text
    assert fetched_elsewhere(hub, tmp_path, NAME, HF_HUB_OFFLINE="1") == [{"folder": str(folder)}]


@pytest.mark.parametrize(
    ("files", "lost"), [(CHECKPOINT, "model.safetensors"), (CHECKPOINT, "tokenizer.json"), (SHARDED, SHARDS[1])]
)
def test_completes_a_copy_that_was_broken_off(hub: Hub, files: Files, lost: str) -> None:
    commit = hub.push(NAME, files)
    (fetch(NAME) / lost).unlink()
    hub.broken = "/main"
    with pytest.raises(ModelError):
        fetch(NAME)
    assert files_of(fetch(f"{NAME}@{commit}")) == set(files)


def test_completes_what_another_program_fetched(hub: Hub) -> None:
    hub.push(NAME, {**CHECKPOINT, "special_tokens_map.json": b"{}"})
    folder = fetch(NAME)
    (folder / "special_tokens_map.json").unlink()
    assert fetch(NAME) == folder
    assert (folder / "special_tokens_map.json").exists()


def test_a_copy_is_broken_off_before_it_looks_whole(hub: Hub) -> None:
    weights = {"onnx/model.onnx": b"graph", "onnx/model.onnx_data": b"weights"}
    commit = hub.push(NAME, {"config.json": CONFIG, "tokenizer.json": b"{}", **weights})
    hub.broken = "/onnx/model.onnx_data"
    with pytest.raises(ModelError):
        fetch(f"{NAME}@{commit}")
    hub.broken = None
    assert (fetch(f"{NAME}@{commit}") / "onnx/model.onnx_data").read_bytes() == b"weights"


def test_a_fetched_checkpoint_answers_as_its_folder_does(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINNAEUS_CACHE", str(tmp_path / "linnaeus"))
    folder = tmp_path / "checkpoint"
    make_checkpoint(folder, "bert")
    commit = hub.push(NAME, {path.name: path.read_bytes() for path in folder.iterdir()})
    fetched, local = Classifier(NAME, precision="fp32"), Classifier(folder, precision="fp32")
    assert fetched("A text.", ["a", "b"]) == local("A text.", ["a", "b"])
    assert (fetched.model.name, fetched.model.revision) == (NAME, commit)


@pytest.mark.parametrize("name", ["acme/nothing", "acme/nothing@v1"])
def test_an_unknown_repository_is_an_unknown_model(hub: Hub, name: str) -> None:
    sentence = f"There is no model 'acme/nothing' on {hub.url} that you may read: check the name"
    with pytest.raises(UnknownModelError, match=sentence):
        fetch(name)


def test_an_unknown_revision_is_an_unknown_model(hub: Hub) -> None:
    hub.push(NAME, CHECKPOINT)
    with pytest.raises(
        UnknownModelError, match="There is no revision 'v9' of acme/nli: name a branch, a tag or a commit"
    ):
        fetch(f"{NAME}@v9")


def test_a_gated_model_needs_a_token(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.push(NAME, CHECKPOINT, gated=True)
    with pytest.raises(
        ModelError, match=f"at {hub.url}/{NAME}, then log in with `hf auth login` or set HF_TOKEN"
    ) as told:
        fetch(NAME)
    assert not isinstance(told.value, UnknownModelError)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert files_of(fetch(NAME)) == set(CHECKPOINT)


def test_a_private_model_is_found_with_the_stored_token(hub: Hub, tmp_path: Path) -> None:
    hub.push(NAME, CHECKPOINT, private=True)
    with pytest.raises(UnknownModelError, match="if it is private, log in with `hf auth login` or set HF_TOKEN"):
        fetch(NAME)
    (tmp_path / "token").write_text(TOKEN)
    assert files_of(fetch(NAME)) == set(CHECKPOINT)


def test_a_token_that_the_hub_does_not_know_is_said_to_be_wrong(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.push(NAME, CHECKPOINT)
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    with pytest.raises(ModelError, match="does not know the token it was sent for acme/nli: log in anew"):
        fetch(NAME)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            {"config.json": CONFIG, "tf_model.h5": b"", "adapter_model.safetensors": b""},
            "no weights that can be read: ",
        ),
        ({"model.safetensors": b""}, r"no config\.json: "),
    ],
)
def test_says_why_a_repository_cannot_be_used(hub: Hub, files: Files, sentence: str) -> None:
    hub.push(NAME, files)
    with pytest.raises(ModelError, match=f"{NAME} has {sentence}choose a checkpoint"):
        fetch(NAME)
    assert hub.fetched() == set()


def test_two_processes_may_fetch_the_same_model_at_once(hub: Hub, tmp_path: Path) -> None:
    weights = os.urandom(20_000_000)
    hub.push(NAME, {**CHECKPOINT, "model.safetensors": weights})
    environment = {**os.environ, **hub.environment(tmp_path)}
    running = [
        subprocess.Popen(command(NAME), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    told = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert told == [(told[0][0], "")] * 2
    assert (Path(json.loads(told[0][0])["folder"]) / "model.safetensors").read_bytes() == weights


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), RuntimeError("No space left on device (os error 28)")]
)
def test_a_full_disk_is_said_to_be_full(
    monkeypatch: pytest.MonkeyPatch, hub: Hub, tmp_path: Path, error: Exception
) -> None:
    def snapshot_download(*_: object, **__: object) -> str:
        raise error

    hub.push(NAME, CHECKPOINT)
    monkeypatch.setattr(huggingface_hub.HfApi, "snapshot_download", snapshot_download)
    with pytest.raises(ModelError, match=f"{NAME} does not fit the disk of {tmp_path / 'hub'}: make room there"):
        fetch(NAME)


def test_lists_models_that_classify_texts_and_no_others(hub: Hub) -> None:
    assert cached() == []
    generates = {**CHECKPOINT, "config.json": b'{"architectures": ["LlamaForCausalLM"]}'}
    hub.push("acme/llama", generates)
    hub.push("acme/odd", {**CHECKPOINT, "config.json": b"[]"})
    first, folder = hub.push(NAME, CHECKPOINT), fetch(NAME)
    second = hub.push(NAME, {**CHECKPOINT, "model.safetensors": b"better"})
    for name in (NAME, f"{NAME}@{second}", "acme/llama", "acme/odd"):
        fetch(name)
    for path in folder.iterdir():
        os.utime(path, (2e9 if path.name == "config.json" else 1e9, 0))
    newer, older = cached()
    assert (newer.name, newer.revision, newer.branches) == (NAME, second, ("main",))
    assert (older.name, older.revision, older.branches, older.folder) == (NAME, first, (), folder)
    assert older.size == sum(map(len, CHECKPOINT.values()))
    assert older.last_used.timestamp() == 1e9


def test_removes_what_is_named_and_nothing_else(hub: Hub, tmp_path: Path) -> None:
    first = hub.push(NAME, CHECKPOINT)
    fetch(NAME)
    second = hub.push(NAME, {**CHECKPOINT, "model.safetensors": b"better"})
    fetch(NAME)
    hub.push("acme/other", CHECKPOINT)
    fetch("acme/other")
    assert [model.revision for model in remove(f"{NAME}@main")] == [second]
    assert [(model.name, model.revision) for model in cached()] == [(NAME, first), ("acme/other", first)]
    assert [model.revision for model in remove(f"{NAME}@{first[:SHORT_COMMIT]}")] == [first]
    assert not (tmp_path / "hub" / "models--acme--nli").exists()
    assert [model.name for model in cached()] == ["acme/other"]


def test_removes_all_revisions_of_a_name(hub: Hub, tmp_path: Path) -> None:
    for weights in (b"first", b"second"):
        hub.push(NAME, {**CHECKPOINT, "model.safetensors": weights})
        fetch(NAME)
    assert len(remove(NAME)) == 2
    assert not (tmp_path / "hub" / "models--acme--nli").exists()


def test_a_copy_under_another_name_stays(hub: Hub) -> None:
    names = [NAME, "acme/copy"]
    assert len({hub.push(name, CHECKPOINT) for name in names}) == 1
    for name in names:
        fetch(name)
    for name, other in (names, names[::-1]):
        remove(name)
        assert [model.name for model in cached()] == [other]
        fetch(name)


@pytest.mark.parametrize("name", [NAME, "acme/llama", "acme/other@v9", ""])
def test_what_is_not_listed_is_not_removed(hub: Hub, name: str) -> None:
    hub.push("acme/llama", {**CHECKPOINT, "config.json": b'{"architectures": ["LlamaForCausalLM"]}'})
    hub.push("acme/other", CHECKPOINT)
    folders = [fetch("acme/llama"), fetch("acme/other")]
    for act in (find_cached, remove):
        with pytest.raises(UnknownModelError, match=f"There is no model {name!r} in the cache: `linnaeus models list`"):
            act(name)
    assert [files_of(folder) for folder in folders] == [set(CHECKPOINT)] * 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("acme/nli", True),
        ("MoritzLaurer/mDeBERTa-v3-base-xnli-multilingual-nli-2mil7", True),
        ("acme/nli@v1.0", True),
        ("acme/nli@refs/pr/1", True),
        ("small", False),
        ("./models/nli", False),
        ("../nli", False),
        ("/srv/nli", False),
        ("a/b/c", False),
        ("acme/nli@", False),
        ("acme/nli@../x", False),
        ("acme/schön", False),
        ("", False),
    ],
)
def test_knows_names_of_the_hub(name: str, expected: bool) -> None:
    assert is_hub_name(name) is expected


@pytest.mark.parametrize("name", ["small", "acme/a--b", "acme/nli.git", f"acme/{'x' * 97}"])
def test_a_name_that_the_hub_cannot_have_is_unknown(name: str) -> None:
    with pytest.raises(UnknownModelError, match="owner/name or owner/name@revision"):
        fetch(name)


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("---\nlicense: mit\n---\n# NLI", "mit"),
        ("---\nlicense: other\nlicense_name: acme-1\n---\n", "acme-1"),
        ("---\ntags: [nli]\n---\n", None),
        ("# no front matter", None),
        ("---\nlicense: [\n---\n", None),
        (None, None),
    ],
)
def test_reads_the_licence_from_the_card(tmp_path: Path, card: str | None, expected: str | None) -> None:
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    assert licence(tmp_path) == expected
