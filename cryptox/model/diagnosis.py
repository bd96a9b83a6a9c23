"""From facts to findings: what is fine, what is not, and what to do about it. Every threshold stands here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptox.errors import AuthenticationError, CryptoxError, NetworkError, RateLimited

from .account import KeyRights
from .doctor import Finding, Verdict
from .lines import duration

__all__ = [
    "FIREWALL",
    "FIREWALL_ADVICE",
    "NOT_HERE",
    "Clock",
    "Key",
    "Proxied",
    "Trial",
    "Weight",
    "judged_binary",
    "judged_clock",
    "judged_endpoint",
    "judged_journal",
    "judged_key",
    "judged_limits",
    "judged_proxy",
    "judged_region",
    "judged_session",
]

SKEW_WARNING_MS: Final = 1_000.0  # beyond that other programs' signed requests begin to be refused
SKEW_PROBLEM_MS: Final = 3_600_000.0  # certificates are judged by this machine's clock
SLOW_MS: Final = 2_000.0  # of one small question, or one handshake
USED_WARNING: Final = 0.8  # of a limit
NOT_HERE: Final = 451
FIREWALL: Final = 403
FIREWALL_ADVICE: Final = (
    "Leave a VPN or data centre whose address is shared, or wait some minutes: others may have overdone it."
)


@dataclass(frozen=True, slots=True)
class Trial:
    """How an attempt ended: after ``took_ms``, with an error, or (neither) not in time.

    Not ``is_given``: there is no address that could be tried.
    """

    took_ms: float | None = None
    error: CryptoxError | None = None
    is_given: bool = True

    @property
    def status(self) -> int | None:
        """The HTTP status of a refusal."""
        return None if self.error is None else self.error.context.get("status")

    @property
    def is_answered(self) -> bool:
        """Whether the other end answered as it should."""
        return self.took_ms is not None


@dataclass(frozen=True, slots=True)
class Clock:
    """This machine's clock beside the exchange's, in ms; ahead is positive. Not steady: it stands or races there."""

    ahead_ms: float
    uncertainty_ms: float
    steady: bool = True


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it was found: ``rights`` are None where the exchange does not tell them of a key."""

    rights: KeyRights | None
    account_trades: bool | None = None


@dataclass(frozen=True, slots=True)
class Weight:
    """So much of a limit is used."""

    kind: str
    window: str
    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Proxied:
    """Which way leads to each host: the proxy's address without its password, or None for the direct one.

    ``halfway`` are hosts that HTTPS requests reach directly although the environment has a proxy for HTTP.
    """

    ways: Mapping[str, str | None]
    source: str = ""
    halfway: bool = False


def judged_session(error: CryptoxError) -> Finding:
    """A session that could not be made."""
    return Finding(Verdict.PROBLEM, "session", str(error), tuple(error.recovery_suggestions))


def judged_loop(error: CryptoxError) -> Finding:
    """The loop of all blocking sessions, which does not answer: nothing else can be asked."""
    return Finding(Verdict.PROBLEM, "loop", str(error), tuple(error.recovery_suggestions))


def judged_endpoint(what: str, address: str, trial: Trial, limit_s: float) -> Finding:
    """Whether an address can be reached and answers."""
    error = trial.error
    if trial.took_ms is not None:
        if trial.took_ms > SLOW_MS:
            advice = ("Look for another download, a VPN or a distant proxy: orders are as slow as this.",)
            return Finding(Verdict.WARNING, what, f"{address} answers slowly, in {trial.took_ms:,.0f} ms", advice)
        return Finding(Verdict.OK, what, f"{address} answers in {trial.took_ms:,.0f} ms")
    if error is None:
        advice = (f"Nothing came within {duration(limit_s)}: run it again; if it stays so, look at network and proxy.",)
        return Finding(Verdict.UNKNOWN, what, f"{address} did not answer in time", advice)
    if not trial.is_given:
        return Finding(Verdict.WARNING, what, str(error), tuple(error.recovery_suggestions))
    if isinstance(error, RateLimited):
        wait = "" if error.retry_after is None else f" for another {duration(error.retry_after)}"
        return Finding(
            Verdict.UNKNOWN, what, f"{address} is left alone{wait}: {error}", tuple(error.recovery_suggestions)
        )
    return Finding(Verdict.PROBLEM, what, f"{address}: {error}", tuple(error.recovery_suggestions))


