"""One WebSocket over real loopback sockets: what comes in, how it ends, and every way it may not come up."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import gc
import hashlib
import ipaddress
import logging
import os
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from websockets.asyncio.server import serve as websockets_server

from cryptox.errors import (
    AuthenticationError,
    Banned,
    ConfigurationError,
    ExchangeError,
    NetworkError,
    NotSent,
    RateLimited,
)
from cryptox.transport import dial
from cryptox.transport.proxies import Proxies
from cryptox.transport.socket import Socket, Terms

QUICK = Terms(connect_s=2.0, silence_s=0.2, pong_s=0.2, close_s=0.2)
CALM = Terms(connect_s=5.0, silence_s=30.0, pong_s=10.0, close_s=0.1)
TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Heard:
    """Notes what ``on_frames`` is told."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.calls: list[tuple[int, int]] = []

    def __call__(self, frames: list[bytes], received_ns: int) -> None:
        self.messages += frames
        self.calls.append((len(frames), received_ns))


async def until(true: Callable[[], object], within_s: float = 30.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "did not happen in time"
        await asyncio.sleep(0.005)


def frame(payload: bytes, opcode: int = TEXT, final: bool = True) -> bytes:
    size = len(payload)
    head = bytes([(0x80 if final else 0) | opcode])
    if size < 126:
        return head + bytes([size]) + payload
    if size < 2**16:
        return head + b"\x7e" + size.to_bytes(2, "big") + payload
    return head + b"\x7f" + size.to_bytes(8, "big") + payload


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, size = await reader.readexactly(2)
    assert size & 0x80, "a client must mask"
    assert size & 0x7F < 126
    key = await reader.readexactly(4)
    data = await reader.readexactly(size & 0x7F)
    return first & 0xF, bytes(byte ^ key[at % 4] for at, byte in enumerate(data))


def accepted(head: bytes) -> bytes:
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)[1]
    proof = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + proof
        + b"\r\n\r\n"
    )


