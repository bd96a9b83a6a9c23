"""Connection rules over real sockets: pings and pongs, life, notices, cuts, frames in order."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidMessage
from websockets.frames import Frame, Opcode

from cryptox.paper.sockets import BINARY, Connects, Line, Lines, Rules, frame


async def until(holds: Callable[[], Any], within_s: float = 30.0) -> None:
    """Poll until something holds."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "did not happen"
        await asyncio.sleep(0.002)


class Server:
    """Echoes what comes in; keeps its lines."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.lines, self.heard = rules, Lines(), 0
        self.port = 0
        self.newest: Line | None = None

    async def __call__(self, request: Any) -> Any:
        line = Line(request, self.rules, notice=lambda: b"going", heard=self._heard)
        if not await line.open():
            return line.response
        self.newest = line
        self.lines.add(line)
        try:
            await line.run(lambda text: line.send(text.encode() if isinstance(text, str) else text))
        finally:
            self.lines.remove(line)
        return line.response

    def _heard(self) -> None:
        self.heard += 1


def over(talk: Callable[[Server], Awaitable[None]], **rules: float) -> None:
    """Run a talk with a server of these rules."""

    async def whole() -> None:
        async with serving(**rules) as server:
            await asyncio.wait_for(talk(server), 60)

    asyncio.run(whole())


@asynccontextmanager
async def serving(kind: type[Server] | None = None, **rules: float) -> AsyncIterator[Server]:
    server = (kind or Server)(Rules(**rules))
    http = web.Server(server.__call__, handler_cancellation=True, access_log=None)
    listening = await asyncio.get_running_loop().create_server(http, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    listening.close()
    await http.shutdown(0.2)


def client(server: Server, **options: Any) -> connect:
    return connect(f"ws://127.0.0.1:{server.port}/", ping_interval=None, **options)


def test_messages_keep_their_order_and_length() -> None:
    async def talk(server: Server) -> None:
        async with client(server, max_size=None) as socket:
            sent = ["x" * size for size in (0, 1, 125, 126, 127, 65_535, 65_536, 200_000)]
            for text in sent:
                await socket.send(text)
            assert [await socket.recv() for _ in sent] == sent
            assert server.newest is not None
            server.newest.send(b"\0\1", BINARY)
            assert await socket.recv() == b"\0\1"
            await socket.ping(b"mine")
            assert await (await socket.ping(b"again")) >= 0
        assert server.heard == len(sent) + 2
        await until(lambda: len(server.lines) == 0)

    over(talk)


def test_pings_come_and_a_client_that_answers_lives_on() -> None:
    async def talk(server: Server) -> None:
        async with client(server) as socket:
            await until(lambda: server.heard >= 4)  # pongs: longer than silence is suffered
            await socket.send("still here")
            assert await socket.recv() == "still here"

    over(talk, ping_every=0.3)


class Mute(ClientConnection):
    """A client that answers no ping, but sends pongs that nobody asked for."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        send = self.protocol.send_frame
        self.protocol.send_frame = lambda out: send(Frame(out.opcode, b"") if out.opcode is Opcode.PONG else out)


def test_a_client_that_answers_no_ping_is_disconnected() -> None:
    async def talk(server: Server) -> None:
        began = time.monotonic()
        async with client(server, create_connection=Mute) as socket:
            with pytest.raises(ConnectionClosed) as caught:
                await socket.recv()
        assert time.monotonic() - began >= 0.9
        assert server.heard >= 2  # its pongs came, and counted for nothing
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1008

    over(talk, ping_every=0.3)


def test_a_client_is_not_blamed_for_a_machine_that_stands_still() -> None:
    async def talk(server: Server) -> None:
        async with client(server) as socket:
            for _ in range(3):
                time.sleep(0.8)  # noqa: ASYNC251 - far longer than silence is suffered
                heard = server.heard
                await until(lambda heard=heard: server.heard > heard)
            await socket.send("still here")
            assert await socket.recv() == "still here"
            assert server.heard < 40  # pings that were missed are not made up for

    over(talk, ping_every=0.1)


def test_a_client_that_has_gone_before_the_answer_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[bool] = []

    class Late(Server):
        async def __call__(self, request: Any) -> Any:
            line = Line(request, self.rules, notice=lambda: b"going")
            request.transport.abort()
            answers.append(await line.open())
            return line.response

    async def whole() -> None:
        async with serving(Late) as server:
            with pytest.raises((ConnectionError, InvalidMessage, EOFError)):
                await client(server)
            await until(lambda: answers)

    asyncio.run(whole())
    assert answers == [False]
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_shutdown_that_is_announced_keeps_no_closed_connection() -> None:
    async def talk(server: Server) -> None:
        async with client(server) as socket:
            await until(lambda: server.newest is not None)
            assert server.newest is not None
            server.newest.shut_down(3_600)
            assert await socket.recv() == "going"
        await until(lambda: len(server.lines) == 0)
        gone, server.newest = weakref.ref(server.newest), None
        await until(lambda: gc.collect() is not None and gone() is None)

    over(talk)


