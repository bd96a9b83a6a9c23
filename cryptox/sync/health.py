"""Health of the whole process, and its monitor."""

from __future__ import annotations

import time
from typing import Any, overload

from cryptox.model.health import Component, Health
from cryptox.sessions.health import look
from cryptox.sessions.users import book
from cryptox.sync import door, stuck
from cryptox.sync.monitor import Monitor

__all__ = ["health", "monitor"]


@overload
def health(component: None = None) -> Health: ...
@overload
def health(component: str) -> Component: ...
def health(component: str | None = None) -> Any:
    """How everything is doing: all sessions of this process, blocking and asynchronous, and the process itself.

    Every check has a time limit of its own (8 s), all run at once, and none raises; where cryptox's own loop does not
    answer for so long, as a coroutine of yours blocks it, that is what it says. No session is made for it: without one
    nothing is sent.

    Parameters
    ----------
    component
        ``"application"``, ``"exchange_api"``, ``"websocket_connections"``, ``"trading_system"`` or
        ``"user_connections"``; None for all.

    Returns
    -------
    Health or Component
        With ``status`` (``healthy``, ``degraded``, ``unhealthy``, ``unknown``), ``reasons`` and ``advice``;
        ``components`` by name. What is not in use is healthy, with ``in_use=False``.

    Raises
    ------
    ValidationError
        There is no such component.

    Notes
    -----
    Cost: weight 1 for each address of an exchange.
    Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (time).

    Examples
    --------
    >>> cx.use("paper").server_time() is not None
    True
    >>> cx.health("exchange_api").status
    'healthy'
    """
    with door.boundary():
        return stuck.looked(look(book.everyone(), component, due_at=time.monotonic(), whole=True), component)


def monitor(interval: float = 30) -> Monitor:
    """Health again and again, with its history; in a notebook a live view.

    Parameters
    ----------
    interval
        Seconds between two looks, from 1 to 3600.

    Returns
    -------
    Monitor
        Running, with ``latest``, ``frame()``, ``on(callback)`` and ``stop()``. It ends when nobody holds it and it
        has no callback, and when the notebook's cell that made it is run again. A context manager.

    Raises
    ------
    ValidationError
        Not such an interval.

    Notes
    -----
    Cost: weight 1 for each address and look.

    Examples
    --------
    >>> with cx.monitor(interval=10) as monitor:
    ...     monitor.latest.status
    'healthy'
    """
    with door.boundary():
        return Monitor(interval)