def judged_region(trials: Sequence[Trial]) -> Finding:
    """Whether the exchange serves this place."""
    statuses = {trial.status for trial in trials}
    if NOT_HERE in statuses:
        advice = (
            "The exchange does not serve this place, for legal reasons. Recordings, files and the paper venue work: "
            'cx.use("paper").',
        )
        return Finding(Verdict.PROBLEM, "region", "the exchange does not serve this location (HTTP 451)", advice)
    if FIREWALL in statuses:
        found = "the exchange's firewall turns this address away (HTTP 403)"
        return Finding(Verdict.PROBLEM, "region", found, (FIREWALL_ADVICE,))
    if any(trial.is_answered for trial in trials):
        return Finding(Verdict.OK, "region", "this location is served")
    return Finding(Verdict.UNKNOWN, "region", "nothing answered, so nobody said", ("See the lines of the addresses.",))


def judged_clock(clock: Clock | None) -> Finding:
    """This machine's clock beside the exchange's."""
    if clock is None:
        return Finding(Verdict.UNKNOWN, "clock", "the exchange's time could not be read", ("See the line of REST.",))
    if not clock.steady:
        found = "the exchange's market time stands or races, so clocks cannot be compared"
        return Finding(Verdict.UNKNOWN, "clock", found, ("Nothing to do: requests are not judged by time there.",))
    off_ms = max(0.0, abs(clock.ahead_ms) - clock.uncertainty_ms)
    way = "ahead of" if clock.ahead_ms > 0 else "behind"
    if off_ms <= SKEW_WARNING_MS:
        found = f"within {abs(clock.ahead_ms) + clock.uncertainty_ms:,.0f} ms of the exchange's"
        return Finding(Verdict.OK, "clock", found)
    found = f"{duration(off_ms / 1000)} {way} the exchange's"
    if off_ms < SKEW_PROBLEM_MS:
        advice = ("Turn on the time synchronisation of this machine. cryptox itself goes by the exchange's clock.",)
        return Finding(Verdict.WARNING, "clock", found, advice)
    advice = ("Set the clock of this machine and turn on its time synchronisation: certificates are judged by it.",)
    return Finding(Verdict.PROBLEM, "clock", found, advice)


def judged_binary(trial: Trial, media_type: str, encoding: str, *, rest: Trial) -> Finding:
    """Whether REST answers in binary (SBE) where it is asked to; ``rest`` is the question as other calls ask it."""
    if trial.is_answered and "sbe" in media_type:
        return Finding(Verdict.OK, "SBE", "REST answers in binary")
    refuses = trial.error is not None and not isinstance(trial.error, NetworkError | RateLimited)
    is_about_binary = trial.status not in (NOT_HERE, FIREWALL) and (rest.is_answered or encoding == "sbe")
    if trial.is_answered or (refuses and is_about_binary):
        found = f"REST answers in {media_type}" if trial.is_answered else f"REST refuses binary: {trial.error}"
        if encoding == "sbe":
            return Finding(
                Verdict.PROBLEM, "SBE", found, ('Connect with encoding="auto": JSON gives the same frames.',)
            )
        return Finding(Verdict.WARNING, "SBE", found, ("Nothing to do: JSON gives the same frames, a little slower.",))
    return Finding(Verdict.UNKNOWN, "SBE", "nothing was answered", ("See the line of REST.",))


