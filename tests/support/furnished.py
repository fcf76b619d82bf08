"""A world without triangles: ground, and things with view points where one likes."""

from dataclasses import dataclass

from placecell.envs.episode import Goal
from placecell.envs.geodesic import NavigableArea


@dataclass
class Furnished:
    """``things``: category -> list of view points, one instance each."""

    area: NavigableArea
    things: dict
    scene_id: str = "hall"

    @property
    def names(self):
        """As a world's."""
        return frozenset(self.things)

    def goals(self, category):
        """As a world's: only what has a view point."""
        stands = self.things.get(category, [])
        return tuple(Goal(s, None, i, category, (s,)) for i, s in enumerate(stands, 1) if s is not None)
