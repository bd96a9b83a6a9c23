"""No key, secret, password or signature in anything that can be seen, whatever fails: every kind of key, both faces."""

from __future__ import annotations

import asyncio
import copy
import io
import json
import logging
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

import cryptox as cx
from cryptox import portal
from cryptox.errors import (
    AuthenticationError,
    ConfigurationError,
    CryptoxError,
    ExchangeError,
    NetworkError,
    NotSent,
    RateLimited,
)
from cryptox.transport.crypto import Signer
from cryptox.transport.retry import Retry

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "s3ntinelPa55w0rd"
KINDS = ("hmac", "ed25519", "rsa")
ACCOUNT = "/api/v3/account"


@dataclass
class Secrets:
    """Keys of an account of an exchange, and every text that must not be seen."""

    arguments: dict[str, str]
    texts: set[str] = field(default_factory=set)

    def absent(self, text: str) -> None:
        assert len(self.texts) >= 3
        for secret in self.texts:
            for spelling in (secret, quote(secret, safe="")):
                assert spelling not in text


def private_key(kind: str) -> Any:
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else rsa.generate_private_key(65537, 2048)


def pem_of(key: Any) -> str:
    cipher = serialization.BestAvailableEncryption(PASSWORD.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, cipher).decode()


def public_of(key: Any) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def made(exchange: cx.PaperExchange, kind: str) -> Secrets:
    """An account that a key of that kind opens."""
    first = exchange.create_account()
    if kind == "hmac":
        return Secrets({"api_key": first.api_key, "secret_key": first.secret_key}, {*first})
    key = private_key(kind)
    pem = pem_of(key)
    api_key = exchange.add_key(first.api_key, public_of(key)).api_key
    lines = {line for line in pem.splitlines() if "-----" not in line}
    return Secrets(
        {"api_key": api_key, "private_key": pem, "private_key_password": PASSWORD}, {api_key, PASSWORD, *lines}
    )


@pytest.fixture
def exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange() as exchange:
        yield exchange


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def secrets(exchange: cx.PaperExchange, kind: str, monkeypatch: pytest.MonkeyPatch) -> Secrets:
    """Signatures are added as they are made."""
    found = made(exchange, kind)
    sign = Signer.sign

    monkeypatch.setattr(Retry, "pause_s", lambda *_, **__: None)  # one try shows what many would

    def note(self: Signer, payload: bytes) -> str:
        signature = sign(self, payload)
        found.texts.add(signature)
        return signature

    monkeypatch.setattr(Signer, "sign", note)
    return found


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """At DEBUG, asyncio's own words on our loop included."""

    async def debug(on: bool) -> None:
        asyncio.get_running_loop().set_debug(on)

    caplog.set_level(logging.DEBUG)
    for name in ("asyncio", "aiohttp", "aiohttp.client", "cryptox"):
        caplog.set_level(logging.DEBUG, logger=name)
    portal.run(debug(True))
    yield
    portal.run(debug(False))


FAULTS: dict[str, tuple[type[CryptoxError], dict[str, Any]]] = {
    "timeout": (NetworkError, {"kind": "drop"}),
    "reset": (NetworkError, {"kind": "reset", "at": "start"}),
    "reset in the body": (NetworkError, {"kind": "reset", "at": "body"}),
    "html 502": (NetworkError, {"kind": "status", "code": 502, "body": "html"}),
    "redirect": (CryptoxError, {"kind": "status", "code": 302, "location": "http://127.0.0.1:9/elsewhere"}),
    "fewer bytes": (NetworkError, {"kind": "truncate", "how": "length"}),
    "cut body": (ExchangeError, {"kind": "truncate", "how": "body"}),
    "html with 200": (ExchangeError, {"kind": "body", "how": "html"}),
    "broken gzip": (CryptoxError, {"kind": "body", "how": "gzip"}),
    "its time": (AuthenticationError, {"kind": "status", "error_code": -1021}),
    "its rights": (AuthenticationError, {"kind": "status", "error_code": -2015}),
    "limit": (RateLimited, {"kind": "limit", "code": 429, "retry_after": 60}),
}


def wrong(given: Mapping[str, str]) -> dict[str, str]:
    """A key of the same kind that the exchange does not know, under the name of one that it knows."""
    if "secret_key" in given:
        return {**given, "secret_key": "s3ntinelWr0ng" * 5}
    return {**given, "private_key": pem_of(private_key("ed25519" if len(given["private_key"]) < 500 else "rsa"))}


def seen(error: BaseException) -> str:
    """All that tools show of an error."""
    from rich.console import Console
    from rich.traceback import Traceback

    page = io.StringIO()
    Console(file=page, width=400).print(
        Traceback.from_exception(
            type(error), error, error.__traceback__, show_locals=True, locals_max_string=10**6, locals_max_length=10**4
        )
    )
    parts = [repr(error), str(error), repr(vars(error)), cx.last_error(), page.getvalue()]
    parts.append("".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()))
    parts += [pickle.dumps(one).decode("latin-1") for one in (error, copy.copy(error))]
    if isinstance(error, CryptoxError):
        parts += [error._repr_html_() or "", *error._render_traceback_(), *error.recovery_suggestions]
    return "\n".join(parts)