def talks(conversation: Conversation, first: bytes = b"", piece: int = 2**16):
    """A server that takes every handshake, sends ``first`` in the same breath and goes on with the conversation."""

    async def talk(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = accepted(head) + first
        for at in range(0, len(answer), piece):
            writer.write(answer[at : at + piece])
            await asyncio.sleep(0)
        await conversation(reader, writer)

    return talk


async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


def says(data: bytes, then: Conversation = nothing):
    async def conversation(reader, writer) -> None:
        writer.write(data)
        await writer.drain()
        await then(reader, writer)

    return talks(conversation)


def reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def ws(server) -> str:
    return f"ws://127.0.0.1:{server.port}/stream?streams=btcusdt@trade"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(main: Awaitable[None]) -> None:
    asyncio.run(main)
    gc.collect()  # a socket left open would complain here


def test_a_real_server_is_heard_in_order_and_answered() -> None:
    sent = [b"message %d " % n + b"x" * (n % 400) for n in range(5_000)]
    got: list[object] = []

    async def handler(connection) -> None:
        got.append(connection.request.headers["User-Agent"])
        got.append(connection.request.headers.get("Sec-WebSocket-Extensions"))
        got.append(connection.request.path)
        got.append(await connection.recv())
        for message in sent:
            await connection.send(message, text=True)
        await connection.send(b"\x00\xff")
        await connection.wait_closed()

    async def main() -> None:
        async with websockets_server(handler, "127.0.0.1", 0) as server:
            heard = Heard()
            port = server.sockets[0].getsockname()[1]
            before = time.time_ns()
            made = await Socket.connect(f"ws://127.0.0.1:{port}/stream?a=b%40c", on_frames=heard, terms=CALM)
            made.send(b'{"method":"SUBSCRIBE"}')
            await until(lambda: len(heard.messages) == 5_001)
            assert heard.messages == [*sent, b"\x00\xff"]
            assert got == ["cryptox", None, "/stream?a=b%40c", '{"method":"SUBSCRIBE"}']
            assert sum(count for count, _ in heard.calls) == made.messages == 5_001
            assert all(count for count, _ in heard.calls)
            stamps = [at for _, at in heard.calls]
            assert before < stamps[0] <= stamps[-1] < time.time_ns()
            assert stamps == sorted(stamps)
            assert made.bytes > sum(map(len, sent))
            assert made.is_open
            made.ping()
            await until(lambda: made.round_trip_s is not None)
            assert 0 < made.round_trip_s < 60
            ended = await made.close()
            assert (ended.reason, made.is_open, made.closed.result()) == ("closed", False, ended)
            assert await made.close() == ended
            with pytest.raises(NotSent, match="is closed"):
                made.send(b"late")
            made.ping()  # nothing happens

    run(main())


def test_many_messages_of_one_chunk_come_in_one_call(serve) -> None:
    async def main() -> None:
        async with serve(talks(nothing, first=frame(b"a") * 500)) as server:
            heard = Heard()
            made = await Socket.connect(ws(server), on_frames=heard, terms=CALM)
            await until(lambda: len(heard.messages) == 500)
            assert len(heard.calls) <= 2  # the first of them in the same bytes as the handshake's end
            await made.close()

    run(main())


def test_a_handshake_in_single_bytes_and_messages_on_its_heels(serve) -> None:
    async def main() -> None:
        first = frame(b"at once") + frame(b"part ", final=False) + frame(b"two", 0)
        async with serve(talks(nothing, first=first, piece=1)) as server:
            heard = Heard()
            made = await Socket.connect(ws(server), on_frames=heard, terms=CALM)
            await until(lambda: len(heard.messages) == 2)
            assert heard.messages == [b"at once", b"part two"]
            await made.close()

    run(main())


def test_pings_are_answered_with_their_payload(serve) -> None:
    answers = []

    async def conversation(reader, writer) -> None:
        writer.write(frame(b"data") + frame(b"1767225600000", PING) + frame(b"", PING))
        answers.append(await read_frame(reader))
        answers.append(await read_frame(reader))
        await reader.read()

    async def main() -> None:
        async with serve(talks(conversation)) as server:
            made = await Socket.connect(ws(server), on_frames=Heard(), terms=CALM)
            await until(lambda: len(answers) == 2)
            assert answers == [(PONG, b"1767225600000"), (PONG, b"")]
            await made.close()

    run(main())


def test_a_pong_leaves_before_a_slow_handler_begins() -> None:
    answered, waited = threading.Event(), []

    def peer(listening: socket.socket) -> None:
        with listening.accept()[0] as line:
            head = b""
            while b"\r\n\r\n" not in head:
                head += line.recv(4096)
            line.sendall(accepted(head) + frame(b"data") + frame(b"p", PING))
            if line.recv(7, socket.MSG_WAITALL)[0] == 0x80 | PONG:
                answered.set()
            while line.recv(4096):
                pass

    async def main() -> None:
        port = listening.getsockname()[1]
        made = await Socket.connect(
            f"ws://127.0.0.1:{port}/", on_frames=lambda *_: waited.append(answered.wait(5)), terms=CALM
        )
        await until(lambda: waited)
        await made.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=peer, args=(listening,), daemon=True)
        thread.start()
        run(main())
        thread.join(5)
    assert waited == [True]


