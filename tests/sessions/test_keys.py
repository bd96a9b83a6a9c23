"""Where a session's keys come from, and what is refused; no key in any error."""

from __future__ import annotations

import copy
import os
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

import cryptox as cx
from cryptox.errors import ConfigurationError, CryptoxError
from cryptox.sessions.keys import Given, KeyHolder, keyless
from cryptox.sessions.session import AsyncSession, open_session

KEY, SECRET, PASSWORD = "s3ntinelK3y" * 4, "s3ntinelS3cret" * 4, "s3ntinelPa55"
PAPER_FREE = {"BINANCE_API_KEY": KEY, "BINANCE_SECRET_KEY": SECRET}


def pem(key: Any, password: str | None = None) -> str:
    cipher = (
        serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password.encode())
    )
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, cipher).decode()


ED25519 = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(65537, 2048)
PUBLIC = (
    ED25519.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


@pytest.fixture(scope="module")
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        yield exchange


def opened(venue: Any = "binance", environment: dict[str, str] | None = None, **arguments: Any) -> AsyncSession:
    return open_session(venue, environment=environment or {}, **arguments)


def clean(error: BaseException, *more: str) -> None:
    text = str(error) + repr(vars(error))
    for sentinel in (KEY, SECRET, PASSWORD, *more):
        assert sentinel not in text


def test_without_keys_a_session_reads_as_it_always_did() -> None:
    session = opened()
    assert session.signer is None
    assert session.trading is False
    assert repr(session) == "<AsyncSession binance at https://api.binance.com, reads only>"


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"secret_key": SECRET}, "hmac"),
        ({"secret_key": f"\n {SECRET}\r\n"}, "hmac"),
        ({"private_key": pem(ED25519)}, "ed25519"),
        ({"private_key": pem(RSA)}, "rsa"),
        ({"private_key": pem(ED25519, PASSWORD), "private_key_password": PASSWORD}, "ed25519"),
        ({"private_key": pem(RSA, PASSWORD), "private_key_password": PASSWORD}, "rsa"),
    ],
)
def test_keys_given(arguments: dict[str, str], kind: str) -> None:
    session = opened(api_key=f" {KEY} ", **arguments)
    assert session.signer is not None
    assert (session.signer.kind, session.signer.name()) == (kind, KEY)
    assert session.signer is session.signer
    same = opened(api_key=KEY, **arguments)
    if kind != "hmac":
        assert session.signer.sign(b"x") if kind == "ed25519" else True
    assert same.signer is not None
    assert same.signer.sign(b"symbol=BTCUSDT") == session.signer.sign(b"symbol=BTCUSDT")
    assert "reads only" in repr(session)  # money is real here, and trading=True was not said


