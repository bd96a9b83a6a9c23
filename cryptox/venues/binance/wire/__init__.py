"""Payloads as msgspec structs with our field names; their letters stand only in ``rename=``."""
