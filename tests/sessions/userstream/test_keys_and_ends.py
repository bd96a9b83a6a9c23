"""A user's stream and its key: refused, withdrawn, never told; and how it ends."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

import cryptox as cx
from cryptox.errors import AuthenticationError, ConfigurationError
from cryptox.sessions import userline

sys.path.insert(0, str(Path(__file__).parents[1]))
from listener import Heard, connected, equal, poll, run
from outsider import Outsider


def test_a_key_that_rest_refuses_ends_it_too(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        exchange.faults.add("status", path="account", code=401, error_code=-2015)
        stream.check()
        await poll(lambda: stream.failure)
        assert isinstance(stream.failure, AuthenticationError)
        assert stream.line.is_over

    run(exchange, outsider, main)


def test_a_clock_that_is_off_is_read_anew(exchange: Any, outsider: Outsider) -> None:
    async def main(session: Any, stream: Any) -> None:
        exchange.faults.step_clock(120)
        exchange.faults.cut()
        await poll(lambda: stream.line.subscriptions == 2)
        assert stream.failure is None
        asked = [one for one in exchange.requests if one.path == "userDataStream.subscribe.signature"]
        assert [one.status for one in asked] == [200, 400, 200]
        await asyncio.wait_for(stream.ready(), 10)

    run(exchange, outsider, main)


def curve_key() -> tuple[str, str]:
    """A new Ed25519 key in PEM: the private half, the public one."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), public


def test_an_ed25519_key_logs_on(exchange: Any, outsider: Outsider) -> None:
    pem, public = curve_key()
    key = exchange.add_key(outsider.keys.api_key, public)

    async def main() -> None:
        async with cx.aio.connect(exchange, api_key=key.api_key, private_key=pem) as session:
            stream = session._user_stream()
            await asyncio.wait_for(stream.ready(), 10)
            outsider.rest()
            await equal(outsider, stream)
            exchange.faults.cut()
            outsider.rest()
            await equal(outsider, stream)

    asyncio.run(main())
    calls = [one.path for one in exchange.requests if one.method == "WS"]
    assert calls == ["session.logon", "userDataStream.subscribe"] * 2


def test_a_key_that_is_refused_ends_it_at_once(exchange: Any, outsider: Outsider) -> None:
    async def main() -> None:
        async with cx.aio.connect(exchange, user="eve", api_key="k" * 64, secret_key="s" * 64) as session:
            stream = session._user_stream()
            heard = Heard(stream)
            with pytest.raises(AuthenticationError) as caught:
                await asyncio.wait_for(stream.ready(), 10)
            assert (caught.value.context["user"], caught.value.context["venue"]) == ("eve", "paper")
            assert isinstance(stream.failure, AuthenticationError)
            assert heard.said[-1] == "ended AuthenticationError"
            asked = len(exchange.requests)
            await asyncio.sleep(0.5)
            assert len(exchange.requests) == asked  # no endless retries
            assert session._user_stream() is not stream  # whoever wants to may try again
            with pytest.raises(AuthenticationError):
                await asyncio.wait_for(session._user_stream().ready(), 10)

    asyncio.run(main())


def test_a_key_that_is_withdrawn_ends_it(exchange: Any, outsider: Outsider) -> None:
    extra = exchange.add_key(outsider.keys.api_key)

    async def main() -> None:
        async with cx.aio.connect(exchange, api_key=extra.api_key, secret_key=extra.secret_key) as session:
            stream = session._user_stream()
            await asyncio.wait_for(stream.ready(), 10)
            exchange._state.accounts.remove_key(extra.api_key)
            exchange.faults.cut()
            await poll(lambda: stream.failure)
            assert isinstance(stream.failure, AuthenticationError)
            assert stream.unbroken_since is None

    asyncio.run(main())


