"""What names an order list, and legs that make none."""

from __future__ import annotations

import numpy as np
import pytest

import cryptox as cx
from cryptox.errors import ValidationError
from cryptox.sessions.lists import list_ids


@pytest.mark.parametrize("wrong", [True, -1, "", "  ", 1.5, None])
def test_what_names_no_list_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError, match="order_list must be a list's id"):
        list_ids(wrong)  # type: ignore[arg-type]  # that is what is tried


def test_what_names_a_list() -> None:
    assert list_ids(7) == list_ids(np.int64(7)) == (7, None)
    assert list_ids(" mine ") == (None, "mine")


def test_legs_that_do_not_belong_together_are_refused() -> None:
    entry, sale = cx.leg("buy", "LIMIT", "0.001", price="60000"), cx.leg("sell", "LIMIT_MAKER", "0.001", price="70000")
    other = cx.leg("sell", "STOP_LOSS", "0.002", stop_price="50000")
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange, cx.connect(exchange) as session:
        with pytest.raises(ValidationError, match="above and below must have one side and one quantity"):
            session.place_otoco("BTCUSDT", entry, sale, other)
        with pytest.raises(ValidationError, match="working must be a leg, not str"):
            session.place_otoco("BTCUSDT", "buy", sale, other)  # type: ignore[arg-type]  # that is what is tried
        assert len(session.open_orders()) == 0
