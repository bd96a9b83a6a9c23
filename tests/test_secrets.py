"""What is hidden, and what is not."""

from __future__ import annotations

import pytest

from cryptox._secrets import is_secret, scrub


@pytest.mark.parametrize(
    "text",
    [
        "signature=SENTINEL",
        "https://h/p?symbol=X&signature=SENTINEL&x=1",
        "X-MBX-APIKEY: SENTINEL",
        "{'X-MBX-APIKEY': 'SENTINEL'}",
        '{"secretKey": "SENTINEL"}',
        "api_key=SENTINEL, other=1",
        "Authorization: Bearer SENTINEL",
        "password=SENTINEL",
        "listenKey=SENTINEL",
        "-----BEGIN PRIVATE KEY-----\nSENTINEL\nSENTINEL\n-----END PRIVATE KEY-----",
        "connect(private_key='-----BEGIN ENCRYPTED PRIVATE KEY-----\\nSENTINEL\\n",
        'BINANCE_PRIVATE_KEY="-----BEGIN RSA PRIVATE KEY-----\nSENTINEL\n-----END RSA PRIVATE KEY-----"',
        "BINANCE_PRIVATE_KEY_PASSWORD=SENTINEL",
        'cx.connect("binance", api_key="SENTINEL", secret_key="SENTINEL")',
    ],
)
def test_values_of_secrets_are_hidden(text: str) -> None:
    assert "SENTINEL" not in scrub(text)
    assert "***" in scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----",
        "symbol=KEYUSDT",
        "Signature for this request is not valid.",
        "price: 1",
        "a key",
        "two PRIVATE KEYS",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert scrub(text) == text


def test_names() -> None:
    for name in ("api_key", "apiKey", "X-MBX-APIKEY", "secret", "private_key", "key", "Authorization", "listenKey"):
        assert is_secret(name), name
    for name in ("symbol", "keys_count", "monkey", "weight"):
        assert not is_secret(name), name
