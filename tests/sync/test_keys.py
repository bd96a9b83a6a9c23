"""``cx.keys``: kept, asked for without an echo, forgotten; and never shown."""

from __future__ import annotations

import getpass
import json
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

import cryptox as cx
from cryptox.errors import ConfigurationError, CryptoxError
from cryptox.sessions import keyring

KEY, SECRET, PASSWORD = "s3ntinelK3y", "s3ntinelS3cret", "s3ntinelPa55"
SERVICE = ("cryptox:binance", "ann")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("CRYPTOX_VENUE", "BINANCE_API_KEY", "BINANCE_SECRET_KEY", "BINANCE_PRIVATE_KEY"):
        monkeypatch.delenv(name, raising=False)
    yield
    for venue, user in list(keyring.memory._kept):
        keyring.memory.drop(venue, user)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """``typed("a", "b")``: what the prompts are given; the list fills with what they asked."""

    def answer(*answers: str) -> list[str]:
        left, asked = list(answers), []

        def prompt(text: str) -> str:
            asked.append(text)
            return left.pop(0)

        monkeypatch.setattr(getpass, "getpass", prompt)
        return asked

    return answer


@pytest.fixture
def encrypted(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.write_bytes(
        ed25519.Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(PASSWORD.encode()),
        )
    )
    return path


def clean(error: BaseException) -> None:
    text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    # What stands in this file is the test's own.
    text = text.replace("KEY, SECRET, PASSWORD", "")
    for sentinel in (KEY, SECRET, PASSWORD):
        assert sentinel not in text + repr(vars(error)) + cx.last_error()


def kept(package: Any) -> dict[str, str]:
    found: dict[str, str] = json.loads(package.backend.kept[SERVICE])
    return found


def test_a_key_is_stored_used_replaced_and_forgotten(keyring_package: Any) -> None:
    cx.keys.store("ann", api_key=f" {KEY}\n", secret_key=SECRET)
    assert kept(keyring_package) == {"api_key": KEY, "secret_key": SECRET}
    with cx.connect("binance", user="ann", trading=True) as session:
        assert "user 'ann', trades>" in repr(session)
    cx.keys.store("ann", api_key="other", secret_key=SECRET)
    assert kept(keyring_package)["api_key"] == "other"
    assert cx.keys.forget("ann") is True
    assert cx.keys.forget("ann") is False
    with cx.connect("binance", user="ann") as session:
        assert "reads only" in repr(session)


def test_a_private_key_stays_in_its_file(
    keyring_package: Any, encrypted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(encrypted.parent)
    cx.keys.store("ann", api_key=KEY, private_key="key.pem", private_key_password=PASSWORD)
    assert kept(keyring_package) == {
        "api_key": KEY,
        "private_key": str(encrypted),
        "private_key_password": PASSWORD,
    }
    monkeypatch.chdir(encrypted.parent.parent)
    with cx.connect("binance", user="ann", trading=True) as session:
        assert "trades" in repr(session)
    cx.keys.store("bob", api_key=KEY, private_key=encrypted.read_text(), private_key_password=PASSWORD)
    entry = json.loads(keyring_package.backend.kept["cryptox:binance", "bob"])
    assert entry["private_key"].startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")


def test_the_venue_is_the_environments(keyring_package: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYPTOX_VENUE", "binance-testnet")
    cx.keys.store("ann", api_key=KEY, secret_key=SECRET)
    cx.keys.store("ann", api_key=KEY, secret_key=SECRET, venue="binance-us")
    assert sorted(keyring_package.backend.kept) == [("cryptox:binance-testnet", "ann"), ("cryptox:binance-us", "ann")]
    with cx.connect(user="ann") as session:
        assert "trades" in repr(session)
    assert cx.keys.forget("ann") is True
    assert sorted(keyring_package.backend.kept) == [("cryptox:binance-us", "ann")]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"user": "ann", "venue": "binanse"}, "Did you mean 'binance'"),
        ({"user": "ann", "venue": "paper"}, "paper needs no key"),
        ({"user": ""}, "user must be a name"),
        ({"user": None}, "user must be a name"),
        ({"user": "ann", "api_key": KEY}, "nothing to sign with"),
        ({"user": "ann", "api_key": KEY, "secret_key": SECRET, "private_key": SECRET}, "two keys"),
    ],
)
def test_what_cannot_be_stored(keyring_package: Any, arguments: dict[str, Any], match: str) -> None:
    given = {"api_key": KEY, "secret_key": SECRET, **arguments}
    if "nothing to sign" in match:
        del given["secret_key"]
    with pytest.raises(ConfigurationError, match=match) as caught:
        cx.keys.store(**given)
    del given, arguments
    assert keyring_package.backend.kept == {}
    frames = [frame for frame in traceback.walk_tb(caught.value.__traceback__) if frame[0].f_globals is not globals()]
    assert len(frames) == 1
    for sentinel in (KEY, SECRET):
        assert sentinel not in repr(frames[0][0].f_locals)


