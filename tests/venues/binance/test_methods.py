"""The table of WebSocket API methods against the sheet of the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance.methods import METHODS, Access, find_method

# not served: margin only, and what was removed in 2026
ABSENT = {"userDataStream.subscribe.listenToken", "userDataStream.start"}


def documented(shared: Path) -> dict[str, tuple[str, str]]:
    """Weight and security by method, read from the table of section 2."""
    text = (shared / "binance" / "ws-api.md").read_text(encoding="utf-8")
    section = text.split("## 2. Methods")[1].split("## 3.")[0]
    found: dict[str, tuple[str, str]] = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 4 or cells[0] in ("Method", "---") or cells[0].startswith("**"):
            continue
        names = re.sub(r"\(.*?\)", "", cells[0])
        base = ""
        for name in re.split(r"[,/]", names):
            name = name.strip()
            if name.startswith("."):
                name = base + name
            else:
                base = name.rsplit(".", 1)[0]
            found[name] = (cells[2], cells[3])
    return found


def test_every_documented_method_is_there_and_no_other(shared: Path) -> None:
    assert set(documented(shared)) - ABSENT == set(METHODS)


def test_security_is_as_documented(shared: Path) -> None:
    for name, (_, security) in documented(shared).items():
        if name in ABSENT or name.startswith(("session.", "userDataStream.")):
            continue
        expected = Access.OPEN if security == "N" else Access.SIGNED
        assert METHODS[name].access is expected, name
    own = {name: one.access for name, one in METHODS.items() if one.twin is None}
    assert own == {
        "session.logon": Access.LOGON,
        "session.status": Access.OPEN,
        "session.logout": Access.OPEN,
        "session.subscriptions": Access.OPEN,
        "userDataStream.subscribe": Access.SESSION,
        "userDataStream.subscribe.signature": Access.ALWAYS_SIGNED,
        "userDataStream.unsubscribe": Access.OPEN,
    }


def test_plain_weights_are_as_documented(shared: Path) -> None:
    seen = 0
    for name, (weight, _) in documented(shared).items():
        if name in METHODS and re.fullmatch(r"\d+( each.*)?|1→0", weight):
            assert METHODS[name].cost({"symbol": "BTCUSDT"}) == int(re.split(r"\D", weight)[0]), name
            seen += 1
    assert seen > 35


@pytest.mark.parametrize(
    ("name", "params", "weight"),
    [
        ("depth", {"limit": "5000"}, 250),
        ("openOrders.status", {}, 80),
        ("ticker.24hr", {}, 80),
        ("order.test", {"computeCommissionRates": "true"}, 20),
        ("myTrades", {"orderId": "1"}, 5),
    ],
)
def test_weights_follow_the_parameters(name: str, params: dict[str, str], weight: int) -> None:
    assert METHODS[name].cost(params) == weight


def test_names_are_found_with_and_without_prefix() -> None:
    found = find_method("v3/order.place")
    assert found is not None
    assert found.twin is ep.NEW_ORDER
    assert find_method("order.place") is found
    assert find_method("v1/order.place") is None
    assert find_method("Order.place") is None
    assert find_method("v3/v3/ping") is None
