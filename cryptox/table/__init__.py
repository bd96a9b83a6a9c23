"""Floor 2: rows become columns, columns become frames."""
