"""A memory that is wiped clean with every frame."""

from placecell.memory import NoMemory


class Slate(NoMemory):
    """Its own name is all that it adds."""
