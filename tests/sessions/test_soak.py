"""A short soak: it finds nothing wrong, and would find what it looks for. The long one is a benchmark."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cryptox.sessions import resolution

PROGRAMS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(PROGRAMS))
    import soak

    yield soak
    for name in ("soak", "crowd", "live_campaign", "vitals"):
        sys.modules.pop(name, None)


@pytest.mark.slow
def test_a_short_soak_is_well(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolution, "SETTLED_MS", 400.0)  # what becomes of orders is known sooner
    monkeypatch.setattr(resolution, "APART_S", 0.1)
    said: list[str] = []
    soak = asyncio.run(
        program.run(
            minutes=0.05, seed=3, every_s=1.0, bulk_s=1.0, pause_s=(0.05, 0.3), candles=2_000, say=said.append,
            order_timeout=1.0, order_recv_window=1_000,
        )
    )  # fmt: skip
    assert soak.wrong == []
    assert len(soak.calls) > 10
    assert soak.received > 100
    assert soak.downloads["whole"] >= 1
    assert len(soak.samples) >= 2
    assert said[0].split()[-1] == "health"
    assert "fault" in said[-1]
    assert "memory" in program.report(soak)


def test_it_finds_what_is_not_so(program: Any) -> None:
    call = program.Call
    calls = [
        call(0, "place", "a", 1),
        call(0, "place", "b", 2),  # is not there
        call(1, "place", "c", None, "OrderRejected"),  # is there
        call(1, "place", "d", None, "OutcomeUnknown"),
        call(0, "cancel", "a", 1),  # stands
    ]
    truth = [[0, "a", 1, "NEW"], [1, "c", 3, "NEW"], [1, "d", 4, "NEW"], [1, "d", 5, "NEW"], [1, "e", 6, "NEW"]]
    told = program.untrue(calls, truth)
    assert [why.split(" ")[0] + " " + why.split(" ")[1] for why in told] == [
        "(1, 'd')", "(1, 'e')", "place b", "place c", "cancel a",
    ]  # fmt: skip
    assert program.untrue([call(0, "place", "a", 1), call(0, "cancel", "a", 1)], [[0, "a", 1, "CANCELED"]]) == []


def test_a_rise_is_not_bent_by_single_values(program: Any) -> None:
    points = [(float(at), 100.0 + 0.2 * at) for at in range(20)]
    points[7] = (7.0, 500.0)
    assert program.rise(points) == pytest.approx(0.2)
    assert program.rise(points[:1]) is None