def caught(work: Callable[[], Any]) -> CryptoxError:
    """The error of a piece of work; this frame holds nothing else."""
    with pytest.raises(CryptoxError) as found:
        work()
    return found.value


def asynchronously(session: Any) -> Callable[[], Any]:
    async def main() -> None:
        try:
            await session.account()
        finally:
            await session.close()

    return lambda: asyncio.run(main(), debug=True)


def both(venue: Any, given: Mapping[str, str], **settings: Any) -> Iterator[Callable[[], Any]]:
    """The same failing call of the blocking and of the asynchronous face."""
    with cx.connect(venue, **given, **settings) as session:
        yield session.account
    yield asynchronously(cx.aio.connect(venue, **given, **settings))


@pytest.mark.parametrize("name", FAULTS)
def test_a_failure_shows_nothing(
    exchange: cx.PaperExchange, secrets: Secrets, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    expected, fault = FAULTS[name]
    about = dict(fault)
    exchange.faults.add(about.pop("kind"), path=ACCOUNT, **about)
    for work in both(exchange, secrets.arguments, timeout=1.0 if name == "timeout" else 10.0):
        error = caught(work)
        assert isinstance(error, expected)
        assert not isinstance(error, NotSent)
        secrets.absent(seen(error))
    secrets.absent(caplog.text + "-")
    assert any(one.path == ACCOUNT for one in exchange.requests)


@pytest.mark.parametrize("name", ["timeout", "reset", "html 502", "redirect", "cut body", "its rights", "limit"])
def test_an_order_that_fails_shows_nothing(
    exchange: cx.PaperExchange,
    secrets: Secrets,
    name: str,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CRYPTOX_STATE", str(tmp_path))
    about = dict(FAULTS[name][1])
    with cx.connect(exchange, order_timeout=1.0, resolve_timeout=0.5, **secrets.arguments) as session:
        session.place_order(
            "BTCUSDT", "buy", quantity="0.001", price=round(session.prices("BTCUSDT").price.iloc[0] * 0.9)
        )
        exchange.faults.add(about.pop("kind"), path="/api/v3/order", **about)
        error = caught(lambda: session.buy("BTCUSDT", "0.001", round(session.prices("BTCUSDT").price.iloc[0] * 0.9)))
        secrets.absent(seen(error) + str(session.unresolved()))
        assert error.context["client_order_id"]
    secrets.absent(caplog.text + "-")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    secrets.absent("".join(path.read_text(encoding="utf-8") for path in files))


@pytest.mark.parametrize("case", ["signature", "key"])
def test_a_refused_key_shows_nothing(
    exchange: cx.PaperExchange, secrets: Secrets, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    given = {**secrets.arguments, "api_key": "s3ntinelK3y" * 6} if case == "key" else wrong(secrets.arguments)
    secrets.texts.update(value for value in given.values() if "\n" not in value)
    for work in both(exchange, given):
        error = caught(work)
        assert isinstance(error, AuthenticationError)
        secrets.absent(seen(error))
    secrets.absent(caplog.text + "-")


def test_nobody_there_shows_nothing(secrets: Secrets, exchange: cx.PaperExchange) -> None:
    url = exchange.rest_url
    with cx.connect("binance", rest_url=url, timeout=2, **secrets.arguments) as session:
        session.account()
        exchange.stop()
        secrets.absent(seen(caught(session.account)))


def test_a_session_that_has_ended_shows_nothing(exchange: cx.PaperExchange, secrets: Secrets) -> None:
    session = cx.connect(exchange, user="ann", **secrets.arguments)
    session.account()
    session.close()
    error = caught(session.account)
    assert isinstance(error, ConfigurationError)
    secrets.absent(seen(error) + repr(session))


def attributes(thing: Any, depth: int, found: dict[int, Any]) -> None:
    """Everything that can be reached by attributes and items; what functions enclose is out of reach."""
    if (
        id(thing) in found
        or depth < 0
        or isinstance(thing, type)
        or (callable(thing) and not hasattr(thing, "__dict__"))
    ):
        return
    found[id(thing)] = thing
    if isinstance(thing, str | bytes | int | float | type(None)):
        return
    if isinstance(thing, Mapping):
        children = [*thing.keys(), *thing.values()]
    elif isinstance(thing, list | tuple | set | frozenset):
        children = list(thing)
    else:
        names = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
        children = [getattr(thing, name, None) for name in names if isinstance(name, str)]
        children += list(getattr(thing, "__dict__", {}).values())
    for child in children:
        attributes(child, depth - 1, found)


def test_a_session_holds_its_key_where_nothing_shows_it(exchange: cx.PaperExchange, secrets: Secrets) -> None:
    with cx.connect("binance", rest_url=exchange.rest_url, user="ann", trading=True, **secrets.arguments) as session:
        assert session.account().can_trade
        core = session._session
        text = [repr(session), repr(vars(session)), repr(core), repr(vars(core)), str(core._repr_mimebundle_())]
        text += [repr(session.settings), repr(session.venue), repr(vars(session.venue)), repr(core.signer)]
        found: dict[int, Any] = {}
        attributes(session, 12, found)
        assert len(found) > 50
        text += [one if isinstance(one, str) else repr(one) for one in found.values() if isinstance(one, str | bytes)]
        secrets.absent("\n".join(text))
        assert "user 'ann', trades>" in repr(session)
        for act in (pickle.dumps, copy.deepcopy):
            for thing in (session, core, core.signer, core._keys):
                with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
                    act(thing)


def test_the_search_would_find_a_key(exchange: cx.PaperExchange) -> None:
    secrets = made(exchange, "hmac")
    secrets.texts.add("x" * 10)
    for text in (secrets.arguments["api_key"], f"a{secrets.arguments['secret_key']}b"):
        with pytest.raises(AssertionError):
            secrets.absent(text)
    holder = type("Holder", (), {})()
    holder.inner = [{"a": secrets.arguments["secret_key"]}]
    found: dict[int, Any] = {}
    attributes(holder, 5, found)
    assert secrets.arguments["secret_key"] in [one for one in found.values() if isinstance(one, str)]


PROGRAM = """
import asyncio, io, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

shell = InteractiveShell.instance()
for mode in ("Verbose", "Context"):
    shell.run_line_magic("xmode", mode)
    for cell in (
        "import cryptox as cx\\nsession = cx.connect(trading=True)\\nsession",
        "session.account()",
        "try:\\n    session.balances()\\nexcept Exception as error:\\n    raise RuntimeError('mine') from error",
        "async def work():\\n    async with cx.aio.connect() as mine:\\n        await mine.account()\\ncx.run(work())",
        "session.close(); session.account()",
        "print(cx.last_error())",
    ):
        with capture_output() as out:
            result = shell.run_cell(cell)
        print(mode, repr(cell), out.stdout, out.stderr, *[str(one.data) for one in out.outputs], result.error_in_exec)
"""


def environment_of(exchange: cx.PaperExchange, secrets: Secrets, folder: Path) -> dict[str, str]:
    """The keys in the environment, as a hub would give them."""
    given = secrets.arguments
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BINANCE_", "CRYPTOX_"))}
    found = {**kept, "BINANCE_API_URL": exchange.rest_url, "BINANCE_API_KEY": given["api_key"]}
    if "secret_key" in given:
        found["BINANCE_SECRET_KEY"] = given["secret_key"]
    else:
        path = folder / "key.pem"
        path.write_text(given["private_key"], encoding="utf-8")
        found |= {"BINANCE_PRIVATE_KEY": str(path), "BINANCE_PRIVATE_KEY_PASSWORD": PASSWORD}
    places = {name: str(folder / name) for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    return {**found, **places, "PYTHONPATH": str(ROOT), "PYTHONASYNCIODEBUG": "1"}


def test_ipython_shows_nothing_in_any_of_its_modes(
    exchange: cx.PaperExchange, secrets: Secrets, tmp_path: Path
) -> None:
    exchange.faults.add("status", error_code=-1022, path=ACCOUNT)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", PROGRAM],
        env=environment_of(exchange, secrets, tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("trades>") >= 2
    assert done.stdout.count("AuthenticationError") >= 6
    assert done.stdout.count("This session is closed") >= 2
    secrets.texts |= {one.params["signature"] for one in exchange.requests if "signature" in one.params}
    secrets.absent(done.stdout + done.stderr)


def test_a_saved_notebook_holds_nothing(exchange: cx.PaperExchange, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    secrets = made(exchange, "ed25519")
    exchange.faults.add("reset", at="start", path=ACCOUNT, after=1)
    cells = [
        "import logging, cryptox as cx\ncx.logs.configure('DEBUG')\nsession = cx.connect(trading=True)\nsession",
        "session.account()",
        "session.balances()",
        "session.live",
        "print(cx.last_error())\nsession.close()",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(book, tmp_path / "book.ipynb")
    program = (
        "import nbformat, nbclient; book = nbformat.read('book.ipynb', 4);"
        "nbclient.NotebookClient(book, timeout=80, allow_errors=True).execute(); nbformat.write(book, 'done.ipynb')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment_of(exchange, secrets, tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "done.ipynb").read_text(encoding="utf-8")
    outputs = json.dumps([cell.get("outputs") for cell in json.loads(text)["cells"]])
    assert "trades>" in outputs
    assert "may trade" in outputs
    assert "NetworkError" in outputs
    secrets.texts |= {one.params["signature"] for one in exchange.requests if "signature" in one.params}
    secrets.absent(text + done.stdout + done.stderr)
