"""What a doctor found: one finding a line, and the report of them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from cryptox._display import Displayed

from .lines import count, one_line

__all__ = ["Finding", "Report", "Verdict"]


class Verdict(StrEnum):
    """How one thing is."""

    OK = "ok"
    WARNING = "warning"  # it works, and something about it should be known or changed
    PROBLEM = "problem"  # it does not work
    UNKNOWN = "unknown"  # it could not be found out


MARKS = {Verdict.OK: "✔", Verdict.WARNING: "▲", Verdict.PROBLEM: "✘", Verdict.UNKNOWN: "?"}
# The worst first; what is not known may be a problem.
ORDER = (Verdict.PROBLEM, Verdict.UNKNOWN, Verdict.WARNING, Verdict.OK)


@dataclass(frozen=True, slots=True)
class Finding(Displayed):
    """One line of a report.

    Attributes
    ----------
    verdict
        ``ok``, ``warning``, ``problem`` or ``unknown``.
    what
        What was looked at: ``"clock"``.
    found
        What was found, in a few words.
    advice
        What to do, most useful first; often nothing.
    """

    verdict: Verdict
    what: str
    found: str
    advice: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """A sign of the verdict, which says nothing that the verdict does not."""
        return MARKS[self.verdict]

    def __repr__(self) -> str:
        """One line: the verdict, of what, and why."""
        return one_line(f"{self.mark} {self.verdict}: {self.what}: {self.found}")


@dataclass(frozen=True, slots=True, repr=False)
class Report(Displayed):
    """What a doctor found, as findings in the order of their checks. Goes through them, and finds one by its name."""

    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of all: a problem, else something unknown, else a warning."""
        found = {one.verdict for one in self.findings}
        return next((verdict for verdict in ORDER if verdict in found), Verdict.OK)

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What does not work."""
        return tuple(one for one in self.findings if one.verdict is Verdict.PROBLEM)

    def __iter__(self) -> Iterator[Finding]:
        """The findings."""
        return iter(self.findings)

    def __len__(self) -> int:
        """How many."""
        return len(self.findings)

    def __getitem__(self, what: str) -> Finding:
        """The finding of that name; raises KeyError where there is none."""
        found = next((one for one in self.findings if one.what == what), None)
        if found is None:
            raise KeyError(what)
        return found

    @property
    def summary(self) -> str:
        """How many of what: ``1 problem, 2 warnings, 12 ok``."""
        many = Counter(one.verdict for one in self.findings)
        nouns = {Verdict.PROBLEM: "problem", Verdict.WARNING: "warning"}
        told = [
            count(many[one], nouns[one]) if one in nouns else f"{many[one]} {one}"
            for one in (Verdict.PROBLEM, Verdict.WARNING, Verdict.UNKNOWN, Verdict.OK)
            if many[one]
        ]
        return ", ".join(told) or "nothing was looked at"

    def __repr__(self) -> str:
        """A block of text: a line for each finding, advice below it, the sum at the end."""
        width = max((len(one_line(one.what)) for one in self.findings), default=0)
        lines = []
        for one in self.findings:
            lines.append(f"{one.mark} {one.verdict:<7}  {one_line(one.what):<{width}}  {one_line(one.found)}")
            lines += [f"{'':{width + 11}}  → {one_line(advice)}" for advice in one.advice]
        return "\n".join([*lines, self.summary])
