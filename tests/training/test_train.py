"""The training loop on a small module: it learns, and a run that was stopped ends where one that was not does."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from linnaeus.engines.base import Reading
from linnaeus.engines.one_pass_module import OnePassModule
from linnaeus.models.one_pass import OnePassConfig, quantise_rows
from training.batches import Batch, Row, collate, plan_batches
from training.examples import CONTRADICTION, ENTAILMENT, NEUTRAL, NOT_ENTAILMENT, UNKNOWN
from training.train import Settings, freeze, lesson_loss, loss, mix, open_list_loss, pace, train

CONFIG = OnePassConfig(
    hidden_size=32,
    layers=2,
    heads=2,
    intermediate_size=64,
    vocabulary_size=40,
    positions=64,
    norm_epsilon=1e-12,
)
SETTINGS = Settings("none", learning_rate=3e-3, batch_tokens=256, warm_up=0.1)


def make_module() -> OnePassModule:
    torch.manual_seed(0)
    module = OnePassModule(CONFIG)
    freeze(module)
    return module


@pytest.fixture
def rows() -> list[Row]:
    """A hypothesis is entailed when its token is a low one."""
    draw = random.Random(0)
    made = []
    for _ in range(400):
        text = draw.sample(range(3, 40), 6)
        hypotheses = [[1, token, 2] for token in (draw.randrange(3, 20), *draw.sample(range(20, 40), 3))]
        made.append(Row(Reading([1, *text, 2], hypotheses), (ENTAILMENT, *[NOT_ENTAILMENT] * 3), listwise=True))
    return made


def test_a_mix_is_the_mean_by_share() -> None:
    module, first, second = (OnePassModule(CONFIG) for _ in range(3))
    trained = [weight.detach().clone() for weight in module.parameters()]
    mix(module, [(first, 0.25), (second, 0.15)])
    for mixed, own, one, other in zip(
        module.parameters(), trained, first.parameters(), second.parameters(), strict=True
    ):
        torch.testing.assert_close(mixed, 0.6 * own + 0.25 * one + 0.15 * other)


def test_frozen_layers_stay_as_they_will_be_shipped(rows: list[Row], tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = OnePassModule(replace(CONFIG, hidden_size=128, intermediate_size=128, relative_buckets=8))
    freeze(module, layers=1)
    before = {name: weight.clone() for name, weight in module.state_dict().items()}
    train(module, rows[:40], SETTINGS, tmp_path, device="cpu")
    after = module.state_dict()
    still = {name for name in before if torch.equal(before[name], after[name])}
    assert still == {name for name in before if name.startswith(("embeddings.", "relative.", "layers.0."))}
    shipped = before["layers.0.up.weight"].numpy()
    rounded, scales = quantise_rows(shipped)
    np.testing.assert_allclose(rounded * scales[:, None], shipped, atol=1e-6)


def mean_loss(module: OnePassModule, rows: list[Row]) -> float:
    batch = collate(rows)
    with torch.inference_mode():
        return loss(module(*batch.packed.to("cpu")), batch.targets, batch.listwise, 0.5).item()


def test_the_loss_falls(rows: list[Row], tmp_path: Path) -> None:
    module = make_module()
    before = mean_loss(module, rows)
    words = module.embeddings.word.weight.clone()
    train(module, rows, Settings("none", passes=3, learning_rate=3e-3, batch_tokens=256), tmp_path, device="cpu")
    assert mean_loss(module, rows) < 0.8 * before
    assert torch.equal(words, module.embeddings.word.weight)


def test_a_stopped_run_ends_where_another_does(rows: list[Row], tmp_path: Path) -> None:
    whole, stopped, resumed = make_module(), make_module(), make_module()
    train(whole, rows, SETTINGS, tmp_path / "whole", device="cpu", every=5)

    steps = 0

    def stop_after(rows: Sequence[Row]) -> Batch:
        nonlocal steps
        steps += 1
        if steps > 8:
            raise KeyboardInterrupt
        return collate(rows)

    with pytest.raises(KeyboardInterrupt):
        train(stopped, rows, SETTINGS, tmp_path / "other", device="cpu", every=5, make_batch=stop_after)
    train(resumed, rows, SETTINGS, tmp_path / "other", device="cpu", every=5)
    for name, weight in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], weight, rtol=1e-4, atol=1e-5)


def test_a_checkpoint_of_other_settings_is_refused(rows: list[Row], tmp_path: Path) -> None:
    train(make_module(), rows[:20], SETTINGS, tmp_path, device="cpu")
    with pytest.raises(SystemExit, match="other settings"):
        train(make_module(), rows[:20], Settings("none", seed=99), tmp_path, device="cpu")


def test_not_entailment_is_neutral_or_contradiction() -> None:
    logits = torch.tensor([[[0.0, 9.0, 0.0], [0.0, 0.0, 9.0]]])
    one_list = torch.tensor([False])
    known = loss(logits, torch.tensor([[NEUTRAL, CONTRADICTION]]), one_list, 0.5)
    either = loss(logits, torch.tensor([[NOT_ENTAILMENT, NOT_ENTAILMENT]]), one_list, 0.5)
    assert either < known < 0.01
    assert loss(logits, torch.tensor([[NOT_ENTAILMENT, -1]]), one_list, 0.5) < 0.01
    assert loss(logits, torch.tensor([[ENTAILMENT, -1]]), one_list, 0.5) > 5


def test_the_list_term_looks_at_the_first_hypothesis() -> None:
    right = torch.tensor([[[5.0, 0.0, 0.0], [0.0, 0.0, 0.0]]])
    targets = torch.tensor([[ENTAILMENT, NOT_ENTAILMENT]])

    def term(logits: torch.Tensor) -> float:
        return (
            loss(logits, targets, torch.tensor([True]), 1.0) - loss(logits, targets, torch.tensor([True]), 0.0)
        ).item()

    assert term(right) < 0.01
    assert term(right.flip(1)) > 4


def test_every_row_is_in_one_batch_of_its_budget(rows: list[Row]) -> None:
    plan = plan_batches(rows, 256, seed=1)
    assert sorted(index for batch in plan for index in batch) == list(range(len(rows)))
    assert all(len(batch) * max(rows[index].reading.tokens for index in batch) <= 256 for batch in plan)
    assert plan != plan_batches(rows, 256, seed=2)


def test_the_pace_rises_and_falls_to_nothing() -> None:
    paces = [pace(step, 100, 0.1) for step in range(100)]
    assert max(paces) == 1.0
    assert paces[0] == pytest.approx(0.1)
    assert paces[-1] == pytest.approx(1 / 90)


def test_a_teacher_is_followed(rows: list[Row], tmp_path: Path) -> None:
    """What it says here depends on the last token of the text alone, of which the data knows nothing."""

    def said(row: Row) -> NDArray[np.float16]:
        favour = 3 if row.reading.premise[-2] < 20 else -3
        return np.array([[favour, 0, 0]] * len(row.targets), np.float16)

    taught = [replace(row, targets=(UNKNOWN,) * 4, listwise=False, lesson=said(row)) for row in rows]
    settings = replace(SETTINGS, passes=5, teacher="someone", lesson_weight=1.0)
    module = make_module()
    train(module, taught, settings, tmp_path, device="cpu")
    batch = collate(taught)
    assert batch.lessons is not None
    with torch.inference_mode():
        logits = module(*batch.packed.to("cpu"))
    shares, expected = (of.softmax(-1)[..., 0] for of in (logits, batch.lessons))
    assert ((shares > 0.5) == (expected > 0.5)).float().mean() > 0.9


def test_open_lists_are_ranked_as_they_are_to_be() -> None:
    ranking = torch.tensor([[2.0, 1.0, float("-inf")], [float("-inf")] * 3])
    agrees, differs = (
        torch.tensor([[[entailment, 0.0, 0.0] for entailment in row] for row in ((*list_, 9.0), (7.0, 8.0, 9.0))])
        for list_ in ((2.0, 1.0), (1.0, 2.0))
    )
    target = torch.tensor([2.0, 1.0]).softmax(-1)
    assert open_list_loss(agrees, ranking) == pytest.approx(float(-(target * target.log()).sum()) / 2)
    assert open_list_loss(differs, ranking) > open_list_loss(agrees, ranking)
    assert open_list_loss(agrees, torch.full((2, 3), float("-inf"))) == 0


def test_no_one_is_nearer_to_a_teacher_than_itself() -> None:
    lessons, present = torch.randn(5, 4, 3), torch.ones(5, 4, dtype=torch.bool)
    present[0, 2:] = False
    least = lesson_loss(lessons, lessons, present, 0.5)
    assert torch.isfinite(least)
    for _ in range(20):
        assert lesson_loss(lessons + 0.3 * torch.randn(5, 4, 3), lessons, present, 0.5) > least


def test_what_is_unknown_teaches_nothing() -> None:
    logits = torch.randn(2, 3, 3)
    unknown = torch.full((2, 3), UNKNOWN)
    assert loss(logits, unknown, torch.zeros(2, dtype=torch.bool), 0.5).item() == 0
