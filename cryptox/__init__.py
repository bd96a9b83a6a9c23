"""cryptox: crypto market history, live data and trading for Jupyter."""

__version__ = "0.1.0"
