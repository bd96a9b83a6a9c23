"""Where keys may go."""

from __future__ import annotations

import asyncio

import pytest

from cryptox.errors import ConfigurationError
from cryptox.transport.http import Http
from cryptox.transport.messages import Outgoing
from cryptox.transport.private import is_private, require_private


@pytest.mark.parametrize(
    "url",
    [
        "https://api.binance.com/api/v3/account",
        "HTTPS://api.binance.com",
        "wss://ws-api.binance.com:443/ws-api/v3",
        "http://127.0.0.1:9000",
        "http://[::1]:9000/x",
        "ws://localhost:1/ws",
        "http://LOCALHOST.:1",
    ],
)
def test_encrypted_or_this_machine(url: str) -> None:
    require_private(url)
    assert is_private(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.binance.com/api/v3/account?signature=5ecret",
        "http://10.0.0.1:80",
        "ws://name:5ecret@example.org/ws",
        "http://127.0.0.1.example.org/",
        "http://localhost@example.org/",
        "ftp://example.org",
    ],
)
def test_anything_else_is_refused_without_its_query(url: str) -> None:
    assert not is_private(url)
    with pytest.raises(ConfigurationError, match="https or wss only") as caught:
        require_private(url)
    assert "5ecret" not in str(caught.value) + repr(vars(caught.value))


def test_a_signed_request_to_another_machine_is_refused_before_it_is_signed() -> None:
    signed: list[Outgoing] = []

    async def main() -> None:
        http = Http(timeout_s=1, max_connections=1, proxy=None)
        try:
            await http.send(
                Outgoing("GET", "http://192.0.2.1/api", sign=lambda one: signed.append(one) or one), deadline_s=1
            )
        finally:
            await http.aclose()

    with pytest.raises(ConfigurationError, match=r"not to http://192\.0\.2\.1"):
        asyncio.run(main())
    assert signed == []
