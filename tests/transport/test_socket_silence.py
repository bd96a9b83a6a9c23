"""A WebSocket on which nothing comes: when it is asked, when it is given up, and when it is kept."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from cryptox.transport import dial
from cryptox.transport.socket import Socket, Terms

sys.path.insert(0, str(Path(__file__).parent))
from peer import CALM, PING, PONG, QUICK, Heard, frame, read_frame, run, talks, until, ws


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
