from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cryptox.errors import ConfigurationError, ValidationError
from cryptox.paper.exchange import PaperExchange
from cryptox.paper.seeded import SeededMarket
from cryptox.paper.streams.recording import SOON_S, read_recording, replay

Opener = Callable[..., Any]
STREAMS = ("btcusdt@depth@100ms", "btcusdt@bookTicker", "btcusdt@trade")
COUNT = 41_248


@pytest.fixture(scope="module")
def recording(shared: Path) -> Path:
    return shared / "data" / "hftbacktest" / "btcusdt_20240808.gz"


@pytest.fixture(scope="module")
def texts(recording: Path) -> list[bytes]:
    """The recorded messages as they stand in the file; nothing of the package reads them."""
    with gzip.open(recording) as lines:
        found = [line.strip().split(b" ", 1)[1] for line in lines if line.strip()]
    return [text for text in found if text.startswith(b'{"stream"')]


async def received(client: Any, count: int) -> list[bytes]:
    return [await client.recv(decode=False) for _ in range(count)]


def test_a_whole_recording_reaches_two_clients_byte_for_byte(
    place: Opener, market: SeededMarket, recording: Path, texts: list[bytes]
) -> None:
    async def main() -> None:
        async with place(market) as there:
            names = "/".join(STREAMS)
            raw = await there.client(f"/ws/{names}", max_queue=None)
            combined = await there.client(f"/stream?streams={names}", max_queue=None)
            for client in (raw, combined):
                await client.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
                assert b"result" in await client.recv(decode=False)
            readers = [asyncio.create_task(received(client, COUNT)) for client in (raw, combined)]
            done = await replay(there.hub, recording, speed=None)
            got_raw, got_combined = await asyncio.gather(*readers)
            assert (done.count, done.messages, done.others) == (COUNT, COUNT, 1)
            assert got_combined == texts
            assert got_raw == [text[text.index(b'"data":') + 7 : -1] for text in texts]

    assert len(texts) == COUNT
    asyncio.run(main())


def small(tmp_path: Path, texts: list[bytes], step_ns: int) -> Path:
    path = tmp_path / "small.gz"
    lines = [b"%d %b\n\n" % (1_723_161_253_937_085_768 + step_ns * place, text) for place, text in enumerate(texts)]
    path.write_bytes(gzip.compress(b"".join([*lines, b"1 {}\n", b"no stamp\n"])))
    return path


@pytest.mark.parametrize(("speed", "step_s"), [(1, 0.05), (40, 2)])
def test_messages_come_at_their_times(
    place: Opener, market: SeededMarket, tmp_path: Path, speed: float, step_s: float
) -> None:
    texts = [b'{"stream":"btcusdt@trade","data":{"t":%d}}' % number for number in range(5)]
    path = small(tmp_path, texts, int(step_s * 1e9))

    async def main() -> None:
        async with place(market) as there:
            client = await there.client("/stream?streams=btcusdt@trade")
            await there.until(lambda: there.wants("btcusdt@trade"))
            loop = asyncio.get_running_loop()
            began = loop.time()
            playing = asyncio.create_task(replay(there.hub, path, speed=speed))
            for number, text in enumerate(texts):
                assert await client.recv(decode=False) == text
                assert number * 0.05 - SOON_S <= loop.time() - began
            done = await playing
            assert (done.count, done.messages, done.others) == (5, 5, 2)
            assert done.seconds >= 0.2 - SOON_S

    asyncio.run(main())


