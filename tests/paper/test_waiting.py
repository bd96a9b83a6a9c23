"""Waiting for a loop that may end."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

import pytest

from cryptox.errors import ConfigurationError
from cryptox.paper.waiting import result_of


def test_results_and_errors_come_through() -> None:
    loop = asyncio.new_event_loop()
    try:
        good: Future[int] = Future()
        good.set_result(5)
        assert result_of(good, loop) == 5
        bad: Future[int] = Future()
        bad.set_exception(TimeoutError("its own"))
        with pytest.raises(TimeoutError, match="its own"):
            result_of(bad, loop)
        with pytest.raises(ConfigurationError, match=r"within 0\.1 seconds"):
            result_of(Future(), loop, 0.1)
        cancelled: Future[int] = Future()
        cancelled.cancel()
        with pytest.raises(ConfigurationError, match="stopped meanwhile"):
            result_of(cancelled, loop)
    finally:
        loop.close()


def test_nobody_waits_for_a_loop_that_has_ended() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    with pytest.raises(ConfigurationError, match="stopped meanwhile"):  # and not: within so many seconds
        result_of(Future(), loop)
