"""The pages of the paper exchange name what it has, with the numbers that it has."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import cryptox as cx
from cryptox.model.time import to_ms
from cryptox.paper import clock, control, fault_kinds, floods, process, sockets, symbols, weights
from cryptox.paper.exchange import PaperExchange
from cryptox.paper.faults import Actions
from cryptox.paper.market import Listing
from cryptox.paper.streams import bars, hub, look, opening, pump
from cryptox.paper.streams import connection as streams
from cryptox.paper.wsapi import api
from cryptox.paper.wsapi import connection as calls
from cryptox.venues.binance.channels import ARRAYS, CHANNELS, SBE_CHANNELS, SBE_FASTER_FROM_MS
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.methods import METHODS

DOCS = Path(__file__).resolve().parents[2] / "docs"

COUNTED = {
    "MAX_NUM_ORDERS": "maxNumOrders",
    "MAX_NUM_ALGO_ORDERS": "maxNumAlgoOrders",
    "MAX_NUM_ORDER_LISTS": "maxNumOrderLists",
    "MAX_NUM_ORDER_AMENDS": "maxNumOrderAmends",
}


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def missing(names: list[str], text: str) -> list[str]:
    """The names that no page has in code."""
    words = set(re.findall(r"[\w@.+!<>-]+", " ".join(re.findall(r"`([^`\n]+)`", text))))
    return [name for name in names if name not in words]


def test_all_arguments_are_told() -> None:
    names = [name for name in inspect.signature(cx.PaperExchange).parameters if name != "market"]
    assert len(names) > 12
    assert missing(names, page("paper")) == []


def test_all_options_of_the_command_are_told() -> None:
    options = [one for action in process._parser()._actions for one in action.option_strings if one.startswith("--")]
    assert len(options) > 12
    told = page("paper") + page("paper/faults")
    assert [one for one in options if one != "--help" and not re.search(rf"{one}\b(?!-)", told)] == []


def test_all_faults_are_told() -> None:
    text = page("paper/faults")
    settings = [name for kind in fault_kinds.KINDS.values() for name in kind]
    assert missing([*fault_kinds.KINDS, *settings, *fault_kinds.REACH], text) == []
    deeds = [name for name in control.DEEDS if f"`faults.{name}(" not in text]
    assert deeds == []
    assert set(control.DEEDS) <= {name for name in dir(Actions) if not name.startswith("_")} | {"trip_limit"}
    assert [name for name in control._COMMANDS if f'`{{"{name}": ' not in text] == []
    assert control.TOKEN_HEADER in text


def test_all_streams_are_told() -> None:
    text = page("paper/streams")
    plain = [name for name in CHANNELS if "@" not in name and not name.startswith("kline_")]
    shown = re.findall(r"`([^`\n]+)`", text[text.index("| stream |") : text.index("The streams are updated")])
    forms = {name.removeprefix("<symbol>@") for name in shown}
    forms |= {f"depth{levels}" for levels in forms if levels.isdecimal()} | {f"ticker{one}" for one in ("_4h", "_1d")}
    assert [name for name in plain if name not in forms] == []
    assert {"kline_<interval>", "@+08:00", "@100ms", "@depth@100ms"} <= forms
    arrays = {re.sub("_(1h|4h|1d)@", "_<window>@", name) for name in ARRAYS}
    assert sorted(arrays - forms) == []


def test_all_sbe_streams_are_told_with_their_speeds() -> None:
    text = page("paper/streams")
    rows = {name: numbers(text, f"`<symbol>@{name}` | `") for name in SBE_CHANNELS}
    speeds = {name: channel.every_ms for name, channel in SBE_CHANNELS.items() if channel.every_ms}
    assert speeds.keys() == {"depth20", "depth"}
    assert [name for name, every_ms in speeds.items() if f" {every_ms} ms" not in rows[name]] == []
    assert to_ms("2026-08-04 07:00", now_ms=0) == SBE_FASTER_FROM_MS
    assert "2026-08-04 07:00 UTC" in rows["depth"]
    assert f"looked at every {hub.SBE_TICK_US // 1_000} ms" in " ".join(text.split())
    assert opening.SBE_PATH == "/sbe"


def test_all_methods_that_only_the_websocket_api_has_are_told() -> None:
    own = [name for name, method in METHODS.items() if method.twin is None]
    assert len(own) == 7
    assert [name for name in own if f"`{name}`" not in page("paper/streams")] == []


def numbers(text: str, begins: str) -> str:
    """The row of a table that begins so."""
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {begins}")]
    return row.replace(",", "")


def test_the_limits_are_those_of_the_code() -> None:
    text = page("paper")
    for kind, windows in weights._STANDARD.items():
        for amount, _ in windows:
            assert re.search(rf"\b{amount}\b", numbers(text, f"`{kind}`")), kind
    usual = {name: one.default for name, one in inspect.signature(PaperExchange).parameters.items()}
    assert f"{usual['ban_after']}; {usual['ban_seconds']:g}" in numbers(text, "`limits`")
    assert f"{usual['ping_every']:g}; {usual['connection_life']:g}" in numbers(text, "`ping_every`")


@pytest.mark.parametrize(
    ("begins", "words"),
    [
        ("connection attempts", f"{sockets.Connects().amount} in {sockets.Connects().seconds / 60:g} minutes"),
        ("streams of a connection", f"{opening.MOST_STREAMS}"),
        ("what a client of the streams", f"{streams.MOST_SAID} a second"),
        ("connections of an address", f"{floods.MOST_FLOODS} within {floods.WITHIN_S:g} seconds"),
        ("life of a connection", f"at most {sockets.MOST_NOTICE_S:g} seconds"),
        ("a message of a client", f"{sockets.MOST_INCOMING // 2**20} MiB"),
        ("a client that does not read", f"{sockets.MOST_WAITING // 2**20} MiB"),
        ("requests of one connection", f"{calls.MOST_AT_ONCE}"),
        ("weight of opening", f"{api.OPENING_WEIGHT}"),
    ],
)
def test_the_timers_are_those_of_the_code(begins: str, words: str) -> None:
    assert f" {words}" in numbers(page("paper/streams"), begins)


def test_a_jump_is_as_long_as_told() -> None:
    text = page("paper/streams").replace(",", "")
    assert clock.JUMP_US == 10 * 60_000_000
    assert "more than ten minutes" in text
    assert f"more than {look.MOST_TRADES}" in " ".join(text.split())
    assert f"{clock.JUMP_US / 1e6 / pump.LEAST_S:.0f} times" in " ".join(text.split())
    assert to_ms("2200-01-01", now_ms=0) == clock.END_US // 1_000
    assert "1970 to 2199" in page("paper")
    assert f"the newest {bars.MOST_BARS}" in text
    assert sockets.PONGS == 3


def test_the_filters_are_those_of_the_code() -> None:
    text = page("paper/model")
    listing = Listing("BTCUSDT", "BTC", "USDT", 0, None, "TRADING", -2, -5, ())
    found = {one["filterType"]: one for one in symbols.filters_of(listing)}
    assert missing(list(found), text) == []
    counts = [found[name][key] for name, key in COUNTED.items()]
    assert f"| {' '.join(map(str, counts))} |" in numbers(text, "`MAX_NUM_ORDERS`")
    assert f"{float(found['NOTIONAL']['minNotional']):g} to 9000000 USDT" in numbers(text, "`NOTIONAL`")


def test_the_codes_of_our_own_choice_are_codes() -> None:
    text = page("paper/model")
    chosen = {int(code) for code in re.findall(r"-\d{4}", text[text.index("## Decided here") :])}
    assert len(chosen) > 10
    assert sorted(chosen - set(Code)) == []
