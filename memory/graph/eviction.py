"""Places and landmarks as what could be dropped, and a graph without some of them."""

import numpy as np

from ..upkeep.holdings import Holdings, Rows, Vectors
from .content import EXIT_BYTES, LINK_BYTES, NODE_BYTES, Content


def holdings_of(content: Content) -> Holdings:
    """A row a place by rising id, then a row a landmark by rising id."""
    tables = content.places, content.landmarks
    nbytes = [table.row_nbytes + NODE_BYTES + 8 * table.voxel_counts() for table in tables]
    # A link counts half at either end, so that what goes together counts once.
    exits = [EXIT_BYTES * len(content.exits.of(node)) for node in tables[0].ids().tolist()]
    seen = [LINK_BYTES // 2 * len(content.links.landmarks(node)) for node in tables[0].ids().tolist()]
    seen_from = [LINK_BYTES // 2 * len(content.links.places(node)) for node in tables[1].ids().tolist()]
    nbytes[0] += np.array(exits, np.int64) + np.array(seen, np.int64)
    nbytes[1] += np.array(seen_from, np.int64)
    slots = [table.by_id() for table in tables]
    count = sum(map(len, slots))

    def column(name: str) -> np.ndarray:
        return np.concatenate([table.rows[name][rows] for table, rows in zip(tables, slots, strict=True)])

    def vectors(rows: Rows) -> Vectors:
        # A place and a landmark are never alike: each kind has columns of its own.
        widths, places = [table.rows["descriptor"].shape[1] for table in tables], len(slots[0])
        found = np.zeros((len(rows), sum(widths)), np.float32)
        of_place = rows < places
        found[of_place, : widths[0]] = tables[0].rows["descriptor"][slots[0][rows[of_place]]]
        found[~of_place, widths[0] :] = tables[1].rows["descriptor"][slots[1][rows[~of_place] - places]]
        return found

    return Holdings(
        nbytes=np.concatenate(nbytes),
        items=np.ones(count, np.int64),
        last_seen=column("last_seen"),
        uses=column("uses"),
        positions=column("position"),
        vectors=vectors,
    )


def drop(content: Content, rows: Rows) -> None:
    """Forgets rows of :func:`holdings_of`; see :meth:`TopologyGraph.drop`."""
    places = content.places.ids()
    gone_places = places[rows[rows < len(places)]].tolist()
    for node in content.landmarks.ids()[rows[rows >= len(places)] - len(places)].tolist():
        content.links.drop_landmark(node)
        content.landmarks.remove(node)
    for node in gone_places:
        content.edges.bridge(node)
        content.links.drop_place(node)
        content.exits.drop(node)
        content.places.remove(node)
        if content.here == node:
            content.here = None
    content.places.close_up()
    content.landmarks.close_up()
    content.edges.close_up()
