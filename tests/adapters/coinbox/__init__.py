"""A worked example of an adapter: see docs/ADAPTERS.md."""
