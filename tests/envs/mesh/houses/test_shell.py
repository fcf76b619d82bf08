import itertools
from dataclasses import replace

import numpy as np
import pytest

from placecell.arrays import generator
from placecell.envs.body import make_body
from placecell.envs.geodesic import NavigableArea
from placecell.envs.mesh.houses.plan import make_plan
from placecell.envs.mesh.houses.shell import FIRST_INSTANCE, shell_parts
from placecell.envs.mesh.raycast import RayCaster
from placecell.envs.mesh.scene import assemble
from placecell.envs.navmesh.ground import build_ground
from placecell.errors import SceneError

ASKED = [(rooms, 1) for rooms in (3, 4, 5, 6, 7, 8, 9, 10)] + [(rooms, 2) for rooms in (6, 7, 8, 9, 10)]
UP, DOWN = np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0])


def shell(seed, split="train", *, without_doors=False, **asked):
    plan = make_plan(generator(seed, "shell", split), **asked)
    if without_doors:
        plan = replace(plan, openings=tuple(o for o in plan.openings if len(o.rooms) == 1))
    return plan, assemble("shell", shell_parts(plan, split, generator(seed, "looks", split)))


@pytest.fixture(scope="module")
def shells():
    return [shell(seed, rooms=rooms, storeys=storeys) for seed, (rooms, storeys) in enumerate(ASKED)]


@pytest.fixture(scope="module")
def drawn():
    return [shell(seed) for seed in range(16)]


def islands(plan, scene, body):
    """The islands that each room's floor lies on, and how many there are."""
    ground = build_ground(scene.vertices.astype(np.float64), scene.faces, make_body(body).walk_settings())
    x, y, z = ground.centres().T
    found = []
    for room in plan.rooms:
        x0, y0, x1, y1 = room.inner
        here = (x > x0) & (x < x1) & (y > y0) & (y < y1) & (abs(z - plan.floor_z(room.storey)) < 0.16)
        found.append(set(ground.island[here].tolist()))
    return found, NavigableArea(ground).number_of_islands


@pytest.mark.parametrize("body", ["parity", "habitat_objectnav"])
def test_every_room_on_every_storey_is_on_one_island(shells, drawn, body):
    for plan, scene in (*shells, *drawn):
        found, count = islands(plan, scene, body)
        assert found == [{0}] * len(plan.rooms)
        assert count == 1


def test_without_doors_every_room_is_its_own():
    plan, scene = shell(1, rooms=8, storeys=1, without_doors=True)
    found, count = islands(plan, scene, "parity")
    assert count == 8
    assert set.union(*found) == set(range(8))


def inside(plan, room, rng, count):
    """Points in the air of a room."""
    x0, y0, x1, y1 = room.inner
    at = rng.uniform((x0 + 0.02, y0 + 0.02, 0.1), (x1 - 0.02, y1 - 0.02, 2.2), (count, 3))
    for stairs in plan.stairs:
        if stairs.storey == room.storey:
            a, b, c, d = stairs.box
            solid = (
                (at[:, 0] > a - 0.02) & (at[:, 0] < c + 0.02) & (at[:, 1] > b - 0.02) & (at[:, 1] < d + 0.02)
            )
            at = at[~solid]
    at[:, 2] += plan.floor_z(room.storey)
    return at


def test_every_ray_from_inside_meets_something(shells):
    rng = np.random.default_rng(0)
    for plan, scene in shells:
        low, high = scene.bounds
        caster = RayCaster(scene)
        for room in plan.rooms:
            origins = inside(plan, room, rng, 2000)
            directions = rng.normal(size=origins.shape)
            directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
            distances, _ = caster.cast(origins, directions)
            assert np.isfinite(distances).all()
            ends = origins + distances[:, None] * directions
            assert (ends > low - 1e-3).all()
            assert (ends < high + 1e-3).all()


