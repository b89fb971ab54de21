"""The figures of the models, as tables in their card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from training.development import CLINC150, HWU64
from training.markdown import put, table

ACCEPTANCE = (
    "Precisions beside fp32, on {} development rows and on the trial that `linnaeus models check` holds (accepted: no "
    "score moves by more than 0.02, and no label loses first place by such a margin). `auto` is bf16 if both accept it:"
)

CALIBRATION = (
    "Calibration, on the half of the development rows that it was not fitted on: how far scores are from the share "
    "that is right (expected calibration error). Exact probabilities would have what the last column says: of "
    "few answers more or fewer are right by chance."
)


def write_card(models: Mapping[str, dict[str, Any]], card: Path, readme: Path) -> None:
    """Put the figures of each model between its markers in the card, and their sum between those in the README."""
    text = card.read_text(encoding="utf-8")
    for name, metrics in models.items():
        text = put(text, name, figures(metrics))
    card.write_text(text, encoding="utf-8")
    readme.write_text(put(readme.read_text(encoding="utf-8"), "quality", summary(models)), encoding="utf-8")


def summary(models: Mapping[str, dict[str, Any]]) -> str:
    """Return a line of Markdown for each model: its macro-F1, and in brackets that of its backbone."""
    rows = [
        _row(
            f"`{name}`",
            max(of["rows"] for of in metrics["unseen"].values()),
            _beside(metrics["unseen_mean"]),
            *(_beside(metrics["seen"][of]) for of in (HWU64, CLINC150)),
            metrics["calibration"]["error"]["16"]["after"],
        )
        for name, metrics in models.items()
    ]
    head = ("model", "rows", "unseen sets, mean of 8", "64 intents", "150 intents", "calibration error, 16 labels")
    return table(head, rows)


def _beside(of: Mapping[str, float]) -> str:
    return f"{of['macro_f1']:.3f} ({of['bi_encoder_macro_f1']:.3f})"


def figures(metrics: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    mean = metrics["unseen_mean"]
    unseen = [
        *_set_rows(metrics["unseen"]),
        _row("**mean**", "", "", mean["macro_f1"], "", mean["bi_encoder_macro_f1"]),
    ]
    head = ("set", "rows", "labels", "macro-F1", "95 % of bootstraps", "bi-encoder")
    return "\n\n".join(
        (
            "Sets of which it has seen neither texts nor labels:",
            table(head, unseen),
            "Sets whose labels it was trained on, with other texts:",
            table(head, _set_rows(metrics["seen"])),
            "Natural language inference, accuracy:",
            table(
                ("set", "pairs", "three-way", "entailment or not"),
                (
                    _row(name, of["rows"], of.get("three_way", ""), of["entailment_or_not"])
                    for name, of in metrics["nli"].items()
                ),
            ),
            _own_texts(metrics["own_texts"]),
            *_own_vocabularies(metrics, head),
            _calibration(metrics["calibration"]),
            _consistency(metrics["consistency"]),
            _precisions(metrics["precisions"], metrics["trial"]),
            f"OpenVINO and PyTorch agree on the shipped weights within {metrics['openvino_from_pytorch']:.0e} in fp32.",
        )
    )


def _precisions(found: dict[str, dict[str, Any]], trial: dict[str, dict[str, Any]]) -> str:
    if not found:
        return "The processor that this was measured on has neither bf16 nor int8."
    rows = (
        _row(
            name,
            where,
            of["largest_move"],
            f"{of['mean_move']:.4f}",
            f"{of['moved_too_far']:.2%}",
            of["flips"],
            "yes" if of["accepted"] else "no",
        )
        for name in found
        for where, of in (("development rows", found[name]), ("trial", trial[name]))
    )
    head = ("precision", "on", "largest move", "mean move", "moved by more than 0.02", "flips", "accepted")
    return "\n\n".join((ACCEPTANCE.format(max(of["rows"] for of in found.values())), table(head, rows)))


def _calibration(found: dict[str, Any]) -> str:
    errors = [(f"the first of {length} labels", error) for length, error in found["error"].items()]
    errors.append(("each label, with `multi_label`", found["error_alone"]))
    passed_over = " and ".join(f"{share:.0%} ({name})" for name, share in found["none_true"].items())
    return "\n\n".join(
        (
            CALIBRATION,
            table(
                ("score of", "answers", "as the pipeline has it", "calibrated", "by chance"),
                (
                    _row(what, *(error.get(column, "") for column in ("answers", "before", "after", "by_chance")))
                    for what, error in errors
                ),
            ),
            f"A threshold that keeps 95 % of the labels that fit passes over texts that none fits: {passed_over}.",
        )
    )


def _consistency(found: dict[str, float]) -> str:
    return (
        f"With every label in other words the same one is first in {found['other_words']:.0%} of texts. “It is true "
        f"that this is” the right label, and “it is not true that”, are told apart in {found['negated']:.0%}. Another "
        f"order of the labels changes the first of {1 - found['other_order']:.0%}."
    )


def _own_texts(own: dict[str, Any]) -> str:
    first, side = own["right_label_first"], own["right_side_of_half"]
    return (
        f"Texts of our own, kept apart: the one right label is first in {first:.0%} of {own['lists']} lists; "
        f"{side:.0%} of {own['labels']} labels are on the right side of 0.5 with `multi_label`."
    )


def _own_vocabularies(metrics: dict[str, Any], head: Sequence[str]) -> Iterator[str]:
    # Figures that were taken before there were any have none.
    if "own_vocabularies" in metrics:
        yield "Vocabularies of our own, kept apart, so that neither texts nor labels were seen:"
        yield table(head, _set_rows(metrics["own_vocabularies"]))


def _set_rows(sets: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        _row(
            name.rpartition("/")[-1],
            of["rows"],
            of["labels"],
            of["macro_f1"],
            f"{of['macro_f1_low']:.3f} to {of['macro_f1_high']:.3f}",
            of["bi_encoder_macro_f1"],
        )
        for name, of in sets.items()
    ]


def _row(*cells: object) -> tuple[str, ...]:
    return tuple(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells)
