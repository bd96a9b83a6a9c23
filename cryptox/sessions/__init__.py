"""Floor 5: one user, one venue. Decides; asynchronous."""
