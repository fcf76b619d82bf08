"""Vectors with a place: rows that come, change and go, and exact searches among them."""
