"""What times and ids tell of a request that was refused or whose answer never came, without an exchange."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from cryptox.errors import CryptoxError, NotSent, OrderNotFound, OrderRejected
from cryptox.model.orders import Order, OrderList, Replaced
from cryptox.sessions import lookups
from cryptox.sessions.acts import Settled
from cryptox.sessions.journal import Entry
from cryptox.sessions.questions import questions
from cryptox.sessions.repeats import Repeats

SENT_MS = 1_000_000
REFUSED = OrderRejected("Account has insufficient balance for requested action.")
UNKNOWN = OrderNotFound("Unknown order sent.")


def order(number: int, status: str = "new", at_ms: int = SENT_MS) -> Order:
    return Order(
        symbol="BTCUSDT", order_id=number, client_order_id=f"cx-{number}", side="buy", type="LIMIT", status=status,
        quantity=Decimal(1), time_ms=at_ms, updated_ms=at_ms,
    )  # fmt: skip


def pair(at_ms: int = SENT_MS) -> OrderList:
    return OrderList(
        symbol="BTCUSDT", order_list_id=7, client_order_id="cx-7", contingency="oco", status="executing", time_ms=at_ms
    )  # fmt: skip


def entry(operation: str, **about: Any) -> Entry:
    return Entry("cx-1", operation, "BTCUSDT", SENT_MS, SENT_MS + 2_000, about)


class Told:
    """What a session is told when it asks: the old order, the new one, a list; by default nothing is there."""

    def __init__(self, old: Order | None = None, new: Order | None = None, listed: OrderList | None = None) -> None:
        self._old, self._new, self._listed = old, new, listed
        self.session = self
        self._times_tell = True

    def _may_have_canceled(self, asked: Entry, one: Order) -> bool:
        return asked.symbol == one.symbol and one.status == "canceled"

    async def order(self, *_: Any) -> Order | None:
        return self._old

    async def placed(self, _: Entry) -> Order | None:
        return self._new

    had_its_id = placed

    async def order_list(self, _: Entry) -> OrderList | None:
        return self._listed

    async def replaced(self, _: Entry) -> tuple[Order | None, Order | None]:
        return self._old, self._new

    both = lookups.Lister.both
    is_canceled_since = lookups.Lister.is_canceled_since


def repeated(asks: Told, operation: str, asked: Entry, told: Any = REFUSED) -> Any:
    return asyncio.run(getattr(Repeats(asks), operation)(asked, told))  # type: ignore[arg-type]  # what it needs of it


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize(("at_ms", "is_own"), [(SENT_MS, True), (SENT_MS - 1, False)])
def test_what_has_an_id_of_the_users_is_the_acts_if_it_is_no_older(given: bool, at_ms: int, is_own: bool) -> None:
    made, listed, old = order(2, at_ms=at_ms), pair(at_ms), order(1, "canceled")
    asks, about = Told(old, made, listed), {"given": True} if given else {}
    expected = is_own or not given  # nothing else has an id of ours
    assert repeated(asks, "placed", entry("place_order", **about)) == (made if expected else None)
    assert repeated(asks, "list_placed", entry("place_oco", **about)) == (listed if expected else None)
    done = repeated(asks, "replaced", entry("replace_order", order_id=1, **about))
    assert (done.canceled, done.order, done.cancel_error) == (old, made if expected else None, None)
    assert (done.order_error is None) is expected


def test_nothing_found_is_no_sign() -> None:
    for operation in ("placed", "list_placed", "replaced"):
        assert repeated(Told(), operation, entry("place_order", given=True)) is None
        assert repeated(Told(), operation, entry("place_order")) is None


@pytest.mark.parametrize(("at_ms", "is_since"), [(SENT_MS, True), (SENT_MS - 1, False)])
def test_a_cancel_counts_from_the_millisecond_of_its_request(at_ms: int, is_since: bool) -> None:
    gone = order(1, "canceled", at_ms)
    found = repeated(Told(gone), "canceled", entry("cancel_order", order_id=1), UNKNOWN)
    assert found == (gone if is_since else None)
    asked, new = entry("replace_order", order_id=1), order(2)
    halves = Replaced(None, new, UNKNOWN, None)
    done = repeated(Told(gone), "replaced", asked, halves)
    assert done == (Replaced(gone, new) if is_since else None)
    without = repeated(Told(gone), "replaced", asked, UNKNOWN)
    assert (without is not None) is is_since
    if without is not None:
        assert (without.canceled, without.order, without.cancel_error) == (gone, None, None)
        assert isinstance(without.order_error, OrderRejected)


def absent(asks: Told) -> Replaced | CryptoxError:
    """What is told of a replacement of which nothing new was found."""
    found = questions(asks)["replace_order"]  # type: ignore[arg-type]  # what it needs of it
    object.__setattr__(found, "asks", asks)
    try:
        return asyncio.run(found.absence(entry("replace_order", order_id=1)))
    except Settled as settled:
        return settled.error


def test_a_replacement_that_was_not_placed() -> None:
    gone = order(1, "canceled")
    half = absent(Told(gone))
    assert isinstance(half, Replaced)
    assert (half.canceled, half.order, half.cancel_error) == (gone, None, None)
    assert isinstance(half.order_error, OrderRejected)
    for old in (None, order(1), order(1, "canceled", SENT_MS - 60_000)):
        none = absent(Told(old))
        assert isinstance(none, NotSent)
        assert none.context["client_order_id"] == "cx-1"


def test_a_replacement_that_had_its_id_and_has_another_now() -> None:
    gone, new = order(1, "canceled"), order(2)
    assert absent(Told(gone, new)) == Replaced(gone, new)
