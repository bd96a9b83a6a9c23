"""The ladder."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from picturing import HOSTILE, book_story, depth, keyed, painted, sight

from cryptox.widgets import book
from cryptox.widgets.kinds import ANEW

ONE = sight("book", {"BTCUSDT": depth([(64000.1, 0.5), (64000.0, 1.25)], [(64000.13, 2.0)])})


def test_a_picture_has_the_levels_and_their_digits() -> None:
    assert book.picture(ONE) == {
        "books": [
            {
                "symbol": "BTCUSDT",
                "bids": [[64000.1, 0.5], [64000.0, 1.25]],
                "asks": [[64000.13, 2.0]],
                "digits": [2, 2],
            }
        ],
        "more": 0,
    }


def test_a_book_without_levels_has_a_picture() -> None:
    assert book.picture(sight("depth", {"BTCUSDT": depth([], [])}))["books"] == [
        {"symbol": "BTCUSDT", "bids": [], "asks": [], "digits": [0, 0]}
    ]


def test_small_prices_keep_their_digits() -> None:
    found = book.picture(sight("book", {"PEPEUSDT": depth([(0.00000121, 111451613.0)], [(1e-8, 0.5)])}))
    assert found["books"][0]["digits"] == [8, 1]


def test_a_change_tells_of_levels_by_their_prices() -> None:
    after = sight("book", {"BTCUSDT": depth([(64000.1, 0.75)], [(64000.13, 2.0), (64000.2, 1.0)])})
    told = book.change(book.picture(ONE), book.picture(after))
    assert told == {
        "books": [[0, {"bids": {"put": [[64000.1, 0.75]], "gone": [64000.0]}, "asks": {"put": [[64000.2, 1.0]]}}]]
    }


def test_a_change_tells_of_digits_that_are_others() -> None:
    finer = sight("book", {"BTCUSDT": depth([(64000.1, 0.5), (64000.0, 1.25)], [(64000.13, 2.0625)])})
    told = book.change(book.picture(ONE), book.picture(finer))
    assert told == {"books": [[0, {"asks": {"put": [[64000.13, 2.0625]]}, "digits": [2, 4]}]]}


def test_books_of_other_symbols_are_shown_anew() -> None:
    other = sight("book", {"ETHUSDT": ONE.batches["BTCUSDT"]})
    assert book.change(book.picture(ONE), book.picture(other)) is ANEW


def test_there_are_not_too_many_ladders() -> None:
    found = book.picture(sight("book", {f"A{number}": depth([], []) for number in range(book.MOST_BOOKS + 3)}))
    assert (len(found["books"]), found["more"]) == (book.MOST_BOOKS, 3)


def test_a_symbol_from_outside_is_one_line() -> None:
    found = book.picture(sight("book", {HOSTILE: depth([], [])}))
    assert found["books"][0]["symbol"] == '<img src=x onerror="document.title=1">\\u202e\\n'


@given(st.integers(0, 2**32))
def test_changes_lead_to_the_newest_picture(seed: int) -> None:
    page, changes, last = painted("book", *book_story(Random(seed)))
    for told in changes:
        for place, parts in (told or {}).get("books", []):
            page["books"][place] = after(page["books"][place], parts)
    assert page == last


def after(one: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    bids = sorted(keyed(one["bids"], parts.get("bids", {})), reverse=True)
    asks = sorted(keyed(one["asks"], parts.get("asks", {})))
    return {**one, "digits": parts.get("digits", one["digits"]), "bids": bids, "asks": asks}
