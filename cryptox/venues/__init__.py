"""Floor 4: translate our words to an exchange's and back. Decides nothing."""