def test_no_keyring_is_told_and_the_key_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    keys = iter((KEY, SECRET))
    with pytest.raises(ConfigurationError, match="not installed") as caught:
        cx.keys.store("ann", api_key=next(keys), secret_key=next(keys))
    assert "pip install 'cryptox[keyring]'" in caught.value.recovery_suggestions
    clean(caught.value)
    assert keyring.memory.get("binance", "ann") is None


def test_asking_keeps_a_secret_key(keyring_package: Any, typed: Callable[..., list[str]]) -> None:
    asked = typed(KEY, f"{SECRET}\n")
    assert cx.keys.ask("ann") == "The key of 'ann' on binance is in the keyring."
    assert asked == ["API key of ann on binance: ", "Secret key, or path of the private key's PEM file: "]
    assert kept(keyring_package) == {"api_key": KEY, "secret_key": SECRET}


def test_asking_keeps_a_private_key_and_its_password(
    keyring_package: Any, typed: Callable[..., list[str]], encrypted: Path
) -> None:
    asked = typed(KEY, str(encrypted), PASSWORD)
    cx.keys.ask("ann")
    assert asked[2:] == ["Password of the private key: "]
    assert kept(keyring_package) == {
        "api_key": KEY,
        "private_key": str(encrypted),
        "private_key_password": PASSWORD,
    }


def test_without_a_keyring_what_was_asked_for_is_kept_for_the_process(
    monkeypatch: pytest.MonkeyPatch, typed: Callable[..., list[str]]
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    typed(KEY, SECRET)
    said = cx.keys.ask("ann")
    assert said.startswith("The key of 'ann' on binance is kept until this process ends.")
    assert "not installed" in said
    with cx.connect("binance", user="ann", trading=True) as session:
        assert "trades" in repr(session)
    assert cx.keys.forget("ann") is True


def test_a_key_in_the_keyring_takes_the_place_of_one_of_the_process(
    keyring_package: Any, typed: Callable[..., list[str]]
) -> None:
    keyring.memory.put("binance", "ann", {"api_key": "old", "secret_key": "old"})
    typed(KEY, SECRET)
    cx.keys.ask("ann")
    assert keyring.memory.get("binance", "ann") is None


@pytest.mark.parametrize("answers", [("", SECRET), (KEY, ""), (KEY, f"{SECRET} x"), (KEY, "/no/such/key.pem")])
def test_what_is_no_key_is_not_kept(keyring_package: Any, typed: Callable[..., list[str]], answers: Any) -> None:
    typed(*answers)
    del answers
    with pytest.raises(ConfigurationError) as caught:
        cx.keys.ask("ann")
    assert keyring_package.backend.kept == {}
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__) if frame.f_globals is not globals()]
    assert [frame.f_code.co_name for frame in frames] == ["ask"]
    assert SECRET not in repr(frames[0].f_locals) + repr(vars(caught.value)) + cx.last_error()


class StdinNotImplementedError(NotImplementedError):
    """As a kernel without a front end raises it."""


@pytest.mark.parametrize("error", [EOFError(), StdinNotImplementedError(), OSError("no tty")])
def test_where_nobody_can_be_asked(monkeypatch: pytest.MonkeyPatch, keyring_package: Any, error: Exception) -> None:
    def prompt(_: str) -> str:
        raise error

    monkeypatch.setattr(getpass, "getpass", prompt)
    with pytest.raises(ConfigurationError, match="Nobody can be asked") as caught:
        cx.keys.ask("ann")
    assert "BINANCE_API_KEY" in caught.value.recovery_suggestions[1]


def test_nothing_is_asked_where_it_would_be_shown(monkeypatch: pytest.MonkeyPatch, keyring_package: Any) -> None:
    def prompt(_: str) -> str:
        warnings.warn("can not control echo", getpass.GetPassWarning, stacklevel=2)
        return KEY

    monkeypatch.setattr(getpass, "getpass", prompt)
    with pytest.raises(CryptoxError, match="without showing it"):
        cx.keys.ask("ann")
    assert keyring_package.backend.kept == {}


def test_connecting_never_prompts(monkeypatch: pytest.MonkeyPatch, keyring_package: Any) -> None:
    def prompt(_: str) -> str:
        raise AssertionError("asked")

    monkeypatch.setattr(getpass, "getpass", prompt)
    for venue in ("binance", "binance-testnet"):
        with cx.connect(venue, user="ann") as session:
            assert "reads only" in repr(session)