@pytest.mark.parametrize(
    ("data", "then", "reason", "code", "text"),
    [
        (frame(struct.pack("!H", 1001) + b"Server shutdown", CLOSE), nothing, "peer", 1001, "Server shutdown"),
        (frame(b"", CLOSE), nothing, "peer", 1005, ""),
        (b"\xff\xfe\xfd garbage", nothing, "protocol", None, "no frame begins with the byte 0xff"),
        (b"\x81\x82abcdef", nothing, "protocol", None, "a server must not mask its frames"),
        (b"\x81\x7f" + (2**40).to_bytes(8, "big"), nothing, "too_large", None, "1099511627776 bytes"),
    ],
    ids=["close", "close-without-code", "garbage", "masked", "too-large"],
)
def test_how_the_other_side_ends_it(serve, data, then, reason, code, text) -> None:
    async def main() -> None:
        async with serve(says(frame(b"before") + data, then)) as server:
            heard = Heard()
            made = await Socket.connect(ws(server), on_frames=heard, terms=CALM)
            began = time.monotonic()
            ended = await asyncio.wait_for(made.wait_closed(), 30)
            assert (ended.reason, ended.code) == (reason, code)
            assert text in ended.text
            assert began - 1 < ended.at <= time.monotonic()
            assert heard.messages == [b"before"]
            assert not made.is_open

    run(main())


def test_a_close_is_echoed(serve) -> None:
    answers = []

    async def conversation(reader, writer) -> None:
        writer.write(frame(struct.pack("!H", 1001) + b"bye", CLOSE))
        answers.append(await read_frame(reader))
        await reader.read()

    async def main() -> None:
        async with serve(talks(conversation)) as server:
            made = await Socket.connect(ws(server), on_frames=Heard(), terms=CALM)
            assert (await made.wait_closed()).reason == "peer"
            await until(lambda: answers)

    run(main())
    assert answers == [(CLOSE, struct.pack("!H", 1001) + b"bye")]


@pytest.mark.parametrize("how", ["reset", "eof", "half-a-frame"])
def test_a_line_that_breaks_is_lost(serve, how) -> None:
    async def cut(reader, writer) -> None:
        if how == "reset":
            reset(writer)
        elif how == "half-a-frame":
            writer.write(frame(b"x" * 100)[:50])
            await writer.drain()

    async def conversation(reader, writer) -> None:
        writer.write(frame(b"before"))
        await writer.drain()
        await read_frame(reader)  # the client has read it
        await cut(reader, writer)
        writer.close()

    async def main() -> None:
        async with serve(talks(conversation)) as server:
            heard = Heard()
            made = await Socket.connect(ws(server), on_frames=heard, terms=CALM)
            await until(lambda: heard.messages)
            made.send(b"read")
            ended = await asyncio.wait_for(made.wait_closed(), 30)
            assert (ended.reason, ended.code) == ("lost", None)
            assert heard.messages == [b"before"]

    run(main())


def test_a_side_that_falls_silent_is_asked_and_given_up(serve) -> None:
    asked = []

    async def conversation(reader, writer) -> None:
        asked.append(await read_frame(reader))
        await reader.read()  # connected, and not a word

    async def main() -> None:
        async with serve(talks(conversation)) as server:
            made = await Socket.connect(ws(server), on_frames=Heard(), terms=QUICK)
            ended = await asyncio.wait_for(made.wait_closed(), 30)
            assert ended.reason == "silence"
            assert 0.4 <= ended.at - made.opened_at < CALM.silence_s
            assert [opcode for opcode, _ in asked] == [PING]

    run(main())


def test_a_quiet_side_that_answers_is_kept(serve) -> None:
    pings = []

    async def conversation(reader, writer) -> None:
        while True:
            opcode, payload = await read_frame(reader)
            if opcode == PING:
                pings.append(payload)
                writer.write(frame(payload, PONG))

    async def main() -> None:
        async with serve(talks(conversation)) as server:
            made = await Socket.connect(ws(server), on_frames=Heard(), terms=QUICK)
            await until(lambda: len(pings) >= 4)
            assert made.is_open
            assert made.round_trip_s is not None
            assert len(set(pings)) == len(pings)
            await made.close()

    run(main())


