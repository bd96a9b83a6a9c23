"""Every way a WebSocket may not come up: refusals, hosts that are not there, certificates."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cryptox.errors import (
    AuthenticationError,
    Banned,
    ConfigurationError,
    ExchangeError,
    NetworkError,
    NotSent,
    RateLimited,
)
from cryptox.transport.dial import unreached
from cryptox.transport.socket import Socket, Terms

sys.path.insert(0, str(Path(__file__).parent))
from peer import CALM, Heard, accepted, frame, free_port, nothing, run, talks, until, ws

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


@pytest.mark.parametrize(
    ("host", "advice"), [("127.0.0.1", "Nothing listens there"), ("api.example.org", "Check the connection")]
)
def test_what_to_do_about_a_host_that_is_not_reached(host: str, advice: str) -> None:
    first, last = unreached(host)
    assert first.startswith(advice)
    assert last == NotSent.advice[0]


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
