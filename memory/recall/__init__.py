"""How what the parts know becomes one answer."""
