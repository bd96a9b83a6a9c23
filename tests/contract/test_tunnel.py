"""A company's network: HTTPS to the exchange through a proxy's tunnel, under a certificate of the company's own."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import cryptox as cx
from cryptox.errors import NotSent

HOST = "api.exchange.invalid"


class Company(NamedTuple):
    """Its root certificate in a file and in a folder, and the exchange's certificate with its key that it signed."""

    file: Path
    folder: Path
    server: Path


def certificate(name: str, key: Any, issuer: str, signing: Any, *, authority: bool) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    subject, signer = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, one)]) for one in (name, issuer))
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
    )
    if authority:
        usage = dict.fromkeys(("digital_signature", "key_cert_sign", "crl_sign"), True)
        others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
        usage |= dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
        made = made.add_extension(x509.KeyUsage(**usage), critical=True)
    else:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return made.sign(signing, hashes.SHA256())


def hashed(root: x509.Certificate) -> str:
    """The name under which OpenSSL looks for a root in a folder: a hash of its subject without the outer header."""
    digest = hashlib.sha1(root.subject.public_bytes()[2:]).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}.0"


def company(folder: Path, root: str = "the company's root") -> Company:
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    own = certificate(root, root_key, root, root_key, authority=True)
    leaf = certificate(HOST, key, root, root_key, authority=False)
    pem = serialization.Encoding.PEM
    made = Company(folder / "root.pem", folder / "roots", folder / "server.pem")
    made.folder.mkdir(parents=True)
    made.file.write_bytes(own.public_bytes(pem))
    (made.folder / hashed(own)).write_bytes(own.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    made.server.write_bytes(secret + leaf.public_bytes(pem))
    return made


class Network:
    """A proxy that answers CONNECT, and behind it the TLS front of an exchange that itself speaks plain HTTP."""

    def __init__(self, server: Path, exchange_port: int) -> None:
        self._server, self._exchange_port = server, exchange_port
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.asked: list[str] = []  # heads of the requests to the proxy
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._server)
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._tasks: set[Any] = set()
        front = await asyncio.start_server(self._front, "127.0.0.1", 0, ssl=context)
        self._front_port = front.sockets[0].getsockname()[1]
        proxy = await asyncio.start_server(self._proxy, "127.0.0.1", 0)
        self.port = proxy.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        proxy.close()
        front.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _front(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._joined(reader, writer, self._exchange_port)

    async def _proxy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.decode("latin-1"))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await self._joined(reader, writer, self._front_port)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        """Carry bytes both ways until one side ends."""
        task = asyncio.current_task()
        self._tasks.add(task)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            ways = [asyncio.create_task(_carry(*way)) for way in ((reader, far_writer), (far_reader, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            far_writer.close()
            writer.close()
            self._tasks.discard(task)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65_536):
        writer.write(piece)
        await writer.drain()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy, certificate or forced stop of whoever runs the tests."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("CRYPTOX_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def own(tmp_path: Path) -> Company:
    return company(tmp_path / "company")


@pytest.fixture
def network(own: Company, exchange: cx.PaperExchange) -> Iterator[Network]:
    with Network(own.server, exchange.port) as running:
        yield running


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_history_comes_through_the_tunnel(
    variable: str, own: Company, network: Network, exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:pass@127.0.0.1:{network.port}")
    monkeypatch.setenv(variable, str(own.file if variable == "SSL_CERT_FILE" else own.folder))
    with cx.connect(exchange) as session:
        direct = session.klines_bulk("BTCUSDT", "1m", 3000)
    exchange.requests.clear()
    with cx.connect("binance", rest_url=f"https://{HOST}") as session:
        tunnelled = session.klines_bulk("BTCUSDT", "1m", 3000)
        assert tunnelled.equals(direct)
    assert len(exchange.requests.of("klines")) == 3
    # The proxy is asked for the host by its name and given its own password, and sees nothing of the questions.
    assert network.asked
    assert len(network.asked) <= 5
    for head in network.asked:
        assert head.startswith(f"CONNECT {HOST}:443 HTTP/1.1\r\n")
        assert "Proxy-Authorization: Basic bWU6cGFzcw==" in head
        assert "/api" not in head


@pytest.mark.parametrize("trusted", ["the system's", "another company's of the same name"])
def test_a_certificate_that_nobody_vouches_for_is_not_sent_to(
    trusted: str, network: Network, exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{network.port}")
    if trusted != "the system's":
        monkeypatch.setenv("SSL_CERT_FILE", str(company(tmp_path / "other").file))
    began = time.monotonic()
    with cx.connect("binance", rest_url=f"https://{HOST}") as session, pytest.raises(NotSent) as caught:
        session.klines_bulk("BTCUSDT", "1h", 5)
    assert "its certificate is not trusted" in str(caught.value)
    assert any("SSL_CERT_FILE" in one for one in caught.value.recovery_suggestions)
    assert not caught.value.retryable  # the next try would meet the same certificate
    assert len(network.asked) == 1
    assert time.monotonic() - began < session.settings.timeout
    assert exchange.requests.total == 0