def test_only_streams_that_somebody_wants_are_sent_and_the_market_is_silent(
    place: Opener, market: SeededMarket, tmp_path: Path
) -> None:
    kinds = (b"btcusdt@trade", b"nosuch@trade", b"btcusdt@bookTicker")
    texts = [b'{"stream":"%b","data":{"n":%d}}' % (kinds[number % 3], number) for number in range(9)]
    path = small(tmp_path, texts, 1_000_000)

    async def main() -> None:
        async with place(market) as there:
            client = await there.client("/ws/btcusdt@trade/nosuch@trade")
            await there.until(lambda: there.wants("nosuch@trade"))
            with there.hub.held():
                there.desk.clock.advance("1m")
                done = await replay(there.hub, path, speed=None)
            assert (done.count, done.messages) == (6, 9)
            wanted = [b'{"n":%d}' % number for number in range(9) if number % 3 != 2]
            assert await received(client, 6) == wanted
            passes = there.desk.passes  # the market goes on from where it is now
            await there.until(lambda: there.desk.passes > passes)
            there.desk.clock.advance("10s")
            first = market.last_trade_id("BTCUSDT", there.desk.clock.now_ms() - 10_000) + 1
            assert b'"t":%d,' % first in await client.recv(decode=False)

    asyncio.run(main())


def test_a_pass_that_is_under_way_says_nothing_any_more(place: Opener, market: SeededMarket) -> None:
    async def main() -> None:
        async with place(market) as there:
            client = await there.client("/ws/btcusdt@trade")
            await there.until(lambda: there.wants("btcusdt@trade"))
            run, gate, begun = there.desk.run, asyncio.Event(), asyncio.Event()

            async def slow(job: Any) -> Any:
                found = await run(job)
                begun.set()
                await gate.wait()
                return found

            there.desk.run = slow
            there.desk.clock.advance("1s")
            await begun.wait()
            with there.hub.held():
                gate.set()
                await client.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
                assert b"result" in await client.recv(decode=False)

    asyncio.run(main())


def test_a_slow_reader_is_waited_for(
    place: Opener, market: SeededMarket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cryptox.paper.sockets.MOST_WAITING", 6 * 2**20)
    text = b'{"stream":"btcusdt@trade","data":"' + b"x" * 4_000 + b'"}'
    path = small(tmp_path, [text] * 6_000, 1)

    async def main() -> None:
        async with place(market) as there:
            client = await there.client("/stream?streams=btcusdt@trade", max_queue=1)
            await there.until(lambda: there.wants("btcusdt@trade"))
            playing = asyncio.create_task(replay(there.hub, path, speed=None))
            await asyncio.sleep(0.3)
            assert not playing.done()
            assert await received(client, 6_000) == [text] * 6_000
            assert (await playing).count == 6_000

    asyncio.run(main())


def test_bad_arguments_are_refused(place: Opener, market: SeededMarket, tmp_path: Path) -> None:
    plain = tmp_path / "plain.gz"
    plain.write_bytes(b"not zipped")

    async def main() -> None:
        async with place(market) as there:
            with pytest.raises(ValidationError, match="speed=0"):
                await replay(there.hub, plain, speed=0)
            with pytest.raises(OSError, match="gzip"):
                await replay(there.hub, plain, speed=None)
            with pytest.raises(FileNotFoundError):
                await replay(there.hub, tmp_path / "none.gz", speed=1)

    asyncio.run(main())


def test_who_replays_is_told_when_the_exchange_stops(recording: Path, market: SeededMarket) -> None:
    exchange = PaperExchange(market=market, clock="2024-06-01 12:00").start()
    with ThreadPoolExecutor(1) as pool:
        playing = pool.submit(exchange.replay, recording, speed=0.001)
        hub = exchange._front.hub  # type: ignore[union-attr]  # it runs
        deadline = time.monotonic() + 30
        while not hub._held and time.monotonic() < deadline:
            time.sleep(0.005)
        exchange.stop()
        with pytest.raises(ConfigurationError, match="stopped meanwhile"):
            playing.result(10)
        with pytest.raises(ConfigurationError, match="not running"):
            exchange.replay(recording)


def test_entries_have_the_time_of_receipt(recording: Path) -> None:
    first = next(read_recording(recording))
    assert first is not None
    assert (first.time_ns, first.message.stream) == (1_723_161_253_937_085_768, "btcusdt@depth@100ms")
