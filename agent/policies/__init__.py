"""What to do next: the mapping agent, the baselines, the expert."""
