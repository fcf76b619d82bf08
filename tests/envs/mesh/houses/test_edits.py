import numpy as np
import pytest
from built_houses import built, edited, scene_of

from placecell.envs.body import PRESETS
from placecell.envs.geodesic import NavigableArea
from placecell.envs.mesh.houses import edit_house
from placecell.envs.mesh.houses.reach import reachable_rooms
from placecell.envs.mesh.houses.rules import FIXED
from placecell.envs.mesh.houses.sheet import lookout
from placecell.envs.mesh.houses.workspace import Workspace
from placecell.errors import SceneError


@pytest.fixture(scope="module")
def pairs():
    return [(built("train", seed), edited("train", seed, 1)) for seed in range(6)]


def by_instance(house):
    return {piece.instance: piece for piece in house.furniture}


def place_of(piece):
    return piece.room, piece.x, piece.y, piece.z, piece.quarter_turns, piece.on


def test_about_the_shares_are_moved_removed_and_added(pairs):
    moved = removed = added = loose = 0
    for house, after_edit in pairs:
        before, after = by_instance(house), by_instance(after_edit)
        loose += sum(piece.category not in FIXED for piece in house.furniture)
        removed += len(before.keys() - after.keys())
        added += len(after.keys() - before.keys())
        moved += sum(place_of(before[i]) != place_of(after[i]) for i in before.keys() & after.keys())
    assert 0.3 < moved / loose < 0.5
    assert 0.06 < removed / loose < 0.14
    assert 0.06 < added / loose < 0.14


def test_what_stays_and_what_moves_keeps_its_number_and_itself(pairs):
    for house, after_edit in pairs:
        before, after = by_instance(house), by_instance(after_edit)
        for i in before.keys() & after.keys():
            assert after[i].model is before[i].model
        assert min(after.keys() - before.keys(), default=10**6) > max(before)
        for piece in after_edit.furniture:
            if piece.category in FIXED:
                assert place_of(piece) == place_of(before[piece.instance])
        assert after_edit.plan is house.plan


def test_moved_pieces_stand_elsewhere_and_what_stood_on_them_came_along(pairs):
    carried = 0
    for house, after_edit in pairs:
        before, after = by_instance(house), by_instance(after_edit)
        for i in before.keys() & after.keys():
            old, new = before[i], after[i]
            if old.on is None or old.on != new.on:
                continue
            below, where = before[old.on], after[old.on]
            offset = np.array([old.x - below.x, old.y - below.y])
            turns = (where.quarter_turns - below.quarter_turns) % 4
            turned = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), turns) @ offset
            np.testing.assert_allclose((new.x - where.x, new.y - where.y), turned, atol=2e-3)
            assert new.room == where.room
            carried += place_of(below) != place_of(where)
        for piece in after_edit.furniture:
            assert piece.on is None or piece.on in after
    assert carried > 10


def test_an_edited_house_keeps_the_rules_of_the_house(pairs):
    """Every piece could have been placed there: taken out, it fits where it was."""
    for house, after_edit in pairs:
        space = Workspace(house.plan, after_edit.furniture)
        for piece in after_edit.furniture:
            space.take(piece.instance)
            assert space.fits(piece), piece
            space.put(piece)
        assert reachable_rooms(house.plan, after_edit.furniture) == set(range(len(house.plan.rooms)))


def test_every_room_stays_within_reach_of_the_widest_body(pairs):
    for _, after_edit in pairs[:3]:
        scene = scene_of(after_edit)
        settings = PRESETS["parity"].walk_settings()
        area = NavigableArea.from_mesh(scene.vertices.astype(np.float64), scene.faces, settings)
        points = [lookout(after_edit, room).position for room in range(len(after_edit.plan.rooms))]
        assert len({area.island_of(area.stand(point, reach_m=0.2)) for point in points}) == 1


def test_the_same_edit_twice_is_the_same_and_another_seed_another():
    house = built("val", 1)
    hashes = [edit_house(house, seed).scene().content_hash for seed in (5, 5, 6)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_shares_of_zero_change_nothing_and_are_in_the_name():
    house = built("train", 0)
    same = edit_house(house, 4, moved=0.0, removed=0.0, added=0.0)
    assert same.name == "house-train-0~4-0-0-0"
    assert [place_of(p) for p in same.furniture] == [place_of(p) for p in house.furniture]
    only_removed = edit_house(house, 4, moved=0.0, removed=0.5, added=0.0)
    before, after = by_instance(house), by_instance(only_removed)
    assert after.keys() < before.keys()
    assert all(place_of(after[i]) == place_of(before[i]) for i in after)


def test_bad_shares_and_edits_of_edits_are_one_line():
    house = built("train", 0)
    with pytest.raises(SceneError, match=r"^expected the share moved from 0 to 1, got 40; 0.4 moves four"):
        edit_house(house, 0, moved=40.0)
    with pytest.raises(SceneError, match=r"^expected a house as it was made, got house-train-0~1, an edit"):
        edit_house(edited("train", 0, 1), 2)
