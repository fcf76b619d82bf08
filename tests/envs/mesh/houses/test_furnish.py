import numpy as np
import pytest
from built_houses import built

from placecell.arrays import generator
from placecell.envs.mesh.houses.categories import CATEGORIES, FURNITURE, SMALL
from placecell.envs.mesh.houses.furnish import furnish
from placecell.envs.mesh.houses.placed import Placed
from placecell.envs.mesh.houses.plan import ROOM_KINDS, Opening, Plan, Room, Stairs
from placecell.envs.mesh.houses.reach import reachable_rooms, stair_ends
from placecell.envs.mesh.houses.rules import FRONT_M, IN_FRONT, RULES, companions, rules_for
from placecell.envs.mesh.houses.spots import SOFT_EDGE_M
from placecell.errors import SceneError

HOUSES = [("train", seed) for seed in range(8)] + [("val", 0), ("val", 1)]
FACING = np.array([(0, 1), (-1, 0), (0, -1), (1, 0)])


@pytest.fixture(scope="module")
def houses():
    return [built(split, seed) for split, seed in HOUSES]


def boxes(pieces):
    """(n, 6): low corner, high corner, of the triangles themselves."""
    corners = [np.concatenate([part.vertices for part in piece.parts()]) for piece in pieces]
    return np.array([[*c.min(0), *c.max(0)] for c in corners])


def apart(a, b):
    """How far two boxes are from each other along the axis that parts them most (below 0: they overlap)."""
    return np.max([a[..., :3] - b[..., 3:], b[..., :3] - a[..., 3:]], axis=0).max(-1)


def test_nothing_intersects_and_nothing_leaves_its_room(houses):
    for house in houses:
        pieces = [p for p in house.furniture if p.category != "rug"]
        box = boxes(pieces)
        gaps = apart(box[:, None], box[None])
        gaps[np.diag_indices(len(pieces))] = 1
        index = {piece.instance: i for i, piece in enumerate(pieces)}
        for i, piece in enumerate(pieces):
            if piece.on is not None:  # shelves and rims reach around what stands on them
                gaps[i, index[piece.on]] = gaps[index[piece.on], i] = 1
        worst = np.unravel_index(gaps.argmin(), gaps.shape)
        assert gaps[worst] >= -1e-4, (house.name, pieces[worst[0]], pieces[worst[1]])
        inner = np.array([house.plan.rooms[piece.room].inner for piece in pieces])
        assert (box[:, :2] >= inner[:, :2] - 1e-4).all()
        assert (box[:, 3:5] <= inner[:, 2:] + 1e-4).all()
        for piece, (low, high) in zip(pieces, box[:, [2, 5]], strict=True):
            storey = house.plan.rooms[piece.room].storey
            assert house.plan.floor_z(storey) - 1e-4 <= low < high < house.plan.ceiling_z(storey)


def test_footprints_are_those_of_the_triangles(houses):
    for piece in houses[0].furniture:
        (low_x, low_y, low_z, high_x, high_y, high_z) = boxes([piece])[0]
        np.testing.assert_allclose(piece.footprint(), (low_x, low_y, high_x, high_y), atol=2e-3)
        np.testing.assert_allclose((piece.bottom_m, piece.top_m), (low_z, high_z), atol=2e-3)