@pytest.mark.parametrize("as_text", [True, False])
def test_a_private_key_of_a_file(tmp_path: Path, as_text: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key.pem"
    path.write_text(pem(ED25519))
    session = opened(api_key=KEY, private_key=str(path) if as_text else path)
    assert session.signer is not None
    signature = session.signer.sign(b"a")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    home = opened(api_key=KEY, private_key=os.path.join("~", "key.pem"))
    assert home.signer is not None
    assert home.signer.sign(b"a") == signature


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"api_key": KEY}, "nothing to sign with"),
    ({"secret_key": SECRET}, "api_key is missing"),
    ({"private_key": pem(ED25519)}, "api_key is missing"),
    ({"private_key_password": PASSWORD}, "api_key is missing"),
    ({"api_key": KEY, "private_key_password": PASSWORD}, "nothing to sign with"),
    ({"api_key": KEY, "secret_key": SECRET, "private_key": pem(ED25519)}, "two keys"),
    ({"api_key": KEY, "secret_key": SECRET, "private_key_password": PASSWORD}, "belongs to a private key"),
    ({"api_key": KEY, "secret_key": pem(ED25519)}, "looks like a private key in PEM"),
    ({"api_key": "", "secret_key": SECRET}, "api_key is empty"),
    ({"api_key": KEY, "secret_key": " \n"}, "secret_key is empty"),
    ({"api_key": f"{KEY} {KEY}", "secret_key": SECRET}, "character in it that no key has"),
    ({"api_key": KEY, "secret_key": f"{SECRET}\n{SECRET}"}, "character in it that no key has"),
    ({"api_key": KEY, "secret_key": f"{SECRET}ä"}, "character in it that no key has"),
    ({"api_key": KEY, "secret_key": f"{SECRET}\0"}, "character in it that no key has"),
    ({"api_key": 5, "secret_key": SECRET}, "api_key must be text, not an int"),
    ({"api_key": KEY, "secret_key": SECRET.encode()}, "secret_key must be text, not a bytes"),
    ({"api_key": KEY, "private_key": b"x"}, "must be a path or PEM text, not a bytes"),
    ({"api_key": KEY, "private_key": SECRET}, "neither PEM text nor the path"),
    ({"api_key": KEY, "private_key": SECRET + "\0"}, "neither PEM text nor the path"),
    ({"api_key": KEY, "private_key": os.curdir}, "neither PEM text nor the path"),
    ({"api_key": KEY, "private_key": PUBLIC}, "public half"),
    ({"api_key": KEY, "private_key": pem(ED25519)[:60]}, "cannot be read"),
    ({"api_key": KEY, "private_key": pem(ED25519, PASSWORD)}, "no password was given"),
    ({"api_key": KEY, "private_key": pem(ED25519, "other"), "private_key_password": PASSWORD}, "cannot be decrypted"),
    ({"api_key": KEY, "private_key": pem(ED25519), "private_key_password": PASSWORD}, "is not encrypted"),
    ({"api_key": KEY, "private_key": pem(ED25519, PASSWORD), "private_key_password": 5}, "must be text"),
    ({"api_key": KEY, "private_key": pem(ec.generate_private_key(ec.SECP256R1()))}, "neither Ed25519 nor RSA"),
    ({"api_secret": SECRET, "api_key": KEY}, "Did you mean 'secret_key'"),
    ({"apiKey": KEY}, "Did you mean 'api_key'"),
    ({"passphrase": PASSWORD}, "There is no setting 'passphrase'"),
]


@pytest.mark.parametrize(("arguments", "match"), REFUSED)
def test_what_is_no_key_is_refused_and_not_told(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match) as caught:
        opened(**arguments)
    assert caught.value.recovery_suggestions
    clean(caught.value, "BEGIN PRIVATE")


