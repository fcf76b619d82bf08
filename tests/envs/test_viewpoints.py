"""View points: on the object's storey, within a metre of its box, where a ray from the eye hits it."""

import numpy as np
import pytest
from solids import area, box, floor, join

from placecell.envs.body import Body
from placecell.envs.mesh.scene import Part, assemble
from placecell.envs.mesh.world import World, Worlds
from placecell.envs.viewpoints import SPACING_M, WITHIN_M, Thing, standing_lattice, view_points
from placecell.errors import SceneError

BODY = Body("test", radius_m=0.1, camera_height_m=1.0)


def part(mesh, instance=0, category=""):
    return Part(*mesh, instance=instance, category=category)


def world(*parts, categories=None):
    return World.of(assemble("hall", parts), BODY, categories)


CUBE = box(4.0, 4.0, 0.0, 5.0, 5.0, 0.8)
HALL = part(floor(0.0, 0.0, 9.0, 9.0), category="floor")


@pytest.fixture(scope="module")
def hall():
    """A box in a hall, and a wall north of it that hides it from there."""
    wall = box(2.0, 5.3, 0.0, 7.0, 5.4, 2.5)
    return world(HALL, part(CUBE, 3, "table"), part(wall, category="wall"))


def test_they_are_where_brute_force_says(hall):
    (goal,) = hall.goals("table")
    found = np.array(goal.view_points)
    outside = np.maximum([4, 4] - found[:, :2], found[:, :2] - [5, 5]).clip(0)
    assert (np.hypot(*outside.T) <= WITHIN_M + 1e-9).all()
    lattice = standing_lattice(hall.area)
    beside = np.hypot(*np.maximum([4, 4] - lattice[:, :2], lattice[:, :2] - [5, 5]).clip(0).T) <= WITHIN_M
    south = lattice[beside & (lattice[:, 1] < 5.2)]
    # Behind the wall it is hidden: not one of them; before it every one of them sees it (but on top of it).
    assert (found[:, 1] < 5.4).all()
    on_top = south[:, 2] > 0.5
    assert {tuple(p) for p in south[~on_top].tolist()} == {tuple(p) for p in found.tolist()}
    assert (goal.object_id, goal.category) == (3, "table")
    assert goal.position == pytest.approx((4.5, 4.5, 0.4))


def test_the_lattice_is_regular_and_on_one_island():
    ground = area(floor(0.0, 0.0, 6.0, 6.0), floor(10.0, 0.0, 13.0, 3.0))
    points = standing_lattice(ground)
    assert points[:, 0].max() < 7
    assert np.diff(np.unique(points[:, 0].round(6))) == pytest.approx(SPACING_M)
    assert standing_lattice(ground, island=1)[:, 0].min() > 9


def test_other_storeys_do_not_count():
    above = join(floor(0.0, 0.0, 9.0, 9.0, 2.6))
    lamp = box(4.4, 4.4, 2.6, 4.6, 4.6, 3.6)
    picture = box(0.0, 2.0, 1.4, 0.02, 2.6, 1.9)
    both = world(HALL, part(above), part(lamp, 1, "lamp"), part(picture, 2, "picture"))
    lattice = np.concatenate([standing_lattice(both.area, island=i) for i in (0, 1)])
    assert np.unique(lattice[:, 2].round(1)).tolist() == [0.0, 2.6]
    for instance, height in ((1, 2.6), (2, 0.0)):
        found = view_points(both.things[instance], lattice, both, 1.0)
        assert len(found) > 10
        assert found[:, 2] == pytest.approx(height, abs=0.05)


class Sees:
    """Sees everything from the east, nothing else."""

    def first_instance(self, origins, directions):
        return np.where(directions[:, 0] < 0, 7, 0)


def test_sight_alone_decides_among_the_near_ones():
    thing = Thing(7, "vase", np.array([0.0, 0, 0]), np.array([0.2, 0.2, 0.3]), np.full((9, 3), 0.1))
    lattice = np.array([[0.9, 0.1, 0.0], [-0.7, 0.1, 0.0], [1.3, 0.1, 0.0], [0.9, 0.1, 1.0]])
    assert view_points(thing, lattice, Sees(), 1.0).tolist() == [[0.9, 0.1, 0.0]]
    assert len(view_points(thing, lattice[2:3], Sees(), 1.0)) == 0


def test_what_nobody_can_stand_beside_is_no_goal():
    shut = [box(4.0, 4.0, 0.0, 6.0, 4.1, 2.0), box(4.0, 6.0, 0.0, 6.1, 6.1, 2.0),
            box(4.0, 4.0, 0.0, 4.1, 6.0, 2.0), box(6.0, 4.0, 0.0, 6.1, 6.1, 2.0)]  # fmt: skip
    inside = world(HALL, *(part(wall) for wall in shut), part(box(4.9, 4.9, 0.0, 5.1, 5.1, 0.5), 1, "toy"))
    assert inside.names == {"toy"}
    assert inside.goals("toy") == ()
    assert inside.goals("bed") == ()


def test_ids_are_those_of_the_vocabulary(hall):
    assert hall.category_lookup is None
    named = world(HALL, part(CUBE, 3, "table"), categories=("", "bed", "table", "floor"))
    assert named.category_lookup.tolist() == [0, 3, 2]
    with pytest.raises(
        SceneError, match=r"categories of hall that the vocabulary of 2 has, got floor, table"
    ):
        world(HALL, part(CUBE, 3, "table"), categories=("", "bed"))


def test_a_few_worlds_are_kept(hall):
    built = []
    worlds = Worlds(lambda name: built.append(name) or hall)
    for name in "abacab":
        assert worlds(name) is hall
    assert built == ["a", "b", "c", "b"]
