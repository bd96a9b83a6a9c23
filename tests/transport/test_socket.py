"""One WebSocket over real loopback sockets: what comes in, and in which order."""

from __future__ import annotations

import socket
import sys
import threading
import time
from pathlib import Path

import pytest
from websockets.asyncio.server import serve as websockets_server

from cryptox.errors import (
    NotSent,
)
from cryptox.transport.socket import Socket

sys.path.insert(0, str(Path(__file__).parent))
from peer import CALM, PING, PONG, Heard, accepted, frame, nothing, read_frame, run, talks, until, ws


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