def overlaps(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def test_doors_passages_and_stairs_stay_free(houses):
    checked = 0
    for house in houses:
        plan = house.plan
        for piece in house.furniture:
            if piece.model.stands_on != "floor" or piece.category == "rug":
                continue
            storey = plan.rooms[piece.room].storey
            for door in (o for o in plan.openings if o.kind != "window" and o.storey == storey):
                half, deep = door.width_m / 2, 0.8
                dx, dy = (half, deep) if door.along == 0 else (deep, half)
                kept = (door.x - dx, door.y - dy, door.x + dx, door.y + dy)
                # A strip reaches past the end of a wall into rooms that the door does not lead to.
                assert piece.room not in door.rooms or not overlaps(piece.footprint(), kept), piece
                checked += 1
            for stairs in plan.stairs:
                ends = [box for box, at in stair_ends(stairs) if at == storey]
                ends += [stairs.box] if storey == stairs.storey else []
                ends += [stairs.void] if storey == stairs.storey + 1 else []
                assert not any(overlaps(piece.footprint(), box) for box in ends), piece
    assert checked > 1000


def within(a, b):
    return b[0] <= a[0] and b[1] <= a[1] and a[2] <= b[2] and a[3] <= b[3]


def test_small_things_stand_on_the_surface_below_them(houses):
    checked = 0
    for house in houses:
        by_instance = {piece.instance: piece for piece in house.furniture}
        for piece in house.furniture:
            assert (piece.on is not None) == (piece.model.stands_on == "top")
            if piece.on is None:
                continue
            below = by_instance[piece.on]
            soft = 0.001 + (SOFT_EDGE_M if piece.category == "cushion" else 0.0)
            assert any(
                within(piece.footprint(-soft), surface.box) and abs(surface.z_m - piece.bottom_m) < 1e-3
                for surface in below.surfaces()
            ), (piece, below)  # fmt: skip
            assert below.room == piece.room
            checked += 1
    assert checked > 150


def back_to_wall(house, piece):
    x0, y0, x1, y1 = house.plan.rooms[piece.room].inner
    a0, b0, a1, b1 = piece.footprint()
    return (b0 - y0, x1 - a1, y1 - b1, a0 - x0)[piece.quarter_turns]


def test_pieces_stand_as_people_place_them(houses):
    seen = set()
    for house in houses:
        for piece in house.furniture:
            kind = house.plan.rooms[piece.room].kind
            if piece.category in (
                "bed",
                "wardrobe",
                "toilet",
                "bathtub",
                "sofa",
                "bookshelf",
                "stove",
                "picture",
            ):
                assert 0 <= back_to_wall(house, piece) < 0.05, piece
                seen.add(piece.category)
            if piece.category == "bed":
                assert kind == "bedroom"
            if piece.category in ("toilet", "bathtub", "shower"):
                assert kind == "bathroom"
            if piece.category == "stove":
                assert kind == "kitchen"
            if piece.category == "tv_monitor":
                assert piece.on is not None
    assert seen >= {"bed", "wardrobe", "toilet", "sofa", "stove", "picture"}


def test_chairs_face_the_table_and_the_tv_faces_the_sofa(houses):
    chairs = tvs = 0
    for house in houses:
        for room in range(len(house.plan.rooms)):
            pieces = [p for p in house.furniture if p.room == room]
            tables = [p for p in pieces if p.category in ("table", "desk")]
            for chair in (p for p in pieces if p.category == "chair"):
                ahead = FACING[chair.quarter_turns]
                looks_at = (chair.x + 0.8 * ahead[0], chair.y + 0.8 * ahead[1])
                near = [t for t in tables if overlaps((*looks_at, *looks_at), t.footprint(0.2))]
                assert near, chair
                chairs += 1
            sofas = [p for p in pieces if p.category == "sofa"]
            for stand in (p for p in pieces if p.category == "tv_stand" and sofas):
                towards = np.array([sofas[0].x - stand.x, sofas[0].y - stand.y])
                assert towards @ FACING[stand.quarter_turns] > 0.5
                tvs += 1
    assert chairs >= 12
    assert tvs >= 3


def test_fronts_stay_free(houses):
    for house in houses:
        for owner in house.furniture:
            if owner.category not in FRONT_M or owner.on is not None or owner.model.stands_on != "floor":
                continue
            ahead = FACING[owner.quarter_turns]
            deep = owner.model.depth_m / 2 + FRONT_M[owner.category] - 0.01
            spot = (owner.x + deep * ahead[0], owner.y + deep * ahead[1])
            allowed = (*IN_FRONT.get(owner.category, ()), "rug")
            for other in house.furniture:
                if (
                    other.room == owner.room
                    and other.model.stands_on == "floor"
                    and other.category not in allowed
                ):
                    assert not overlaps((*spot, *spot), other.footprint()), (owner, other)


def test_rooms_hold_several_tens_of_things_and_many_kinds(houses):
    assert all(len(house.furniture) >= 8 * len(house.plan.rooms) for house in houses)
    counts = [len(house.furniture) for house in houses]
    assert np.mean(counts) > 50
    seen = {piece.category for house in houses for piece in house.furniture}
    assert len(seen) >= 40
    assert seen <= set(CATEGORIES)


def test_kitchens_bathrooms_and_bedrooms_have_what_they_need(houses):
    needs = {
        "kitchen": {"stove", "sink", "refrigerator"}, "bathroom": {"toilet", "sink"}, "bedroom": {"bed"},
        "living_room": {"sofa"}, "dining_room": {"table"}, "office": {"desk"}, "nursery": {"crib"},
        "gym": {"gym_equipment"}, "laundry": {"washing_machine"},
    }  # fmt: skip
    for house in houses:
        for i, room in enumerate(house.plan.rooms):
            have = {piece.category for piece in house.furniture if piece.room == i}
            assert have >= needs.get(room.kind, set()), (house.name, room.name)


def test_rules_know_every_kind_of_room_and_only_known_categories():
    assert set(RULES) == set(ROOM_KINDS)
    rules = [rule for rules in RULES.values() for rule in rules]
    rules += [rule.seats for rule in rules if rule.seats is not None]
    used = {name for rule in rules for name in (*rule.categories, *rule.to)}
    assert used == {*FURNITURE, *SMALL}


def test_rules_for_and_companions_by_hand():
    assert {rule.spot.name for rule in rules_for("bed", "bedroom")} == {"WALL"}
    assert rules_for("toilet", "living_room") == ()
    assert companions("bed") >= {"nightstand", "rug", "bench"}
    assert companions("picture") == frozenset()


def plan_of(box, kind, door_m=0.9):
    """A room of its own size beside a hallway, one door between them."""
    x0, _, x1, y1 = box
    hall = Room("hallway_1", "hallway", 0, (x0, y1, max(x1, x0 + 2.5), y1 + 2.5))
    door = Opening("door", 0, (x0 + x1) / 2, y1, 0, door_m, 0.0, 2.05, (0, 1))
    return Plan((hall, Room(f"{kind}_1", kind, 0, box)), (door,))


def test_a_room_that_is_too_small_is_one_line():
    with pytest.raises(SceneError, match=r"^expected room for bed in bedroom_1, got none between its doors"):
        furnish(plan_of((0.0, 0.0, 1.6, 1.6), "bedroom"), "train", generator(0, "small"))


def test_a_door_that_is_too_narrow_is_one_line():
    plan = plan_of((0.0, 0.0, 4.0, 4.0), "bedroom", door_m=0.6)
    assert reachable_rooms(plan, ()) == {0}
    with pytest.raises(SceneError, match=r"^expected room for a way through it in \w+_1, got none"):
        furnish(plan, "train", generator(0, "narrow"))


def test_reach_sees_what_stands_in_the_way():
    plan = plan_of((0.0, 0.0, 4.0, 4.0), "bedroom")
    (bed,) = (p for p in furnish(plan, "train", generator(0, "bed")) if p.category == "bed")
    assert reachable_rooms(plan, ()) == {0, 1}
    across = [Placed(i, bed.model, 0.6 + i, 3.0, 0.0, 0, 1) for i in range(4)]
    assert reachable_rooms(plan, across) == {0}


def test_reach_goes_up_the_stairs_only_where_they_are_free():
    rooms = tuple(Room(f"hallway_{s + 1}", "hallway", s, (0.0, 0.0, 3.0, 7.0)) for s in range(2))
    stairs = Stairs((0.06, 1.5, 1.2, 5.5), 0, 1, 14, (0.06, 1.5, 1.2, 5.5), 2)
    plan = Plan(rooms, (), (stairs,), storeys=2)
    assert reachable_rooms(plan, ()) == {0, 1}
    bed = next(p for p in built("train", 0).furniture if p.category == "bed").model
    before = Placed(1, bed, 0.6, 0.7, 0.0, 1, 0)
    assert reachable_rooms(plan, [before]) == {0}
