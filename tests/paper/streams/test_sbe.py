"""The SBE streams of a whole exchange over real sockets."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cryptox.paper.exchange import PaperExchange
from cryptox.paper.streams.hub import SBE_TICK_US
from cryptox.paper.streams.pump import TICK_US
from cryptox.venues.binance.sbe.codec import decode_raw
from cryptox.venues.binance.sbe.schema import STREAMS, load

NOON = "2024-06-01 12:00"
KEY = "X-MBX-APIKEY"


def public(private: Any) -> str:
    pem, info = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return str(private.public_key().public_bytes(pem, info).decode())


def ed25519_key(exchange: PaperExchange, **more: Any) -> str:
    owner = exchange.create_account({"USDT": 1_000_000, "BTC": 50}).api_key
    return exchange.add_key(owner, public(ed25519.Ed25519PrivateKey.generate()), **more).api_key


@asynccontextmanager
async def sbe(exchange: PaperExchange, path: str = "/ws", **more: Any) -> AsyncIterator[ClientConnection]:
    headers = {KEY: ed25519_key(exchange, **more)}
    async with connect(
        exchange.stream_sbe_url + path, additional_headers=headers, compression=None, max_queue=None
    ) as client:
        yield client


async def heard(client: ClientConnection) -> Any:
    """The next message: binary ones decoded, texts as JSON with the mark of a text."""
    got = await asyncio.wait_for(client.recv(), 60)
    return {"text": json.loads(got)} if isinstance(got, str) else decode_raw(got, schema=load(STREAMS))


async def ask(client: ClientConnection, method: str, *params: Any) -> Any:
    await client.send(json.dumps({"method": method, "id": 1} | ({"params": params} if params else {})))
    while "text" not in (said := await heard(client)):
        pass
    return said["text"]


def exchange(**more: Any) -> PaperExchange:
    return PaperExchange(clock=NOON, symbols=["BTCUSDT"], **more)


async def refused(there: PaperExchange, headers: dict[str, str], path: str = "/ws") -> tuple[int, Any]:
    with pytest.raises(InvalidStatus) as found:
        async with connect(there.stream_sbe_url + path, additional_headers=headers):
            pass
    answer = found.value.response
    return answer.status_code, json.loads(answer.body or b"null")


def test_only_an_ed25519_key_opens_them() -> None:
    async def main(there: PaperExchange) -> None:
        owner = there.create_account().api_key
        other = there.add_key(owner, public(rsa.generate_private_key(65537, 2048))).api_key
        malformed = (401, {"code": -2014, "msg": "API-key format invalid."})
        unknown = (401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."})
        assert await refused(there, {}) == await refused(there, {KEY: "short"}) == malformed
        for key in ("x" * 64, owner, other):
            assert await refused(there, {KEY: key}) == await refused(there, {KEY: key}, "/stream") == unknown
        assert (await refused(there, {KEY: ed25519_key(there)}, "/other"))[0] == 404
        assert (await refused(there, {KEY: ed25519_key(there)}, "/ws?timeUnit=hours"))[1]["code"] == -1194
        async with sbe(there, can_trade=False) as client:
            assert await ask(client, "LIST_SUBSCRIPTIONS") == {"result": [], "id": 1}

    with exchange() as there:
        asyncio.run(main(there))


def test_they_are_closed_where_sbe_is_switched_off() -> None:
    with exchange(sbe=False) as there:
        answer = asyncio.run(refused(there, {KEY: ed25519_key(there)}))
    assert answer == (400, {"code": -1155, "msg": "SBE is not enabled."})


def test_messages_are_binary_and_answers_are_text_on_both_addresses() -> None:
    async def main(there: PaperExchange) -> None:
        async with (
            sbe(there, "/ws/btcusdt@trade") as raw,
            sbe(there, "/stream?streams=btcusdt@trade/btcusdt@depth") as combined,
            connect(f"{there.stream_url}/ws", max_queue=None) as plain,
        ):
            names = ["btcusdt@trade", "btcusdt@depth"]
            assert await ask(combined, "LIST_SUBSCRIPTIONS") == {"result": names, "id": 1}
            assert await ask(combined, "UNSUBSCRIBE", "btcusdt@depth") == {"result": None, "id": 1}
            assert await ask(combined, "SUBSCRIBE", "btcusdt@nonesuch", "btcusdt@trade") == {"result": None, "id": 1}
            assert await ask(raw, "SUBSCRIBE", "btcusdt@trade") == {"result": None, "id": 1}
            assert (await ask(raw, "NONESUCH"))["code"] == 2
            await plain.send('{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}')
            await plain.recv()
            there.clock.advance("10s")
            one = json.loads(await plain.recv())
            for client in (raw, combined):
                event = await heard(client)
                assert (event["_message"], event["symbol"]) == ("TradesStreamEvent", "BTCUSDT")
                assert (event["trades"][0]["id"], event["transactTime"] // 1_000) == (one["t"], one["T"])

    with exchange() as there:
        asyncio.run(main(there))


def test_one_client_does_not_get_the_other_ones_encoding() -> None:
    async def main(there: PaperExchange) -> None:
        async with sbe(there) as binary, connect(f"{there.stream_url}/ws/btcusdt@depth") as plain:
            await ask(binary, "SUBSCRIBE", "btcusdt@depth")
            await plain.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
            assert json.loads(await plain.recv())["result"] == ["btcusdt@depth"]
            there.clock.advance("1s")
            assert (await heard(binary))["_message"] == "DepthDiffStreamEvent"
            assert json.loads(await plain.recv())["e"] == "depthUpdate"
            await ask(binary, "UNSUBSCRIBE", "btcusdt@depth")
            there.clock.advance("1s")
            assert json.loads(await plain.recv())["e"] == "depthUpdate"
            assert await ask(binary, "LIST_SUBSCRIPTIONS") == {"result": [], "id": 1}

    with exchange() as there:
        asyncio.run(main(there))


def depth(there: PaperExchange) -> Any:
    url = f"{there.rest_url}/api/v3/depth?symbol=BTCUSDT&limit=5000"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def mantissas(snapshot: Any) -> dict[str, dict[int, int]]:
    return {
        side: {int(price.replace(".", "")): int(size.replace(".", "")) for price, size in snapshot[side]}
        for side in ("bids", "asks")
    }


def test_the_changes_lead_from_one_rest_snapshot_to_the_next() -> None:
    async def main(there: PaperExchange) -> None:
        async with sbe(there) as client:
            await ask(client, "SUBSCRIBE", "btcusdt@depth")
            snapshot = depth(there)
            mine, seen = mantissas(snapshot), snapshot["lastUpdateId"]
            for _ in range(10):
                there.clock.advance("100ms")
                event = await heard(client)
                assert event["firstBookUpdateId"] == seen + 1
                seen = event["lastBookUpdateId"]
                for side, levels in mine.items():
                    levels.update((row["price"], row["qty"]) for row in event[side])
            snapshot = depth(there)
            assert snapshot["lastUpdateId"] == seen
            mine = {side: {price: size for price, size in levels.items() if size} for side, levels in mine.items()}
            assert mine == mantissas(snapshot)

    with exchange() as there:
        asyncio.run(main(there))


@pytest.mark.parametrize("path", ["/ws", "/stream"])
def test_the_shutdown_is_told_as_text(path: str) -> None:
    async def main(there: PaperExchange) -> None:
        async with sbe(there, path) as client:
            await ask(client, "LIST_SUBSCRIPTIONS")
            await asyncio.to_thread(there.faults.shut_down)
            event = {"e": "serverShutdown", "E": there.clock.now_ms()}
            enveloped = {"stream": "!serverShutdown", "data": event}
            assert await heard(client) == {"text": event if path == "/ws" else enveloped}
            with pytest.raises(ConnectionClosed):
                await heard(client)

    with exchange() as there:
        asyncio.run(main(there))


def test_faults_strike_binary_messages_and_they_stay_binary() -> None:
    async def main(there: PaperExchange) -> None:
        assert there._front is not None
        hub = there._front.hub
        async with sbe(there) as client:

            async def moved(ticks: int, messages: int) -> list[Any]:
                for _ in range(ticks):
                    there.clock.advance("100ms")
                    looked = asyncio.run_coroutine_threadsafe(hub._pump.passed(), hub._loop)
                    await asyncio.wrap_future(looked)  # one look for each
                return [await heard(client) for _ in range(messages)]

            await ask(client, "SUBSCRIBE", "btcusdt@depth")
            there.faults.add("frame", how="duplicate", stream="btcusdt@depth", times=1)
            one, again = await moved(1, 2)
            assert one == again
            there.faults.add("skip_depth", times=1)
            (after,) = await moved(2, 1)
            assert after["firstBookUpdateId"] > one["lastBookUpdateId"] + 1
            there.faults.add("frame", how="reorder", times=1)
            second, first = await moved(2, 2)
            assert first["firstBookUpdateId"] == after["lastBookUpdateId"] + 1
            assert second["firstBookUpdateId"] == first["lastBookUpdateId"] + 1
            there.faults.add("frame", how="delay", seconds=0.01, times=1)
            (late,) = await moved(1, 1)
            assert late["firstBookUpdateId"] == second["lastBookUpdateId"] + 1

    with exchange() as there:
        asyncio.run(main(there))


def test_the_market_is_looked_at_more_often_while_somebody_listens() -> None:
    async def main(there: PaperExchange) -> None:
        assert there._front is not None
        hub = there._front.hub
        assert hub._tick_us() == TICK_US
        async with sbe(there) as client:
            await ask(client, "SUBSCRIBE", "btcusdt@nonesuch")
            assert hub._tick_us() == TICK_US
            await ask(client, "SUBSCRIBE", "btcusdt@depth")
            assert hub._tick_us() == SBE_TICK_US
            await ask(client, "UNSUBSCRIBE", "btcusdt@depth")
            assert hub._tick_us() == TICK_US

    with exchange() as there:
        asyncio.run(main(there))
