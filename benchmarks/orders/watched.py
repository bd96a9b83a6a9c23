"""Which call an act's journal lines and requests belong to, and what is found out later."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import tempfile
from contextvars import ContextVar
from typing import Any
from unittest.mock import patch

from cryptox.sessions import settling
from cryptox.sessions.journal import Entry, Journal
from cryptox.sessions.signed import Signed

from .campaign import Call
from .world import SENT, NoJournal, worlds

__all__ = ["calling", "watched"]

calling: ContextVar[Call | None] = ContextVar("calling", default=None)


@contextlib.contextmanager
def watched() -> Any:
    """Which call an act's journal lines and requests belong to, and what is found out later."""
    sent = itertools.count(1)
    begin, signed, finish = Journal.begin, Signed._signed, settling.Settling._finish

    def heard(self: Any, pending: Any, state: str, *rest: Any, **error: Any) -> None:
        if not isinstance(self._journal, NoJournal):
            worlds[-1].hear(pending.entry, state)
        finish(self, pending, state, *rest, **error)

    def noted(self: Journal, entry: Entry) -> None:
        call = calling.get()
        if call is not None and entry.client_order_id not in call.ids:
            call.ids.append(entry.client_order_id)
        begin(self, entry)

    def sign(self: Signed, outgoing: Any, *rest: Any) -> Any:
        unsigned = signed(self, outgoing, *rest)
        call, put = calling.get(), unsigned.sign
        if call is None or outgoing.method == "GET":
            return unsigned

        def noted_sign(given: Any) -> Any:
            made, name = put(given), str(next(sent))
            call.sent.append(name)
            return dataclasses.replace(made, headers={**made.headers, SENT: name})

        return dataclasses.replace(unsigned, sign=noted_sign)

    folders = {name: tempfile.mkdtemp(prefix="orders-") for name in ("CRYPTOX_STATE", "CRYPTOX_CACHE")}
    with (
        patch.dict(os.environ, folders),
        patch.object(Journal, "begin", noted),
        patch.object(Signed, "_signed", sign),
        patch.object(settling.Settling, "_finish", heard),
    ):
        yield
