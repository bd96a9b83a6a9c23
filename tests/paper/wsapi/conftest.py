"""The WebSocket API on a real socket, over a plain market, with an engine that does what the test says."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from websockets.asyncio.client import ClientConnection, connect

from cryptox.paper.accounts import Accounts
from cryptox.paper.answers import Answers
from cryptox.paper.clock import MarketClock
from cryptox.paper.question import Question, Told
from cryptox.paper.routes import ROUTES, Route
from cryptox.paper.trading.accounts import Account, Key
from cryptox.paper.trading.reports import BalanceReport, PositionReport, Report
from cryptox.paper.weights import read_limits
from cryptox.paper.wsapi.api import WsApi, serve_ws_api
from cryptox.venues.binance import endpoints as ep

NOW = "2024-06-01 12:00:30.5"


async def until(holds: Callable[[], Any], within_s: float = 30.0) -> None:
    """Poll until something holds."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "did not happen"
        await asyncio.sleep(0.002)


class Engine:
    """Its "orders" are deposits of one atom: a balanceUpdate and an outboundAccountPosition each."""

    def __init__(self, accounts: dict[int, Account]) -> None:
        self.accounts = accounts
        self.reports: list[Report] = []
        self.asked: list[Question] = []

    def answer(self, question: Question) -> Told:
        self.asked.append(question)
        balance, uid = question.account.balance("BTC"), question.account.uid
        balance.free += 1
        self.reports.append(BalanceReport(uid, "BTC", 1, question.now_us))
        self.reports.append(PositionReport(uid, question.now_us, (("BTC", balance.free, balance.locked),)))
        return Told({"n": len(self.asked), "uid": uid, "free": balance.free})


class DepositDesk:
    """Jobs one after the other on a thread, reports after the answer: as the exchange's own."""

    def __init__(self, market: Any, clock: MarketClock, accounts: dict[int, Account]) -> None:
        self.market, self.clock = market, clock
        self.engine = Engine(accounts)
        self.listeners: list[Callable[[list[Report]], None]] = []
        self.jobs = 0
        self._worker = ThreadPoolExecutor(1)

    async def run(self, job: Callable[[int], Any]) -> Any:
        loop = asyncio.get_running_loop()
        self.jobs += 1
        future = loop.run_in_executor(self._worker, self._work, job)
        future.add_done_callback(lambda done: loop.call_soon(loop.call_soon, self.tell, done.result()[1]))
        value, _ = await asyncio.shield(future)
        if isinstance(value, Exception):
            raise value
        return value

    def _work(self, job: Callable[[int], Any]) -> tuple[Any, list[Report]]:
        try:
            value = job(self.clock.now_us())
        except Exception as error:
            value = error
        reports, self.engine.reports = self.engine.reports, []
        return value, reports

    def tell(self, reports: list[Report]) -> None:
        for listener in tuple(self.listeners):
            listener(reports)


class Client:
    """A plain client: JSON in and out."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.sent = 0

    async def ask(self, method: str, params: Any = None, **more: Any) -> Any:
        """The answer to a request, which must be the next message."""
        self.sent += 1
        await self.send({"id": self.sent, "method": method, "params": params or {}, **more})
        answer = await self.next()
        assert answer.get("id", "none") == more.get("id", self.sent), answer
        return answer

    async def result(self, method: str, params: Any = None) -> Any:
        answer = await self.ask(method, params)
        assert answer["status"] == 200, answer
        return answer["result"]

    async def error(self, method: str, params: Any = None) -> tuple[int, int, str]:
        """Status, code and text of a refusal."""
        answer = await self.ask(method, params)
        assert "result" not in answer
        return answer["status"], answer["error"]["code"], answer["error"]["msg"]

    async def send(self, what: Any) -> None:
        await self.socket.send(what if isinstance(what, str | bytes) else json.dumps(what))

    async def next(self, within_s: float = 30.0) -> Any:
        return json.loads(await asyncio.wait_for(self.socket.recv(), within_s))


class Served:
    """One exchange's WebSocket API with two accounts."""

    def __init__(
        self, market: Any, limits: Any = None, clock: Any = NOW, desk: Any = DepositDesk, **options: Any
    ) -> None:
        self.clock = MarketClock(clock, wall=time.time, monotonic=time.monotonic)
        self.accounts = Accounts(seed=1)
        self.account, self.hmac = self.accounts.create(None, 0)
        self.other, self.other_hmac = self.accounts.create(None, 0)
        self.private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        pem = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        self.pem = pem
        self.ed25519 = self.accounts.add_key(self.account.uid, pem)
        self.desk = desk(market, self.clock, self.accounts.accounts)
        real = self.clock.is_real
        options.setdefault("ban_after", 10)
        self.answers = Answers(
            self.desk.market,
            read_limits(limits),
            accounts=self.accounts,
            engine=self.desk.engine,
            judged=lambda: real,
            ban_after=options.pop("ban_after"),
        )
        self.options = options
        self.api: WsApi = None  # type: ignore[assignment]
        self.port = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Served]:
        self.api = WsApi(self.desk, self.answers, **self.options)

        async def handle(request: Any) -> Any:
            return await serve_ws_api(request, self.api)

        http = web.Server(handle, handler_cancellation=True, access_log=None)
        listening = await asyncio.get_running_loop().create_server(http, "127.0.0.1", 0)
        self.port = listening.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            await self.api.close()
            listening.close()
            await http.shutdown(0.2)

    @asynccontextmanager
    async def client(self, target: str = "/ws-api/v3", **options: Any) -> AsyncIterator[Client]:
        async with connect(f"ws://127.0.0.1:{self.port}{target}", ping_interval=None, **options) as socket:
            yield Client(socket)

    def signed(self, key: Key, **params: Any) -> dict[str, Any]:
        """Parameters with key, timestamp and signature, as the documentation signs them."""
        import base64
        import hashlib
        import hmac

        params = {"apiKey": key.api_key, "timestamp": self.clock.now_ms(), **params}
        pairs = "&".join(f"{name}={params[name]}" for name in sorted(params)).encode()
        if key.kind == "HMAC":
            params["signature"] = hmac.new(key.secret.encode(), pairs, hashlib.sha256).hexdigest()
        else:
            params["signature"] = base64.b64encode(self.private.sign(pairs)).decode()
        return params

    @staticmethod
    async def until(holds: Callable[[], Any]) -> None:
        await until(holds)

    def stamped(self, **params: Any) -> dict[str, Any]:
        return {"timestamp": self.clock.now_ms(), **params}


Talk = Callable[[Served], Awaitable[None]]


@pytest.fixture
def served_by() -> type[Served]:
    """An exchange's WebSocket API, by market and desk."""
    return Served


@pytest.fixture
def over(ask: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs a talk with the WebSocket API over the plain market; ``order.*`` are the engine's deposits."""
    for endpoint in (ep.NEW_ORDER, ep.CANCEL_ORDER, ep.ACCOUNT):
        route = Route((), lambda question: question.engine.answer(question))
        monkeypatch.setitem(ROUTES, (endpoint.method, endpoint.path), (endpoint, route))

    def run(talk: Talk, **options: Any) -> None:
        async def whole() -> None:
            async with Served(ask.exchange.market, **options).open() as served:
                await asyncio.wait_for(talk(served), 60)

        asyncio.run(whole())

    return run
