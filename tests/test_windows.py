from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from linnaeus.windows import Reach, cut, group_hypotheses

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
        reading = group.reading(premise)
        longest = max(map(len, reading.hypotheses))
        assert len(reading.premise) + longest <= REACH.positions
        assert len(group.indexes) == 1 or longest * len(group.indexes) <= group_tokens


@given(lengths, st.integers(2, REACH.longest_hypothesis))
def test_where_a_text_is_cut_depends_on_no_other_label(others: list[int], length: int) -> None:
    alone = group_hypotheses([[0] * length], REACH, 2048)[0]
    together = group_hypotheses([[0] * length, *([1] * other for other in others)], REACH, 2048)
    (group,) = (group for group in together if 0 in group.indexes)
    assert group.text_room == alone.text_room


def test_a_cut_keeps_the_closing_token_and_nothing_else_of_the_end() -> None:
    assert cut([1, 5, 6, 7, 2], 4) == [1, 5, 6, 2]
    assert cut([1, 5, 2], 3) == [1, 5, 2]
