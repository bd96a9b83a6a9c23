"""What was called, what came of it, and the report."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Call", "Campaign", "report"]


@dataclass
class Call:
    """One call, what it said, and what it has sent."""

    kind: str
    session: Any
    key: str
    began: float
    ids: list[str] = field(default_factory=list)  # as the journal has them
    sent: list[str] = field(default_factory=list)  # names of its requests
    stood: frozenset[int] = frozenset()  # orders that were open when it began
    stand: frozenset[int] = frozenset()  # when it ended
    said: Any = None
    ended: float = 0.0
    died: bool = False
    revoked: bool = False  # its key was withdrawn while it was under way, or before
    later: list[str] = field(default_factory=list)  # what a session found out, and when


@dataclass
class Campaign:
    """What was done, and what is wrong afterwards."""

    calls: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    orders: int = 0
    requests: int = 0
    resent: int = 0
    settled: int = 0
    unknown: Counter[str] = field(default_factory=Counter)  # by whether the exchange could be asked
    reach: list[tuple[float, float]] = field(default_factory=list)  # of those partly in reach; seconds, see report
    deaths: int = 0
    streams: int = 0
    events: int = 0
    refused: int = 0  # impossible transitions that streams and answers told of
    seconds: float = 0.0
    passed_s: float = 0.0


def _partly(reach: list[tuple[float, float]]) -> list[str]:
    """Of unknown outcomes for how long the exchange could be asked, all in all and where absence could be proved."""
    if not reach:
        return []
    all_, proving = (sorted(column) for column in zip(*reach, strict=True))
    late = sum(seconds > 0 for seconds in proving)
    return [
        f"  of those in reach      {len(reach)}: for {all_[0]:.1f} to {all_[-1]:.1f} s, median "
        f"{statistics.median(all_):.1f} s, of resolve_timeout; {late} of them also once absence could be proved, "
        f"for {proving[-1]:.1f} s at most",
    ]


def report(campaign: Campaign) -> str:
    """What was done, for the record."""

    def listed(counts: Counter[str]) -> str:
        return ", ".join(f"{name} {number:,}" for name, number in counts.most_common() if number)

    calls, unknown = campaign.calls.total(), campaign.unknown.total()
    lines = [
        f"orders at the exchange   {campaign.orders:,}",
        f"calls                    {calls:,}: {listed(campaign.calls)}",
        f"requests that act        {campaign.requests:,}, of which sent again after -1021: {campaign.resent:,}",
        f"faults                   {campaign.faults.total():,}: {listed(campaign.faults)}",
        f"processes that died      {campaign.deaths:,}; acts settled by the next one: {campaign.settled:,}",
        f"outcomes                 {listed(campaign.outcomes)}",
        f"OutcomeUnknown           {unknown:,} of {calls:,} calls, {unknown / max(1, calls):.2%}: "
        f"{listed(campaign.unknown) or '-'}",
        *_partly(campaign.reach),
        f"user streams             {campaign.streams} with {campaign.events:,} events; told to be impossible: "
        f"{campaign.refused}",
        f"violations               {len(campaign.wrong)}",
        f"duration                 {campaign.seconds:.1f} s"
        + (f", in which {campaign.passed_s / 3600:.1f} h passed" if campaign.passed_s else ""),
    ]
    return "\n".join([*lines, *campaign.wrong[:20]])