@pytest.mark.parametrize("answers", [True, False])
def test_after_a_sleep_the_line_is_asked_at_once_and_only_a_pong_settles_it(serve, monkeypatch, answers) -> None:
    asked = []

    async def conversation(reader, writer) -> None:
        asking = asyncio.ensure_future(read_frame(reader))
        while not asking.done():
            writer.write(frame(b"tick"))
            await asyncio.wait([asking], timeout=0.01)
        asked.append(asking.result())
        writer.write(frame(asked[0][1], PONG) if answers else frame(b"from before the sleep"))
        await reader.read()

    async def main() -> None:
        async with serve(talks(conversation)) as server:
            terms = Terms(silence_s=20.0, pong_s=0.3, close_s=0.2)
            made = await Socket.connect(ws(server), on_frames=Heard(), terms=terms)
            await asyncio.sleep(0.2)
            assert asked == []
            real = time.time
            monkeypatch.setattr(time, "time", lambda: real() + 3_600)
            await until(lambda: asked)
            assert asked[0][0] == PING
            if answers:
                await until(lambda: made.round_trip_s is not None)
                await asyncio.wait([made.closed], timeout=0.8)
                assert made.is_open
                await made.close()
            else:
                assert (await asyncio.wait_for(made.wait_closed(), 30)).reason == "silence"

    run(main())


def test_a_changed_address_is_asked_about(serve, monkeypatch) -> None:
    asked = []

    async def conversation(reader, writer) -> None:
        asked.append(await read_frame(reader))
        await reader.read()

    async def main() -> None:
        async with serve(talks(conversation)) as server:
            monkeypatch.setattr("cryptox.transport.socket.is_loopback", lambda host: False)
            monkeypatch.setattr("cryptox.transport.socket.ROUTE_S", 0.0)
            addresses = ["192.0.2.7"]
            monkeypatch.setattr("cryptox.transport.socket.route", lambda peer: addresses[0])
            terms = Terms(silence_s=20.0, pong_s=0.4, close_s=0.2)
            made = await Socket.connect(ws(server), on_frames=Heard(), terms=terms)
            await asyncio.sleep(0.25)
            assert asked == []
            addresses[0] = "198.51.100.7"
            assert (await asyncio.wait_for(made.wait_closed(), 30)).reason == "silence"
            assert len(asked) == 1

    run(main())


def test_the_route_to_a_peer_is_looked_up_without_a_packet() -> None:
    assert dial.route(("127.0.0.1", 9)) == "127.0.0.1"
    assert dial.route(("not an address", 9)) == ""


def test_a_side_that_never_reads_cannot_fill_our_memory(serve) -> None:
    async def conversation(reader, writer) -> None:
        writer.transport.pause_reading()
        pings = frame(b"p" * 125, PING) * 1_000
        while not writer.is_closing():
            writer.write(pings)
            await writer.drain()

    async def main() -> None:
        async with serve(talks(conversation)) as server:
            made = await Socket.connect(ws(server), on_frames=Heard(), terms=CALM)
            ended = await asyncio.wait_for(made.wait_closed(), 20)
            assert ended.reason == "backlog"
            with pytest.raises(NotSent):
                made.send(b"x")

    run(main())


def test_a_handler_that_raises_ends_it_and_is_reported(serve) -> None:
    reported = []

    def broken(frames: list[bytes], received_ns: int) -> None:
        raise LookupError("ours")

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context["exception"]))
        async with serve(says(frame(b"x"))) as server:
            made = await Socket.connect(ws(server), on_frames=broken, terms=CALM)
            ended = await asyncio.wait_for(made.wait_closed(), 30)
            assert ended.reason == "handler"
            assert isinstance(ended.error, LookupError)
            assert "LookupError" in ended.text

    run(main())
    assert [type(error) for error in reported] == [LookupError]


def test_after_close_nothing_is_delivered_and_a_deaf_side_is_not_waited_for(serve) -> None:
    async def conversation(reader, writer) -> None:
        while True:
            writer.write(frame(b"tick"))
            await asyncio.sleep(0.001)

    async def main() -> None:
        async with serve(talks(conversation)) as server:
            heard = Heard()
            made = await Socket.connect(ws(server), on_frames=heard, terms=QUICK)
            await until(lambda: heard.messages)
            began, closing = time.monotonic(), asyncio.ensure_future(made.close())
            await asyncio.sleep(0)
            count = len(heard.messages)
            assert (await made.close()).reason == "closed"
            assert (await closing).reason == "closed"
            assert 0.15 < time.monotonic() - began < 60
            assert len(heard.messages) == count

    run(main())


