"""Floor 6: how things look in a notebook and in a terminal."""
