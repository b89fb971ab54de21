"""The training run: fixed seed, linear warm-up and decay, checkpoints it resumes from, a progress display."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from linnaeus.engines.one_pass_module import OnePassModule
from linnaeus.engines.openvino_runtime import has
from linnaeus.models.one_pass import is_rounded, quantise_rows
from training.backbones import BACKBONES
from training.batches import Batch, Row, collate, plan_batches, tokenise
from training.closeness import open_lists, rank
from training.examples import UNKNOWN, build_examples, strangers
from training.lessons import lessons
from training.neighbours import label_neighbours

CHECKPOINT = "checkpoint.pt"
LOG = "train.jsonl"

#: Whose vectors say how near a label is to a text: the better of the two backbones.
ENCODER = "all-mpnet-base-v2"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run depends on. Two runs with the same settings and data give the same model.

    `layers` are those of the backbone that are kept, by default all. The lowest `frozen_layers` of them stay as they
    are, with the embeddings below: they cost a third of a trained one. `starts_from`, `mixed_with` and `teacher` name
    models that were made before. With the first, a run goes on from it. With the second, the model is the mean of where
    the run ended and of others, each with its share. With the third, what it says has `lesson_weight` in the loss and
    what the data says the rest, and as many rows again as `strangers` says are texts with label lists that were not
    written for them.
    `own_turns`, `own_files` and `max_published` weigh our own texts against the published sets (`build_examples`).
    `open_lists` is how many lists there are beside all that which nobody has answered (`closeness.py`), by default of
    labels of all kinds. A bi-encoder ranks them, whose cosines become logits by `closeness_weight`: with its default
    the softmax over a list is about as sure as it is right. With `judges`, which were made before, their mean is added.
    """

    backbone: str
    layers: tuple[int, ...] | None = None
    frozen_layers: int = 0
    starts_from: str | None = None
    mixed_with: Mapping[str, float] = field(default_factory=dict)
    seed: int = 7
    passes: int = 1
    learning_rate: float = 1.8e-4
    warm_up: float = 0.06
    weight_decay: float = 0.01
    batch_tokens: int = 4096
    list_weight: float = 0.5
    teacher: str | None = None
    lesson_weight: float = 0.7
    strangers: float = 0.0
    own_turns: int = 3
    own_files: tuple[str, ...] | None = None
    max_published: int | None = None
    max_examples: int | None = None
    open_lists: int = 0
    open_kinds: tuple[str, ...] | None = None
    closeness_weight: float = 24.0
    judges: tuple[str, ...] = ()


