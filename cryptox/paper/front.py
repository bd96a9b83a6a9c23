"""What of an exchange lives on the server's loop: its REST desk, its streams, its WebSocket API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from .actions import ServerActions
from .control import PATH as CONTROL_PATH
from .control import Control
from .control import control as answer_control
from .faults import Faults
from .floods import Floods
from .follower import Follower
from .requests import RequestLog
from .server import Handler
from .sockets import Connects, Rules
from .state import State
from .streams.hub import Hub, serve_stream
from .streams.opening import SBE_PATH, is_stream_path
from .wsapi.api import WsApi, serve_ws_api

__all__ = ["Front"]

WS_API_PATH = "/ws-api/"


class Front:
    """Takes every request of a running exchange to where it is answered. Made and closed on the server's loop."""

    def __init__(
        self,
        state: State,
        faults: Faults,
        log: RequestLog,
        rules: Rules,
        latency: float,
        *,
        transports: Callable[[], Iterable[Any]] = tuple,
        control: Control | None = None,
    ) -> None:
        self._desk, answers, self._admit_sbe = state.desk, state.answers, state.answers.admit_sbe
        self._desk.open()
        self._desk.listeners.append(lambda reports: answers.counts.note(reports, time.time()))
        self.connects = Connects()
        self.rest = Handler(answers, state.clock, faults, log, latency=latency, desk=self._desk)
        self._answers = answers
        self.hub = Hub(self._desk, rules, connects=self.connects, floods=Floods(self._ban_flooder))
        self.ws_api = WsApi(
            self._desk,
            answers,
            rules=rules,
            connects=self.connects,
            latency=latency,
            log=log,
        )
        self.follower = Follower(self._desk, lambda: self.ws_api.is_listened)
        self.ws_api.heard = self.follower.poke
        self._faults, self._control = faults, control
        faults.bind(ServerActions(faults, state.clock, answers, self.hub, self.ws_api, transports))

    def _ban_flooder(self, address: str, now: float) -> float:
        """Ban an address that floods the streams from REST and the WebSocket API too; returns until when."""
        until = self._answers.punish(address, now)
        self.ws_api.lines.ban(address)
        return until

    async def __call__(self, request: Any) -> Any:
        """The answer to a request, or a socket until its end."""
        target = request.raw_path
        if is_stream_path(target):
            return await serve_stream(request, self.hub)
        if target.startswith(f"{SBE_PATH}/"):
            return await serve_stream(request, self.hub, self._admit_sbe)
        if target.startswith(WS_API_PATH):
            return await serve_ws_api(request, self.ws_api)
        if self._control is not None and target.partition("?")[0] == CONTROL_PATH:
            return await answer_control(request, self._control)
        return await self.rest(request)

    async def close(self) -> None:
        """Close all sockets."""
        self._faults.bind(None)
        await self.follower.close()
        await self.hub.close()
        await self.ws_api.close()

    def end(self) -> None:
        """Begin no more work."""
        self._desk.close()
