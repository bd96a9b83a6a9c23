"""Where keys may go."""

from __future__ import annotations

import asyncio

import pytest

from cryptox.errors import ConfigurationError
from cryptox.transport.http import Http
from cryptox.transport.messages import Answer, Outgoing
from cryptox.transport.private import is_private, put_on, require_private, without


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


def test_what_signing_put_on_is_known_in_both_its_spellings() -> None:
    unsigned = Outgoing("GET", "https://h/p?symbol=BTCUSDT&token=known", {"accept": "x", "other": "12345678"})
    signed = Outgoing(
        "GET",
        unsigned.url + "&timestamp=12345678901&signature=abcdefg%2Bh%3D",
        {**unsigned.headers, "X-KEY": "k" * 20, "X-Short": "abc"},
    )
    assert put_on(unsigned, signed) == ["k" * 20, "abcdefg%2Bh%3D", "abcdefg+h="]
    form = Outgoing("POST", "https://h/p", body=b"symbol=X")
    assert put_on(form, Outgoing("POST", "https://h/p", body=b"symbol=X&signature=0123456789")) == ["0123456789"]
    assert put_on(form, form) == []


def test_an_answer_does_not_bring_it_back() -> None:
    answer = Answer(502, {"location": "/p?signature=5ecret5ecret"}, b"you sent 5ecret5ecret and k3yk3yk3y", 1.0, 2.0)
    hidden = without(answer, ["5ecret5ecret", "k3yk3yk3y"])
    assert hidden == Answer(502, {"location": "/p?signature=***"}, b"you sent *** and ***", 1.0, 2.0)