def test_banned_addresses_are_told_so() -> None:
    async def talk(server: Server) -> None:
        async with client(server) as socket:
            await until(lambda: len(server.lines) == 1)
            server.lines.ban("10.9.9.9")
            await socket.send("still here")
            assert await socket.recv() == "still here"
            server.lines.ban("127.0.0.1")
            with pytest.raises(ConnectionClosed) as caught:
                await socket.recv()
            assert caught.value.rcvd is not None
            assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1008, "IP banned")

    over(talk)


def test_a_connection_is_told_before_its_life_ends() -> None:
    async def talk(server: Server) -> None:
        began = time.monotonic()
        async with client(server) as socket:
            assert await socket.recv() == "going"
            told = time.monotonic() - began
            with pytest.raises(ConnectionClosed) as caught:
                await socket.recv()
        assert 0.25 <= told < time.monotonic() - began
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1001

    over(talk, connection_life=0.3)


def test_closing_all_tells_and_closes() -> None:
    async def talk(server: Server) -> None:
        async with client(server) as one, client(server) as two:
            await until(lambda: len(server.lines) == 2)
            await server.lines.close()
            for socket in (one, two):
                assert await socket.recv() == "going"
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
        assert len(server.lines) == 0

    over(talk)


def test_a_cut_comes_without_a_close_frame() -> None:
    async def talk(server: Server) -> None:
        async with client(server) as socket:
            await until(lambda: len(server.lines) == 1)
            server.lines.cut()
            with pytest.raises(ConnectionClosed) as caught:
                await socket.recv()
            assert caught.value.rcvd is None
            assert server.newest is not None
            server.newest.send(b"nobody hears")  # no error

    over(talk)


def test_a_frozen_line_says_nothing_until_it_thaws() -> None:
    async def talk(server: Server) -> None:
        async with client(server) as socket:
            await socket.send("a")
            assert await socket.recv() == "a"
            assert server.newest is not None
            server.newest.freeze()
            server.newest.send(b"b")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(socket.recv(), 0.8)  # longer than three pings: it is not cut off either
            server.newest.thaw()
            assert await asyncio.wait_for(socket.recv(), 60) == "b"
            await socket.send("c")
            assert await asyncio.wait_for(socket.recv(), 60) == "c"

    over(talk, ping_every=0.2)


def test_what_goes_out_can_be_tampered_with() -> None:
    async def talk(server: Server) -> None:
        async with client(server) as socket:
            await until(lambda: server.newest is not None)
            assert server.newest is not None
            server.newest.tamper = lambda payload: () if payload == b"drop" else (payload, payload.upper())
            await socket.send("drop")
            await socket.send("twice")
            assert [await socket.recv(), await socket.recv()] == ["twice", "TWICE"]

    over(talk)


def test_a_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cryptox.paper.sockets.MOST_WAITING", 8 * 2**20)

    async def talk(server: Server) -> None:
        async with client(server, max_queue=1, close_timeout=0.1) as socket:
            await until(lambda: server.newest is not None)
            line = server.newest
            assert line is not None
            for _ in range(4_000):
                if not line.is_open:
                    break
                line.send(b"x" * 10_000)
                await asyncio.sleep(0)
            assert not line.is_open
            await socket.close()

    over(talk)


def test_drain_waits_for_the_reader() -> None:
    async def talk(server: Server) -> None:
        async with client(server) as socket:
            await until(lambda: server.newest is not None)
            line = server.newest
            assert line is not None

            async def produce() -> None:
                for _ in range(3_000):
                    line.send(b"x" * 10_000)
                    await line.drain()

            producing = asyncio.create_task(produce())
            for _ in range(3_000):
                assert len(await socket.recv()) == 10_000
            await producing
            assert line.is_open

    over(talk)


@pytest.mark.parametrize(("size", "head"), [(0, b"\x81\x00"), (125, b"\x81\x7d"), (126, b"\x81\x7e\x00\x7e")])
def test_heads_of_frames(size: int, head: bytes) -> None:
    assert frame(b"y" * size) == head + b"y" * size


def test_connection_attempts_are_counted_by_address_and_window() -> None:
    connects = Connects(2, 10)
    assert connects.admit("a", 101.0) is None
    assert connects.admit("a", 102.0) is None
    assert connects.admit("a", 103.5) == 7
    assert connects.admit("b", 103.5) is None
    assert connects.admit("a", 110.0) is None  # the next window
