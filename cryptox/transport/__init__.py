"""Floor 3: bytes over wires. Knows no exchange."""