def test_no_surface_is_seen_from_behind(shells):
    """Whoever sees the back of a wall looks through a hole in another."""
    rng = np.random.default_rng(1)
    for plan, scene in shells:
        caster = RayCaster(scene)
        a, b, c = np.moveaxis(scene.vertices[scene.faces], 1, 0)
        normals = np.cross(b - a, c - a)
        for room in plan.rooms:
            origins = inside(plan, room, rng, 1000)
            directions = rng.normal(size=origins.shape)
            directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
            _, faces = caster.cast(origins, directions)
            behind = (normals[faces] * directions).sum(-1) > 1e-9
            # Only the last rise is seen from behind: from under it.
            names = {scene.categories[i] for i in scene.category_id[faces[behind]].tolist()}
            assert names <= {"stairs"}


def test_no_two_faces_lie_in_each_other(shells):
    """Level and upright faces of one plane share no area: nothing flickers."""
    for _, scene in shells:
        corners = np.round(scene.vertices[scene.faces].astype(np.float64), 3)
        for axis in range(3):
            flat = np.flatnonzero(np.ptp(corners[..., axis], axis=1) == 0)
            others = [k for k in range(3) if k != axis]
            # The middle of each triangle is in no other of its plane.
            plane = corners[flat, 0, axis]
            triangles = corners[flat][..., others]
            for at in np.unique(plane):
                here = triangles[plane == at]
                if len(here) > 1:
                    assert covered(here, here.mean(1)).sum() == len(here)


def covered(triangles, points):
    """(triangles, points): whether a point is inside, clear of the edges."""
    a, b, c = (triangles[:, None, k] for k in range(3))
    p = points[None]

    def side(u, v):
        return (v[..., 0] - u[..., 0]) * (p[..., 1] - u[..., 1]) - (v[..., 1] - u[..., 1]) * (
            p[..., 0] - u[..., 0]
        )

    signs = np.stack([side(a, b), side(b, c), side(c, a)])
    return (signs > 1e-9).all(0) | (signs < -1e-9).all(0)


def test_floors_and_treads_face_up_and_ceilings_down(shells):
    for plan, scene in shells:
        a, b, c = np.moveaxis(scene.vertices[scene.faces].astype(np.float64), 1, 0)
        normal = np.cross(b - a, c - a) / 2
        names = np.array(scene.categories)[scene.category_id]
        assert (normal[names == "floor", 2] > 0).all()
        assert (normal[names == "ceiling", 2] < 0).all()
        gone = sum((s.box[2] - s.box[0]) * (s.box[3] - s.box[1]) for s in plan.stairs)
        boxes = [((r.box[2] - r.box[0]) * (r.box[3] - r.box[1])) for r in plan.rooms]
        np.testing.assert_allclose(normal[names == "floor", 2].sum(), sum(boxes) - 2 * gone, rtol=1e-3)
        np.testing.assert_allclose(-normal[names == "ceiling", 2].sum(), sum(boxes) - gone, rtol=1e-3)
        # What else faces up (sills, skirting, the tops of frames) is too narrow to stand on.
        edges = np.stack([b - a, c - b, a - c])
        narrow = np.sort(np.linalg.norm(edges, axis=-1), axis=0)[0]
        rest = (normal[:, 2] > 1e-9) & ~np.isin(names, ["floor", "stairs"])
        assert (narrow[rest] < 0.121).all()


def test_doorways_are_clear_and_as_wide_as_they_say(shells):
    for plan, scene in shells:
        caster = RayCaster(scene)
        for opening in plan.openings:
            if opening.kind not in ("door", "passage"):
                continue
            low, high = opening.span
            s = np.linspace(low + 0.005, high - 0.005, 9)
            z = plan.floor_z(opening.storey) + np.array([0.02, 0.5, 1.2, opening.top_m - 0.02])
            grid = np.array(list(itertools.product(s, z)))
            origins = np.empty((len(grid), 3))
            origins[:, opening.along], origins[:, 2] = grid.T
            origins[:, 1 - opening.along] = opening.across - 0.3
            through = np.zeros((len(grid), 3))
            through[:, 1 - opening.along] = 1.0
            assert (caster.cast(origins, through)[0] > 0.59).all()
            beside = origins[0].copy()
            beside[opening.along] = low - 0.01
            assert caster.cast(beside[None], through[:1])[0][0] < 0.3


