"""How an act stands, and whose it is."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from cryptox.errors import NotSent, OutcomeUnknown
from cryptox.sessions import acts
from cryptox.sessions.acts import Known, Pending
from cryptox.sessions.journal import Entry

UNTIL = 1_767_225_600_000


def entry(process: int = 0) -> Entry:
    return Entry("my-id", "place_order", "BTCUSDT", UNTIL - 1000, UNTIL, process=process)


def test_what_is_said_of_an_act_whose_call_was_interrupted() -> None:
    async def go() -> None:
        loop = asyncio.get_running_loop()
        told = []
        for outcome in (None, "an order", OutcomeUnknown("nobody knows"), NotSent("It was stopped; nothing was done.")):
            pending = Pending(entry(), loop.create_future(), "asking", accepted_until_ms=UNTIL)
            if isinstance(outcome, Exception):
                pending.outcome.set_exception(outcome)
            elif outcome is not None:
                pending.outcome.set_result(outcome)
            told.append(acts.how_it_stands(pending))
        assert told == [
            "was sent and is not answered yet: look at session.unresolved() or session.order for 'my-id'",
            "was carried out: 'an order'",
            "was sent, and its outcome is not known yet: look at session.unresolved() for 'my-id'",
            "was not carried out: It was stopped; nothing was done.",
        ]

    asyncio.run(go())


def test_an_act_is_left_to_the_process_that_sent_it_while_that_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        theirs = entry(other.pid)
        assert acts.is_carried_elsewhere(theirs, UNTIL)
        assert not acts.is_carried_elsewhere(theirs, UNTIL + acts.ELSEWHERE_MS + 1)
        assert not acts.is_carried_elsewhere(entry(os.getpid()), UNTIL)
        other.communicate(b"\n")
    assert not acts.is_carried_elsewhere(theirs, UNTIL)

    def forbidden(process: int, signal: int) -> None:
        raise PermissionError(1, "not yours")

    monkeypatch.setattr(os, "kill", forbidden)
    assert acts.is_carried_elsewhere(theirs, UNTIL)  # it lives, and is another user's
    monkeypatch.setattr(os, "name", "nt")
    monkeypatch.setattr(os, "kill", None)  # there it would be an interrupt
    assert acts.is_carried_elsewhere(theirs, UNTIL)


def test_the_newest_order_that_was_known() -> None:
    assert Known(frozenset({5}), frozenset({7, 3})).last == 7
    assert Known(frozenset({8}), frozenset({7})).last == 8
    assert Known(frozenset(), frozenset()).last is None