def test_a_cancelled_wait_leaves_the_connection_alone(serve) -> None:
    async def main() -> None:
        async with serve(talks(nothing)) as server:
            made = await Socket.connect(ws(server), on_frames=Heard(), terms=CALM)
            waiting = asyncio.ensure_future(made.wait_closed())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            assert not made.closed.done()
            assert (await made.close()).reason == "closed"

    run(main())


REFUSALS = [
    ("429 Too Many Requests", ["Retry-After: 17"], RateLimited, 17.0, True),
    ("429 Too Many Requests", [], RateLimited, 60.0, True),
    ("418 I'm a teapot", ["Retry-After: 120"], Banned, 120.0, False),
    ("403 Forbidden", [], NetworkError, 60.0, True),
    ("451 Unavailable For Legal Reasons", [], ExchangeError, None, False),
    ("503 Service Unavailable", ["Retry-After: 3"], NetworkError, 3.0, True),
    ("503 Service Unavailable", ["Retry-After: soon"], NetworkError, None, True),
    ("401 Unauthorized", [], AuthenticationError, None, False),
    ("404 Not Found", [], ExchangeError, None, False),
    ("302 Found", ["Location: https://login.invalid/?key=SECRET"], ExchangeError, None, False),
    ("200 OK", [], ExchangeError, None, False),
]


@pytest.mark.parametrize(("status", "headers", "kind", "retry_after", "retryable"), REFUSALS)
def test_a_refused_handshake_says_what_and_until_when(
    serve, reply, status, headers, kind, retry_after, retryable
) -> None:
    async def talk(head, reader, writer) -> None:
        writer.write(reply(b"exchange's own words", *headers, status=status))

    async def main() -> None:
        async with serve(talk) as server:
            with pytest.raises(kind) as caught:
                await Socket.connect(ws(server), on_frames=Heard(), terms=CALM)
            error = caught.value
            assert type(error) is kind
            assert (error.retry_after, error.retryable) == (retry_after, retryable)
            assert error.context == {"host": "127.0.0.1", "status": int(status[:3]), "sent": True}
            assert "exchange's own words" in error.technical_details
            assert "SECRET" not in repr(vars(error)) + str(error)
            assert server.connections == 1

    run(main())


def test_a_refusal_whose_body_never_comes_is_one_all_the_same(serve, reply) -> None:
    async def talk(head, reader, writer) -> None:
        writer.write(reply(b"cut", status="429 Too Many Requests", length=1_000))

    async def main() -> None:
        async with serve(talk) as server:
            began = time.monotonic()
            with pytest.raises(RateLimited):
                await Socket.connect(ws(server), on_frames=Heard(), terms=replace(CALM, connect_s=60.0))
            assert time.monotonic() - began < 30  # of sixty

    run(main())


def test_a_venue_may_judge_a_refusal_itself(serve, reply) -> None:
    async def talk(head, reader, writer) -> None:
        writer.write(reply(b'{"code":-1003}', "X-Own: yes", status="418 I'm a teapot"))

    async def main() -> None:
        answers = []

        def judge(answer) -> Banned:
            answers.append(answer)
            return Banned("of the venue", retry_after=7.0)

        async with serve(talk) as server:
            with pytest.raises(Banned, match="of the venue"):
                await Socket.connect(ws(server), on_frames=Heard(), terms=CALM, judge=judge)
        assert (answers[0].status, answers[0].body, answers[0].headers["x-own"]) == (418, b'{"code":-1003}', "yes")
        assert answers[0].sent_at <= answers[0].received_at

    run(main())


