"""Perceive, remember, recall, decide, act: the loop, the agents, many episodes and their results."""
