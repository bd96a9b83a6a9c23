"""Rows with keys, and text and numbers from outside."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cryptox.widgets.keyed import number, rows_changed, word

ROWS = st.dictionaries(st.integers(0, 8), st.integers(0, 3)).map(
    lambda found: [[key, value] for key, value in found.items()]
)


@given(ROWS, ROWS)
def test_a_change_makes_the_rows_what_they_are_now(before: list[list[int]], after: list[list[int]]) -> None:
    told = rows_changed(before, after)
    found = {row[0]: row for row in before}
    for key in told.get("gone", ()):
        del found[key]
    found |= {row[0]: row for row in told.get("put", ())}
    assert sorted(found.values()) == sorted(after)
    assert not any(row in before for row in told.get("put", ())), "what is the same is not told"


def test_nothing_changed_is_nothing_told() -> None:
    assert rows_changed([[1, "a"]], [[1, "a"]]) == {}
    assert rows_changed([[1, "a"]], []) == {"gone": [1]}
    assert rows_changed([], [[1, "a"]]) == {"put": [[1, "a"]]}


def test_numbers_are_those_of_json() -> None:
    assert [number(one) for one in (1.5, float("nan"), float("inf"))] == [1.5, None, None]


def test_words_are_one_line_that_turns_nothing_round() -> None:
    assert word("BTC") == "BTC"
    assert word(None) == ""
    assert word("a\nb\u202ec\x1b[2J") == "a\\nb\\u202ec\\x1b[2J"
    assert word("这是测试币456") == "这是测试币456"
