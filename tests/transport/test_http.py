"""HTTP over real sockets: every way an answer can fail to come is one of our errors."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import ipaddress
import logging
import socket
import ssl
import struct
import time

import pytest

from cryptox.errors import ConfigurationError, ExchangeError, NetworkError, NotSent
from cryptox.transport.http import Http
from cryptox.transport.messages import Answer, Outgoing


async def ask(url: str, *, deadline_s: float = 5.0, proxy: str | None = None, times: int = 1, **request) -> Answer:
    http = Http(timeout_s=5.0, max_connections=16, proxy=proxy)
    try:
        for _ in range(times):
            answer = await http.send(
                Outgoing(
                    request.get("method", "GET"),
                    url,
                    **{key: value for key, value in request.items() if key != "method"},
                ),
                deadline_s=deadline_s,
            )
        return answer
    finally:
        await http.aclose()


def says(data: bytes):
    async def talk(head, reader, writer) -> None:
        writer.write(data)

    return talk


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_an_answer_comes_whole_with_lower_case_headers(serve, reply) -> None:
    async def main() -> None:
        data = reply(b"[1,2]", "X-MBX-USED-WEIGHT-1M: 12", "Content-Type: application/json;charset=UTF-8")
        async with serve(says(data)) as server:
            before = time.monotonic()
            answer = await ask(server.url + "/api/v3/klines?symbol=1%E5%B8%81&x=a%2Fb", headers={"X-Own": "yes"})
            assert (answer.status, answer.body, answer.content_type) == (200, b"[1,2]", "application/json")
            assert answer.headers["x-mbx-used-weight-1m"] == "12"
            assert before <= answer.sent_at <= answer.received_at <= time.monotonic()
            head = server.heads[0]
            assert head.startswith("GET /api/v3/klines?symbol=1%E5%B8%81&x=a%2Fb HTTP/1.1\r\n")  # not re-encoded
            assert "X-Own: yes" in head
            assert "Accept-Encoding: identity" in head
            assert "Cookie" not in head

    asyncio.run(main())


def test_a_body_is_sent_and_no_content_type_invented(serve, reply) -> None:
    async def talk(head, reader, writer) -> None:
        body = await reader.readexactly(5)
        writer.write(reply(body[::-1]))

    async def main() -> None:
        async with serve(talk) as server:
            answer = await ask(server.url + "/x", method="POST", body=b"hello")
            assert answer.body == b"olleh"
            assert "content-type" not in server.heads[0].lower()

    asyncio.run(main())


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "404 None", "418 Teapot", "503 Busy"])
def test_any_status_is_an_answer_and_no_redirect_is_followed(serve, reply, status) -> None:
    async def main() -> None:
        async with serve(says(reply(b"x", "Location: /elsewhere", status=status))) as server:
            answer = await ask(server.url + "/here")
            assert answer.status == int(status[:3])
            assert len(server.heads) == 1

    asyncio.run(main())


def test_refused_connection_is_not_sent() -> None:
    with pytest.raises(NotSent) as caught:
        asyncio.run(ask(f"http://127.0.0.1:{free_port()}/x?signature=SECRET"))
    assert caught.value.context["sent"] is False
    assert caught.value.__cause__ is not None
    assert "SECRET" not in repr(caught.value.__dict__) + str(caught.value)


def test_unknown_host_is_not_sent() -> None:
    with pytest.raises(NotSent, match="name cannot be resolved"):
        asyncio.run(ask("http://no-such-host.invalid/x"))
    with pytest.raises(NotSent, match=r"the proxy cannot be reached \(its name cannot be resolved\)"):
        asyncio.run(ask("http://exchange.invalid/x", proxy="http://no-such-proxy.invalid:3128"))


def test_an_address_that_is_no_url_is_not_sent() -> None:
    with pytest.raises(NotSent):
        asyncio.run(ask("ftp://127.0.0.1/x"))


def test_no_free_connection_in_time_is_not_sent(serve, reply) -> None:
    async def slow(head, reader, writer) -> None:
        await asyncio.sleep(1.0)
        writer.write(reply(b""))

    async def main() -> None:
        async with serve(slow) as server:
            http = Http(timeout_s=5.0, max_connections=1, proxy=None)
            first = asyncio.ensure_future(http.send(Outgoing("GET", server.url + "/a"), deadline_s=3))
            await asyncio.sleep(0.05)
            with pytest.raises(NotSent, match="no connection in time"):
                await http.send(Outgoing("GET", server.url + "/b"), deadline_s=0.2)
            assert (await first).status == 200
            assert len(server.heads) == 1
            await http.aclose()

    asyncio.run(main())


def reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"])
def test_a_reset_is_a_network_error_after_sending(serve, part) -> None:
    async def talk(head, reader, writer) -> None:
        writer.write(part)
        await writer.drain()
        reset(writer)

    async def main() -> None:
        async with serve(talk) as server:
            with pytest.raises(NetworkError) as caught:
                await ask(server.url + "/api?signature=SECRET", method="POST")
            assert not isinstance(caught.value, NotSent)
            assert caught.value.context["sent"] is True
            assert "SECRET" not in repr(caught.value.__dict__) + str(caught.value)

    asyncio.run(main())


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_nothing_is_repeated_by_itself_on_a_dead_kept_connection(serve, reply, method) -> None:
    async def talk(head, reader, writer) -> None:
        if b"/dead" in head:
            reset(writer)
            return
        writer.write(reply(b""))

    async def main() -> None:
        async with serve(talk) as server:
            http = Http(timeout_s=5.0, max_connections=1, proxy=None)
            await http.send(Outgoing("GET", server.url + "/first"), deadline_s=2)
            with pytest.raises(NetworkError) as caught:
                await http.send(Outgoing(method, server.url + "/dead"), deadline_s=2)
            assert caught.value.context["sent"] is True
            assert [head.split()[1] for head in server.heads] == ["/first", "/dead"]
            await http.aclose()

    asyncio.run(main())


ZIPPED = gzip.compress(b"0123456789" * 1000)
DAMAGED = ZIPPED[:20] + b"\xff\xff\xff\xff" + ZIPPED[24:]


@pytest.mark.parametrize(
    ("body", "length", "encoding"),
    [
        (b"abc", 9, "identity"),
        (DAMAGED, None, "gzip"),
        (ZIPPED[:-9], None, "gzip"),
        (b"not zipped at all", None, "gzip"),
        (b"abc", None, "br"),
    ],
    ids=["cut", "damaged-gzip", "gzip-ends-early", "no-gzip", "unasked-encoding"],
)
def test_a_broken_body_is_a_network_error_after_sending(serve, reply, body, length, encoding) -> None:
    async def talk(head, reader, writer) -> None:
        writer.write(reply(body, f"Content-Encoding: {encoding}", length=length))
        await writer.drain()
        writer.close()

    async def main() -> None:
        async with serve(talk) as server:
            with pytest.raises(NetworkError) as caught:
                await ask(server.url + "/x")
            assert caught.value.context["sent"] is True

    asyncio.run(main())


def test_garbage_instead_of_http_is_a_network_error(serve) -> None:
    async def main() -> None:
        async with serve(says(b"SSH-2.0-OpenSSH\r\n\r\n")) as server:
            with pytest.raises(NetworkError) as caught:
                await ask(server.url + "/x")
            assert caught.value.context["sent"] is True

    asyncio.run(main())


def test_gzip_is_undone_also_in_several_members(serve, reply) -> None:
    async def main() -> None:
        body = gzip.compress(b"one,") + gzip.compress(b"two")
        async with serve(says(reply(body, "Content-Encoding: gzip"))) as server:
            answer = await ask(server.url + "/x", headers={"accept-encoding": "gzip"})
            assert answer.body == b"one,two"
            assert "gzip" in server.heads[0]

    asyncio.run(main())


def test_a_gzip_bomb_and_a_huge_body_are_exchange_errors(serve, reply) -> None:
    async def main() -> None:
        bomb = gzip.compress(bytes(65 * 2**20), 1)
        async with serve(says(reply(bomb, "Content-Encoding: gzip"))) as server:
            with pytest.raises(ExchangeError, match="64 MiB"):
                await ask(server.url + "/x")
        async with serve(says(reply(b"", length=65 * 2**20))) as server:
            with pytest.raises(ExchangeError, match="64 MiB"):
                await ask(server.url + "/x")

    asyncio.run(main())


def test_a_slow_drip_ends_at_the_deadline(serve) -> None:
    async def drip(head, reader, writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async def main() -> None:
        async with serve(drip) as server:
            began = time.monotonic()
            with pytest.raises(NetworkError, match=r"within 0\.3 s") as caught:
                await ask(server.url + "/x", deadline_s=0.3)
            assert 0.25 < time.monotonic() - began < 15  # of twenty
            assert caught.value.context["sent"] is True

    asyncio.run(main())


def test_loopback_never_goes_through_a_proxy(serve, reply, monkeypatch) -> None:
    async def main() -> None:
        async with serve(says(reply(b"proxy"))) as proxy, serve(says(reply(b"direct"))) as server:
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            for host in ("127.0.0.1", "localhost"):
                assert (await ask(f"http://{host}:{server.port}/x", proxy=proxy.url)).body == b"direct"
            assert (await ask(server.url + "/x")).body == b"direct"
            assert proxy.heads == []

    asyncio.run(main())


@pytest.mark.parametrize("way", ["argument", "HTTP_PROXY", "all_proxy"])
def test_other_hosts_go_through_the_proxy(serve, reply, monkeypatch, way) -> None:
    async def main() -> None:
        async with serve(says(reply(b"proxy"))) as proxy:
            address = f"http://me:pass@127.0.0.1:{proxy.port}"
            if way != "argument":
                monkeypatch.setenv(way, address)
            answer = await ask("http://exchange.invalid/api?x=1", proxy=address if way == "argument" else None)
            assert answer.body == b"proxy"
            assert proxy.heads[0].startswith("GET http://exchange.invalid/api?x=1 HTTP/1.1")
            assert "Proxy-Authorization: Basic bWU6cGFzcw==" in proxy.heads[0]
            assert "gzip" in proxy.heads[0]

    asyncio.run(main())


def test_https_asks_the_proxy_to_connect_and_its_no_is_not_sent(serve, reply, monkeypatch) -> None:
    async def main() -> None:
        async with serve(says(reply(b"", status="403 Forbidden"))) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            with pytest.raises(NotSent, match="the proxy answered 403"):
                await ask("https://exchange.invalid/api")
            assert proxy.heads[0].startswith("CONNECT exchange.invalid:443 HTTP/1.1")

    asyncio.run(main())


def test_a_dead_proxy_is_not_sent_and_its_password_stays_hidden(monkeypatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:SECRET@127.0.0.1:{free_port()}")
    with pytest.raises(NotSent, match="proxy cannot be reached") as caught:
        asyncio.run(ask("https://exchange.invalid/api"))
    assert "SECRET" not in repr(caught.value.__dict__) + str(caught.value)


def test_nothing_is_logged_with_its_query(serve, reply, caplog) -> None:
    async def main() -> None:
        async with serve(says(reply(b""))) as server:
            await ask(server.url + "/x?signature=SECRET")

    caplog.set_level(logging.DEBUG)
    asyncio.run(main())
    assert "SECRET" not in caplog.text


@pytest.fixture
def certificate(tmp_path):
    """A self-made certificate for localhost: the PEM with its key, and the PEM to trust."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    trust, both = tmp_path / "company.pem", tmp_path / "server.pem"
    trust.write_bytes(pem)
    both.write_bytes(secret + pem)
    return trust, both


