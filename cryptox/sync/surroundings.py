"""What cryptox runs in: Python, a kernel, packages. Gathered on the one side, judged by pure functions on the other."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from typing import Any, Final

from cryptox import __version__
from cryptox.model.doctor import Finding, Verdict

__all__ = [
    "EXTRAS",
    "REQUIRED",
    "Extra",
    "Kernel",
    "findings",
    "judged_extra",
    "judged_kernel",
    "judged_packages",
    "judged_python",
    "judged_version",
]

OLDEST_PYTHON: Final = (3, 11)
NEWEST_PYTHON: Final = (3, 13)  # that the tests have run on
OLDEST_KERNEL: Final = "6"

# What is always installed with cryptox, and from which version on: pyproject.toml has the same, and a test compares.
REQUIRED: Final = {
    "numpy": "2.0",
    "pandas": "2.2.2",
    "polars": "1.20",
    "httpx": "0.28",
    "aiohttp": "3.11",
    "websockets": "14",
    "msgspec": "0.19",
    "cryptography": "43",
    "plotly": "6.0",
    "ipywidgets": "8.1",
    "anywidget": "0.9.13",
    "nest-asyncio": "1.6",
}


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional package: its extra, what it is imported as, from which version on, and what for."""

    name: str
    package: str
    module: str
    oldest: str
    gives: str

    @property
    def install(self) -> str:
        """The line that installs it."""
        return f"pip install -U 'cryptox[{self.name}]'"


EXTRAS: Final = (
    Extra("arrow", "pyarrow", "pyarrow", "17", 'frame="arrow", exact=True in pandas, parquet'),
    Extra("uvloop", "uvloop", "uvloop", "0.21", "a faster event loop in programs of your own"),
    Extra("keyring", "keyring", "keyring", "25", "cx.keys: keys in the keyring of the system"),
    Extra("telemetry", "opentelemetry-api", "opentelemetry", "1.27", "traces and metrics"),
    Extra("lab", "jupyterlab", "jupyterlab", "4.3", "cryptox lab: the example notebooks"),
)


@dataclass(frozen=True, slots=True)
class Kernel:
    """Where code is typed: ``script``, ``terminal`` (IPython) or ``notebook``, with the version of what runs it."""

    kind: str
    version: str | None = None


def findings(wanted: Iterable[str] = ()) -> list[Finding]:
    """What there is to say of this interpreter and its packages; never raises.

    Parameters
    ----------
    wanted
        Extras that something in use cannot do without.
    """
    needed = set(wanted)
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("cryptox", lambda: judged_version(__version__, installed("cryptox"))),
        ("Python", lambda: judged_python(sys.version_info[:3], platform.python_implementation())),
        ("kernel", lambda: judged_kernel(kernel())),
        ("packages", lambda: judged_packages({name: installed(name) for name in REQUIRED})),
    ]
    checks += [(extra.name, _check_of(extra, wanted=extra.name in needed)) for extra in EXTRAS]
    return [_told(what, check) for what, check in checks]


def _check_of(extra: Extra, *, wanted: bool) -> Callable[[], Finding]:
    return lambda: judged_extra(extra, installed(extra.package), found=is_found(extra.module), wanted=wanted)