def test_without_a_key_or_an_address_it_says_what_to_do() -> None:
    async def main() -> None:
        async with cx.aio.connect("binance") as session:
            with pytest.raises(ConfigurationError, match="no key on") as caught:
                session._user_stream()
            assert "api_key" in caught.value.recovery_suggestions[0]
        async with cx.aio.connect(
            "binance", api_key="k", secret_key="s", rest_url="http://127.0.0.1:1", stream_url="ws://127.0.0.1:1"
        ) as session:
            with pytest.raises(ConfigurationError, match="WebSocket API is not known"):
                session._user_stream()
        with pytest.raises(ConfigurationError, match="closed"):
            session._user_stream()

    asyncio.run(main())


def test_the_end_of_a_session_closes_its_connection(exchange: Any, outsider: Outsider) -> None:
    async def main() -> None:
        session = connected(exchange, outsider)
        stream = session._user_stream()
        await stream.ready()
        assert session._user_stream() is stream
        await session.close()
        assert stream.line.is_over
        await poll(lambda: len(exchange._front.ws_api) == 0)
        session = connected(exchange, outsider)
        stream = session._user_stream()
        await stream.ready()
        session.retire("enough")
        await poll(lambda: len(exchange._front.ws_api) == 0)
        session = connected(exchange, outsider)
        stream = session._user_stream()
        await stream.ready()
        del session
        gc.collect()
        await poll(lambda: stream.line.is_over)
        await poll(lambda: len(exchange._front.ws_api) == 0)

    asyncio.run(main())


def test_what_closes_a_connection_may_be_killed(
    exchange: Any, outsider: Outsider, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[Any] = []
    spawn = userline.UserLine.spawn

    def spawned(line: Any, work: Any) -> Any:
        task = spawn(line, work)
        if work.__name__ == "_hang_up" and not killed:
            killed.append(task)
            task.cancel()
        return task

    monkeypatch.setattr(userline.UserLine, "spawn", spawned)

    async def main(session: Any, stream: Any) -> None:
        await asyncio.wait_for(session.close(), 30)
        assert killed
        await poll(lambda: len(exchange._front.ws_api) == 0)

    run(exchange, outsider, main)


def test_it_belongs_to_one_loop(exchange: Any, outsider: Outsider) -> None:
    async def elsewhere(session: Any) -> None:
        with pytest.raises(ConfigurationError, match="loop it was started on"):
            session._user_stream()

    async def main(session: Any, stream: Any) -> None:
        await asyncio.to_thread(asyncio.run, elsewhere(session))

    run(exchange, outsider, main)


@pytest.mark.parametrize("kind", ["hmac", "ed25519"])
def test_keys_and_signatures_are_nowhere(
    exchange: Any, outsider: Outsider, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.DEBUG)
    pem, public = curve_key()
    extra = exchange.add_key(outsider.keys.api_key, public if kind == "ed25519" else None)
    secret = {"private_key": pem} if kind == "ed25519" else {"secret_key": extra.secret_key}
    call = "session.logon" if kind == "ed25519" else "userDataStream.subscribe.signature"
    seen: list[str] = []

    async def main() -> None:
        async with cx.aio.connect(exchange, api_key=extra.api_key, **secret) as session:
            stream = session._user_stream()
            await asyncio.wait_for(stream.ready(), 10)
            exchange.faults.add("status", path=call, error_code=-1000, times=1)
            exchange.faults.add("reset", path=call, times=1, after=1)
            exchange.faults.cut()
            await poll(lambda: stream.line.subscriptions >= 2)
            things = [stream, stream.line, *stream.line._wires.values(), stream.blotter]
            things += [wire.rpc for wire in stream.line._wires.values()]
            seen.extend(repr(thing) for thing in things)
            seen.extend(repr(vars(thing)) for thing in things if hasattr(thing, "__dict__"))
            seen.extend(repr(task) for task in asyncio.all_tasks())

    asyncio.run(main())
    seen += [f"{record.getMessage()} {record.__dict__}" for record in caplog.records if "httpx" not in record.name]
    assert sum("user_stream.failed" in text for text in seen) == 2
    hidden = [extra.api_key, *(pem.splitlines()[1:-1] if kind == "ed25519" else [extra.secret_key])]
    for text in seen:
        assert not any(one in text for one in hidden)
        assert "signature=" not in text
        assert '"signature"' not in text
