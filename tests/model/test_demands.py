"""What types of orders demand, of drafts made by hand, and the two orders of a pair; test_drafts.py has the calls."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cryptox.errors import ValidationError
from cryptox.model.demands import check_draft, oco_drafts
from cryptox.model.orders import Draft

D = Decimal


def test_a_draft_made_by_hand_is_checked_too() -> None:
    draft = Draft(symbol="A", side="buy", type="LIMIT", quantity=D(1), price=D(1))
    with pytest.raises(ValidationError, match="time_in_force") as caught:
        check_draft(draft, call="test_order")
    assert caught.value.suggested == {"call": "test_order", **draft.arguments(), "time_in_force": "GTC"}
    check_draft(draft.changed(time_in_force="FOK"))


def test_the_legs_of_a_pair() -> None:
    above, below = oco_drafts("A", "sell", D(2), price=D(9), stop_price=D(5), stop_limit_price=D(4))
    assert above == Draft(symbol="A", side="sell", type="LIMIT_MAKER", quantity=D(2), price=D(9))
    assert below == Draft(
        symbol="A",
        side="sell",
        type="STOP_LOSS_LIMIT",
        quantity=D(2),
        price=D(4),
        stop_price=D(5),
        time_in_force="GTC",
    )
    above, below = oco_drafts("A", "buy", D(2), price=D(5), stop_price=D(9), trailing_delta=50)
    assert (above.type, above.stop_price, above.trailing_delta) == ("STOP_LOSS", D(9), 50)
    assert (below.type, below.price, below.trailing_delta) == ("LIMIT_MAKER", D(5), None)
    for draft in (above, below):
        check_draft(draft)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_pair_the_wrong_way_round(side: str) -> None:
    prices = {"price": D(9), "stop_price": D(5)} if side == "buy" else {"price": D(5), "stop_price": D(9)}
    with pytest.raises(ValidationError) as caught:
        oco_drafts("A", side, D(2), **prices)
    assert caught.value.suggested == {
        "call": "place_oco",
        "symbol": "A",
        "side": side,
        "quantity": "2",
        "price": str(prices["stop_price"]),
        "stop_price": str(prices["price"]),
    }
    with pytest.raises(ValidationError) as caught:
        oco_drafts("A", side, D(2), price=D(5), stop_price=D(5))
    assert caught.value.suggested is None
