"""What the examples of the documentation run on."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

import cryptox as cx
from cryptox.paper import venue
from cryptox.sync import door


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a page configures, logs and telemetry, is as before after it; providers can be set but once a process."""
    from opentelemetry import metrics, trace

    for api, kind in ((trace, "tracer"), (metrics, "meter")):

        def put(provider: object, api: object = api, kind: str = kind) -> None:
            monkeypatch.setattr(api, f"get_{kind}_provider", lambda: provider)

        monkeypatch.setattr(api, f"set_{kind}_provider", put)
    root = logging.getLogger("cryptox")
    before = list(root.handlers), root.level, root.propagate
    yield
    root.handlers, root.propagate = before[0], before[2]
    root.setLevel(before[1])


@pytest.fixture(scope="module")
def _exchange() -> Iterator[cx.PaperExchange]:
    # The session that stays keeps the address with its limiter: a new one would take what earlier tests have used for
    # the use of others, and hold a bulk call back for them.
    with cx.PaperExchange(clock="2024-06-01 12:00") as exchange, cx.connect(exchange):
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
