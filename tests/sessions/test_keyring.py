"""Keys in a keyring: what is trusted, what is refused, and what is kept for this process only."""

from __future__ import annotations

import json
import logging
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from cryptox.errors import ConfigurationError
from cryptox.sessions import keyring
from cryptox.sessions.session import AsyncSession, open_session

KEYS = {"api_key": "s3ntinelK3y", "secret_key": "s3ntinelS3cret"}


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    yield
    for venue, user in list(keyring.memory._kept):
        keyring.memory.drop(venue, user)


def opened(venue: Any = "binance", **arguments: Any) -> AsyncSession:
    return open_session(venue, environment={}, **arguments)


def name_of(session: AsyncSession) -> str | None:
    return session.signer and session.signer.name()


def clean(text: str) -> None:
    for sentinel in KEYS.values():
        assert sentinel not in text


def backend(module: str, name: str, **more: Any) -> Any:
    """An instance of a class of that name in that module, whether there is one or not."""

    def fail(*_: Any) -> None:
        raise AssertionError(f"{module}.{name} was used")

    methods = dict.fromkeys(("get_password", "set_password", "delete_password"), fail)
    return type(name, (), {"__module__": module, **methods, **more})()


PLAIN = backend("keyrings.alt.file", "PlaintextKeyring")
FAIL = backend("keyring.backends.fail", "Keyring")
NULL = backend("keyring.backends.null", "Keyring")


def chain(*backends: Any) -> Any:
    return backend("keyring.backends.chainer", "ChainerBackend", backends=list(backends))


def test_a_key_comes_back_for_its_user_and_venue_only(keyring_package: Any) -> None:
    keyring.store("binance", "ann", KEYS)
    assert json.loads(keyring_package.backend.kept["cryptox:binance", "ann"]) == KEYS
    assert name_of(opened(user="ann")) == KEYS["api_key"]
    assert opened("binance-testnet", user="ann").signer is None
    assert opened(user="bob").signer is None
    assert opened().signer is None  # without a name nothing is looked up
    assert name_of(opened(user="ann", api_key="other", secret_key="other")) == "other"
    assert keyring.forget("binance", "ann") is True
    assert keyring.forget("binance", "ann") is False
    assert opened(user="ann").signer is None


@pytest.mark.parametrize(
    ("untrusted", "match"),
    [
        (PLAIN, r"\(keyrings.alt.file.PlaintextKeyring\) keeps passwords as plain text"),
        (backend("keyring.backends.file", "UncryptedFileKeyring"), "plain text"),
        (chain(PLAIN), "plain text"),
        (chain(FAIL, PLAIN), "plain text"),
        (FAIL, "no keyring that keeps anything"),
        (NULL, "no keyring that keeps anything"),
        (chain(), "no keyring that keeps anything"),
        (chain(NULL, FAIL), "no keyring that keeps anything"),
    ],
)
def test_what_cannot_be_trusted_is_neither_written_nor_read(keyring_package: Any, untrusted: Any, match: str) -> None:
    keyring_package.backend = untrusted
    with pytest.raises(ConfigurationError, match=match) as caught:
        keyring.store("binance", "ann", KEYS)
    assert any("page on keys" in line for line in caught.value.recovery_suggestions)
    assert opened(user="ann").signer is None
    assert keyring.forget("binance", "ann") is False
    trouble = keyring.keep("binance", "ann", KEYS)
    assert trouble is not None
    clean(str(trouble) + repr(vars(trouble)))
    assert name_of(opened(user="ann")) == KEYS["api_key"]
    assert repr(keyring.memory) == "<keys of 1 users>"
    clean(repr(vars(keyring.memory)))
    assert keyring.forget("binance", "ann") is True


def test_of_a_chain_the_first_that_can_be_trusted_is_used(keyring_package: Any) -> None:
    good = keyring_package.backend
    keyring_package.backend = chain(PLAIN, FAIL, good)
    keyring.store("binance", "ann", KEYS)
    assert list(good.kept) == [("cryptox:binance", "ann")]
    assert name_of(opened(user="ann")) == KEYS["api_key"]


def test_without_the_package_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigurationError, match="not installed") as caught:
        keyring.store("binance", "ann", KEYS)
    assert "pip install 'cryptox[keyring]'" in caught.value.recovery_suggestions
    assert opened(user="ann").signer is None


class Locked(Exception):
    pass


def locked(*_: Any) -> None:
    secret = KEYS["secret_key"]
    raise Locked(f"no, {secret}")


def test_a_keyring_that_is_locked(keyring_package: Any, caplog: pytest.LogCaptureFixture) -> None:
    keyring_package.backend = backend(
        "keyring.backends.SecretService", "Keyring", get_password=locked, set_password=locked
    )
    with caplog.at_level(logging.DEBUG, logger="cryptox"):
        assert opened(user="ann").signer is None
    assert "keyring.unread" in caplog.text
    clean(caplog.text)
    for call in (lambda: keyring.store("binance", "ann", KEYS), lambda: keyring.forget("binance", "ann")):
        with pytest.raises(ConfigurationError, match=r"did not (take|delete) the keys \(Locked\)") as caught:
            call()
        assert caught.value.__context__ is caught.value.__cause__ is None
        clean(str(caught.value) + repr(vars(caught.value)))
    assert keyring.keep("binance", "ann", KEYS) is not None
    assert name_of(opened(user="ann")) == KEYS["api_key"]


def test_a_keyring_whose_own_settings_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    package = types.ModuleType("keyring")
    monkeypatch.setitem(sys.modules, "keyring", package)  # no get_keyring in it
    with pytest.raises(ConfigurationError, match=r"did not open \(AttributeError\)"):
        keyring.store("binance", "ann", KEYS)


@pytest.mark.parametrize(
    "entry", ["s3ntinelS3cret", '["s3ntinelS3cret"]', '{"api_key": 5}', '{"other": "s3ntinelK3y"}']
)
def test_an_entry_that_is_none_of_ours(keyring_package: Any, entry: str) -> None:
    keyring_package.backend.kept["cryptox:binance", "ann"] = entry
    with pytest.raises(ConfigurationError, match="entry for 'ann' on binance cannot be read") as caught:
        opened(user="ann")
    clean(str(caught.value) + repr(vars(caught.value)))


def test_an_exchange_with_accounts_of_its_own_reads_no_keyring(keyring_package: Any) -> None:
    import cryptox as cx

    keyring_package.backend = PLAIN  # which fails when it is used
    with cx.PaperExchange() as exchange:
        keyring.memory.put("paper", "ann", KEYS)
        session = opened(exchange, user="ann")
        assert name_of(session) not in (None, KEYS["api_key"])