@pytest.mark.parametrize("password", [None, PASSWORD])
def test_a_password_that_is_missing_or_wrong_is_what_the_advice_is_about(password: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        opened(api_key=KEY, private_key=pem(ED25519, "other"), private_key_password=password)
    assert "private_key_password" in caught.value.recovery_suggestions[0]
    assert "BINANCE_PRIVATE_KEY_PASSWORD" in caught.value.recovery_suggestions[0]


def test_a_file_that_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "id.pem"
    path.write_text(SECRET)
    with pytest.raises(ConfigurationError, match="not a private key in PEM") as caught:
        opened(api_key=KEY, private_key=path)
    clean(caught.value)


def test_keys_of_the_environment_are_of_one_venue_and_of_sessions_without_a_user(tmp_path: Path) -> None:
    hmac = {"BINANCE_API_KEY": KEY, "BINANCE_SECRET_KEY": SECRET}
    assert (opened(environment=hmac).signer or KeyHolder()).__class__.__name__ == "Signer"
    assert opened(None, environment=hmac).signer is not None
    assert opened("binance-testnet", environment=hmac).signer is None
    assert opened("binance", environment={**hmac, "CRYPTOX_VENUE": "binance-testnet"}).signer is None
    assert opened(None, environment={**hmac, "CRYPTOX_VENUE": "binance-testnet"}).signer is not None
    assert opened(environment=hmac, user="ann").signer is None
    other = opened(environment=hmac, api_key="other", secret_key="other")
    assert other.signer is not None
    assert other.signer.name() == "other"
    path = tmp_path / "key.pem"
    path.write_text(pem(RSA, PASSWORD))
    private = {
        "BINANCE_API_KEY": KEY,
        "BINANCE_PRIVATE_KEY": str(path),
        "BINANCE_PRIVATE_KEY_PASSWORD": PASSWORD,
    }
    found = opened(environment=private).signer
    assert found is not None
    assert found.kind == "rsa"
    # The password belongs to the key beside it.
    assert opened(environment={**hmac, "BINANCE_PRIVATE_KEY_PASSWORD": PASSWORD}).signer is not None
    assert opened(environment={"BINANCE_API_KEY": "", "BINANCE_SECRET_KEY": ""}).signer is None


@pytest.mark.parametrize(
    ("environment", "match"),
    [
        ({"BINANCE_API_KEY": KEY}, "BINANCE_API_KEY is given, but nothing to sign with"),
        ({"BINANCE_SECRET_KEY": SECRET}, "BINANCE_API_KEY is missing"),
        ({**PAPER_FREE, "BINANCE_PRIVATE_KEY": SECRET}, "BINANCE_SECRET_KEY and BINANCE_PRIVATE_KEY are two keys"),
        ({"BINANCE_API_KEY": KEY, "BINANCE_PRIVATE_KEY": f"/no/{SECRET}"}, "BINANCE_PRIVATE_KEY is neither"),
    ],
)
def test_half_a_key_in_the_environment_is_named_by_its_variable(environment: dict[str, str], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match) as caught:
        opened(environment=environment)
    clean(caught.value)
    opened("binance-testnet", environment=environment)  # not its venue


def test_paper_reads_no_environment_and_gives_an_account(exchange: cx.PaperExchange) -> None:
    environment = {**PAPER_FREE, "CRYPTOX_VENUE": "paper"}
    first, second = (opened(exchange, environment=environment) for _ in range(2))
    assert first.signer is not None
    assert second.signer is not None
    assert first.signer.name() not in (KEY, second.signer.name())
    assert first.signer.kind == "hmac"
    assert "trades" in repr(first)
    assert "reads only" in repr(opened(exchange, trading=False))


def test_a_session_that_only_reads_makes_no_account() -> None:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        with cx.connect(exchange) as session:
            assert len(session.klines("BTCUSDT", "1h", 3)) == 3
            assert "trades" in repr(session)
        assert exchange._state.accounts.accounts == {}


def test_a_named_users_paper_account_outlives_his_session(exchange: cx.PaperExchange) -> None:
    names = []
    for user in ("ann", "bob", "ann"):
        session = opened(exchange, user=user)
        assert session.signer is not None
        names.append(session.signer.name())
        session.retire("over")
    assert names[0] == names[2] != names[1]
    with cx.PaperExchange() as other:
        session = opened(other, user="ann")
        assert session.signer is not None
        assert session.signer.name() != names[0]


def test_one_session_has_one_account_however_many_threads_ask(exchange: cx.PaperExchange) -> None:
    session, found = opened(exchange), []
    threads = [threading.Thread(target=lambda: found.append(session.signer)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_trading_where_money_is_real_is_said(exchange: cx.PaperExchange) -> None:
    keys = {"api_key": KEY, "secret_key": SECRET}
    assert [opened(trading=flag, **keys).trading for flag in (None, True, False)] == [False, True, False]
    assert "trades" in repr(opened(trading=True, **keys))
    assert [opened("binance-us", trading=flag, **keys).trading for flag in (None, True)] == [False, True]
    assert [opened("binance-testnet", trading=flag, **keys).trading for flag in (None, True, False)] == [
        True,
        True,
        False,
    ]
    assert [opened(exchange, trading=flag).trading for flag in (None, True, False)] == [True, True, False]
    moved = opened(rest_url=exchange.rest_url, **keys)
    assert moved.trading is False
    with pytest.raises(ConfigurationError, match="trading=True wants a key"):
        opened(trading=True)


@pytest.mark.parametrize("end", ["close", "retire"])
def test_a_session_that_has_ended_has_no_key(exchange: cx.PaperExchange, end: str) -> None:
    session = opened(exchange)
    assert session.signer is not None
    if end == "close":
        cx.run(session.close())
    else:
        session.retire("over")
    assert session.signer is None
    assert "reads only" in repr(session)


def test_keys_go_to_no_address_in_the_open() -> None:
    with pytest.raises(ConfigurationError, match="https or wss only") as caught:
        opened(rest_url="http://192.0.2.1:80", api_key=KEY, secret_key=SECRET)
    clean(caught.value)
    assert opened(rest_url="http://192.0.2.1:80").signer is None


def test_the_default_session_keeps_its_keys_and_its_trading(exchange: cx.PaperExchange) -> None:
    faces = [cx.use(exchange, trading=False)]
    first: AsyncSession = faces[0]._session
    name = first.signer and first.signer.name()

    def use(**arguments: Any) -> AsyncSession:
        faces.append(cx.use(**arguments))  # a face that nobody holds closes its session
        core: AsyncSession = faces[-1]._session
        return core

    second = use(frame="polars")
    assert second.signer is first.signer is not None
    assert (second.trading, second.form) == (False, ("polars", False))
    assert use(trading=True).trading is True
    first.retire("over")
    assert second.signer is not None  # its own, though it came from the first
    third = use(api_key=KEY, secret_key=SECRET, frame="pandas")
    assert third.signer is not None
    assert third.signer.name() == KEY
    third.retire("over")
    fourth = use()
    assert fourth.signer is not None
    assert fourth.signer.name() not in (KEY, name)


@pytest.mark.parametrize("connect", [cx.connect, cx.aio.connect, cx.use])
@pytest.mark.parametrize("arguments", [one for one, _ in REFUSED])
def test_the_public_frame_of_a_refusal_holds_no_key(connect: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(CryptoxError) as caught:
        connect("binance", **arguments)
    frame, held = caught.value.__traceback__, []
    while frame is not None:
        if frame.tb_frame.f_code.co_filename != __file__:
            held.append(repr(frame.tb_frame.f_locals))
        frame = frame.tb_next
    assert len(held) == 1
    for sentinel in (KEY, SECRET, PASSWORD, "BEGIN"):
        assert sentinel not in held[0]
    clean(caught.value)
    assert caught.value.__cause__ is None


def test_keys_are_neither_shown_nor_pickled_nor_copied() -> None:
    given = Given(api_key=KEY, secret_key=SECRET)
    holder = opened(api_key=KEY, secret_key=SECRET)._keys
    for one in (given, holder):
        assert KEY not in repr(one)
        assert SECRET not in repr(one)
        with pytest.raises(TypeError):
            pickle.dumps(one)
        with pytest.raises(TypeError):
            copy.deepcopy(one)
    assert repr(given) == "<keys: given>"
    assert repr(Given()) == "<keys: none>"
    assert repr(holder) == "<key: one>"
    assert repr(KeyHolder()) == "<key: none>"


def test_a_sessions_card_says_what_its_repr_says(exchange: cx.PaperExchange) -> None:
    with cx.connect("binance", user="<ann>", api_key=KEY, secret_key=SECRET, trading=True) as session:
        card = session._repr_html_()
        for word in ("Session", "binance", "https://api.binance.com", "&lt;ann&gt;", "trades"):
            assert word in card
        assert KEY not in card
        assert SECRET not in card
    assert "This session is closed." in session._repr_html_()
    assert "reads only" in session._repr_html_()
    core = opened(exchange, trading=False)
    assert "AsyncSession" in core._repr_mimebundle_()["text/html"]
    assert "user" not in core._repr_html_()


def test_what_to_do_without_a_key() -> None:
    error = keyless("binance", "ann")
    assert "'ann' has no key on binance" in str(error)
    assert "cx.keys.ask('ann', venue='binance')" in error.recovery_suggestions[0]
    assert "BINANCE_API_KEY" in keyless("binance", None).recovery_suggestions[-1]
