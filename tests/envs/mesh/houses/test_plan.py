import itertools

import pytest

from placecell.arrays import generator
from placecell.envs.mesh.houses.plan import ROOM_KINDS, WALL_M, make_plan
from placecell.envs.mesh.houses.rooms import EAST, WEST
from placecell.envs.mesh.houses.stairs import BALUSTRADE_M
from placecell.errors import SceneError

ASKED = [(rooms, 1) for rooms in range(3, 11)] + [(rooms, 2) for rooms in range(6, 11)]
SEEDS = range(8)


@pytest.fixture(scope="module")
def plans():
    return [
        make_plan(generator(seed, "plan", rooms, storeys), rooms=rooms, storeys=storeys)
        for rooms, storeys in ASKED
        for seed in SEEDS
    ]


@pytest.fixture(scope="module")
def drawn():
    """Plans of which nothing was asked."""
    return [make_plan(generator(seed, "drawn plan")) for seed in range(200)]


def holds(box, x, y, margin=0.0):
    return box[0] + margin < x < box[2] - margin and box[1] + margin < y < box[3] - margin


def graph(plan, without=()):
    """Rooms by room: doors, passages and stairs."""
    links = {i: set() for i, room in enumerate(plan.rooms) if room.kind not in without}
    pairs = [o.rooms for o in plan.openings if len(o.rooms) == 2]
    for stairs in plan.stairs:
        x, y = (stairs.box[0] + stairs.box[2]) / 2, (stairs.box[1] + stairs.box[3]) / 2
        pairs.append(tuple(i for i, room in enumerate(plan.rooms) if holds(room.box, x, y)))
    for a, b in pairs:
        if a in links and b in links:
            links[a].add(b)
            links[b].add(a)
    return links


def reached(links, start):
    seen, todo = {start}, [start]
    while todo:
        new = links[todo.pop()] - seen
        seen |= new
        todo += new
    return seen


def test_the_number_of_rooms_and_storeys_is_what_was_asked(plans):
    for plan, ((rooms, storeys), _) in zip(plans, itertools.product(ASKED, SEEDS), strict=True):
        assert len(plan.rooms) == rooms
        assert plan.storeys == storeys == len({room.storey for room in plan.rooms})
        assert len(plan.stairs) == storeys - 1
        assert len({room.name for room in plan.rooms}) == rooms
        assert {room.kind for room in plan.rooms} <= set(ROOM_KINDS)
        assert {"living_room", "bedroom", "bathroom"} <= {room.kind for room in plan.rooms}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"rooms": 2}, r"^expected a house of 3 to 10 rooms, got rooms=2; corridors and halls count"),
        ({"rooms": 11}, r"^expected a house of 3 to 10 rooms, got rooms=11; "),
        ({"storeys": 3}, r"^expected a house of 1 or 2 storeys, got storeys=3; set storeys to 1 or 2$"),
        ({"storeys": 0}, r"^expected a house of 1 or 2 storeys, got storeys=0; "),
        (
            {"rooms": 5, "storeys": 2},
            r"^expected at least 6 rooms for two storeys, got rooms=5; ask for more",
        ),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line(asked, message):
    with pytest.raises(SceneError, match=message) as caught:
        make_plan(generator(0), **asked)
    assert "\n" not in str(caught.value)


def test_a_seed_gives_one_plan_and_seeds_give_many():
    plans = [make_plan(generator(seed, "same")) for seed in range(20)]
    assert plans == [make_plan(generator(seed, "same")) for seed in range(20)]
    assert len({repr(plan) for plan in plans}) == 20