def _told(what: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - a broken package must not take the other lines with it
        return Finding(Verdict.UNKNOWN, what, f"could not be looked at: {type(error).__name__}")


def installed(package: str) -> str | None:
    """Its version; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def is_found(module: str) -> bool:
    """Whether it can be found, without importing it."""
    return module in sys.modules or find_spec(module) is not None


def kernel() -> Kernel:
    """What this code was typed into."""
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None:
        return Kernel("script")
    if getattr(shell, "kernel", None) is None:
        return Kernel("terminal", ipython.__version__)
    return Kernel("notebook", installed("ipykernel"))


def judged_version(here: str, by_pip: str | None) -> Finding:
    """The version of cryptox itself."""
    if by_pip is not None and by_pip != here:
        advice = ("Two copies are about: look at cryptox.__file__, and restart the kernel after an update.",)
        return Finding(Verdict.WARNING, "cryptox", f"{here} runs, {by_pip} is installed", advice)
    return Finding(Verdict.OK, "cryptox", here)


def judged_python(version: tuple[int, ...], implementation: str) -> Finding:
    """The interpreter."""
    text = f"{implementation} {'.'.join(map(str, version))}"
    least, most = (".".join(map(str, one)) for one in (OLDEST_PYTHON, NEWEST_PYTHON))
    if version[:2] < OLDEST_PYTHON:
        return Finding(Verdict.PROBLEM, "Python", text, (f"Use Python {least} or later.",))
    if version[:2] > NEWEST_PYTHON or implementation != "CPython":
        advice = (f"cryptox is tested on CPython {least} to {most}; if something is odd, try one of these.",)
        return Finding(Verdict.WARNING, "Python", text, advice)
    return Finding(Verdict.OK, "Python", text)


def judged_kernel(kernel: Kernel) -> Finding:
    """What runs the code."""
    if kernel.kind == "script":
        return Finding(
            Verdict.OK, "kernel", "none: a script or a plain prompt; live views show themselves in notebooks"
        )
    if kernel.kind == "terminal":
        found = f"IPython {kernel.version} in a terminal; live views show themselves in notebooks"
        return Finding(Verdict.OK, "kernel", found)
    if kernel.version is None:
        found = "a notebook whose kernel is not ipykernel"
        return Finding(Verdict.UNKNOWN, "kernel", found, ("If live views stay empty, use JupyterLab with ipykernel.",))
    if is_older(kernel.version, OLDEST_KERNEL):
        found = f"ipykernel {kernel.version}"
        return Finding(Verdict.WARNING, "kernel", found, ("pip install -U ipykernel, then restart the kernel.",))
    return Finding(Verdict.OK, "kernel", f"a notebook on ipykernel {kernel.version}")


def judged_packages(versions: dict[str, str | None]) -> Finding:
    """What must be installed."""
    bad = [
        f"{name} is missing" if version is None else f"{name} {version} is older than {REQUIRED[name]}"
        for name, version in versions.items()
        if version is None or is_older(version, REQUIRED[name])
    ]
    if bad:
        return Finding(
            Verdict.PROBLEM, "packages", ", ".join(bad), ("pip install -U cryptox, then restart the kernel.",)
        )
    return Finding(Verdict.OK, "packages", f"the {len(versions)} packages that cryptox needs are installed")


def judged_extra(extra: Extra, version: str | None, *, found: bool, wanted: bool) -> Finding:
    """An optional package: missing ones are fine unless something in use wants them."""
    if version is None and not found:
        told = f"{extra.package} is not installed; it gives {extra.gives}"
        verdict = Verdict.PROBLEM if wanted else Verdict.OK
        return Finding(verdict, extra.name, told, (f"{extra.install}{'' if wanted else ', if you want that.'}",))
    if not found:
        return Finding(
            Verdict.PROBLEM,
            extra.name,
            f"{extra.package} {version} is installed but cannot be found",
            (f"pip install --force-reinstall {extra.package}",),
        )
    if version is None:
        return Finding(Verdict.UNKNOWN, extra.name, f"{extra.package} is there, its version is not known")
    if is_older(version, extra.oldest):
        told = f"{extra.package} {version} is older than {extra.oldest}"
        return Finding(Verdict.WARNING, extra.name, told, (extra.install,))
    return Finding(Verdict.OK, extra.name, f"{extra.package} {version}")


def is_older(version: str, least: str) -> bool:
    """Whether a version comes before another, by the numbers that both begin with."""
    mine, theirs = _numbers(version), _numbers(least)
    size = max(len(mine), len(theirs))
    return mine + (0,) * (size - len(mine)) < theirs + (0,) * (size - len(theirs))


def _numbers(version: str) -> tuple[int, ...]:
    begin = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, begin[0].split("."))) if begin else ()
