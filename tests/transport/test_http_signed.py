"""Signed requests over real sockets: signed once and late, and no failure holds what was signed."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import logging
import socket
import struct
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cryptox.errors import ConfigurationError, CryptoxError, NetworkError, NotSent
from cryptox.transport.http import Http
from cryptox.transport.messages import Answer, Outgoing

KEY, SIGNATURE = "s3ntinelK3y" * 4, "s3ntinelS1gnature" * 3
SENTINELS = (KEY, SIGNATURE)


def signing(times: list[str]) -> Callable[[Outgoing], Outgoing]:
    def sign(outgoing: Outgoing) -> Outgoing:
        times.append(outgoing.method)
        headers = {**outgoing.headers, "X-MBX-APIKEY": KEY}
        if outgoing.body and outgoing.method == "POST":
            body = outgoing.body + f"&signature={SIGNATURE}".encode()
            return dataclasses.replace(outgoing, headers=headers, body=body, sign=None)
        return dataclasses.replace(
            outgoing, url=f"{outgoing.url}?timestamp=1&signature={SIGNATURE}", headers=headers, sign=None
        )

    return sign


async def ask(
    url: str, *, method: str = "GET", deadline_s: float = 5.0, times: list[str] | None = None, **rest: Any
) -> Answer:
    http = Http(timeout_s=5.0, max_connections=4, proxy=None)
    try:
        signed = Outgoing(method, url, sign=signing([] if times is None else times), **rest)
        return await http.send(signed, deadline_s=deadline_s)
    finally:
        await http.aclose()


def reachable(error: BaseException) -> Iterator[BaseException]:
    """The error and everything chained to it, suppressed or not."""
    todo, seen = [error], set()
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        todo += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def told(error: BaseException) -> str:
    """All that tools can print of an error: chain, attributes, frames with their variables."""
    parts = []
    for one in reachable(error):
        parts += [repr(one), str(one), repr(vars(one))]
        parts.append("".join(traceback.TracebackException.from_exception(one, capture_locals=True).format()))
        frame = one.__traceback__
        while frame is not None:
            parts.append(repr(frame.tb_frame.f_locals))
            frame = frame.tb_next
    return "\n".join(parts)


def clean(text: str) -> None:
    assert text
    for sentinel in SENTINELS:
        assert sentinel not in text


@pytest.fixture
def noise(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Everything that is logged or handed to the loop's handler, asyncio and aiohttp at DEBUG included."""
    caplog.set_level(logging.DEBUG)
    for name in ("asyncio", "aiohttp", "cryptox"):
        caplog.set_level(logging.DEBUG, logger=name)
    return lambda: caplog.text


def run(work: Any) -> Any:
    """In debug mode, with what reaches the loop's exception handler raised at the end."""
    contexts: list[dict[str, Any]] = []

    async def main() -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: contexts.append(context))
        try:
            return await work
        finally:
            gc.collect()
            await asyncio.sleep(0)

    try:
        return asyncio.run(main(), debug=True)
    finally:
        for context in contexts:
            clean(repr(context) + str(context.get("exception")))


def test_key_and_signature_arrive_and_the_request_is_signed_once(serve, reply) -> None:
    times: list[str] = []

    async def talk(head, reader, writer) -> None:
        writer.write(reply(b"{}"))

    async def main() -> Answer:
        async with serve(talk) as server:
            answer = await ask(server.url + "/account", times=times)
            head = server.heads[0]
            assert head.startswith(f"GET /account?timestamp=1&signature={SIGNATURE} HTTP/1.1")
            assert f"X-MBX-APIKEY: {KEY}" in head
            assert "content-type" not in head.lower()
            return answer

    answer = run(main())
    assert (answer.body, times) == (b"{}", ["GET"])
    clean(repr(answer))


