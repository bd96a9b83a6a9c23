"""One side of a book: what is in order is only its front, and stays right when that front is gone."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cryptox.venues.binance.levels import _GONE, _KEPT, Side

ONE, ZERO = "1.00000000", "0.00000000"


def price(number: int) -> str:
    return f"{number}.00000000"


def side(numbers: list[int], *, is_bid: bool, complete: bool = True) -> Side:
    found = Side(is_bid=is_bid)
    found.fill([(price(number), ONE) for number in numbers], width=len(price(50_000)), complete=complete)
    return found


@pytest.mark.parametrize("is_bid", [True, False])
def test_the_front_may_go_while_many_come_behind_it(is_bid: bool) -> None:
    count = 5 * _KEPT
    best = list(range(50_000, 50_000 + count))
    best = best[::-1] if is_bid else best
    book = side(best, is_bid=is_bid)
    assert book.apply([(price(number), ZERO) for number in best[:_KEPT]])
    behind = (
        range(49_999, 49_999 - count - _GONE - 1, -1) if is_bid else range(50_000 + count, 50_001 + 2 * count + _GONE)
    )
    assert book.apply([(price(number), ONE) for number in behind])
    assert book.first() == (price(best[_KEPT]), ONE)
    assert [one for one, _ in book.top(3)] == [price(number) for number in best[_KEPT : _KEPT + 3]]
    assert len(book.top()) == count - _KEPT + count + _GONE + 1


@pytest.mark.parametrize("is_bid", [True, False])
def test_levels_of_a_snapshot_with_an_end_are_certain_only_up_to_it(is_bid: bool) -> None:
    numbers = [50_003, 50_002, 50_001] if is_bid else [50_001, 50_002, 50_003]
    book = side(numbers, is_bid=is_bid, complete=False)
    beyond = 49_000 if is_bid else 51_000
    assert book.apply([(price(beyond), ONE)])
    assert [Decimal(one) for one, _ in book.top()] == numbers
    assert (book.covers(3), book.covers(4), book.covers(3), book.is_known) == (True, False, True, True)
    assert book.apply([(price(number), ZERO) for number in numbers])
    assert (book.is_known, book.covers(1)) == (False, False)
    assert book.first() == (price(beyond), ONE)
    assert book.apply([(price(beyond), ZERO)])
    assert (book.is_known, book.covers(1), book.best, book.top()) == (False, False, None, [])