def test_rooms_have_the_sizes_people_build(plans, drawn):
    most = {"living_room": 40, "kitchen": 18, "bedroom": 21, "bathroom": 10, "laundry": 9}
    least = {"living_room": 14, "kitchen": 6.5, "bedroom": 7.5, "bathroom": 3.3, "laundry": 2.9}
    for plan in (*plans, *drawn):
        for room in plan.rooms:
            x0, y0, x1, y1 = room.inner
            short, long = sorted((x1 - x0, y1 - y0))
            assert room.area_m2 == pytest.approx(short * long)
            assert least.get(room.kind, 3) <= room.area_m2 <= most.get(room.kind, 30), room
            at_corridor = room.kind in ("corridor", "hallway")
            assert short >= (1.1 if at_corridor else 1.6)
            assert at_corridor or long <= 2.5 * short
            assert not (room.kind == "corridor" and plan.storeys == 1) or short <= 1.5
        assert 2.3 <= plan.ceiling_z(0) <= 2.8
        assert plan.floor_z(1) - plan.ceiling_z(0) > 0.1


def test_rooms_do_not_overlap(plans):
    for plan in plans:
        for a, b in itertools.combinations(plan.rooms, 2):
            apart = a.storey != b.storey or any(
                a.box[k + 2] <= b.box[k] or b.box[k + 2] <= a.box[k] for k in (0, 1)
            )
            assert apart, (a, b)


def test_openings_are_in_the_walls_of_their_rooms(plans):
    for plan in plans:
        for opening in plan.openings:
            low, high = opening.span
            along, across = opening.along, 1 - opening.along
            rooms = [plan.rooms[i] for i in opening.rooms]
            sides = set()
            for room in rooms:
                assert room.storey == opening.storey
                assert opening.across in (room.box[across], room.box[across + 2])
                sides.add(opening.across == room.box[across])
                assert room.box[along] + WALL_M / 2 + 0.1 <= low
                assert high <= room.box[along + 2] - WALL_M / 2 - 0.1
            assert len(sides) == len(rooms)
            assert len(rooms) == (2 if opening.kind in ("door", "passage") else 1)
            if opening.kind == "window":
                assert 0.2 < opening.bottom_m < opening.top_m - 0.5
            else:
                assert opening.bottom_m == 0
                assert opening.top_m >= 2.05
                assert 0.9 <= opening.width_m <= (1.0 if opening.kind != "passage" else 2.5)
            assert opening.top_m < plan.ceiling_z(0) - 0.1


def test_windows_and_the_entrance_lead_outside(plans):
    for plan in plans:
        assert sum(o.kind == "entrance" for o in plan.openings) == 1
        for opening in plan.openings:
            if opening.kind not in ("window", "entrance"):
                continue
            assert opening.kind == "window" or opening.storey == 0
            for s in (*opening.span, opening.centre):
                sides = []
                for off in (-0.2, 0.2):
                    x, y = (s, opening.across + off) if opening.along == 0 else (opening.across + off, s)
                    sides.append(sum(holds(r.box, x, y) for r in plan.rooms if r.storey == opening.storey))
                assert sorted(sides) == [0, 1]


def test_openings_of_a_wall_do_not_meet(plans):
    for plan in plans:
        for a, b in itertools.combinations(plan.openings, 2):
            if (a.storey, a.along, a.across) == (b.storey, b.along, b.across):
                assert a.span[1] + 0.05 < b.span[0] or b.span[1] + 0.05 < a.span[0]


def test_one_walks_everywhere_and_never_through_a_bathroom(plans, drawn):
    for plan in (*plans, *drawn):
        everything = graph(plan)
        assert len(reached(everything, 0)) == len(plan.rooms)
        dry = graph(plan, without=("bathroom", "laundry", "office", "gym"))
        assert len(reached(dry, next(iter(dry)))) == len(dry)
        # Bedrooms are passed only on the way to their own bathroom or nursery.
        public = graph(plan, without=("bedroom", "bathroom", "nursery"))
        assert len(reached(public, next(iter(public)))) == len(public)


