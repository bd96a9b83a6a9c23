"""Waiting, in any thread, for what happens on the server's loop, which may end meanwhile."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from typing import TypeVar

from cryptox.errors import ConfigurationError

__all__ = ["not_running", "result_of"]

T = TypeVar("T")
SLICE_S = 0.2  # between two looks whether the loop is still there


def not_running(why: str = "The paper exchange is not running.") -> ConfigurationError:
    """The refusal of what only a running exchange can do."""
    return ConfigurationError(why, recovery_suggestions=["Use it in a with block, or call start() first."])


def result_of(
    future: concurrent.futures.Future[T], loop: asyncio.AbstractEventLoop, within_s: float | None = None
) -> T:
    """What the future brings.

    Raises
    ------
    ConfigurationError : the loop ended before, or so many seconds have passed.
    """
    until = None if within_s is None else time.monotonic() + within_s
    while True:
        done, _ = concurrent.futures.wait([future], SLICE_S)
        if future.cancelled():
            raise not_running("The paper exchange was stopped meanwhile.")
        if done:
            return future.result()
        if loop.is_closed():  # what it had not yet begun it never will
            raise not_running("The paper exchange was stopped meanwhile.")
        if until is not None and time.monotonic() >= until:
            raise ConfigurationError(f"The paper exchange did not answer within {within_s:g} seconds.")
