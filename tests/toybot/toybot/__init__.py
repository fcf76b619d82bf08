"""A stranger's package: its own env, agent and memory, run by name through placecell-run."""