def test_bathrooms_open_to_a_hall_or_a_bedroom_where_there_is_a_hall(plans):
    fine = ("corridor", "hallway", "bedroom")
    for plan in plans:
        for i, room in enumerate(plan.rooms):
            beside = {plan.rooms[j].kind for o in plan.doors_of(i) for j in o.rooms if j != i}
            if room.kind == "bathroom" and len(plan.rooms) > 4 and not beside & set(fine):
                pytest.fail(f"{room.name} opens to {beside}")


def test_people_see_daylight_where_they_live(plans):
    for plan in plans:
        for i, room in enumerate(plan.rooms):
            if room.kind in ("living_room", "bedroom", "kitchen"):
                assert plan.windows_of(i)


def test_stairs_can_be_climbed_and_left(plans):
    flights = 0
    for plan in plans:
        for stairs in plan.stairs:
            flights += 1
            x0, y0, x1, y1 = stairs.box
            going, width = (x1 - x0, y1 - y0) if stairs.heading in (EAST, WEST) else (y1 - y0, x1 - x0)
            assert going / stairs.steps >= 0.26 - 1e-9
            assert plan.storey_height_m / (stairs.steps + 1) <= 0.18
            assert width - BALUSTRADE_M >= 1.0 - 1e-9
            halls = [room for room in plan.rooms if holds(room.box, (x0 + x1) / 2, (y0 + y1) / 2)]
            assert [room.storey for room in halls] == [0, 1]
            assert {room.kind for room in halls} <= {"hallway", "corridor"}
            for room in halls:
                a, b, c, d = room.inner
                ends = (x0 - a, c - x1) if stairs.heading in (EAST, WEST) else (y0 - b, d - y1)
                sides = (y0 - b, d - y1) if stairs.heading in (EAST, WEST) else (x0 - a, c - x1)
                assert min(ends) >= 1.0
                assert min(sides) == pytest.approx(0, abs=1e-6)
                assert max(sides) >= 1.05
                at_wall = {0: c - x1, 1: d - y1, 2: x0 - a, 3: y0 - b}[stairs.wall_side]
                assert at_wall == pytest.approx(0, abs=1e-6)
            for o in plan.openings:
                assert not holds((x0 - 0.1, y0 - 0.1, x1 + 0.1, y1 + 0.1), o.x, o.y)
    assert flights == 5 * len(SEEDS)


def test_the_upper_storey_stands_on_the_lower(plans):
    for plan in plans:
        below = [room.box for room in plan.rooms if room.storey == 0]
        for room in plan.rooms:
            if room.storey == 1:
                x0, y0, x1, y1 = room.box
                for i, j in itertools.product(range(1, 20), repeat=2):
                    x, y = x0 + (x1 - x0) * i / 20, y0 + (y1 - y0) * j / 20
                    assert any(holds(box, x, y, -1e-6) for box in below)


def test_homes_vary(drawn):
    two = sum(plan.storeys == 2 for plan in drawn) / len(drawn)
    assert 0.15 < two < 0.35
    counts = {len(plan.rooms) for plan in drawn}
    assert counts == set(range(3, 11))
    doors = [sum(len(o.rooms) == 2 for o in plan.openings) + plan.storeys - 1 for plan in drawn]
    loops = [n - len(plan.rooms) + 1 for n, plan in zip(doors, drawn, strict=True)]
    assert 0.1 < sum(n > 0 for n in loops) / len(loops) < 0.9
    assert {room.kind for plan in drawn for room in plan.rooms} == set(ROOM_KINDS)
    full = []
    for plan in drawn:
        boxes = [room.box for room in plan.rooms if room.storey == 0]
        area = sum((c - a) * (d - b) for a, b, c, d in boxes)
        wide = max(box[2] for box in boxes) - min(box[0] for box in boxes)
        full.append(area / (wide * (max(box[3] for box in boxes) - min(box[1] for box in boxes))))
    assert 0.05 < sum(share > 0.97 for share in full) / len(full) < 0.95
    assert min(box for plan in drawn for room in plan.rooms for box in room.box[:2]) == 0