@pytest.mark.parametrize(
    ("answer", "kind", "match"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", ExchangeError, "does not speak WebSocket"),
        (b"HTTP/1.1 many OK\r\n\r\n", ExchangeError, "does not speak HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", ExchangeError, "does not speak WebSocket"),
        (accepted(b"Sec-WebSocket-Key: another\r\n"), ExchangeError, "does not speak WebSocket"),
        (b"HTTP/1.1 101 " + b"x" * 70_000, ExchangeError, "does not speak WebSocket"),
        (b"HTTP/1.1 10", NetworkError, "lost during the handshake"),
        (b"", NetworkError, "lost during the handshake"),
    ],
    ids=["ssh", "no-status", "no-upgrade", "wrong-key", "endless", "cut", "closed"],
)
def test_what_is_no_websocket(serve, answer, kind, match) -> None:
    async def talk(head, reader, writer) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    async def main() -> None:
        async with serve(talk) as server:
            with pytest.raises(kind, match=match) as caught:
                await Socket.connect(ws(server), on_frames=Heard(), terms=CALM)
            assert caught.value.context["sent"] is True

    run(main())


def test_no_answer_in_time_and_a_cancelled_attempt_leave_nothing_behind(serve) -> None:
    async def mute(head, reader, writer) -> None:
        await reader.read()
        gone.append(True)

    gone: list[bool] = []

    async def main() -> None:
        async with serve(mute) as server:
            with pytest.raises(NetworkError, match=r"did not answer the handshake within 0\.2 s") as caught:
                await Socket.connect(ws(server), on_frames=Heard(), terms=Terms(connect_s=0.2))
            assert caught.value.context["sent"] is True
            attempt = asyncio.ensure_future(Socket.connect(ws(server), on_frames=Heard(), terms=CALM))
            await until(lambda: len(server.heads) == 2)
            attempt.cancel()
            with pytest.raises(asyncio.CancelledError):
                await attempt
            await until(lambda: len(gone) == 2)

    run(main())


def test_nobody_there_is_not_sent(monkeypatch) -> None:
    async def main() -> None:
        with pytest.raises(NotSent, match=r"No connection to 127\.0\.0\.1") as caught:
            await Socket.connect(f"ws://127.0.0.1:{free_port()}/ws/KEY", on_frames=Heard(), terms=CALM)
        assert caught.value.context == {"host": "127.0.0.1", "sent": False}
        assert caught.value.retryable
        assert "KEY" not in repr(vars(caught.value)) + str(caught.value)

        async def unknown(*args: object, **more: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
        with pytest.raises(NotSent, match="its name cannot be resolved"):
            await Socket.connect("ws://exchange.invalid/ws", on_frames=Heard(), terms=CALM)

    run(main())


def test_a_host_that_swallows_everything_is_not_sent_in_time(monkeypatch) -> None:
    async def main() -> None:
        async def never(*args: object, **more: object) -> None:
            await asyncio.sleep(60)

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
        with pytest.raises(NotSent, match=r"no connection within 0\.1 s"):
            await Socket.connect("ws://exchange.invalid/ws", on_frames=Heard(), terms=Terms(connect_s=0.1))

    run(main())


@pytest.mark.parametrize(
    "url", ["http://host/SECRET", "ws:///SECRET", "wss://host/#SECRET", "SECRET", "ws://h:x/SECRET"]
)
def test_what_is_no_websocket_url_is_refused_without_showing_it(url) -> None:
    with pytest.raises(ConfigurationError) as caught:
        asyncio.run(Socket.connect(url, on_frames=Heard()))
    assert "SECRET" not in repr(vars(caught.value)) + str(caught.value)


def test_headers_are_sent_and_cannot_smuggle(serve) -> None:
    async def main() -> None:
        async with serve(talks(nothing)) as server:
            made = await Socket.connect(ws(server), on_frames=Heard(), terms=CALM, headers={"X-Key": "SECRET"})
            assert "X-Key: SECRET\r\n" in server.heads[0]
            assert "SECRET" not in repr(made)
            await made.close()
            for bad in ("SECRET\r\nX-Other: 1", "SECRET\n", "SECRETé"):
                with pytest.raises(ConfigurationError, match="'X-Key'") as caught:
                    await Socket.connect(ws(server), on_frames=Heard(), headers={"X-Key": bad})
                assert "SECRET" not in repr(vars(caught.value)) + str(caught.value)
            assert server.connections == 1

    run(main())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS of a server with a certificate of its own making, and of a client that trusts it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.DNSName("exchange.invalid"),
             x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime.now(dt.UTC) - dt.timedelta(days=1))
        .not_valid_after(dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain) + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cadata=pem.decode())


