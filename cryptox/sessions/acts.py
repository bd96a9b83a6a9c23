"""Acts: what is to be done once, how it stands, and how that is told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from cryptox.errors import CryptoxError, OutcomeUnknown
from cryptox.sessions.journal import Entry
from cryptox.venues.port import Request

__all__ = ["Act", "Known", "Pending", "Question", "Settled", "how_it_stands", "is_carried_elsewhere", "unknown"]

T = TypeVar("T")

ELSEWHERE_MS = 60_000  # an act of another process that lives is left to it for so long


class Question(Protocol):
    """How to find out what became of one kind of act."""

    async def sign(self, entry: Entry) -> Any:
        """What was done, None where no sign of it is found.

        Raises
        ------
        Settled
            It was not done, and never will be, even if the request should arrive yet.
        CryptoxError
            It cannot be asked just now.
        """

    async def absence(self, entry: Entry) -> Any:
        """What there is to say once it is proved that no sign will come.

        Raises
        ------
        Settled
            It was not done; usually with ``NotSent``.
        CryptoxError
            It cannot be asked just now.
        """

    async def done_before(self, entry: Entry, told: Any) -> Any:
        """What an earlier copy of the request did, where the exchange has refused it: ``told`` is the refusal.

        Something on the way may have sent it twice. Asked once; None where no copy is known to have done anything.

        Raises
        ------
        CryptoxError
            It cannot be asked just now.
        """


@dataclass(frozen=True)
class Known:
    """Ids of the orders of a symbol that a session knew before it sent an act."""

    open: frozenset[int]
    ended: frozenset[int]

    @property
    def last(self) -> int | None:
        """The newest of them."""
        return max(self.open | self.ended, default=None)


@dataclass(frozen=True)
class Act(Generic[T]):
    """Something to be done once."""

    operation: str
    symbol: str
    client_order_id: str
    request: Request[T]
    about: Mapping[str, Any] = field(default_factory=dict)  # what its question needs; JSON values
    known: Known | None = None  # what it needs besides, while its process lives


@dataclass
class Pending:
    """An act under way, or one whose outcome is not known yet."""

    entry: Entry
    outcome: asyncio.Future[Any]
    state: str = "waiting"  # sent, asking, done, not_done
    detail: str = ""
    order_id: int | None = None
    accepted_until_ms: float = 0.0
    latest_at: float = float("inf")  # monotonic seconds; it is not sent any later
    sent_at: float | None = None  # monotonic seconds; None for what a former process sent
    task: asyncio.Task[None] | None = None
    known: Known | None = None
    told: Any = None  # the exchange's own word, an error or a result, where that alone does not decide it


class Settled(Exception):  # not an error: what a question has found out
    """It is known that the act was not done, and why."""

    def __init__(self, error: CryptoxError) -> None:
        super().__init__(str(error))
        self.error = error


def unknown(entry: Entry, why: str) -> OutcomeUnknown:
    """Nobody knows whether it was done, yet."""
    id_ = entry.client_order_id
    why = why.partition(" was carried out: ")[2] or why  # the doubt may be the exchange's own
    return OutcomeUnknown(
        f"It is not known whether {entry.operation} on {entry.symbol} was carried out: {why.rstrip('.')}.",
        recovery_suggestions=[
            f"Do not repeat it. Asking goes on: session.unresolved() shows what became of {id_!r}.",
            f"Look yourself: session.order({entry.symbol!r}, {id_!r}).",
        ],
        context={"client_order_id": id_, "symbol": entry.symbol, "operation": entry.operation, "sent": True},
        suggested={"call": "unresolved"},
    )


def how_it_stands(pending: Pending) -> str:
    """The end of a sentence about an act whose call was interrupted."""
    id_ = pending.entry.client_order_id
    if not pending.outcome.done():
        return f"was sent and is not answered yet: look at session.unresolved() or session.order for {id_!r}"
    error = pending.outcome.exception()
    if error is None:
        return f"was carried out: {pending.outcome.result()!r}"
    if isinstance(error, OutcomeUnknown):
        return f"was sent, and its outcome is not known yet: look at session.unresolved() for {id_!r}"
    return f"was not carried out: {error}"


def is_carried_elsewhere(entry: Entry, now_ms: float) -> bool:
    """Whether another process that sent it lives, and may still find out itself."""
    if entry.process == os.getpid() or now_ms > entry.accepted_until_ms + ELSEWHERE_MS:
        return False
    if os.name == "nt":  # there a signal of number 0 is an interrupt
        return True
    try:
        os.kill(entry.process, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True
