"""Health as calls of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptox._boundary import boundary
from cryptox.sessions.core import Core

if TYPE_CHECKING:
    from cryptox.model.health import Component, Health

__all__ = ["HealthCalls"]


class HealthCalls(Core):
    """Health of a session."""

    async def health(self, component: str | None = None) -> Health | Component:
        """How this session is doing: a request to its exchange now, its connections, its orders. Never raises.

        Parameters
        ----------
        component
            ``"application"``, ``"exchange_api"``, ``"websocket_connections"``, ``"trading_system"`` or
            ``"user_connections"``; None for all.

        Returns
        -------
        Health or Component
            With ``status`` (``healthy``, ``degraded``, ``unhealthy``, ``unknown``), ``reasons`` and ``advice``;
            ``components`` by name.

        Raises
        ------
        ValidationError
            There is no such component.

        Notes
        -----
        Cost: weight 1. Source: https://developers.binance.com/docs/binance-spot-api-docs/rest-api (time).

        Examples
        --------
        >>> with cx.connect("paper") as session:
        ...     (await session.health("exchange_api")).status
        'healthy'
        """
        from cryptox.sessions.health import look  # with all that it judges by: most programs never ask

        with boundary():
            return await look([] if self._closed is not None else [self], component)
