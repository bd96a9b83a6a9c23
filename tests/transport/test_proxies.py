"""Which proxy a host gets."""

from __future__ import annotations

import pytest

from cryptox.errors import ConfigurationError
from cryptox.transport.proxies import Proxies, is_loopback

PROXY = "http://proxy.invalid:3128"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("LOCALHOST.", True), ("a.localhost", True), ("127.0.0.1", True), ("127.9.9.9", True),
     ("::1", True), ("[::1]", True), ("localhost.example", False), ("10.0.0.1", False), ("127.0.0.1.nip.io", False)],
)  # fmt: skip
def test_loopback_by_its_text(host, expected) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [("*", "api.exchange.invalid", True), ("exchange.invalid", "api.exchange.invalid", True),
     (".exchange.invalid", "api.exchange.invalid", True), ("*.exchange.invalid", "api.exchange.invalid", True),
     ("change.invalid", "api.exchange.invalid", False), ("api.exchange.invalid:443", "api.exchange.invalid", True),
     ("api.exchange.invalid:8443", "api.exchange.invalid", False), ("10.0.0.0/8", "10.1.2.3", True),
     ("other.invalid, 10.1.2.3", "10.1.2.3", True), ("192.168.0.0/16", "10.1.2.3", False), ("", "10.1.2.3", False)],
)  # fmt: skip
def test_no_proxy(monkeypatch, no_proxy, host, direct) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert Proxies().choose("https", host, 443) == (None if direct else PROXY)


def test_the_scheme_s_own_proxy_goes_before_all_and_is_read_once(monkeypatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "all.invalid:1")
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    proxies = Proxies()
    monkeypatch.delenv("HTTPS_PROXY")
    assert proxies.choose("https", "x.invalid", None) == PROXY
    assert proxies.choose("http", "x.invalid", None) == "http://all.invalid:1"
    assert Proxies(PROXY).choose("http", "x.invalid", None) == PROXY


def test_a_socks_proxy_is_a_configuration_error_without_its_password(monkeypatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://me:SECRET@proxy.invalid:1080")
    with pytest.raises(ConfigurationError, match=r"socks5://proxy\.invalid") as caught:
        Proxies().choose("https", "x.invalid", None)
    assert "SECRET" not in str(caught.value)
    with pytest.raises(ConfigurationError):
        Proxies("socks5://proxy.invalid:1080")


@pytest.mark.parametrize("proxy", ["http://me:SECRET@host:80x80", "http://me:SECRET@[::1", "http://h:99999", "http://"])
def test_what_is_no_address_is_a_configuration_error(monkeypatch, proxy) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ConfigurationError, match="must be an HTTP proxy") as caught:
        Proxies().choose("https", "x.invalid", None)
    assert "SECRET" not in str(caught.value)
    assert "None" not in str(caught.value)
    with pytest.raises(ConfigurationError):
        Proxies(proxy)
