"""An exchange, and somebody else with the same account."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cryptox as cx
from cryptox.sessions import userline

sys.path.insert(0, str(Path(__file__).parents[1]))
from listener import LIMITS
from outsider import Outsider


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"SILENCE_S": 0.4, "PONG_S": 0.3, "CAP_S": 0.3, "OFFLINE_CAP_S": 0.3}.items():
        monkeypatch.setattr(userline, name, seconds)


@pytest.fixture
def exchange() -> Iterator[Any]:
    with cx.PaperExchange(limits=LIMITS) as made:
        yield made


@pytest.fixture
def outsider(exchange: Any) -> Iterator[Outsider]:
    made = Outsider(exchange, exchange.create_account({"USDT": 1_000_000, "BTC": 20, "BNB": 5}))
    yield made
    made.close()
