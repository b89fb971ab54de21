"""The figures of a model, as tables in its card."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"

ACCEPTANCE = (
    "Precisions beside fp32, on 2,000 development rows (accepted: no score moves by more than 0.02, and no label loses "
    "first place by such a margin):"
)


def write_card(metrics: dict[str, Any], card: Path) -> None:
    """Put the figures between the markers of the card."""
    before, rest = card.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    card.write_text(f"{before}{BEGIN}\n{figures(metrics)}\n{END}{after}", encoding="utf-8")


def figures(metrics: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    mean = metrics["unseen_mean"]
    unseen = [*_set_rows(metrics["unseen"]), _row("**mean**", "", "", mean["macro_f1"], mean["bi_encoder_macro_f1"])]
    return "\n\n".join(
        (
            "Sets of which it has seen neither texts nor labels:",
            _table(("set", "rows", "labels", "macro-F1", "bi-encoder"), unseen),
            "Sets whose labels it was trained on, with other texts:",
            _table(("set", "rows", "labels", "macro-F1", "bi-encoder"), _set_rows(metrics["seen"])),
            "Natural language inference, accuracy:",
            _table(
                ("set", "pairs", "three-way", "entailment or not"),
                (
                    _row(name, of["rows"], of.get("three_way", ""), of["entailment_or_not"])
                    for name, of in metrics["nli"].items()
                ),
            ),
            _own_texts(metrics["own_texts"]),
            ACCEPTANCE,
            _table(
                ("precision", "largest move", "mean move", "moved by more than 0.02", "flips", "accepted"),
                (
                    _row(
                        name,
                        of["largest_move"],
                        f"{of['mean_move']:.4f}",
                        f"{of['moved_too_far']:.2%}",
                        of["flips"],
                        "yes" if of["accepted"] else "no",
                    )
                    for name, of in metrics["precisions"].items()
                ),
            ),
            f"OpenVINO and PyTorch agree on the shipped weights within {metrics['openvino_from_pytorch']:.0e} in fp32.",
        )
    )


def _own_texts(own: dict[str, Any]) -> str:
    first, side = own["right_label_first"], own["right_side_of_half"]
    return (
        f"Texts of our own, kept apart: the one right label is first in {first:.0%} of {own['lists']} lists; "
        f"{side:.0%} of {own['labels']} labels are on the right side of 0.5 with `multi_label`."
    )


def _set_rows(sets: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        _row(name, of["rows"], of["labels"], of["macro_f1"], of["bi_encoder_macro_f1"]) for name, of in sets.items()
    ]


def _row(*cells: object) -> tuple[str, ...]:
    return tuple(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    rule = ("---", *["---:"] * (len(head) - 1))
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))
