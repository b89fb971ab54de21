"""Checkpoints of the Hugging Face Hub: fetched once, into the cache that its other tools use too.

The network and the cache are huggingface_hub's, and so is what people set for them: ``HF_TOKEN`` or the token that
``hf auth login`` stored, ``HF_HUB_OFFLINE``, ``HF_ENDPOINT``, ``HF_HOME``. It loads its parts when they are first
named, so that nobody waits for them who names no model of the Hub.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from http import HTTPStatus
from pathlib import Path

import huggingface_hub
from huggingface_hub import constants

from linnaeus.errors import ModelError, UnknownModelError
from linnaeus.models.one_pass import ARCHITECTURE, CONFIG_FILE
from linnaeus.models.weights import weight_files

log = logging.getLogger(__name__)

CARD_FILE = "README.md"

#: The files that hold the words of a tokenizer, in all its forms.
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "spm.model", "sentencepiece*.model")

#: What is fetched beside the weights.
SMALL_FILES = (
    CONFIG_FILE,
    CARD_FILE,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "merges.txt",
    *VOCABULARIES,
)

#: The forms that weights come in, the best first: the file to look for, and the files that belong to it.
WEIGHT_FORMS = {
    "model.safetensors": (),
    "model.safetensors.index.json": ("model-*.safetensors",),
    "onnx/model.onnx": ("onnx/model.onnx?*",),
    "model.onnx": ("model.onnx?*",),
    "pytorch_model.bin": (),
    "pytorch_model.bin.index.json": ("pytorch_model-*.bin",),
}

#: Digits of a commit that tell it from any other.
SHORT_COMMIT = 8

_NAME = re.compile(r"(?!.*\.\.)(\w[\w.-]*/\w[\w.-]*)(?:@(\w[\w./+-]*))?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class CachedModel:
    """A revision of a model in the cache.

    Attributes:
        revision: the commit.
        branches: the branches and tags that pointed to it when they were last asked for.
        size: bytes of its files, some of which it may share with other revisions.
        last_used: when one of its files was last read, as far as the file system keeps that.
    """

    name: str
    revision: str
    branches: tuple[str, ...]
    folder: Path
    size: int
    last_used: datetime


def is_hub_name(name: str) -> bool:
    """Whether `name` has the form ``owner/name`` or ``owner/name@revision``."""
    return _NAME.fullmatch(name) is not None


def fetch(name: str) -> Path:
    """Return the folder of ``owner/name`` or ``owner/name@revision``, after fetching what is not in the cache yet.

    A model in the cache is used as it is if its revision is a commit, in offline mode, and when the Hub cannot be asked
    or refuses; the last is logged.

    Raises:
        UnknownModelError: the Hub has no such repository or revision.
        ModelError: the model is neither in the cache nor to be had, or is none that can be read.
    """
    repository, revision = _split(name)
    held = _snapshot(repository, revision)
    if held is not None and _COMMIT.fullmatch(revision):
        return held
    api = huggingface_hub.HfApi(library_name="linnaeus")
    try:
        return _download(api, repository, revision, held)
    except ModelError:
        raise
    except Exception as error:  # of three HTTP libraries, as releases of huggingface_hub go
        refusal = _refusal(error, repository, revision, api.endpoint)
        if held is None:
            raise refusal from error
        if not constants.HF_HUB_OFFLINE:
            log.warning("%s Until then the copy in the cache is used, revision %s.", refusal, held.name)
        return held


def cached() -> list[CachedModel]:
    """Return what the cache holds of models that classify texts, by name; other models in it are left alone."""
    if not Path(constants.HF_HUB_CACHE).is_dir():
        return []
    models = (
        CachedModel(
            name=repository.repo_id,
            revision=revision.commit_hash,
            branches=tuple(sorted(revision.refs)),
            folder=revision.snapshot_path,
            size=revision.size_on_disk,
            last_used=datetime.fromtimestamp(_last_used(revision), tz=timezone.utc),
        )
        for repository in huggingface_hub.scan_cache_dir(constants.HF_HUB_CACHE).repos
        if repository.repo_type == "model"
        for revision in repository.revisions
        if _classifies(revision.snapshot_path)
    )
    main = constants.DEFAULT_REVISION
    return sorted(models, key=lambda model: (model.name.lower(), main not in model.branches, model.revision))


def remove(name: str) -> list[CachedModel]:
    """Delete a model from the cache, all its revisions or the one that is named, and return what was there.

    Raises:
        UnknownModelError: the cache has no such model, or it is none that classifies texts.
    """
    models = find_cached(name)
    scanned = huggingface_hub.scan_cache_dir(constants.HF_HUB_CACHE)
    # A copy of a repository under another name has the same commits, and they are all that the strategy goes by.
    own = frozenset(each for each in scanned.repos if (each.repo_type, each.repo_id) == ("model", models[0].name))
    replace(scanned, repos=own).delete_revisions(*(model.revision for model in models)).execute()
    return models


def find_cached(name: str) -> list[CachedModel]:
    """Return what `name` means in the cache: all revisions of ``owner/name``, or that of ``owner/name@revision``.

    A commit may be cut short to `SHORT_COMMIT` digits. The revision of main comes first.

    Raises:
        UnknownModelError: there is none.
    """
    repository, _, revision = name.partition("@")
    commit = revision if len(revision) >= SHORT_COMMIT else None
    models = [
        model
        for model in cached()
        if model.name == repository
        and (not revision or revision in model.branches or (commit and model.revision.startswith(commit)))
    ]
    if not models:
        raise UnknownModelError(
            f"There is no model {name!r} in the cache: `linnaeus models list` shows what is there, "
            "`linnaeus models pull` fetches more."
        )
    return models


def licence(folder: Path) -> str | None:
    """Return the licence that the front matter of the model card in `folder` names."""
    try:
        front_matter = huggingface_hub.metadata_load(folder / CARD_FILE) or {}
    except Exception:  # noqa: BLE001 - no card, or one that is not YAML in some way: it names no licence
        return None
    named = front_matter.get("license_name") or front_matter.get("license")
    return str(named) if named else None


def _split(name: str) -> tuple[str, str]:
    matched = _NAME.fullmatch(name)
    if matched is None:
        raise _no_hub_name(name)
    return matched[1], matched[2] or constants.DEFAULT_REVISION


def _no_hub_name(name: str) -> UnknownModelError:
    return UnknownModelError(f"There is no model {name!r}: one of the Hub is owner/name or owner/name@revision.")


def _download(api: huggingface_hub.HfApi, repository: str, revision: str, held: Path | None) -> Path:
    info = api.model_info(repository, revision=revision, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    files = {sibling.rfilename for sibling in info.siblings or ()}
    weights = _choose_weights(repository, files)
    others = [*SMALL_FILES, *WEIGHT_FORMS[weights]]
    commit = info.sha or revision
    if held is not None and held.name == commit and all((held / file).exists() for file in _matching(files, others)):
        return held
    # What says that the weights are there comes last: a snapshot that has it was not broken off.
    for patterns in (others, [weights]):
        folder = api.snapshot_download(repository, revision=commit, allow_patterns=patterns)
    if commit != revision:
        # Only now does the branch point to the new commit: had the download failed, the old one would still be found.
        api.hf_hub_download(repository, CONFIG_FILE, revision=revision)
    return Path(str(folder))


def _matching(files: Iterable[str], patterns: Sequence[str]) -> list[str]:
    return [file for file in files if any(fnmatchcase(file, pattern) for pattern in patterns)]


def _choose_weights(repository: str, files: Collection[str]) -> str:
    if CONFIG_FILE not in files:
        raise ModelError(f"{repository} has no {CONFIG_FILE}: choose a checkpoint that transformers can load.")
    for form in WEIGHT_FORMS:
        if form in files:
            return form
    raise ModelError(
        f"{repository} has no weights that can be read: choose a checkpoint with a model.safetensors, "
        "an onnx/model.onnx or a pytorch_model.bin."
    )


def _snapshot(repository: str, revision: str) -> Path | None:
    try:
        config = huggingface_hub.try_to_load_from_cache(repository, CONFIG_FILE, revision=revision)
    except ValueError:  # the Hub allows no such name: it has two hyphens in a row, say
        raise _no_hub_name(repository) from None
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    try:
        weight_files(folder)
    except ModelError:  # the copy was broken off
        return None
    # What another program fetched may lack the tokenizer.
    return folder if any(_matching((path.name for path in folder.iterdir()), VOCABULARIES)) else None


def _last_used(revision: huggingface_hub.CachedRevisionInfo) -> float:
    # The configuration and the card are read by those who only look around.
    looked_at = {CONFIG_FILE, CARD_FILE}
    read = (file.blob_last_accessed for file in revision.files if file.file_name not in looked_at)
    return max(read, default=revision.last_modified)


def _classifies(folder: Path) -> bool:
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        named = [config.get("architecture"), *config.get("architectures", [])]
    except (OSError, ValueError, AttributeError, TypeError):  # no checkpoint, whatever it is
        return False
    return any(name == ARCHITECTURE or str(name).endswith("ForSequenceClassification") for name in named)


def _refusal(error: Exception, repository: str, revision: str, endpoint: str) -> ModelError:
    from huggingface_hub import errors

    if isinstance(error, errors.OfflineModeIsEnabled):
        return ModelError(
            f"{repository} at revision {revision} is not in the cache {constants.HF_HUB_CACHE}, and offline mode "
            "forbids to fetch it: unset HF_HUB_OFFLINE once."
        )
    if isinstance(error, errors.GatedRepoError):
        return ModelError(
            f"{repository} is open to those only who asked for access: do so at {endpoint}/{repository}, then log in "
            "with `hf auth login` or set HF_TOKEN."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return UnknownModelError(
            f"There is no model {repository!r} on {endpoint} that you may read: check the name, or the path if it is a "
            "folder; if it is private, log in with `hf auth login` or set HF_TOKEN."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return UnknownModelError(
            f"There is no revision {revision!r} of {repository}: name a branch, a tag or a commit, or none for main."
        )
    if getattr(getattr(error, "response", None), "status_code", None) == HTTPStatus.UNAUTHORIZED:
        return ModelError(
            f"{endpoint} does not know the token it was sent for {repository}: log in anew with `hf auth login`, or "
            "correct HF_TOKEN."
        )
    if os.strerror(errno.ENOSPC) in str(error):
        return ModelError(
            f"{repository} does not fit the disk of {constants.HF_HUB_CACHE}: make room there, or set HF_HOME to a "
            "folder on a larger disk."
        )
    reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
    return ModelError(
        f"{repository} at revision {revision} could not be fetched from {endpoint} ({reason}): try again when it can "
        "be reached, or name a folder that holds the model."
    )
