"""Configurations of ``placecell-train``, apart from those of ``placecell-run``."""
