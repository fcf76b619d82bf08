import numpy as np

from placecell.agent.policies.candidates import Candidate, Rejected, candidates_of
from placecell.memory import MemoryItem

CHAIR, SOFA = 5, 6


def blob(x, y=0.0, n=4):
    """A cube of n**3 voxels."""
    grid = np.stack(np.meshgrid(*[np.arange(n) * 0.1] * 3), -1).reshape(-1, 3)
    return grid + np.array([x, y, 0.0])


def item(x, category=CHAIR, score=0.8, points=True):
    return MemoryItem(
        position=np.array([x, 0.0, 0.0]), score=score, source="octree", age_steps=0, category=category,
        points=blob(x) if points else None,
    )  # fmt: skip


def test_candidates_are_the_items_of_the_category():
    found = candidates_of([item(0.0), item(3.0, SOFA), item(5.0, score=0.2)], CHAIR)
    assert [c.score for c in found] == [0.8, 0.2]
    np.testing.assert_array_equal(found[1].points, blob(5.0))


def test_an_item_without_points_is_where_its_position_is():
    (only,) = candidates_of([item(2.0, points=False)], CHAIR)
    np.testing.assert_array_equal(only.points, [[2.0, 0.0, 0.0]])
    np.testing.assert_array_equal(only.middle, [2.0, 0.0, 0.0])


def test_an_object_that_has_grown_is_the_same_and_a_neighbour_is_not():
    first = Candidate(blob(0.0, n=2), 0.5)
    grown = Candidate(blob(0.0, n=4), 0.9)
    assert first.same(grown)
    assert not first.same(Candidate(blob(1.0), 0.9))


def test_what_lies_where_one_was_rejected_stays_rejected_until_it_is_forgotten():
    rejected = Rejected()
    assert not rejected.holds(Candidate(blob(0.0), 0.5))
    rejected.add(blob(0.0))
    assert len(rejected) == 1
    assert rejected.holds(Candidate(blob(0.2), 0.5))
    assert not rejected.holds(Candidate(blob(3.0), 0.5))
    rejected.forget()
    assert not rejected.holds(Candidate(blob(0.0), 0.5))


def test_a_large_object_of_which_a_corner_was_rejected_is_still_a_candidate():
    rejected = Rejected()
    rejected.add(blob(0.0, n=2))
    row = np.concatenate([blob(0.4 * n) for n in range(8)])
    assert not rejected.holds(Candidate(row, 0.5))
