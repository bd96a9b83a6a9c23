"""Orders of a list, written back as the arguments of the call that places them. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from cryptox.model.numbers import plain
from cryptox.model.orders import Draft, Leg
from cryptox.sessions.rules import Together

__all__ = ["WORKING", "told_of_pair", "told_of_three", "told_of_two"]

WORKING = frozenset({"LIMIT", "LIMIT_MAKER"})
"""Types of the order that starts the others of its list."""


def told_of_pair(drafts: Sequence[Draft]) -> Together:
    """A pair as ``place_oco`` takes it."""
    both = _one_quantity(*drafts)
    limit, stop = both if both[0].type == "LIMIT_MAKER" else both[::-1]
    amounts = {"quantity": limit.quantity, "price": limit.price, "stop_price": stop.stop_price}
    arguments = {name: plain(value) for name, value in amounts.items() if value is not None}
    if stop.price is not None:
        arguments["stop_limit_price"] = plain(stop.price)
    delta = {} if stop.trailing_delta is None else {"trailing_delta": stop.trailing_delta}
    return Together(both, {"side": limit.side, **arguments, **delta})


def told_of_two(drafts: Sequence[Draft]) -> Together:
    """An order and the one that it starts as ``place_oto`` takes them."""
    working, pending = drafts
    return Together((working, pending), {"working": _leg(working), "pending": _leg(pending)})


def told_of_three(drafts: Sequence[Draft]) -> Together:
    """An order and the pair that it starts as ``place_otoco`` takes them."""
    working, *pair = drafts
    above, below = _one_quantity(*pair)
    legs = {"working": _leg(working), "above": _leg(above), "below": _leg(below)}
    return Together((working, above, below), legs)


def _one_quantity(one: Draft, other: Draft) -> tuple[Draft, Draft]:
    """Both with the larger quantity: the pair must have one, and rules ask for more where one is too small."""
    quantities = [draft.quantity for draft in (one, other) if draft.quantity is not None]
    most = max(quantities, default=None)
    return one.changed(quantity=most), other.changed(quantity=most)


def _leg(draft: Draft) -> Leg:
    return Leg(**{field.name: getattr(draft, field.name) for field in dataclasses.fields(Leg)})
