"""``python -m cryptox`` is the command ``cryptox``."""

from __future__ import annotations

import sys

from cryptox.cli import main

if __name__ == "__main__":
    sys.exit(main())
