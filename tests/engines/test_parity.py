"""Scores of a checkpoint are those of transformers' zero-shot-classification pipeline, to five digits.

Each kind of checkpoint is made small, with random weights, and asked the same by both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from linnaeus import Classifier, InputError, ModelError
from linnaeus.labels import DEFAULT_TEMPLATE
from tests.checkpoints import CORPUS, LABELS, make_checkpoint

TOLERANCE = 1e-5

LONGEST = 96

PROSE = " ".join(CORPUS)
SPECIAL = "<s> a </s> b <pad> c <mask> d <unk> e [CLS] f [SEP] g [PAD] h [MASK] i [UNK] j"

TEMPLATES = (DEFAULT_TEMPLATE, "{}", "Говорится про {0}, {0}!")

#: What each checkpoint is asked in one call: lengths from one token to far past the model's, and every oddity of text.
TEXTS = (
    "a",
    " \n\t ",
    "  Two  spaces,   three,\tand a line\n\n that ends.  ",
    "It's e-mail: don't ''quote'' ``me`` (2 * 3.5 = 7,00 €)!",
    "\U0001f389 \U0001f469\u200d\U0001f469\u200d\U0001f467 \ufb01 ½ ™ \u2167 \uff21\uff11 … ñ n\u0303",
    "ABC\x00\x07\u200b\u202e\ufeff\u00a0\u2028\ue000 x",
    SPECIAL,
    "</s>",
    f"{PROSE[:300]}</s>{PROSE[300:]}",
    "word " * 400,
    PROSE,
    PROSE * 5,
    f"far{' ' * 6000}apart",
    f"{'x' * 5000} end",
)

LABEL_LISTS = (
    ["travel"],
    ["billing", "travel", "politics"],
    ["a", "a label of more than a few words", "旅行", "</s>", "[SEP] x", " spaces "],
    ["tie", "other", "tie"],
    [f"topic {number}" for number in range(20)],
)

Oracle = Any


@dataclass(frozen=True, slots=True)
class Pair:
    """Linnaeus and the pipeline, on the same folder."""

    ours: Classifier
    oracle: Oracle
    longest: int

    def compare(self, texts: Sequence[str], labels: list[str], *, template: str, multi_label: bool) -> None:
        """Ask ours all the texts at once, and the pipeline one after the other, as BART takes no other way."""
        answers = self.ours(texts, labels, template, multi_label)
        for text, answer in zip(texts, answers, strict=True):
            expected = self.oracle(text, labels, hypothesis_template=template, multi_label=multi_label)
            context = f"{text!r} {labels!r} {template!r} multi_label={multi_label}"
            assert answer["sequence"] == expected["sequence"]
            assert sorted(answer["labels"]) == sorted(expected["labels"]), context
            scores = dict(zip(answer["labels"], answer["scores"], strict=True))
            true = dict(zip(expected["labels"], expected["scores"], strict=True))
            np.testing.assert_allclose(
                [scores[label] for label in true], list(true.values()), rtol=0, atol=TOLERANCE, err_msg=context
            )
            steps = np.diff([true[label] for label in answer["labels"]])
            assert (steps <= TOLERANCE).all(), context
            assert answer.get("truncated", False) is self._is_cut(text, labels, template), context

    def _is_cut(self, text: str, labels: Sequence[str], template: str) -> bool:
        pairs = [self.oracle.tokenizer(text, template.format(label))["input_ids"] for label in labels]
        return max(map(len, pairs)) > self.longest


def open_pair(folder: Path, longest: int = LONGEST) -> Pair:
    oracle = transformers.pipeline("zero-shot-classification", model=str(folder), device="cpu", dtype=torch.float32)
    return Pair(Classifier(folder, device="cpu", precision="fp32"), oracle, longest)


@pytest.fixture(scope="module", autouse=True)
def quiet_and_cached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep converted checkpoints out of the user's cache, and transformers' progress out of the reports."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINNAEUS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
    torch.set_num_threads(threads)


#: Configurations that occur in the wild. A name is that of a model type, and what is particular after a colon.
OVERRIDES: Mapping[str, Mapping[str, Any]] = {
    "albert": {},
    "albert:wide": {"embedding_size": 32, "hidden_act": "relu", "inner_group_num": 2, "num_hidden_layers": 4},
    "albert:groups": {"num_hidden_groups": 2, "num_hidden_layers": 4},
    "bart": {},
    "bart:scaled": {"scale_embedding": True, "activation_function": "relu", "decoder_layers": 1},
    "bert": {},
    "bert:gelu_new": {"hidden_act": "gelu_new", "layer_norm_eps": 1e-5},
    "deberta-v2": {},
    "deberta-v2:buckets": {"position_buckets": 16},
    "deberta-v2:unshared": {"share_att_key": False, "position_buckets": 16},
    "deberta-v2:plain": {"position_buckets": -1, "norm_rel_ebd": "none", "pos_att_type": "c2p|p2c"},
    "deberta-v2:xlarge": {"conv_kernel_size": 3, "conv_act": "gelu", "attention_head_size": 8},
    "deberta-v2:absolute": {"relative_attention": False, "pos_att_type": None, "position_biased_input": True},
    "deberta-v2:types": {"type_vocab_size": 2},
    "deberta-v2:c2p": {"pos_att_type": ["c2p"], "hidden_act": "relu", "position_biased_input": True},
    "distilbert": {},
    "distilbert:relu": {"activation": "relu", "sinusoidal_pos_embds": True},
    "electra": {"gain": 1.4},
    "electra:wide": {"embedding_size": 32},
    "modernbert": {},
    "modernbert:cls": {"classifier_pooling": "cls", "num_hidden_layers": 3, "global_attn_every_n_layers": 3},
    "modernbert:biased": {"norm_bias": True, "attention_bias": True, "mlp_bias": True, "classifier_bias": True},
    "mpnet": {},
    "roberta": {},
    "roberta:relu": {"hidden_act": "relu", "type_vocab_size": 2},
    "xlm-roberta": {},
}
VARIANTS: Mapping[str, Callable[[Path], None]] = {
    name: partial(make_checkpoint, architecture=name.partition(":")[0], longest=LONGEST, **overrides)
    for name, overrides in OVERRIDES.items()
}


@pytest.fixture(scope="module", params=VARIANTS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("checkpoint")
    VARIANTS[request.param](folder)
    return open_pair(folder)


@pytest.mark.parametrize("labels", LABEL_LISTS[:-1], ids=len)
def test_odd_texts_and_labels(pair: Pair, labels: list[str]) -> None:
    pair.compare(TEXTS, labels, template=DEFAULT_TEMPLATE, multi_label=len(labels) == 3)


def test_many_labels(pair: Pair) -> None:
    pair.compare(["A text.", PROSE], LABEL_LISTS[-1], template=DEFAULT_TEMPLATE, multi_label=False)


words = st.lists(st.sampled_from([*PROSE.split(), *SPECIAL.split()]), min_size=1, max_size=150).map(" ".join)
# A label of ten characters has at most forty tokens, which leaves room for a text.
names = st.one_of(st.text(st.characters(codec="utf-8"), max_size=10), st.sampled_from(SPECIAL.split()))


@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(
    texts=st.lists(st.one_of(st.text(st.characters(codec="utf-8"), min_size=1), words), min_size=1, max_size=3),
    labels=st.lists(names.filter(lambda name: name.strip() not in {"", "{}"}), min_size=1, max_size=4),
    template=st.sampled_from(TEMPLATES),
    multi_label=st.booleans(),
)
def test_made_texts_and_labels(
    pair: Pair, texts: list[str], labels: list[str], template: str, *, multi_label: bool
) -> None:
    pair.compare(texts, labels, template=template, multi_label=multi_label)


def test_the_distances_of_a_long_text(tmp_path: Path) -> None:
    """Past half of its buckets a DeBERTa sorts distances by their logarithm: v3 and mDeBERTa past 128 tokens."""
    make_checkpoint(tmp_path, "deberta-v2", longest=512)
    pair = open_pair(tmp_path, longest=512)
    pair.compare([PROSE, PROSE[:500]], ["travel", "music"], template=DEFAULT_TEMPLATE, multi_label=True)


@pytest.mark.parametrize("architecture", ["bart", "bert", "deberta-v2"])
def test_a_long_hypothesis_leaves_a_text_its_first_tokens(tmp_path: Path, architecture: str) -> None:
    make_checkpoint(tmp_path, architecture, longest=LONGEST)
    pair = open_pair(tmp_path)
    specials = pair.oracle.tokenizer.num_special_tokens_to_add(pair=True)
    by_room = {}
    for length in range(1, LONGEST):
        label = "a " * length + "b"
        hypothesis = pair.oracle.tokenizer(label, add_special_tokens=False)["input_ids"]
        by_room[LONGEST - specials - len(hypothesis)] = label
    for room in (1, 2, 3):
        pair.compare([PROSE, "a"], [by_room[room], "travel"], template="{}", multi_label=True)
    # The pipeline would read past the model's last position.
    with pytest.raises(InputError, match="shorten it"):
        pair.ours(PROSE, [by_room[0]], "{}")


@pytest.mark.parametrize(
    "labels",
    [
        ("entailment", "neutral", "contradiction"),
        ("neutral", "entailment", "contradiction"),
        ("contradiction", "entailment", "neutral"),
        ("entailment", "not_entailment"),
        ("not_entailment", "entailment"),
        ("CONTRADICTION", "NEUTRAL", "ENTAILMENT"),
        ("refuted", "Entailed", "unknown", "other"),
    ],
    ids="-".join,
)
def test_the_column_of_entailment_is_found_by_name_and_its_opposite_by_place(
    tmp_path: Path, labels: tuple[str, ...]
) -> None:
    make_checkpoint(tmp_path, "distilbert", labels=labels)
    pair = open_pair(tmp_path)
    for multi_label in (False, True):
        pair.compare(["A text.", PROSE], ["travel", "music"], template=DEFAULT_TEMPLATE, multi_label=multi_label)


def test_of_two_tables_of_labels_the_one_by_name_counts(tmp_path: Path) -> None:
    make_checkpoint(
        tmp_path, "distilbert", id2label=dict(enumerate(LABELS)), label2id={"entailment": 0, "neutral": 1, "other": 2}
    )
    pair = open_pair(tmp_path)
    pair.compare(["A text."], ["travel", "music"], template=DEFAULT_TEMPLATE, multi_label=True)


def test_a_checkpoint_without_entailment_is_refused(tmp_path: Path) -> None:
    """The pipeline takes the last column and warns; its scores mean nothing then."""
    make_checkpoint(tmp_path, "distilbert", labels=("LABEL_0", "LABEL_1", "LABEL_2"))
    with pytest.raises(ModelError, match="entailment"):
        Classifier(tmp_path, device="cpu")


def test_a_model_of_another_type_is_refused(tmp_path: Path) -> None:
    make_checkpoint(tmp_path, "deberta")
    with pytest.raises(ModelError, match="deberta"):
        Classifier(tmp_path, device="cpu")


def in_half(folder: Path) -> None:
    weights = folder / "model.safetensors"
    save_file({name: array.half() for name, array in load_file(weights).items()}, weights, {"format": "pt"})


def in_bfloat16(folder: Path) -> None:
    weights = folder / "model.safetensors"
    save_file({name: array.bfloat16() for name, array in load_file(weights).items()}, weights, {"format": "pt"})


def in_shards(folder: Path) -> None:
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="40KB")
    assert len(list(folder.glob("*.safetensors"))) > 1


def in_pickle(folder: Path) -> None:
    weights = folder / "model.safetensors"
    torch.save(load_file(weights), folder / "pytorch_model.bin")
    weights.unlink()


def as_this_transformers_writes(folder: Path) -> None:
    config = transformers.AutoConfig.from_pretrained(folder)
    config.save_pretrained(folder)


def with_lengths_in_the_tokenizer(folder: Path) -> None:
    """What a tokenizer was last used with is saved with it, and says nothing of how the model is asked."""
    path = folder / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(16)
    tokenizer.enable_padding(length=128)
    tokenizer.save(str(path))


def with_what_is_left_of_pretraining(folder: Path) -> None:
    """Buffers that older releases kept among the weights, and heads of other tasks."""
    weights = folder / "model.safetensors"
    body = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"].partition("-")[0]
    extra = {
        f"{body}.embeddings.position_ids": torch.arange(LONGEST)[None],
        "lm_predictions.lm_head.bias": torch.zeros(7),
    }
    save_file({**load_file(weights), **extra}, weights, {"format": "pt"})


@pytest.mark.parametrize(
    "store",
    [
        in_half,
        in_bfloat16,
        in_shards,
        in_pickle,
        as_this_transformers_writes,
        with_lengths_in_the_tokenizer,
        with_what_is_left_of_pretraining,
    ],
    ids=lambda store: store.__name__,
)
@pytest.mark.parametrize("architecture", ["bart", "deberta-v2", "modernbert"])
def test_ways_of_storing_a_checkpoint(tmp_path: Path, architecture: str, store: Callable[[Path], None]) -> None:
    make_checkpoint(tmp_path, architecture)
    store(tmp_path)
    open_pair(tmp_path).compare([PROSE], ["travel", "music"], template=DEFAULT_TEMPLATE, multi_label=True)


def test_the_checkpoints_tell_texts_and_labels_apart(pair: Pair) -> None:
    """So that a model which ignores either could not pass the tests above."""
    answers = pair.oracle([PROSE[:100], PROSE[100:300]], ["billing", "travel", "music"], multi_label=True)
    by_text = [dict(zip(answer["labels"], answer["scores"], strict=True)) for answer in answers]
    scores = np.array([[row[label] for label in by_text[0]] for row in by_text])
    assert np.abs(scores[0] - scores[1]).max() > 100 * TOLERANCE
    assert np.ptp(scores, axis=1).min() > 100 * TOLERANCE
