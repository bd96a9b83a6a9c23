"""Findings and reports: what they say in text, how the whole is judged, nothing secret."""

from __future__ import annotations

import pytest

from cryptox.model.doctor import Finding, Report, Verdict

FINE = Finding(Verdict.OK, "REST", "https://host answers in 12 ms")
SLOW = Finding(Verdict.WARNING, "clock", "3 s ahead of the exchange's", ("Synchronise it.",))
DARK = Finding(Verdict.UNKNOWN, "region", "nobody said")
DEAD = Finding(Verdict.PROBLEM, "streams", "no connection\x1b[2J\nsecond line", ("Look at it.", "api_key=sentinel"))


@pytest.mark.parametrize(
    ("findings", "verdict", "summary"),
    [
        ((), Verdict.OK, "nothing was looked at"),
        ((FINE,), Verdict.OK, "1 ok"),
        ((FINE, SLOW), Verdict.WARNING, "1 warning, 1 ok"),
        ((FINE, SLOW, DARK), Verdict.UNKNOWN, "1 warning, 1 unknown, 1 ok"),
        ((DARK, DEAD, FINE, SLOW, SLOW), Verdict.PROBLEM, "1 problem, 2 warnings, 1 unknown, 1 ok"),
    ],
)
def test_the_worst_counts(findings: tuple[Finding, ...], verdict: Verdict, summary: str) -> None:
    report = Report(findings)
    assert (report.verdict, report.summary) == (verdict, summary)
    assert report.problems == tuple(one for one in findings if one is DEAD)


def test_a_report_is_a_collection_with_names() -> None:
    report = Report((FINE, SLOW))
    assert list(report) == [FINE, SLOW]
    assert len(report) == 2
    assert report["clock"] is SLOW
    with pytest.raises(KeyError, match="moon"):
        report["moon"]


def test_the_text_has_a_line_for_each_and_moves_no_cursor() -> None:
    assert repr(Report((FINE, SLOW, DEAD))).splitlines() == [
        "✔ ok       REST     https://host answers in 12 ms",
        "▲ warning  clock    3 s ahead of the exchange's",
        "                    → Synchronise it.",
        "✘ problem  streams  no connection\\x1b[2J\\nsecond line",
        "                    → Look at it.",
        "                    → api_key=***",
        "1 problem, 1 warning, 1 ok",
    ]
    assert repr(DEAD) == "✘ problem: streams: no connection\\x1b[2J\\nsecond line"
