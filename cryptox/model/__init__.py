"""Floor 1: what things are. Frozen records, enums and pure rules; no I/O, no asyncio, no clock."""
