"""From an observation to a percept."""