def test_one_walks_upright_on_the_stairs(shells):
    for plan, scene in shells:
        caster = RayCaster(scene)
        names = np.array(scene.categories)
        for stairs in plan.stairs:
            x0, y0, x1, y1 = stairs.box
            ahead = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)][stairs.heading])
            away = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)][(stairs.wall_side + 2) % 4])
            size = np.array([x1 - x0, y1 - y0])
            first = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) - ahead * size / 2 - away * size / 2
            going = abs(ahead @ size) / stairs.steps
            for k, off in itertools.product(range(stairs.steps), (0.05, 0.5, 0.95)):
                at = np.array([*(first + ahead * (k + 0.5) * going + away * off), 0.0])
                tread = (k + 1) * plan.storey_height_m / (stairs.steps + 1)
                at[2] = tread + 0.5
                down, face = caster.cast(at[None], DOWN[None])
                assert down[0] == pytest.approx(0.5, abs=2e-3)
                assert names[scene.category_id[face[0]]] == "stairs"
                assert caster.cast(at[None], UP[None])[0][0] > 1.6


def test_ids_number_what_can_be_told_apart(shells):
    for plan, scene in shells:
        assert set(scene.categories) <= {"", "wall", "floor", "ceiling", "door", "window", "stairs"}
        names = np.array(scene.categories)[scene.category_id]
        told = [o for o in plan.openings if o.kind != "passage"]
        expected = {
            FIRST_INSTANCE + k: "window" if o.kind == "window" else "door" for k, o in enumerate(told)
        }
        expected |= {FIRST_INSTANCE + len(told) + k: "stairs" for k in range(len(plan.stairs))}
        found = {int(i): set(names[scene.instance_id == i].tolist()) for i in np.unique(scene.instance_id)}
        assert found.pop(0) == {"wall", "floor", "ceiling"}
        assert found == {i: {name} for i, name in expected.items()}
        for k, opening in enumerate(told):
            mine = scene.vertices[scene.faces[scene.instance_id == FIRST_INSTANCE + k]].reshape(-1, 3)
            middle = (mine.min(0) + mine.max(0))[:2] / 2
            np.testing.assert_allclose(middle, (opening.x, opening.y), atol=0.06)


def test_windows_are_panes_and_the_entrance_is_shut(shells):
    for plan, scene in shells:
        caster, names = RayCaster(scene), np.array(scene.categories)
        for opening in plan.openings:
            if opening.kind not in ("window", "entrance"):
                continue
            x0, y0, x1, y1 = plan.rooms[opening.rooms[0]].box
            inward = np.zeros(3)
            inward[1 - opening.along] = np.sign((x0 + x1, y0 + y1)[1 - opening.along] / 2 - opening.across)
            z = plan.floor_z(opening.storey) + (opening.bottom_m + opening.top_m) / 2
            eye = np.array([opening.x, opening.y, z + 0.2]) + inward
            distance, face = caster.cast(eye[None], -inward[None])
            assert distance[0] == pytest.approx(1.0, abs=0.04)
            assert names[scene.category_id[face[0]]] == ("window" if opening.kind == "window" else "door")


def test_the_same_seed_gives_the_same_bytes_and_test_houses_look_otherwise():
    one, again = (shell(5, split="val")[1] for _ in range(2))
    assert one.content_hash == again.content_hash
    vertices = np.concatenate([p.vertices for p in shell_parts(make_plan(generator(5)), "val", generator(5))])
    np.testing.assert_array_equal(vertices, np.round(vertices, 4))
    plan = make_plan(generator(3))
    train, test = (assemble("x", shell_parts(plan, split, generator(3))) for split in ("train", "test"))
    np.testing.assert_array_equal(np.sort(train.vertices, 0), np.sort(test.vertices, 0))
    seen = {texture.tobytes() for texture in train.textures}
    assert not [t for t in test.textures if t.tobytes() in seen and len(np.unique(t)) > 80]


def test_an_unknown_split_is_said_in_one_line():
    with pytest.raises(
        SceneError, match=r"^expected a split of houses, got 'tests'; choose one of train, val"
    ):
        shell_parts(make_plan(generator(0)), "tests", generator(0))