def judged_key(key: Key | None, error: CryptoxError | None, *, trading: bool, real_money: bool) -> Finding:
    """What the session's key may do; no key and no error: it has none."""
    if isinstance(error, AuthenticationError) and not error.retryable:
        return Finding(Verdict.PROBLEM, "key", str(error), tuple(error.recovery_suggestions))
    if error is not None:
        return Finding(Verdict.UNKNOWN, "key", f"could not be asked about: {error}", tuple(error.recovery_suggestions))
    if key is None:
        return Finding(Verdict.OK, "key", "none: market data needs none")
    rights = key.rights
    if rights is None:
        if trading and key.account_trades is False:
            return Finding(Verdict.PROBLEM, "key", "accepted, but the account may not trade", _TRADE)
        advice = ("Look at the key's permissions on the exchange's own page.",)
        return Finding(Verdict.UNKNOWN, "key", "accepted; this venue does not tell what a key may do", advice)
    may = [
        name
        for name, given in (("read", rights.reads), ("trade", rights.trades), ("withdraw", rights.withdraws))
        if given
    ]
    found = f"accepted; may {', '.join(may) or 'nothing'}"
    if not rights.reads:
        return Finding(Verdict.PROBLEM, "key", found, ("Turn on reading for this key at the exchange.",))
    if trading and not rights.trades:
        return Finding(Verdict.PROBLEM, "key", found, _TRADE)
    todo: list[str] = []
    if real_money and rights.withdraws:
        todo.append("Turn off withdrawals for this key at the exchange: cryptox never withdraws.")
    if real_money and not rights.bound:
        found += ", from any address"
        todo.append("Bind the key to your address at the exchange: whoever finds it can use it elsewhere now.")
    return Finding(Verdict.WARNING if todo else Verdict.OK, "key", found, tuple(todo))


_TRADE = ("Turn on spot trading for this key at the exchange, or connect with trading=False.",)


def judged_limits(weights: Sequence[Weight], *, stopped_s: float = 0.0, banned: bool = False) -> Finding:
    """How much of the limits is used, and whether the exchange wants to be left alone."""
    if stopped_s > 0:
        if banned:
            advice = ("Stop every program on this address that talks to the exchange: going on lengthens the ban.",)
            return Finding(
                Verdict.PROBLEM, "limits", f"the address is banned for another {duration(stopped_s)}", advice
            )
        advice = ("Wait: cryptox sends nothing until then. Look for another program that uses this address.",)
        found = f"the exchange wants no request for another {duration(stopped_s)}"
        return Finding(Verdict.PROBLEM, "limits", found, advice)
    if not weights:
        return Finding(Verdict.UNKNOWN, "limits", "not known", ("See the line of REST.",))
    found = ", ".join(f"{one.kind} {one.used:,} of {one.limit:,} in {one.window}" for one in weights)
    full = [one for one in weights if one.used >= USED_WARNING * one.limit]
    if full:
        advice = (f"Calls wait until the window of {full[0].window} ends. Look for another program on this address.",)
        return Finding(Verdict.WARNING, "limits", found, advice)
    return Finding(Verdict.OK, "limits", found)


def judged_proxy(proxied: Proxied | None, error: CryptoxError | None = None) -> Finding:
    """Which way requests go; passwords are not in it."""
    if error is not None:
        return Finding(Verdict.PROBLEM, "proxy", str(error), tuple(error.recovery_suggestions))
    if proxied is None:
        return Finding(Verdict.UNKNOWN, "proxy", "could not be found out")
    through = {host: way for host, way in proxied.ways.items() if way is not None}
    source = f" ({proxied.source})" if proxied.source else ""
    if proxied.halfway:
        found = f"the environment has a proxy for http only{source}; the exchange is reached directly, by https"
        return Finding(Verdict.WARNING, "proxy", found, ("Set HTTPS_PROXY as well, if this network needs a proxy.",))
    if not through:
        return Finding(Verdict.OK, "proxy", f"none is used{source and ' for these addresses' + source}")
    if len(through) < len(proxied.ways):
        direct = ", ".join(host for host in proxied.ways if host not in through)
        found = f"{', '.join(sorted(set(through.values())))}{source}, but {direct} directly"
        return Finding(
            Verdict.WARNING, "proxy", found, ("Look at NO_PROXY: all addresses of a venue should go one way.",)
        )
    return Finding(Verdict.OK, "proxy", f"{', '.join(sorted(set(through.values())))}{source}")


def judged_journal(folder: str, error: str | None, *, trading: bool) -> Finding:
    """Whether orders can be noted before they are sent."""
    if error is None:
        return Finding(Verdict.OK, "journal", f"{folder} can be written")
    advice = ("Name a folder of your own in CRYPTOX_STATE: what a dead kernel has sent cannot be settled without it.",)
    verdict = Verdict.PROBLEM if trading else Verdict.WARNING
    return Finding(verdict, "journal", f"{folder} cannot be written: {error}", advice)
