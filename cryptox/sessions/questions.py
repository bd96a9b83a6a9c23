"""How each kind of act is found out about, when its answer never came: by query, and by nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from cryptox.model.orders import Replaced
from cryptox.sessions.acts import Question, Settled
from cryptox.sessions.journal import Entry
from cryptox.sessions.lookups import Asker, Lister, not_done, not_placed
from cryptox.sessions.repeats import Repeats

__all__ = ["questions"]


@dataclass(frozen=True)
class _Simple:
    """A sign to look for; without one nothing was done."""

    look: Callable[[Entry], Awaitable[Any]]
    without: Callable[[Entry], Awaitable[Any]] | None = None
    again: Callable[[Entry, Any], Awaitable[Any]] | None = None

    async def sign(self, entry: Entry) -> Any:
        """What was done, None for no sign of it."""
        return await self.look(entry)

    async def absence(self, entry: Entry) -> Any:
        """It was not done."""
        if self.without is not None:
            return await self.without(entry)
        raise Settled(not_done(entry))

    async def done_before(self, entry: Entry, told: Any) -> Any:
        """What an earlier copy did of a request that was refused."""
        return None if self.again is None else await self.again(entry, told)


def questions(session: Asker) -> dict[str, Question]:
    """By operation."""
    asks = Lister(session)
    repeats = Repeats(asks)
    listed = _Simple(asks.order_list, again=repeats.list_placed)
    return {
        "place_order": _Simple(asks.placed, asks.renamed, repeats.placed),
        "amend_order": _Simple(asks.placed, asks.renamed, repeats.amended),
        "cancel_order": _Simple(asks.canceled, asks.not_canceled, repeats.canceled),
        "cancel_all": _Simple(asks.nothing_yet, asks.all_canceled, repeats.all_canceled),
        "cancel_order_list": _Simple(asks.list_canceled, asks.list_not_canceled, repeats.list_canceled),
        "replace_order": _Replacing(asks, repeats),
        "place_oco": listed,
        "place_oto": listed,
        "place_otoco": listed,
    }


@dataclass(frozen=True)
class _Replacing:
    """Two halves, each of which may have happened."""

    asks: Lister
    repeats: Repeats

    async def sign(self, entry: Entry) -> Replaced | None:
        """Both halves, once the new order is there."""
        old, new = await self.asks.replaced(entry)
        return None if new is None else self.asks.both(entry, old, new)

    async def absence(self, entry: Entry) -> Replaced:
        """The new order was not placed; what became of the old one."""
        old, _ = await self.asks.replaced(entry)
        new = await self.asks.had_its_id(entry)
        if new is not None:
            return self.asks.both(entry, old, new)
        if old is not None and self.asks.is_canceled_since(entry, old):
            return Replaced(old, None, None, not_placed(entry))
        raise Settled(not_done(entry))

    async def done_before(self, entry: Entry, told: Any) -> Replaced | None:
        """What an earlier copy did of a request that was refused, or of which one half was."""
        return await self.repeats.replaced(entry, told)
