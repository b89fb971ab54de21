"""Which labels of a set are near to each other, so that wrong labels can be hard ones."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer
from torch import Tensor, nn

from training.examples import Neighbours


def label_neighbours(tokenizer: Tokenizer, word_embeddings: Tensor) -> Neighbours:
    """Order labels by the cosine between the mean embeddings of their tokens: crude, but it finds hard wrong ones."""

    def embed(label: str) -> Tensor:
        ids = tokenizer.encode(label, add_special_tokens=False).ids
        return nn.functional.normalize(word_embeddings[ids].detach().mean(0), dim=0)

    def neighbours(label: str, others: Sequence[str]) -> list[str]:
        target = embed(label)
        return sorted(others, key=lambda other: -float(embed(other) @ target))

    return neighbours
