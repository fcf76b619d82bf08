"""A made town: streets that cross every sixty metres, a panorama every ten, as the street datasets' files."""

import json
import math

import numpy as np

from placecell.agent.policies.routes.clauses import ENDINGS
from placecell.agent.policies.routes.stopping import EDGES, PER_KIND, Habits

BLOCK = 6
BLOCKS = 4
LAST = BLOCK * BLOCKS


def write_town(folder, episodes, *, missing=()):
    """``dev.json``, ``nodes.txt`` and ``links.txt`` of a town; panoramas are called ``x_y``, tens of metres.

    Args:
        episodes: of each its text, its path's corner panoramas as (x, y), and its heading in degrees.
        missing: panoramas that are not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    places = {
        (x, y)
        for x in range(LAST + 1)
        for y in range(LAST + 1)
        if (x % BLOCK == 0 or y % BLOCK == 0) and (x, y) not in missing
    }
    ways = {
        place: [
            (heading, (place[0] + dx, place[1] + dy))
            for heading, dx, dy in ((0, 0, 1), (90, 1, 0), (180, 0, -1), (270, -1, 0))
            if (place[0] + dx, place[1] + dy) in places
        ]
        for place in sorted(places)
    }
    (folder / "nodes.txt").write_text("".join(f"{_name(p)},0,{_lat(p)},{_lng(p)}\n" for p in sorted(places)))
    (folder / "links.txt").write_text(
        "".join(f"{_name(p)},{heading},{_name(to)}\n" for p, on in ways.items() for heading, to in on)
    )
    lines = [
        {
            "id": n, "instructions_id": n, "navigation_text": text, "start_heading": heading,
            "route_panoids": [_name(place) for place in along(*corners)],
        }
        for n, (text, corners, heading) in enumerate(episodes)
    ]  # fmt: skip
    (folder / "dev.json").write_text("".join(json.dumps(line) + "\n" for line in lines))


def along(*corners):
    """Every panorama of a way along streets."""
    path = [corners[0]]
    for end in corners[1:]:
        while path[-1] != end:
            x, y = path[-1]
            path.append((x + int(np.sign(end[0] - x)), y + int(np.sign(end[1] - y))))
    return path


def lat_lng(x, y):
    """Degrees of a place, in tens of metres."""
    return _lat((x, y)), _lng((x, y))


def plain_habits(longest=50, gaps=BLOCK):
    """Routes of any length; "after" ends two panoramas on, "before" one panorama ahead of an intersection."""
    habits = Habits("made", 0, longest, longest + 1, np.zeros(0), np.full(gaps, 1 / gaps))
    weights = np.zeros(habits.size)
    bins = len(EDGES) + 1
    weights[PER_KIND * (1 + ENDINGS.index("after")) + 2] = 8
    weights[PER_KIND * (1 + ENDINGS.index("before")) + bins + 1] = 8
    passed = PER_KIND * (1 + len(ENDINGS)) + habits.lengths
    weights[passed : passed + 3] = (4, 0, -4)
    return Habits("made", 0, longest, longest + 1, weights, habits.gaps)


def _name(place):
    return f"{place[0]}_{place[1]}"


def _lat(place):
    return 40.7 + place[1] * 10 / 111_320


def _lng(place):
    return -74 + place[0] * 10 / (111_320 * math.cos(math.radians(40.7)))