def test_tls_is_checked_and_works(serve, certificate) -> None:
    server_tls, client_tls = certificate
    sent = [b"x" * 200] * 20_000

    async def conversation(reader, writer) -> None:
        writer.write(b"".join(map(frame, sent)))
        await writer.drain()
        await nothing(reader, writer)

    async def main() -> None:
        async with serve(talks(conversation), ssl=server_tls) as server:
            url = f"wss://localhost:{server.port}/ws"
            with pytest.raises(NotSent, match="certificate is not trusted") as caught:
                await Socket.connect(url, on_frames=Heard(), terms=CALM)
            assert not caught.value.retryable
            assert "SSL_CERT_FILE" in caught.value.recovery_suggestions[0]
            heard = Heard()
            made = await Socket.connect(url, on_frames=heard, terms=CALM, tls=client_tls)
            await until(lambda: len(heard.messages) == len(sent))
            assert heard.messages == sent
            assert (await made.close()).reason == "closed"

    run(main())


def test_plain_text_where_tls_was_expected_is_not_sent(serve) -> None:
    async def main() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(NotSent, match="TLS failed"):
                await Socket.connect(f"wss://127.0.0.1:{port}/ws", on_frames=Heard(), terms=CALM)

    run(main())


def forwards(port: int, status: bytes = b"200 Connection established"):
    """A proxy that takes CONNECT to wherever, and leads to this port."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(2**16):
            writer.write(data)
        writer.close()

    async def talk(head, reader, writer) -> None:
        if not status.startswith(b"2"):
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
            return
        behind, ahead = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 " + status + b"\r\n\r\n")
        await asyncio.gather(copy(reader, ahead), copy(behind, writer), return_exceptions=True)

    return talk


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
@pytest.mark.parametrize("proxy_secure", [False, True], ids=["http-proxy", "https-proxy"])
def test_through_a_proxy(serve, certificate, caplog, secure, proxy_secure) -> None:
    caplog.set_level(logging.DEBUG)
    server_tls, client_tls = certificate

    async def main() -> None:
        async with (
            serve(says(frame(b"hello")), **({"ssl": server_tls} if secure else {})) as server,
            serve(forwards(server.port), **({"ssl": server_tls} if proxy_secure else {})) as proxy,
        ):
            address = f"{'https' if proxy_secure else 'http'}://me:pa%24s@localhost:{proxy.port}"
            heard = Heard()
            made = await Socket.connect(
                f"{'wss' if secure else 'ws'}://exchange.invalid/ws/x",
                on_frames=heard,
                terms=CALM,
                proxies=Proxies(address),
                tls=client_tls,
            )
            await until(lambda: heard.messages == [b"hello"])
            assert proxy.heads[0].startswith(f"CONNECT exchange.invalid:{443 if secure else 80} HTTP/1.1\r\n")
            assert "Proxy-Authorization: Basic " + base64.b64encode(b"me:pa$s").decode() in proxy.heads[0]
            assert "Host: exchange.invalid\r\n" in server.heads[0]
            assert "Proxy-" not in server.heads[0]
            assert "pa$s" not in repr(made)
            await made.close()

    run(main())
    assert "pa$s" not in caplog.text
    assert "pa%24s" not in caplog.text
    assert base64.b64encode(b"me:pa$s").decode() not in caplog.text


def test_a_proxys_no_and_its_absence_are_not_sent(serve, monkeypatch) -> None:
    async def main() -> None:
        async with serve(forwards(0, b"407 Proxy Authentication Required")) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://me:SECRET@127.0.0.1:{proxy.port}")
            with pytest.raises(NotSent, match="the proxy answered 407") as caught:
                await Socket.connect("wss://exchange.invalid/ws", on_frames=Heard(), terms=CALM)
            assert not caught.value.retryable
            assert "name and password" in caught.value.recovery_suggestions[0]
        async with serve(forwards(0, b"502 Bad Gateway")) as proxy:
            proxies = Proxies(f"http://127.0.0.1:{proxy.port}")
            with pytest.raises(NotSent, match="the proxy answered 502") as caught:
                await Socket.connect("ws://exchange.invalid/ws", on_frames=Heard(), terms=CALM, proxies=proxies)
            assert caught.value.retryable
        proxies = Proxies(f"http://me:SECRET@127.0.0.1:{free_port()}")
        with pytest.raises(NotSent, match="the proxy cannot be reached") as caught:
            await Socket.connect("ws://exchange.invalid/ws", on_frames=Heard(), terms=CALM, proxies=proxies)
        chain = caught.value
        while chain is not None:
            assert "SECRET" not in repr(vars(chain)) + str(chain)
            chain = chain.__cause__ or chain.__context__

    run(main())


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0\r\n\r\n", b"x" * 70_000])
def test_a_proxy_that_is_none_is_not_sent(serve, answer) -> None:
    async def talk(head, reader, writer) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    async def main() -> None:
        async with serve(talk) as proxy:
            with pytest.raises(NotSent, match="the proxy"):
                await Socket.connect(
                    "ws://exchange.invalid/ws", on_frames=Heard(), terms=CALM, proxies=Proxies(proxy.url)
                )

    run(main())


def test_nothing_secret_in_any_text_of_a_failing_connection(serve, caplog) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        async with serve(says(b"\xff" * 40)) as server:
            url = f"ws://user:SECRET1@127.0.0.1:{server.port}/ws/SECRET2?key=SECRET3"
            made = await Socket.connect(url, on_frames=Heard(), terms=CALM, headers={"X-Key": "SECRET4"})
            assert "Authorization: Basic" in server.heads[0]
            ended = await made.wait_closed()
            assert ended.reason == "protocol"
            texts.append(repr(made) + repr(ended))
            with pytest.raises(NotSent) as caught:
                made.send(b"SECRET5")
            texts.append(repr(vars(caught.value)) + str(caught.value))

    texts: list[str] = []
    run(main())
    assert "SECRET" not in "".join(texts) + caplog.text
    assert "<Socket ws://127.0.0.1:" in texts[0]


@pytest.mark.parametrize("bad", [{"connect_s": 0}, {"silence_s": -1}, {"pong_s": 0}, {"close_s": 0}, {"most_bytes": 9}])
def test_terms_that_make_no_sense_are_refused(bad) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Terms(**bad)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors where they can be counted")
def test_many_connections_leave_nothing_open(serve, reply) -> None:
    async def talk(head, reader, writer) -> None:
        kind = counter.pop()
        if kind == 0:
            writer.write(reply(b"no", status="429 Too Many Requests"))
        elif kind == 1:
            reset(writer)
        else:
            await talks(nothing, first=frame(b"x") + (b"\xff" if kind == 2 else b""))(head, reader, writer)

    counter = [n % 4 for n in range(40)]

    async def main() -> None:
        async with serve(talk) as server:
            before = set(os.listdir("/proc/self/fd"))
            for _ in range(40):
                try:
                    made = await Socket.connect(ws(server), on_frames=Heard(), terms=QUICK)
                except NetworkError:
                    continue
                except RateLimited:
                    continue
                await made.close()
            await until(lambda: len(set(os.listdir("/proc/self/fd")) - before) == 0)
            assert len(asyncio.all_tasks()) <= 2

    run(main())
