"""User data events: read from recordings and from what the documentation prints, and written as they were."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cryptox.venues.binance.wire.user import (
    AccountPosition,
    Answer,
    BalanceUpdate,
    ExecutionReport,
    ExternalLockUpdate,
    ListStatus,
    Push,
    Request,
    ServerShutdown,
    StreamTerminated,
)
from cryptox.venues.binance.words import ExecutionType, OrderStatus, Side

Exact = (
    ExecutionReport[Decimal]
    | ListStatus
    | AccountPosition[Decimal]
    | BalanceUpdate[Decimal]
    | ExternalLockUpdate[Decimal]
    | StreamTerminated
    | ServerShutdown
)
Text = ExecutionReport[str] | ListStatus | AccountPosition[str] | BalanceUpdate[str] | ExternalLockUpdate[str]


def printed(shared: Path) -> list[Any]:
    """Whole events in section 5 of the sheet; the ones cut short with an ellipsis get a moment."""
    text = (shared / "binance" / "ws-api.md").read_text(encoding="utf-8").split("## 5. Events")[1]
    text = text.replace("…", "1767225600200")
    return [json.loads(found) for found in re.findall(r'\{"e":"(?:[^{}]|\{[^{}]*\})*\}', text)]


def test_printed_events_are_read_and_written_again(shared: Path) -> None:
    kinds = []
    for event in printed(shared):
        if event["e"] == "eventStreamTerminated":
            found: Any = msgspec.convert(event, Exact)
        else:
            found = msgspec.convert(event, Text)
        assert list(json.loads(msgspec.json.encode(found)).items()) == list(event.items())
        kinds.append(event["e"])
    assert sorted(set(kinds)) == [
        "balanceUpdate",
        "eventStreamTerminated",
        "executionReport",
        "externalLockUpdate",
        "listStatus",
        "outboundAccountPosition",
    ]


@pytest.mark.parametrize("name", ["binance_us", "canceled", "new", "trade"])
def test_recorded_reports_are_read(name: str, shared: Path) -> None:
    path = shared / "data" / "nautilus" / "ws_messages" / f"ws_spot_execution_report_{name}.json"
    data = json.loads(path.read_text())["data"]
    report = msgspec.json.decode(json.dumps(data), type=Exact)
    assert isinstance(report, ExecutionReport)
    assert report.side is Side(data["S"])
    assert report.status is OrderStatus(data["X"])
    assert report.execution is ExecutionType(data["x"])
    assert report.filled_quote == Decimal(data["Z"])
    assert (report.commission, report.commission_asset) == (Decimal(data["n"]), data["N"])
    again = msgspec.json.decode(msgspec.json.encode(msgspec.convert(data, ExecutionReport[str])))
    assert list(again.items()) == list(data.items())


@pytest.mark.parametrize(("letter", "word"), [("S", "SOLD"), ("x", "FILLED"), ("X", "DONE"), ("V", "SOMETIMES")])
def test_unknown_words_are_errors(letter: str, word: str, shared: Path) -> None:
    report = next(event for event in printed(shared) if event["e"] == "executionReport")
    with pytest.raises(msgspec.ValidationError, match=word):
        msgspec.convert({**report, letter: word}, Exact)


def test_envelopes() -> None:
    request = Request("a1", "order.place", {"price": "0.10"})
    assert msgspec.json.encode(request) == b'{"id":"a1","method":"order.place","params":{"price":"0.10"}}'
    assert msgspec.json.encode(Request(None, "ping")) == b'{"id":null,"method":"ping"}'
    text = (
        b'{"id":"a2","status":400,"error":{"code":-2010,"msg":"no"},"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT",'
        b'"interval":"MINUTE","intervalNum":1,"limit":6000,"count":3}]}'
    )
    answer = msgspec.json.decode(text, type=Answer)
    assert (answer.id, answer.status) == ("a2", 400)
    assert msgspec.json.encode(answer) == text
    pushed = b'{"subscriptionId":3,"event":{"e":"eventStreamTerminated","E":5}}'
    push = msgspec.json.decode(pushed, type=Push)
    assert msgspec.json.decode(push.event, type=Exact) == StreamTerminated(5)
    assert msgspec.json.encode(push) == pushed
    shutdown = b'{"event":{"e":"serverShutdown","E":5}}'
    assert msgspec.json.encode(msgspec.json.decode(shutdown, type=Push)) == shutdown
