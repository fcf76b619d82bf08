"""A made PLACECELL_DATA: a house and a hut for R2R with labels of objects, and a few streets."""

import math

from instructed_worlds import house, made_graph, r2r_entry, street_entry, write_json, write_lines, write_scan

# x is a crossing, e1 a T; w2, n2, e2, s1 and t1 are dead ends. 10 m apart, near 40.7 degrees north.
STREETS = {
    "w2": (-2, 0), "w1": (-1, 0), "x": (0, 0), "e1": (1, 0), "e2": (2, 0), "n1": (0, 1), "n2": (0, 2),
    "s1": (0, -1), "t1": (1, 1),
}  # fmt: skip
WAYS = ("w2 w1", "w1 x", "x e1", "e1 e2", "x n1", "n1 n2", "x s1", "e1 t1")
HUT = {"g": (0, 0), "h": (0, 2), "i": (0, 4)}


def write_data(folder):
    """Writes it all; returns the folder."""
    hut = made_graph("hut", HUT, ["gh", "hi", "hg", "ih"])
    for name, graph in (("house", house()), ("hut", hut)):
        write_scan(folder / "mp3d_connectivity", name, graph)
        _write_labels(folder / "reverie_bbox", name, graph)
    (folder / "r2r").mkdir()
    write_json(
        folder / "r2r" / "R2R_val_seen.json",
        [
            r2r_entry("abcd", 7, ["walk past the lamp", "go to the end", "stop at d"]),
            r2r_entry("eb", 9, ["leave the room", "go south"], heading=0.0),
            r2r_entry("fdc", 3, ["south, then west", "come to c"], heading=math.pi),
            r2r_entry("ghi", 5, ["go north"], scan="hut", heading=0.0),
        ],
    )
    write_json(folder / "r2r" / "R2R_test.json", [r2r_entry("a", 8, ["somewhere"])])
    _write_streets(folder / "made_streets")
    return folder


def _write_labels(folder, name, graph):
    folder.mkdir(exist_ok=True)
    for viewpoint in graph.names:
        lamp = {"name": "lamp", "visible_pos": [12], "bbox2d": [[300, 200, 40, 40]]}
        write_json(folder / f"{name}_{viewpoint}.json", {viewpoint: {"4": lamp}})


def _write_streets(folder):
    folder.mkdir()
    lines = [f"{n},0,{40.7 + y * 9e-5:.6f},{-74 + x * 1.2e-4:.6f}\n" for n, (x, y) in STREETS.items()]
    (folder / "nodes.txt").write_text("".join(lines))
    links = [link for way in WAYS for link in (way.split(), way.split()[::-1])]
    (folder / "links.txt").write_text("".join(f"{a},{_heading(a, b)},{b}\n" for a, b in links))
    write_lines(
        folder / "dev.json",
        [
            street_entry(1, route_panoids=["w1", "x", "n1"], navigation_text="Turn left.", start_heading=90),
            street_entry(
                2, route_panoids=["n1", "x", "e1"], navigation_text="Left at the shop.", start_heading=0
            ),
            street_entry(4, route_panoids=["x", "w1"], navigation_text="Go west", start_heading=350),
        ],
    )
    (folder / "shops.txt").write_text("1,40.70005,-74.0,shop=bakery\n2,40.70005,-73.99988,amenity=bank\n")


def _heading(start, end):
    (x0, y0), (x1, y1) = STREETS[start], STREETS[end]
    return round(math.degrees(math.atan2(x1 - x0, y1 - y0))) % 360
