"""Ask and answer over a real socket: whatever order answers come in, whatever comes between, however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import serve as websockets_server

from cryptox.errors import ConfigurationError, ExchangeError, NetworkError, NotSent, OutcomeUnknown
from cryptox.transport.rpc import Reply, Rpc
from cryptox.transport.socket import Terms

TERMS = Terms(connect_s=5.0, silence_s=30.0, pong_s=10.0, close_s=0.1)
SECRET = "signature-of-it"


class Plain:
    """Numbers and words in JSON."""

    def read(self, frame: bytes, received_ns: int) -> Any:
        found = json.loads(frame)
        if "id" not in found:
            return found, received_ns > 0
        if "error" in found:
            return Reply(found["id"], error=ExchangeError(found["error"]))
        return Reply(found["id"], found["result"])


Say = Callable[[dict[str, Any]], Awaitable[None]]


@asynccontextmanager
async def asking(talk: Callable[[dict[str, Any], Any], Awaitable[None]]) -> AsyncIterator[tuple[Rpc, list[Any]]]:
    async def serve(server: Any) -> None:
        async for text in server:
            await talk(json.loads(text), server)

    events: list[Any] = []
    async with websockets_server(serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        rpc = await Rpc.connect(f"ws://127.0.0.1:{port}/x?y=1", Plain(), on_event=events.append, terms=TERMS)
        try:
            yield rpc, events
        finally:
            await rpc.close()


def question(word: str) -> Callable[[int], bytes]:
    return lambda number: json.dumps({"id": number, "ask": word, "signature": SECRET}).encode()


def run(main: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(main())  # type: ignore[arg-type]


def test_answers_find_their_questions_in_any_order_and_events_go_beside() -> None:
    held: list[dict[str, Any]] = []

    async def talk(asked: dict[str, Any], server: Any) -> None:
        held.append(asked)
        if len(held) == 3:
            await server.send(json.dumps({"event": "first"}))
            for one in reversed(held):
                await server.send(json.dumps({"id": one["id"], "result": one["ask"].upper()}))
            await server.send(json.dumps({"id": 99, "result": "nobody asked"}))
            await server.send(json.dumps({"event": "last"}))

    async def main() -> None:
        async with asking(talk) as (rpc, events):
            found = await asyncio.gather(*(rpc.ask(question(word), timeout_s=5) for word in ("a", "b", "c")))
            assert found == ["A", "B", "C"]
            assert sorted(one["id"] for one in held) == [1, 2, 3]
            while len(events) < 3:  # noqa: ASYNC110 - what the codec reads is told to nobody else
                await asyncio.sleep(0.005)
            assert events == [({"event": "first"}, True), Reply(99, "nobody asked"), ({"event": "last"}, True)]
            assert "0 open questions" in repr(rpc)

    run(main)


def test_a_refusal_is_raised_as_the_codec_reads_it() -> None:
    async def talk(asked: dict[str, Any], server: Any) -> None:
        await server.send(json.dumps({"id": asked["id"], "error": "no"}))

    async def main() -> None:
        async with asking(talk) as (rpc, _):
            with pytest.raises(ExchangeError, match="no"):
                await rpc.ask(question("a"), timeout_s=5)

    run(main)


def test_silence_is_a_network_error_that_says_it_was_sent_and_the_late_answer_is_nobodys() -> None:
    late = asyncio.Event()

    async def talk(asked: dict[str, Any], server: Any) -> None:
        if asked["ask"] == "slow":
            return
        await server.send(json.dumps({"id": asked["id"] - 1, "result": "late"}))
        await server.send(json.dumps({"id": asked["id"], "result": "in time"}))
        late.set()

    async def main() -> None:
        async with asking(talk) as (rpc, events):
            with pytest.raises(NetworkError, match=r"127\.0\.0\.1 did not answer within 0\.05 s\.") as caught:
                await rpc.ask(question("slow"), timeout_s=0.05)
            assert caught.value.context == {"host": "127.0.0.1", "sent": True}
            assert not isinstance(caught.value, NotSent | OutcomeUnknown)
            assert await rpc.ask(question("fast"), timeout_s=5) == "in time"
            assert events == [Reply(1, "late")]

    run(main)


def test_the_end_of_the_connection_answers_everybody() -> None:
    async def talk(asked: dict[str, Any], server: Any) -> None:
        if asked["ask"] == "b":
            await server.close(1013, "going away")

    async def main() -> None:
        async with asking(talk) as (rpc, _):
            asks = [asyncio.ensure_future(rpc.ask(question(word), timeout_s=5)) for word in ("a", "b")]
            for ask in asks:
                with pytest.raises(NetworkError, match="ended the connection before it answered: going away"):
                    await ask
            assert not rpc.is_open
            with pytest.raises(NotSent):
                await rpc.ask(question("c"), timeout_s=5)

    run(main)


def test_what_was_not_sent_says_so_without_a_trace_of_its_text() -> None:
    async def talk(asked: dict[str, Any], server: Any) -> None:
        raise AssertionError("nothing is sent")

    async def main() -> None:
        async with asking(talk) as (rpc, _):
            await rpc.close()
            with pytest.raises(NotSent) as caught:
                await rpc.ask(question("a"), timeout_s=5)
            error = caught.value
            assert error.__cause__ is None
            assert error.__context__ is None
            told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
            assert "_put" not in told
            assert SECRET not in told

    run(main)


def test_a_cancelled_question_leaves_nothing() -> None:
    got = asyncio.Event()

    async def talk(asked: dict[str, Any], server: Any) -> None:
        got.set()

    async def main() -> None:
        async with asking(talk) as (rpc, _):
            ask = asyncio.ensure_future(rpc.ask(question("a"), timeout_s=5))
            await got.wait()
            ask.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ask
            assert ask.cancelled()
            assert "0 open questions" in repr(rpc)

    run(main)


def test_questions_do_not_go_in_the_open() -> None:
    async def main() -> None:
        with pytest.raises(ConfigurationError, match="https or wss only"):
            await Rpc.connect("ws://192.0.2.1:1/ws-api", Plain(), on_event=lambda _: None)

    run(main)
