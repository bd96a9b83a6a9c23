"""Other clients, each in a virtual environment of its own below one folder: ``VENVS/ccxt`` and so on.

python benchmarks/venvs.py VENVS        # makes what is missing; takes the network and pip
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PACKAGES = {
    "python-binance": "python-binance",
    "ccxt": "ccxt",
    "sdk": "binance-sdk-spot",
    "cryptofeed": "cryptofeed",
    "unicorn": "unicorn-binance-websocket-api",
    "pybotters": "pybotters",
}
CLIENTS = [*PACKAGES, "cryptox"]


def python(folder: str | None, name: str) -> str | None:
    """The Python that has this client: ours for cryptox; None where there is none."""
    if name == "cryptox":
        return sys.executable
    if folder is None:
        return None
    found = Path(folder) / name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    return str(found) if found.exists() else None


def surroundings(name: str) -> dict[str, str]:
    """The environment of a client: ours finds this checkout, the others must not; byte code is kept, as usual."""
    found = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")}
    if name == "cryptox":
        found["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    return found


def version(folder: str | None, name: str) -> str | None:
    """The version of a client's package, or None with a message where it is not there."""
    interpreter = python(folder, name)
    if interpreter is None:
        print(f"{name}: left out, not in {folder or 'a folder given by --venvs'} (benchmarks/venvs.py makes it)")
        return None
    program = f"from importlib.metadata import version; print(version({PACKAGES.get(name)!r}))"
    if name == "cryptox":
        program = "import cryptox; print(cryptox.__version__)"
    line = [interpreter, "-c", program]
    tried = subprocess.run(line, capture_output=True, text=True, check=False, env=surroundings(name))
    if tried.returncode:
        print(f"{name}: left out ({(tried.stderr.strip() or '?').splitlines()[-1]})")
        return None
    return tried.stdout.strip()


def versions(folder: str | None, names: list[str]) -> dict[str, str]:
    """Those of the clients that are there, with their versions."""
    told = {name: version(folder, name) for name in names}
    return {name: one for name, one in told.items() if one is not None}


def main(folder: str) -> None:
    """Make the environments that are missing."""
    for name, package in PACKAGES.items():
        if python(folder, name) is None:
            where = Path(folder) / name
            subprocess.run([sys.executable, "-m", "venv", str(where)], check=True)
            subprocess.run([str(python(folder, name)), "-m", "pip", "install", "-q", package], check=True)
        print(f"{name} {version(folder, name)}")


if __name__ == "__main__":
    main(sys.argv[1])
