"""Books in SBE."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cryptox.paper.binary import binary_book
from cryptox.paper.market import Levels, Listing
from cryptox.paper.question import Book
from cryptox.venues.binance.sbe.codec import decode_raw

LARGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("places", "most", "exponent"),
    [
        (0, 9_223, -8),
        (0, LARGEST // 10**8, -8),
        (0, LARGEST // 10**8 + 1, 0),
        (-1, LARGEST // 10**7 + 1, -1),
        (-8, LARGEST, -8),
    ],
)
def test_quantities_have_eight_decimals_where_they_fit(places: int, most: int, exponent: int) -> None:
    listing = Listing("PEPEUSDT", "PEPE", "USDT", 0, price_exponent=-8, quantity_exponent=places)

    def ints(*values: int) -> Any:
        return np.array(values, np.int64)

    levels = Levels(7, ints(231, 230), ints(5, most), ints(), ints())
    told = decode_raw(binary_book(Book(levels, listing)))
    assert (told["lastUpdateId"], told["priceExponent"], told["qtyExponent"]) == (7, -8, exponent)
    unit = 10 ** (places - exponent)
    assert [tuple(row.values()) for row in told["bids"]] == [(231, 5 * unit), (230, most * unit)]
    assert told["asks"] == []