def train(
    module: nn.Module,
    rows: Sequence[Row],
    settings: Settings,
    work: Path,
    *,
    device: str,
    every: int = 100,
    make_batch: Callable[[Sequence[Row]], Batch] = collate,
) -> None:
    """Train a module on all rows, going on from the checkpoint in `work` if there is one.

    `make_batch` packs rows as the module reads them. A checkpoint is written every `every` steps, and the loss is
    appended to ``train.jsonl``.
    """
    work.mkdir(parents=True, exist_ok=True)
    plan = [
        batch
        for turn in range(settings.passes)
        for batch in plan_batches(rows, settings.batch_tokens, settings.seed + turn)
    ]
    module.to(device)
    optimiser = torch.optim.AdamW(parameter_groups(module, settings.weight_decay), lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: pace(step, len(plan), settings.warm_up))
    start = resume(work / CHECKPOINT, settings, module, optimiser, schedule)

    module.train()
    columns = (
        TextColumn("training"),
        MofNCompleteColumn(),
        TextColumn("steps, loss {task.fields[loss]:.3f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress, (work / LOG).open("a", encoding="utf-8") as log:
        task = progress.add_task("", total=len(plan), completed=start, loss=float("nan"))
        running, since = 0.0, time.monotonic()
        for step in range(start, len(plan)):
            batch = make_batch([rows[index] for index in plan[step]])
            running += train_step(module, batch, optimiser, schedule, settings, device)
            progress.update(task, advance=1)
            if (step + 1) % every == 0 or step + 1 == len(plan):
                done = (step % every) + 1
                progress.update(task, loss=running / done)
                seconds = round(time.monotonic() - since, 1)
                log.write(json.dumps({"step": step + 1, "loss": running / done, "seconds": seconds}) + "\n")
                log.flush()
                running, since = 0.0, time.monotonic()
                save_checkpoint(work / CHECKPOINT, settings, step + 1, module, optimiser, schedule)
    module.eval()


def start_from(settings: Settings, folder: Path, models: Path) -> OnePassModule:
    """Return the module that training starts from: the backbone with a new head, or a model that is in `models`."""
    torch.manual_seed(settings.seed)
    if settings.starts_from is None:
        module = BACKBONES[settings.backbone].load(folder, settings.layers)
    else:
        module = OnePassModule.read(models / settings.starts_from)
    freeze(module, settings.frozen_layers)
    return module


def mix(module: OnePassModule, others: Sequence[tuple[OnePassModule, float]]) -> None:
    """Replace the weights by their mean with those of others, each with its share; the rest is the module's own.

    Wortsman et al. 2022, "Model soups": the mean of models that were trained from the same start is better on what none
    of them has seen.
    """
    own_share = 1 - sum(share for _, share in others)
    with torch.no_grad():
        for weight, *with_ in zip(module.parameters(), *(other.parameters() for other, _ in others), strict=True):
            weight.mul_(own_share)
            for one, (_, share) in zip(with_, others, strict=True):
                weight.add_(one.to(weight.device), alpha=share)


def prepare(settings: Settings, data: Path, folder: Path, module: OnePassModule, models: Path, work: Path) -> list[Row]:
    """Return all training rows, tokenised by the backbone's tokenizer.

    A teacher and judges are looked for in `models`, and what they say is kept in `work`.
    """
    tokenizer = read_tokenizer(folder)
    neighbours = label_neighbours(tokenizer, module.embeddings.word.weight)
    examples = build_examples(
        data,
        settings.seed,
        neighbours,
        own_turns=settings.own_turns,
        own_files=settings.own_files,
        max_published=settings.max_published,
    )[: settings.max_examples]
    if settings.open_lists:
        encoder = SentenceTransformer(str(BACKBONES[ENCODER].folder()), device="cpu")
        draw = random.Random(settings.seed)
        lists = list(open_lists(examples, encoder, settings.open_lists, settings.open_kinds, draw))
        views = [lessons(models / judge, lists, work) for judge in settings.judges]
        examples += rank(lists, settings.closeness_weight, views)
    if settings.teacher is None:
        return tokenise(tokenizer, examples)
    examples += strangers(examples, settings.strangers, random.Random(settings.seed))
    return tokenise(tokenizer, examples, lessons(models / settings.teacher, examples, work))


def read_tokenizer(folder: Path) -> Tokenizer:
    """Read the backbone's tokenizer without the cutting and padding that it was packed with."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def freeze(module: OnePassModule, layers: int = 0) -> None:
    """Keep the word embeddings as they will be shipped, and with `layers` all up to the highest of so many layers.

    Matrices are rounded to int8 before training, so that the rest of the model learns to live with it, and stay fixed:
    half of all weights need no optimiser state.
    """
    frozen = [module.embeddings, *module.layers[:layers]] if layers else [module.embeddings.word]
    if module.config.relative_buckets:
        # The pretrained bias by distance stays: its gradient costs more than it teaches.
        module.relative.requires_grad_(False)
    for part in frozen:
        part.requires_grad_(False)
        for parameter in part.parameters():
            if is_rounded(tuple(parameter.shape)):
                rounded, scales = quantise_rows(parameter.detach().numpy())
                parameter.data.copy_(torch.from_numpy(rounded * scales[:, None]))


def parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Decay matrices only: biases and norms are left alone, as is usual."""
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in trained if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim <= 1], "weight_decay": 0.0},
    ]


def pace(step: int, steps: int, warm_up: float) -> float:
    """Return the share of the peak learning rate at a step: up in a line, then down in a line to zero."""
    rise = max(1, round(steps * warm_up))
    return (step + 1) / rise if step < rise else (steps - step) / max(1, steps - rise)


def train_step(
    module: nn.Module,
    batch: Batch,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    settings: Settings,
    device: str,
) -> float:
    # A processor that does not multiply in bf16 only feigns it, and is slower for it.
    with torch.autocast(device, dtype=torch.bfloat16, enabled=device != "cpu" or has("bf16")):
        logits = module(*batch.packed.to(device))
    value = objective(logits.float(), batch.to(device), settings)
    value.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(module.parameters(), 1.0)
    optimiser.step()
    schedule.step()
    optimiser.zero_grad(set_to_none=True)
    return value.item()


