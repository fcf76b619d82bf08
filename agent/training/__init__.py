"""Learning from generated train houses."""
