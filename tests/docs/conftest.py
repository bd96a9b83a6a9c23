"""What the examples of the documentation run on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import cryptox as cx
from cryptox.paper import venue
from cryptox.sync import door


@pytest.fixture(scope="module")
def _exchange() -> Iterator[cx.PaperExchange]:
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange:
        yield exchange


@pytest.fixture
def frozen(_exchange: cx.PaperExchange, monkeypatch: pytest.MonkeyPatch) -> Iterator[cx.PaperExchange]:
    """A paper exchange at 2024-06-01 12:00, behind the module-level functions; ``connect()`` goes to paper as well."""
    monkeypatch.setenv("CRYPTOX_VENUE", "paper")
    monkeypatch.setattr(venue._embedded, "_exchange", _exchange)  # what "paper" is
    monkeypatch.setattr(door._default, "_session", None)
    session = cx.use(_exchange)
    yield _exchange
    session.close()
    _exchange.faults.clear()
    for user in cx.users():
        cx.disconnect(user)
