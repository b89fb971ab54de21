from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from linnaeus.windows import Reach, group_hypotheses

REACH = Reach(positions=512, reserve=64)
lengths = st.lists(st.integers(2, REACH.longest_hypothesis), min_size=1, max_size=30)


@given(lengths, st.integers(1, 5000))
def test_every_hypothesis_is_in_one_group_and_fits_beside_the_text(lengths: list[int], group_tokens: int) -> None:
    hypotheses = [[index] * length for index, length in enumerate(lengths)]
    groups = group_hypotheses(hypotheses, REACH, group_tokens)
    assert sorted(index for group in groups for index in group.indexes) == list(range(len(hypotheses)))
    premise = list(range(10_000))
    for group in groups:
        assert [hypotheses[index] for index in group.indexes] == list(group.hypotheses)
        longest = max(map(len, group.hypotheses))
        assert len(REACH.cut(premise, group.text_room)) + longest <= REACH.positions
        assert len(group.indexes) == 1 or longest * len(group.indexes) <= group_tokens


@given(lengths, st.integers(2, REACH.longest_hypothesis))
def test_where_a_text_is_cut_depends_on_no_other_label(others: list[int], length: int) -> None:
    alone = group_hypotheses([[0] * length], REACH, 2048)[0]
    together = group_hypotheses([[0] * length, *([1] * other for other in others)], REACH, 2048)
    (group,) = (group for group in together if 0 in group.indexes)
    assert group.text_room == alone.text_room


def test_a_cut_keeps_the_closing_token_and_nothing_else_of_the_end() -> None:
    assert REACH.cut([1, 5, 6, 7, 2], 4) == [1, 5, 6, 2]
    assert REACH.cut([1, 5, 2], 3) == [1, 5, 2]


def test_without_a_reserve_a_hypothesis_takes_what_it_needs() -> None:
    pairs = Reach(positions=509, reserve=0, opening=0, closing=0)
    assert pairs.text_room([0] * 9) == 500
    assert pairs.longest_hypothesis == 508
    assert pairs.cut([5, 6, 7], 2) == [5, 6]
    assert [group.indexes for group in group_hypotheses([[1, 2], [3], [4]], pairs, 0)] == [[1], [2], [0]]


@given(st.integers(0, 900), st.integers(3, 300), st.sampled_from([(0, 0), (1, 1)]))
def test_windows_hold_every_token_and_overlap(length: int, room: int, edges: tuple[int, int]) -> None:
    opening, closing = edges
    reach = Reach(512, 64, opening, closing)
    premise = [-1] * opening + list(range(length)) + [-2] * closing
    windows = reach.windows(premise, room)
    texts = [reach.window(premise, window) for window in windows]
    assert all(len(text) <= room for text in texts)
    assert {token for text in texts for token in text} == set(premise)
    assert all(text[:opening] == [-1] * opening and text[len(text) - closing :] == [-2] * closing for text in texts)
    inside = room - opening - closing
    for left, right in pairwise(windows):
        assert left.stop - right.start >= min(inside // 4, inside - 1)
    assert len(windows) == 1 or len(premise) > room
