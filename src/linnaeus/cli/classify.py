"""``linnaeus classify``: labels for one text, or for every line of standard input."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from linnaeus.cli.failures import failures_told
from linnaeus.cli.options import DeviceOption, LongText, ModelOption, PrecisionOption
from linnaeus.cli.reading import piped_texts, read_labels_file, read_texts
from linnaeus.errors import InputError
from linnaeus.labels import DEFAULT_TEMPLATE, HypothesisTemplate, Label, parse_labels


def classify(
    text: Annotated[
        str | None, typer.Argument(help="The text. Without it, standard input is read, a text a line.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option("--labels", help="The candidate labels, with commas between them.")
    ] = None,
    labels_file: Annotated[
        Path | None,
        typer.Option(
            "--labels-file", exists=True, dir_okay=False, help="A file of labels: one a line, or a JSON list (*.json)."
        ),
    ] = None,
    template: Annotated[
        str, typer.Option("--template", help="The sentence that is weighed for each label; {} is the label.")
    ] = DEFAULT_TEMPLATE,
    multi_label: Annotated[
        bool, typer.Option("--multi-label", help="Several labels may fit: score each on its own.")
    ] = False,
    long_text: Annotated[
        LongText,
        typer.Option(
            "--long-text",
            help="What becomes of a text longer than the model: its end is cut, or it is read in windows and each "
            "label gets its best one, which --json names.",
        ),
    ] = "cut",
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate/--no-calibrate",
            help="Make scores probabilities, if the model was fitted for that, or leave them as the pipeline has them.",
        ),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, an object a line.")] = False,
    model: ModelOption = "default",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
) -> None:
    """Say which labels fit a text.

    \b
    Examples:
      linnaeus classify "The parcel never came." --labels refund,praise,question
      linnaeus classify "Rates rise again" --labels-file topics.txt --template "This news is about {}."
      linnaeus classify --labels urgent,billing,bug --multi-label --json < tickets.txt

    Blank lines of standard input are passed over. Results appear as texts come in.
    """  # noqa: D301
    label_option = "--labels" if labels_file is None else "--labels-file"
    with failures_told(candidate_labels=label_option, hypothesis_template="--template", sequences="TEXT"):
        candidates = _candidates(labels, labels_file)
        HypothesisTemplate(template)  # a mistake in it is told before the model is loaded
        piped = read_texts(piped_texts()) if text is None else iter(())

        from linnaeus.classifier import Classifier
        from linnaeus.cli.printing import print_bars, print_json

        classifier = Classifier(model, device=device, precision=precision)
        show = print_json if as_json else partial(print_bars, headings=text is None)
        if text is not None:
            show([classifier(text, candidates, template, multi_label, long_text=long_text, calibrate=calibrate)])
        for texts in piped:
            show(classifier(texts, candidates, template, multi_label, long_text=long_text, calibrate=calibrate))


def _candidates(labels: str | None, labels_file: Path | None) -> list[Label]:
    if labels is not None and labels_file is not None:
        raise InputError("--labels-file", "is given beside --labels: choose one of them.")
    if labels_file is not None:
        return parse_labels(read_labels_file(labels_file))
    if labels is None:
        raise InputError("--labels", "is missing: name the candidates, as in --labels refund,legal,faq.")
    return parse_labels(labels)
