"""Small checkpoints as a hub repository holds them: random weights, a real config, a tokenizer trained on the spot."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from benchmarks.texts import SENTENCES

LABELS = ("contradiction", "neutral", "entailment")

#: What the tokenizers are trained on: prose, and enough of other scripts that not every character is unknown.
CORPUS = (
    *SENTENCES,
    "This example is about billing, delivery, travel, politics, sports, science, health, cooking, music.",
    "Le café était fermé à midi, mais la boulangère nous a offert un gâteau aux pommes.",
    "Der Zug nach Köln fällt heute aus; größere Verspätungen sind für den Abend angekündigt.",
    "Поезд опаздывает на два часа, и никто не объясняет почему.",
    "今日は雨が降っているので、公園には行きません。",
    "وصل الطرد متأخرا وكان الصندوق مفتوحا.",
)
VOCABULARY = 700

#: What transformers and tokenizers have no types for.
HubTokenizer: TypeAlias = Any
Value: TypeAlias = Any


def make_checkpoint(
    folder: Path,
    architecture: str,
    *,
    labels: Sequence[str] = LABELS,
    longest: int = 96,
    seed: int = 0,
    gain: float = 1.7,
    **overrides: Value,
) -> None:
    """Write a checkpoint of the model type `architecture` into `folder`.

    Args:
        folder: where to write; it is made if need be.
        architecture: a `model_type` of transformers, one of `FAMILIES`.
        labels: the names of the logits' columns.
        longest: how many tokens the model reads.
        seed: of the weights.
        gain: how much a layer enlarges what it is given; a deep model with more than 1 magnifies every rounding.
        overrides: values of ``config.json``, spelled as they are to stand there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    family = FAMILIES[architecture]
    tokenizer = family.tokenizer(longest)
    tokenizer.save_pretrained(folder)
    config = {
        "model_type": architecture,
        **family.shape,
        "max_position_embeddings": longest + family.first_position,
        "vocab_size": len(tokenizer),
        **{name: getattr(tokenizer, name) for name in ("pad_token_id", "bos_token_id", "eos_token_id")},
        "id2label": dict(enumerate(labels)),
        "label2id": {label: column for column, label in enumerate(labels)},
        **overrides,
    }
    write_config(folder, config)
    torch.manual_seed(seed)
    model = transformers.AutoModelForSequenceClassification.from_config(
        transformers.AutoConfig.from_pretrained(folder), dtype=torch.float32
    )
    draw_weights(model, tokenizer, gain)
    model.save_pretrained(folder)
    # The model has written its config in the spelling of this release of transformers; hub repositories are older.
    write_config(folder, {**config, "architectures": [type(model).__name__]})


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")


def draw_weights(model: torch.nn.Module, tokenizer: HubTokenizer, gain: float) -> None:
    """Draw weights so large that logits of different inputs differ, but lie around zero, where scores differ as well.

    No bias and no scale is 0 or 1, so that none can be left out unseen.
    """
    pairs = tokenizer(list(CORPUS), list(reversed(CORPUS)), padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1:
                weight.normal_(std=1.0 if "embed" in name else gain * weight[0].numel() ** -0.5)
            else:
                weight.normal_(mean=1.0 if name.endswith("weight") else 0.0, std=0.2)
        logits = model.eval()(**pairs).logits
        bias = next(weight for weight in model.parameters() if weight.shape == logits.shape[1:])
        bias.sub_(logits.mean(0))


@cache
def _byte_level(longest: int) -> HubTokenizer:
    vocabulary, merges = _byte_pairs(("<s>", "<pad>", "</s>", "<unk>"))
    return transformers.RobertaTokenizer(
        vocab=vocabulary,
        merges=merges,
        mask_token=AddedToken("<mask>", lstrip=True, special=True, normalized=False),
        model_max_length=longest,
    )


@cache
def _deberta_byte_level(longest: int) -> HubTokenizer:
    vocabulary, merges = _byte_pairs(("[PAD]", "[CLS]", "[SEP]", "[UNK]"))
    return transformers.DebertaTokenizer(vocab=vocabulary, merges=merges, model_max_length=longest)


@cache
def _modern_byte_level(longest: int) -> HubTokenizer:
    """ModernBERT's: special tokens at the end, and runs of spaces as tokens that are added and not special."""
    vocabulary, merges = _byte_pairs(())
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens([AddedToken(" " * count, normalized=True, special=False) for count in range(8, 1, -1)])
    special = ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")
    tokenizer.add_special_tokens([AddedToken(token, lstrip=token == special[-1]) for token in special])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **{f"{token[1:-1].lower()}_token": token for token in special},
        model_input_names=["input_ids", "attention_mask"],
        model_max_length=longest,
    )


@cache
def _word_piece(longest: int) -> HubTokenizer:
    vocabulary = _word_pieces(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))
    return transformers.BertTokenizer(vocab=vocabulary, model_max_length=longest)


@cache
def _distil_word_piece(longest: int) -> HubTokenizer:
    vocabulary = _word_pieces(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))
    return transformers.DistilBertTokenizer(vocab=vocabulary, model_max_length=longest)


