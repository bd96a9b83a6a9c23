"""Every line of the doctor's report with every verdict it can have, from facts alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cryptox.errors import (
    AuthenticationError,
    Banned,
    ClockSkew,
    ConfigurationError,
    CryptoxError,
    ExchangeError,
    NetworkError,
    NotSent,
    RateLimited,
)
from cryptox.model.account import KeyRights
from cryptox.model.diagnosis import (
    Clock,
    Key,
    Proxied,
    Trial,
    Weight,
    judged_binary,
    judged_clock,
    judged_endpoint,
    judged_journal,
    judged_key,
    judged_limits,
    judged_proxy,
    judged_region,
    judged_session,
)
from cryptox.model.doctor import Finding

OK, WARNING, PROBLEM, UNKNOWN = "ok", "warning", "problem", "unknown"
UNGIVEN = ConfigurationError("not known", recovery_suggestions=["Give it."])
REST = Trial(2.0)  # the same question, in JSON
FULL = KeyRights(reads=True, trades=True, withdraws=False, bound=True)


def refused(status: int, kind: type[CryptoxError] = ExchangeError) -> Trial:
    return Trial(error=kind(f"HTTP {status}", context={"status": status}))


def endpoint(trial: Trial) -> Finding:
    return judged_endpoint("REST", "https://host", trial, 8.0)


def key(rights: KeyRights | None = FULL, error: CryptoxError | None = None, **more: Any) -> Finding:
    told = {"trading": True, "real_money": True, "account_trades": None, **more}
    account_trades = told.pop("account_trades")
    return judged_key(Key(rights, account_trades), error, **told)


CASES: list[tuple[Finding, str, str, str]] = [
    (judged_session(ConfigurationError("no", recovery_suggestions=["Do."])), PROBLEM, "no", "Do."),
    (endpoint(Trial(12.4)), OK, "https://host answers in 12 ms", ""),
    (endpoint(Trial(2_000.0)), OK, "in 2,000 ms", ""),
    (endpoint(Trial(2_001.0)), WARNING, "answers slowly, in 2,001 ms", "orders are as slow"),
    (endpoint(Trial()), UNKNOWN, "did not answer in time", "within 8 s"),
    (endpoint(Trial(error=NotSent("No connection"))), PROBLEM, "https://host: No connection", "Nothing was sent"),
    (endpoint(refused(503, NetworkError)), PROBLEM, "HTTP 503", "Check the connection"),
    (endpoint(Trial(error=UNGIVEN, is_given=False)), WARNING, "not known", "Give it."),
    (endpoint(Trial(error=UNGIVEN)), PROBLEM, "https://host: not known", "Give it."),
    (endpoint(Trial(error=RateLimited("full", retry_after=7))), UNKNOWN, "left alone for another 7 s", "Then run"),
    (judged_binary(Trial(3.0), "application/sbe", "auto", rest=REST), OK, "in binary", ""),
    (judged_binary(Trial(3.0), "application/json", "auto", rest=REST), WARNING, "application/json", "same frames"),
    (judged_binary(Trial(3.0), "application/json", "sbe", rest=REST), PROBLEM, "application/json", 'encoding="auto"'),
    (judged_binary(refused(406), "", "auto", rest=REST), WARNING, "refuses binary", "same frames"),
    (judged_binary(refused(406), "", "sbe", rest=REST), PROBLEM, "refuses binary", 'encoding="auto"'),
    (judged_binary(refused(451), "", "auto", rest=refused(451)), UNKNOWN, "nothing was answered", "REST"),
    (judged_binary(refused(451), "", "sbe", rest=refused(451)), UNKNOWN, "nothing was answered", "REST"),
    (judged_binary(refused(400), "", "auto", rest=refused(400)), UNKNOWN, "nothing was answered", "REST"),
    (judged_binary(Trial(), "", "sbe", rest=REST), UNKNOWN, "nothing was answered", "REST"),
    (judged_binary(Trial(error=NotSent("no")), "", "auto", rest=REST), UNKNOWN, "nothing was answered", "REST"),
    (judged_region([Trial(1.0), Trial()]), OK, "served", ""),
    (judged_region([Trial(1.0), refused(451)]), PROBLEM, "451", "paper"),
    (judged_region([refused(403, NetworkError), Trial(2.0)]), PROBLEM, "firewall", "VPN"),
    (judged_region([Trial(), Trial(error=NotSent("no"))]), UNKNOWN, "nobody said", "lines"),
    (judged_clock(None), UNKNOWN, "could not be read", "REST"),
    (judged_clock(Clock(0.0, 5.0, steady=False)), UNKNOWN, "stands or races", "Nothing to do"),
    (judged_clock(Clock(1_000.0, 0.0)), OK, "within 1,000 ms", ""),
    (judged_clock(Clock(-1_400.0, 400.0)), OK, "within 1,800 ms", ""),
    (judged_clock(Clock(1_401.0, 400.0)), WARNING, "2 s ahead of", "synchronisation"),
    (judged_clock(Clock(-90_000.0, 10.0)), WARNING, "90 s behind", "synchronisation"),
    (judged_clock(Clock(3_600_010.0, 10.0)), PROBLEM, "60 min ahead of", "certificates"),
    (judged_clock(Clock(-86_400_000.0, 10.0)), PROBLEM, "24.0 h behind", "certificates"),
    (judged_key(None, None, trading=False, real_money=True), OK, "market data needs none", ""),
    (key(), OK, "may read, trade", ""),
    (key(KeyRights(reads=True, trades=True, withdraws=True, bound=True)), WARNING, "withdraw", "Turn off withdrawals"),
    (key(KeyRights(reads=True, trades=True, withdraws=False, bound=False)), WARNING, "any address", "Bind the key"),
    (key(KeyRights(reads=True, trades=True, withdraws=True, bound=False), real_money=False), OK, "withdraw", ""),
    (key(KeyRights(reads=True, trades=False, withdraws=False, bound=True)), PROBLEM, "may read", "spot trading"),
    (key(KeyRights(reads=True, trades=False, withdraws=False, bound=True), trading=False), OK, "may read", ""),
    (key(KeyRights(reads=False, trades=True, withdraws=False, bound=True)), PROBLEM, "may trade", "Turn on reading"),
    (key(KeyRights(reads=False, trades=False, withdraws=False, bound=True)), PROBLEM, "may nothing", "reading"),
    (key(None), UNKNOWN, "accepted; this venue does not tell", "own page"),
    (key(None, account_trades=False), PROBLEM, "account may not trade", "spot trading"),
    (key(None, account_trades=False, trading=False), UNKNOWN, "does not tell", "own page"),
    (key(None, AuthenticationError("not accepted")), PROBLEM, "not accepted", "Check the key"),
    (key(None, ClockSkew("off")), UNKNOWN, "could not be asked about: off", "run the call once more"),
    (key(None, NetworkError("away")), UNKNOWN, "could not be asked about: away", "connection"),
    (judged_limits([Weight("weight", "1m", 4_799, 6_000)]), OK, "weight 4,799 of 6,000 in 1m", ""),
    (judged_limits([Weight("requests", "5m", 1, 9), Weight("weight", "1m", 4_800, 6_000)]), WARNING, "", "1m ends"),
    (judged_limits([], stopped_s=30.0), PROBLEM, "no request for another 30 s", "Wait"),
    (judged_limits([Weight("weight", "1m", 1, 9)], stopped_s=300.0, banned=True), PROBLEM, "banned for", "Stop"),
    (judged_limits([]), UNKNOWN, "not known", "REST"),
    (judged_proxy(Proxied({"a": None})), OK, "none is used", ""),
    (judged_proxy(Proxied({"a": None}, "HTTPS_PROXY")), OK, "none is used for these addresses (HTTPS_PROXY)", ""),
    (judged_proxy(Proxied({"a": "http://p:1", "b": "http://p:1"}, "HTTPS_PROXY")), OK, "http://p:1 (HTTPS_PROXY)", ""),
    (judged_proxy(Proxied({"a": "http://p:1", "b": None}, "NO_PROXY")), WARNING, "but b directly", "NO_PROXY"),
    (judged_proxy(Proxied({"a": None}, "HTTP_PROXY", halfway=True)), WARNING, "http only (HTTP_PROXY)", "HTTPS_PROXY"),
    (judged_proxy(None, UNGIVEN), PROBLEM, "not known", "Give it."),
    (judged_proxy(None), UNKNOWN, "could not be found out", ""),
    (judged_journal("/state", None, trading=True), OK, "/state can be written", ""),
    (judged_journal("/state", "Permission denied", trading=True), PROBLEM, "Permission denied", "CRYPTOX_STATE"),
    (judged_journal("/state", "Permission denied", trading=False), WARNING, "Permission denied", "CRYPTOX_STATE"),
]  # fmt: skip


@pytest.mark.parametrize(("finding", "verdict", "found", "advice"), CASES, ids=lambda case: str(case)[:50])
def test_what_is_found_is_judged(finding: Finding, verdict: str, found: str, advice: str) -> None:
    assert finding.verdict == verdict
    assert found in finding.found
    if advice:
        assert advice in " ".join(finding.advice)
    if verdict == OK:
        assert finding.advice == ()


def test_a_ban_is_not_asked_through() -> None:
    finding = endpoint(Trial(error=Banned("banned", retry_after=90)))
    assert finding.verdict == UNKNOWN
    assert "Stop every program" in finding.advice[0]


NEVER: dict[str, set[str]] = {"session": {WARNING, UNKNOWN, OK}, "region": {WARNING}, "journal": {UNKNOWN}}


def test_every_line_was_shown_with_every_verdict() -> None:
    shown: dict[str, set[str]] = {}
    for finding, verdict, *_ in CASES:
        shown.setdefault(finding.what, set()).add(verdict)
    every = {OK, WARNING, PROBLEM, UNKNOWN}
    assert shown == {what: every - NEVER.get(what, set()) for what in shown}
    judges: list[Callable[..., Finding]] = [judged_session, judged_endpoint, judged_binary, judged_region, judged_clock,
                                            judged_key, judged_limits, judged_proxy, judged_journal]  # fmt: skip
    assert len(shown) == len(judges)
