"""What the environment says, what is missing from it, and what is mistyped: told before anything is sent."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import cryptox as cx
from cryptox.errors import ConfigurationError, NotSent

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("tail", ["", "/", "/api/v3", "/api/v3/", "/api"])
def test_the_address_of_the_environment(tail: str, exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINANCE_API_URL", exchange.rest_url + tail)
    with cx.connect("binance") as session:
        assert len(session.klines("BTCUSDT", "1h", 3)) == 3
    assert {one.path for one in exchange.requests} == {"/api/v3/time", "/api/v3/klines"}
    with cx.connect("binance-testnet") as other:  # only ``binance`` is moved
        assert "127.0.0.1" not in repr(other)


def test_the_venue_of_the_environment(exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYPTOX_VENUE", "binance-testnet")
    with cx.connect() as session:
        assert session.venue.name == "binance-testnet"
    monkeypatch.setenv("CRYPTOX_VENUE", "binanse")
    with pytest.raises(ConfigurationError, match="Did you mean 'binance'") as caught:
        cx.connect()
    assert caught.value.recovery_suggestions[0].startswith("CRYPTOX_VENUE in the environment says so")
    assert exchange.requests.total == 0


def test_a_mistyped_name_of_the_package() -> None:
    for wrong, right in (("get_klines", "klines"), ("kline", "klines"), ("symbol_info", "symbol")):
        with pytest.raises(AttributeError, match=rf"has no attribute '{wrong}'\. Did you mean '{right}'\?$"):
            getattr(cx, wrong)
    with pytest.raises(AttributeError, match=r"'_klines'$"):
        _ = cx._klines  # type: ignore[attr-defined]  # a program looks, nobody is to be told


def test_a_user_who_is_not_connected() -> None:
    with pytest.raises(ConfigurationError, match=r"^'zoe' is not connected\.") as caught:
        cx.disconnect("zoe")
    assert caught.value.recovery_suggestions[0].endswith("cx.connect(..., user='zoe') connects one.")


@pytest.mark.parametrize("url", ["ftp://example.org", "example.org", "http://", "http://a:b@host", "http://h:99999"])
def test_an_address_that_is_none(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINANCE_API_URL", url)
    with pytest.raises(ConfigurationError) as caught:
        cx.connect("binance")
    assert "b@host" not in str(caught.value)


@pytest.mark.parametrize(
    ("venue", "near"), [("binnance", "binance"), ("Paper", "paper"), ("testnet", "binance-testnet"), ("kraken", None)]
)
def test_a_mistyped_venue(venue: str, near: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        cx.connect(venue)
    if near is not None:
        assert near in str(caught.value)
    assert "binance-us" in caught.value.recovery_suggestions[0]


@pytest.mark.parametrize(
    "settings",
    [{"timout": 5}, {"timeout": 0}, {"timeout": "ten"}, {"encoding": "xml"}, {"max_in_flight": 0}, {"weight_share": 2}],
)
def test_settings_that_are_none(settings: dict[str, object], exchange: cx.PaperExchange) -> None:
    with pytest.raises(ConfigurationError):
        cx.connect(exchange, **settings)
    assert exchange.requests.total == 0


BLOCKED = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
BLOCKED = sys.argv[1]
sys.meta_path.insert(0, Blocker())
import cryptox as cx
with cx.PaperExchange(clock="2024-06-01 12:00:30", symbols=["BTCUSDT"]) as exchange, cx.connect(exchange) as session:
    for backend, exact in (("arrow", False), ("pandas", True), ("polars", False)):
        try:
            session.klines_bulk("BTCUSDT", "1h", 5, frame=backend, exact=exact)
            print(backend, "works", exchange.requests.total > 0)
        except cx.errors.ConfigurationError as error:
            print(backend, "refused", exchange.requests.total, "pip install" in " ".join(error.recovery_suggestions))
        exchange.requests.clear()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("package", "refused"), [("pyarrow", ["arrow", "pandas"]), ("polars", ["polars"])])
def test_a_missing_package_is_told_before_anything_is_sent(package: str, refused: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, package], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    for backend, line in zip(("arrow", "pandas", "polars"), done.stdout.splitlines(), strict=True):
        assert line == (f"{backend} refused 0 True" if backend in refused else f"{backend} works True")


@pytest.mark.parametrize("name", ["klines", "klines_bulk"])
def test_where_nothing_was_ever_reached_the_first_call_soon_says_what_to_do(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket.socket()) as taken:  # a port that nobody listens at
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("BINANCE_API_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with cx.connect("binance") as session, pytest.raises(NotSent) as caught:
            getattr(session, name)("BTCUSDT", "1h", 5)
    assert caught.value.context["attempts"] == 4
    assert "cx.use('paper')" in caught.value.recovery_suggestions[-1]
