"""Hydra config groups: one YAML a choice."""
