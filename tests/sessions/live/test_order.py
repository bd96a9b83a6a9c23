"""Events into the order of their ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptox.sessions.live.order import Hole, Order


def ids(start: int | None = None) -> Order[int]:
    order: Order[int] = Order(lambda event: event)
    if start is not None:
        order.begin(start)
    return order


def test_what_continues_is_passed_on_at_once() -> None:
    order = ids(5)
    assert order.offer([5, 6]) == [5, 6]
    assert (order.next, order.hole, len(order)) == (7, None, 0)


def test_what_is_early_waits_for_what_is_missing() -> None:
    order = ids(5)
    assert order.offer([5, 8, 7]) == [5]
    assert order.hole == Hole(6, 7)
    assert order.offer([6]) == [6, 7, 8]
    assert order.hole is None


def test_what_comes_again_is_left_out_and_counted() -> None:
    order = ids(5)
    assert order.offer([5, 5, 4, 7, 7]) == [5]
    assert order.doubles == 3
    assert order.offer([6, 5]) == [6, 7]


def test_without_a_beginning_everything_waits() -> None:
    order = ids()
    assert order.offer([11, 10, 12]) == []
    assert order.first == 10
    assert order.begin(11) == [11, 12]
    assert order.doubles == 1


def test_what_is_given_up_is_told() -> None:
    order = ids(5)
    assert order.skip() is None
    order.offer([9, 10])
    assert order.skip() == (Hole(5, 9), [9, 10])
    assert order.next == 11


def test_steps_may_be_of_any_length() -> None:
    order: Order[int] = Order(lambda event: event, lambda key: key + 60)
    order.begin(0)
    assert order.offer([0, 120]) == [0]
    assert order.hole == Hole(60, 120)
    assert order.offer([60]) == [60, 120]


@given(st.lists(st.integers(0, 30), max_size=80), st.integers(1, 5))
def test_whatever_comes_is_passed_on_once_and_in_order(events: list[int], width: int) -> None:
    order = ids(0)
    passed: list[int] = []
    for place in range(0, len(events), width):
        passed += order.offer(events[place : place + width])
    whole = next(number for number in range(32) if number not in set(events))
    assert passed == list(range(whole))
    assert len(order) == len({event for event in events if event >= whole})
    assert order.hole == (Hole(whole, min(event for event in events if event > whole)) if len(order) else None)


@pytest.mark.parametrize("missing", [(0,), (3, 4), (9,)])
def test_a_repair_closes_the_hole(missing: tuple[int, ...]) -> None:
    order = ids(0)
    passed = order.offer([number for number in range(12) if number not in missing])
    hole = order.hole
    assert hole is not None
    passed += order.offer(range(hole.first, hole.end))
    assert passed == list(range(12))
