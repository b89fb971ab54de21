"""A folder with an NLI checkpoint in Hugging Face format: what its configuration says, as far as we need it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linnaeus.errors import ModelError
from linnaeus.models.one_pass import CONFIG_FILE, TOKENIZER_FILE
from linnaeus.models.weights import weight_files

TOKENIZER_CONFIG_FILE = "tokenizer_config.json"

#: Families by transformers' ``model_type``, each with the positions that its table has more than it reads.
FAMILIES: Mapping[str, int] = {
    "albert": 0,
    "bart": 0,
    "bert": 0,
    "deberta-v2": 0,
    "distilbert": 0,
    "electra": 0,
    "modernbert": 0,
    "mpnet": 2,
    "roberta": 2,
    "xlm-roberta": 2,
}

#: Tokenizers that tell text and hypothesis apart by a type, in transformers 5.23, and families whose own one does.
TYPED_TOKENIZERS = ("BertTokenizer", "DebertaTokenizer", "DebertaV2Tokenizer", "ElectraTokenizer")
TYPED_FAMILIES = ("bert", "deberta-v2", "electra")

#: A tokenizer that knows no limit has a `model_max_length` of 10^30.
NO_LIMIT = 10**9


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint is.

    Attributes:
        config: its ``config.json``.
        model_type: its family, by transformers' name.
        labels: what the columns of its logits are called.
        entailment: the column of entailment: the first whose name starts so, as transformers' pipeline finds it.
        opposing: the column that the pipeline weighs it against: the last if entailment is the first, else the first.
        longest: the most tokens of a pair, special tokens among them.
        padding: the token that fills rows up.
        typed: whether the tokenizer gives the hypothesis another type than the text.
        revision: of a hub checkpoint the commit, of any other a digest of its files' names, sizes and times.
    """

    folder: Path
    config: Mapping[str, Any]
    model_type: str
    labels: tuple[str, ...]
    entailment: int
    opposing: int
    longest: int
    padding: int
    typed: bool
    revision: str

    @classmethod
    def read(cls, folder: Path) -> Checkpoint:
        """Read the configuration of a checkpoint.

        Raises:
            ModelError: a file is missing or damaged, the architecture is not supported, or no label is entailment.
        """
        config = _read_json(folder / CONFIG_FILE)
        model_type = config.get("model_type", "")
        if model_type not in FAMILIES:
            raise ModelError(
                f"{folder} holds a model of type {model_type!r}: Linnaeus runs {', '.join(FAMILIES)}, and models of "
                "its own."
            )
        labels = _labels(config)
        tokenizer = _read_json(folder / TOKENIZER_CONFIG_FILE) if (folder / TOKENIZER_CONFIG_FILE).is_file() else {}
        entailment = next((column for column, label in labels.items() if label.lower().startswith("entail")), None)
        if entailment is None:
            raise ModelError(
                f"{folder} has no label called entailment, but {', '.join(labels.values())}: use a checkpoint trained "
                "on natural language inference."
            )
        return cls(
            folder=folder,
            config=config,
            model_type=model_type,
            labels=tuple(labels[column] for column in sorted(labels)),
            entailment=entailment,
            opposing=len(labels) - 1 if entailment == 0 else 0,
            longest=_longest(tokenizer, config, model_type),
            padding=1 if model_type == "mpnet" else config.get("pad_token_id") or 0,
            typed=_is_typed(tokenizer, model_type),
            revision=_revision(folder),
        )


def own_architecture(folder: Path) -> str | None:
    """Return the architecture that the configuration in a folder names if it is one of our own.

    Raises:
        ModelError: it has no configuration that can be read.
    """
    architecture: str | None = _read_json(folder / CONFIG_FILE).get("architecture")
    return architecture


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path.parent} is no model folder: it has no {path.name}.") from None
    except ValueError as error:
        raise ModelError(f"{path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} cannot be read: it is no JSON object.")
    return content


def _labels(config: Mapping[str, Any]) -> dict[int, str]:
    """Return the labels by column, in the order of ``label2id``, in which the pipeline looks for entailment."""
    by_name = config.get("label2id")
    if by_name:
        return {int(column): label for label, column in by_name.items()}
    by_column = config.get("id2label") or {column: f"LABEL_{column}" for column in range(config.get("num_labels", 2))}
    return {int(column): label for column, label in by_column.items()}


def _longest(tokenizer: Mapping[str, Any], config: Mapping[str, Any], model_type: str) -> int:
    positions: int = config.get("max_position_embeddings", 512) - FAMILIES[model_type]
    limit = int(tokenizer.get("model_max_length") or NO_LIMIT)
    if model_type == "deberta-v2" and not config.get("position_biased_input", True):
        # It knows distances, not positions, and so reads texts of any length.
        return limit if limit < NO_LIMIT else positions
    return min(limit, positions)


def _is_typed(tokenizer: Mapping[str, Any], model_type: str) -> bool:
    if "model_input_names" in tokenizer:
        return "token_type_ids" in tokenizer["model_input_names"]
    if "tokenizer_class" in tokenizer:
        return tokenizer["tokenizer_class"].removesuffix("Fast") in TYPED_TOKENIZERS
    return model_type in TYPED_FAMILIES


def _revision(folder: Path) -> str:
    if folder.parent.name == "snapshots":
        return folder.name
    digest = hashlib.sha256()
    for path in (folder / CONFIG_FILE, folder / TOKENIZER_FILE, *weight_files(folder)):
        if path.is_file():
            status = path.stat()
            digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