def test_company_certificates_are_honoured(serve, reply, monkeypatch, certificate) -> None:
    trust, both = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)

    async def main() -> None:
        async with serve(says(reply(b"safe")), ssl=context) as server:
            url = f"https://localhost:{server.port}/x"
            with pytest.raises(NotSent, match="certificate is not trusted"):
                await ask(url)
            assert server.heads == []
            monkeypatch.setenv("SSL_CERT_FILE", str(trust))
            assert (await ask(url, times=2)).body == b"safe"

    asyncio.run(main())


def test_certificates_that_cannot_be_read_are_a_configuration_error(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        asyncio.run(ask(f"https://localhost:{free_port()}/x"))


def test_many_first_requests_do_not_wait_for_each_other(serve, reply) -> None:
    arrived, all_there = [], asyncio.Event()

    async def talk(head, reader, writer) -> None:
        arrived.append(head)
        if len(arrived) == 16:
            all_there.set()
        await all_there.wait()  # none is answered before the last has arrived
        writer.write(reply(b""))

    async def main() -> None:
        async with serve(talk) as server:
            http = Http(timeout_s=30.0, max_connections=16, proxy=None)
            await asyncio.gather(*(http.send(Outgoing("GET", server.url + f"/{n}"), deadline_s=30) for n in range(16)))
            assert server.connections == 16
            await http.aclose()

    asyncio.run(main())


def test_a_closed_pool_sends_nothing() -> None:
    async def main() -> None:
        http = Http(timeout_s=1.0, max_connections=1, proxy=None)
        await http.aclose()
        with pytest.raises(NotSent, match="closed"):
            await http.send(Outgoing("GET", "http://127.0.0.1:1/"), deadline_s=1)

    asyncio.run(main())
