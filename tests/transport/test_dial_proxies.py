"""A WebSocket through a proxy, and what of its secrets is told."""

from __future__ import annotations

import asyncio
import base64
import logging
import sys
from pathlib import Path

import pytest

from cryptox.errors import (
    NotSent,
)
from cryptox.transport.proxies import Proxies
from cryptox.transport.socket import Socket, Terms

sys.path.insert(0, str(Path(__file__).parent))
from peer import CALM, Heard, frame, free_port, run, says, until


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