@cache
def _mpnet_word_piece(longest: int) -> HubTokenizer:
    vocabulary = _word_pieces(("<s>", "<pad>", "</s>", "<unk>", "[UNK]"))
    return transformers.MPNetTokenizer(vocab=vocabulary, model_max_length=longest)


@cache
def _deberta_pieces(longest: int) -> HubTokenizer:
    vocabulary = _unigrams(("[PAD]", "[CLS]", "[SEP]", "[UNK]"), unknown="[UNK]")
    return transformers.DebertaV2Tokenizer(vocab=vocabulary, model_max_length=longest)


@cache
def _roberta_pieces(longest: int) -> HubTokenizer:
    vocabulary = [*_unigrams(("<s>", "<pad>", "</s>", "<unk>"), unknown="<unk>"), ("<mask>", 0.0)]
    mask = AddedToken("<mask>", lstrip=True, special=True, normalized=False)
    return transformers.XLMRobertaTokenizer(vocab=vocabulary, mask_token=mask, model_max_length=longest)


@cache
def _albert_pieces(longest: int) -> HubTokenizer:
    vocabulary = _unigrams(("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"), unknown="<unk>")
    return transformers.AlbertTokenizer(vocab=vocabulary, model_max_length=longest)


def _byte_pairs(special: Sequence[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    model = _train(tokenizer, trainers.BpeTrainer, special, initial_alphabet=alphabet)
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


def _word_pieces(special: Sequence[str]) -> dict[str, int]:
    tokenizer = Tokenizer(models.WordPiece())
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    vocabulary: dict[str, int] = _train(tokenizer, trainers.WordPieceTrainer, special)["vocab"]
    return vocabulary


def _unigrams(special: Sequence[str], *, unknown: str) -> list[tuple[str, float]]:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    model = _train(tokenizer, trainers.UnigramTrainer, special, unk_token=unknown)
    return [(piece, score) for piece, score in model["vocab"]]


def _train(
    tokenizer: Tokenizer, trainer: Callable[..., Any], special: Sequence[str], **options: Value
) -> dict[str, Any]:
    """Train `tokenizer` on the corpus and return its model as ``tokenizer.json`` has it."""
    settings = trainer(vocab_size=VOCABULARY, special_tokens=list(special), show_progress=False, **options)
    tokenizer.train_from_iterator(CORPUS, settings)
    model: dict[str, Any] = json.loads(tokenizer.to_str())["model"]
    return model


@dataclass(frozen=True, slots=True)
class Family:
    """How checkpoints of a model type are made: their tokenizer, and what their ``config.json`` says.

    `first_position` is the position of the first token, which some types count from the id of the padding on.
    """

    tokenizer: Callable[[int], HubTokenizer]
    shape: Mapping[str, Any]
    first_position: int = 0


_ENCODER = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "hidden_act": "gelu",
    "type_vocab_size": 2,
}
_DEBERTA = {
    **_ENCODER,
    "type_vocab_size": 0,
    "relative_attention": True,
    "max_relative_positions": -1,
    "position_biased_input": False,
    "pos_att_type": ["p2c", "c2p"],
    "pooler_hidden_act": "gelu",
    "pooler_hidden_size": 32,
}

#: What can be made, by model type. The shapes are small, the settings those of the best known checkpoint of the type.
FAMILIES: Mapping[str, Family] = {
    "albert": Family(_albert_pieces, {**_ENCODER, "embedding_size": 16, "hidden_act": "gelu_new"}),
    "bart": Family(
        _byte_level,
        {
            "d_model": 32,
            "encoder_layers": 2,
            "decoder_layers": 2,
            "encoder_attention_heads": 4,
            "decoder_attention_heads": 4,
            "encoder_ffn_dim": 48,
            "decoder_ffn_dim": 48,
            "activation_function": "gelu",
            "decoder_start_token_id": 2,
            "forced_eos_token_id": 2,
            "is_encoder_decoder": True,
        },
    ),
    "bert": Family(_word_piece, _ENCODER),
    "deberta": Family(_deberta_byte_level, {**_DEBERTA, "pos_att_type": ["c2p", "p2c"]}),
    "deberta-v2": Family(
        _deberta_pieces,
        {**_DEBERTA, "position_buckets": 256, "share_att_key": True, "norm_rel_ebd": "layer_norm"},
    ),
    "distilbert": Family(
        _distil_word_piece, {"dim": 32, "hidden_dim": 48, "n_layers": 3, "n_heads": 4, "activation": "gelu"}
    ),
    "electra": Family(_word_piece, {**_ENCODER, "embedding_size": 16}),
    "modernbert": Family(
        _modern_byte_level,
        {
            "hidden_size": 32,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "intermediate_size": 48,
            "hidden_activation": "gelu",
            "local_attention": 16,
            "global_attn_every_n_layers": 2,
            "global_rope_theta": 160000.0,
            "local_rope_theta": 10000.0,
            "classifier_pooling": "mean",
        },
    ),
    "mpnet": Family(_mpnet_word_piece, {**_ENCODER, "relative_attention_num_buckets": 32}, first_position=2),
    "roberta": Family(_byte_level, {**_ENCODER, "type_vocab_size": 1}, first_position=2),
    "xlm-roberta": Family(_roberta_pieces, {**_ENCODER, "type_vocab_size": 1}, first_position=2),
}
