"""An episode on one page to scrub, and a run's index of such pages; both without any network.

- :mod:`.gather`: what a page shows of a recording, plain JSON;
- :mod:`.from_above`: the memory's map from above, as it grew;
- :mod:`.words`: a step in words;
- :mod:`.images`: the frames, small enough;
- :mod:`.html`: the page of an episode;
- :mod:`.index`: the run's index;
- :mod:`.thumbnails`: a small view of each episode for it;
- :mod:`.links`: between neighbouring episodes.
"""

from .html import episode_page
from .index import INDEX_FILE, Row, index_page, rows_of
from .links import NO_NEIGHBOURS, PAGE_FILE, Neighbours, has_page, neighbours_of, relink

__all__ = [
    "INDEX_FILE",
    "NO_NEIGHBOURS",
    "PAGE_FILE",
    "Neighbours",
    "Row",
    "episode_page",
    "has_page",
    "index_page",
    "neighbours_of",
    "relink",
    "rows_of",
]