def test_a_form_keeps_the_content_type_that_it_was_given(serve, reply) -> None:
    bodies: list[bytes] = []

    async def talk(head, reader, writer) -> None:
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        bodies.append(await reader.readexactly(size))
        writer.write(reply(b"{}"))

    async def main() -> None:
        async with serve(talk) as server:
            await ask(
                server.url + "/order",
                method="POST",
                body=b"symbol=X",
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
            assert bodies == [f"symbol=X&signature={SIGNATURE}".encode()]
            assert server.heads[0].lower().count("content-type: application/x-www-form-urlencoded\r\n") == 1

    run(main())


def test_a_server_that_sends_the_request_back_tells_nothing(serve, reply) -> None:
    async def talk(head, reader, writer) -> None:
        line = head.partition(b" HTTP/")[0].decode()
        writer.write(reply(b"<title>" + head + b"</title>", f"Location: https://elsewhere/{line}", status="502 Bad"))

    async def main() -> Answer:
        async with serve(talk) as server:
            return await ask(server.url + "/account")

    answer = run(main())
    assert answer.status == 502
    assert b"X-MBX-APIKEY: ***" in answer.body
    assert answer.headers["location"].endswith("&signature=***")
    clean(repr(answer))


def reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def silent(head, reader, writer) -> None:
    await asyncio.sleep(3)


async def torn(head, reader, writer) -> None:
    reset(writer)


async def cut(head, reader, writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
    await writer.drain()
    reset(writer)


async def nonsense(head, reader, writer) -> None:
    writer.write(b"\x00\x01 what?\r\n\r\n")


async def damaged(head, reader, writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("talk", [silent, torn, cut, nonsense, damaged])
def test_no_failure_after_sending_holds_what_was_signed(serve, noise, talk, method) -> None:
    async def main() -> None:
        async with serve(talk) as server:
            body = b"symbol=X" * 1000 if method == "POST" else b""
            await ask(server.url + "/order", method=method, body=body, deadline_s=0.4)

    with pytest.raises(NetworkError) as caught:
        run(main())
    assert not isinstance(caught.value, NotSent)
    assert caught.value.context["sent"] is True
    assert list(reachable(caught.value)) == [caught.value]
    assert "/order" in str(caught.value) + caught.value.technical_details
    clean(told(caught.value))
    clean(noise() + "-")


def test_a_body_that_cannot_be_written_to_its_end_tells_nothing(serve, noise) -> None:
    async def talk(head, reader, writer) -> None:
        await reader.read(100)
        reset(writer)

    async def main() -> None:
        async with serve(talk, limit=2**16) as server:
            await ask(server.url + "/order", method="PUT", body=b"x=" + b"y" * 1_000_000, deadline_s=5)

    with pytest.raises(NetworkError) as caught:
        run(main())
    clean(told(caught.value))
    clean(noise() + "-")


def test_nothing_sent_holds_nothing(noise) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(NotSent) as caught:
        run(ask(f"http://127.0.0.1:{port}/x"))
    assert list(reachable(caught.value)) == [caught.value]
    clean(told(caught.value))
    clean(noise() + "-")


def test_being_cancelled_holds_nothing(serve) -> None:
    asked = asyncio.Event()

    async def silent(head, reader, writer) -> None:
        asked.set()
        await asyncio.sleep(3)

    async def main() -> None:
        async with serve(silent) as server:
            task = asyncio.ensure_future(ask(server.url + "/x"))
            await asyncio.wait_for(asked.wait(), 30)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            clean(told(caught.value))
            assert [type(one) for one in reachable(caught.value)] == [asyncio.CancelledError]

    run(main())


def test_an_error_of_the_signing_itself_goes_through_bare(serve, reply) -> None:
    class Odd(Exception):
        pass

    def sign(outgoing: Outgoing) -> Outgoing:
        secret = KEY
        raise Odd("no" + secret[:0])

    async def main() -> None:
        async with serve(silent) as server:
            http = Http(timeout_s=5.0, max_connections=4, proxy=None)
            try:
                await http.send(Outgoing("GET", server.url, sign=sign), deadline_s=2)
            finally:
                await http.aclose()
                assert server.heads == []

    with pytest.raises(Odd) as caught:
        run(main())
    assert KEY not in told(caught.value)


def test_an_unsigned_request_keeps_its_cause(serve) -> None:
    async def main() -> None:
        async with serve(torn) as server:
            http = Http(timeout_s=5.0, max_connections=4, proxy=None)
            try:
                await http.send(Outgoing("GET", server.url), deadline_s=2)
            finally:
                await http.aclose()

    with pytest.raises(CryptoxError) as caught:
        asyncio.run(main())
    assert caught.value.__cause__ is not None
    assert not isinstance(caught.value, ConfigurationError)