def objective(logits: Tensor, batch: Batch, settings: Settings) -> Tensor:
    """Return what a step makes smaller: the loss beside the data, and beside the teacher if there is one."""
    value = loss(logits, batch.targets, batch.listwise, settings.list_weight)
    value = value + settings.list_weight * open_list_loss(logits, batch.ranking)
    if batch.lessons is None:
        return value
    taught = lesson_loss(logits, batch.lessons, batch.targets >= 0, settings.list_weight)
    return settings.lesson_weight * taught + (1 - settings.lesson_weight) * value


def lesson_loss(logits: Tensor, lessons: Tensor, present: Tensor, list_weight: float) -> Tensor:
    """Return the cross-entropy with a teacher: per hypothesis over the classes, plus weighted over label lists.

    Hinton et al. 2015, "Distilling the knowledge in a neural network", at temperature 1.

    Args:
        logits: [rows, hypotheses, 3].
        lessons: the same of the teacher.
        present: [rows, hypotheses].
        list_weight: weight of the cross-entropy over label lists.
    """
    pointwise = functional.cross_entropy(logits[present], lessons[present].softmax(-1))
    absent = float("-inf")
    student, teacher = (of[..., 0].masked_fill(~present, absent).log_softmax(-1) for of in (logits, lessons))
    lists = -(teacher.exp() * student.masked_fill(~present, 0)).sum(-1).mean()
    return pointwise + list_weight * lists


def loss(logits: Tensor, targets: Tensor, listwise: Tensor, list_weight: float) -> Tensor:
    """Return the mean negative log-likelihood per hypothesis, plus the weighted cross-entropy over label lists.

    Args:
        logits: [rows, hypotheses, 3].
        targets: [rows, hypotheses], -1 where there is no hypothesis.
        listwise: [rows], true where the first hypothesis is the one right label.
        list_weight: weight of the cross-entropy.
    """
    present, answered = targets >= 0, (targets >= 0) & (targets != UNKNOWN)
    entailment, neutral, contradiction = functional.log_softmax(logits, -1).unbind(-1)
    # Columns in the order of the targets; the last two are "neutral or contradiction" and "any of them".
    either = torch.logaddexp(neutral, contradiction)
    known = torch.stack((entailment, neutral, contradiction, either, torch.zeros_like(either)), -1)
    assert known.shape[-1] == UNKNOWN + 1
    likelihood = known.gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    pointwise = -likelihood[answered].sum() / answered.sum().clamp(min=1)
    if not listwise.any():
        return pointwise
    scores = logits[..., 0].masked_fill(~present, float("-inf"))[listwise]
    right = torch.zeros(scores.shape[0], dtype=torch.long, device=scores.device)
    return pointwise + list_weight * listwise.float().mean() * functional.cross_entropy(scores, right)


def open_list_loss(logits: Tensor, ranking: Tensor) -> Tensor:
    """Return the cross-entropy over label lists with what ranks them, as a mean over rows.

    Args:
        logits: [rows, hypotheses, 3].
        ranking: [rows, hypotheses] logits, -inf where there is none.
    """
    known = ranking.isfinite()
    lists = known.any(-1)
    target = ranking[lists].softmax(-1)
    scores = logits[..., 0][lists].masked_fill(~known[lists], float("-inf")).log_softmax(-1)
    return -(target * scores.masked_fill(~known[lists], 0)).sum() / ranking.shape[0]


class Stateful(Protocol):
    """What a checkpoint holds besides settings and step: the module, the optimiser, the schedule."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any: ...  # noqa: ANN401 - each returns its own


def save_checkpoint(path: Path, settings: Settings, step: int, *parts: Stateful) -> None:
    state = {"settings": asdict(settings), "step": step, "parts": [part.state_dict() for part in parts]}
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def resume(path: Path, settings: Settings, *parts: Stateful) -> int:
    """Restore a run and return the steps it has done; a checkpoint of other settings is refused."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    if state["settings"] != asdict(settings):
        raise SystemExit(f"{path} belongs to a run with other settings: remove it, or choose another --work folder.")
    for part, saved in zip(parts, state["parts"], strict=True):
        part.load_state_dict(saved)
    step: int = state["step"]
    return step
