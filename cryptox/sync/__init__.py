"""Floor 6: the blocking twins of the session, and the module-level functions. Generated, but for ``door``."""
